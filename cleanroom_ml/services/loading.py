"""Files of a person's own into a table: uploaded as they are, read by the target, never parsed here.

The rows arrive in a temporary table first; what becomes of the table itself is one statement, so that a file with a bad
value leaves everything as it was.
"""

from __future__ import annotations

import gzip
import hashlib
import re
import secrets
import tempfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from cleanroom_ml.connection import Connection
from cleanroom_ml.connection.literals import text
from cleanroom_ml.connection.session import Row, whole_number
from cleanroom_ml.errors import ConflictError, ServerError, UsageError
from cleanroom_ml.naming import display, quote, quote_name, split_name
from cleanroom_ml.services.file_looks import ragged, refuse_no_text, separator, shown
from cleanroom_ml.services.namespaces import in_its_schema

Kind = Literal["parquet", "csv", "json"]
IfThere = Literal["refuse", "replace", "append"]

_KINDS: dict[str, Kind] = {
    ".parquet": "parquet", ".pq": "parquet", ".csv": "csv", ".tsv": "csv",
    ".json": "json", ".jsonl": "json", ".ndjson": "json",
}  # fmt: skip
_COMPRESSED = (".gz", ".zst")
_WRITTEN: Final[dict[Kind, str]] = {
    "parquet": "pandas: frame.to_parquet(…)",
    "csv": "UTF-8, a first line with the names: iconv -f LATIN1 -t UTF-8",
    "json": "UTF-8, an object a line, or one array of objects",
}
_BARE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_TYPE = re.compile(r"[A-Za-z][A-Za-z_ ]{0,40}(?:\([0-9 ,]{1,20}\))?\Z")
_PEEKED_BYTES = 4096
_BAD_VALUES: Final = frozenset({100035, 100037, 100038, 100040, 100046, 100078, 100108})
"""Numbers of a value that is none of its column's type: a moment, a truth value, a number, a date, one that is too
large, a text that is too long, a time.
"""
_UNREADABLE: Final = frozenset({100069, 100072, 100144, 100183})
"""Numbers of a file that nothing can be made of: no JSON, a key twice, no UTF-8, damaged."""
_WIDTHS: Final = 100080
"""A line of a CSV file with another number of columns than the table has."""
_INTERNAL: Final = 603
"""The target's own error, with this file or without it (service-behaviour.md has it of either)."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """What loading did. `fresh` is False where the same files were loaded into the table before, and nothing was done.

    What became of its rows since is not known then, but that there are as many.
    `columns` are the table's, with their types; `created` names the database and schema that had to be made.
    """

    table: str
    rows: int
    fresh: bool
    columns: tuple[tuple[str, str], ...]
    created: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Source:
    """Files of one kind, and how the target is to read them."""

    files: tuple[Path, ...]
    kind: Kind
    digest: str
    array: bool
    delimiter: str

    def options(self, *, naming: bool) -> str:
        """The file format: with `naming` the one that takes a CSV file's first line for its columns' names."""
        if self.kind == "parquet":
            return "TYPE = PARQUET"
        if self.kind == "json":
            return "TYPE = JSON STRIP_OUTER_ARRAY = " + ("TRUE" if self.array else "FALSE")
        header = "PARSE_HEADER = TRUE" if naming else "SKIP_HEADER = 1"
        return f"TYPE = CSV {header} FIELD_OPTIONALLY_ENCLOSED_BY = '\"' FIELD_DELIMITER = {text(self.delimiter)}"


def load(
    connection: Connection,
    files: Sequence[Path],
    table: str,
    *,
    types: Mapping[str, str] | None = None,
    if_there: IfThere = "refuse",
    delimiter: str | None = None,
) -> Loaded:
    """Make a table of Parquet, CSV or JSON files, all of one kind; on the engine its database and schema too.

    Columns and types are what the target makes of the files; column names become upper case where they need no quotes.

    Args:
        table: DATABASE.SCHEMA.TABLE.
        types: column name → SQL type, where the target's guess is not wanted (an id with leading zeros is VARCHAR).
        if_there: what to do with a table that is there. With "refuse" one that the same files were loaded into before,
            with the same types, is left as it is.
        delimiter: what separates the fields of CSV files; None: a comma, or a tab in a file `.tsv`.

    Raises:
        UsageError: a file cannot be read, its kind is not known, it has no columns, or a name is none. A CSV file has
            one column whose name looks like several, and no `delimiter` was given.
        ConflictError: the table is there already, of other files or with other types.
        ServerError: the target refused, for a value that does not fit its column, for instance.
    """
    target = _table(table)
    source = _source(files, delimiter)
    types = types or {}
    mark = _mark(source, types, delimiter)
    scratch = f"CLEANROOM_ML_LOAD_{secrets.token_hex(6).upper()}"
    beside = quote_name((*target[:2], scratch))
    created = in_its_schema(connection, table, lambda: connection.execute(f"CREATE TEMPORARY STAGE {beside}"))
    there = _existing(connection, target)
    if there is not None and if_there == "refuse":
        columns = _columns_of(connection, target)
        _check_same(there, _displayed(target), source, mark, columns, types)
        return Loaded(_displayed(target), whole_number(there["rows"]), False, columns, created)
    _upload(connection, source, beside)
    found = _inferred(connection, source, beside, scratch, target)
    if source.kind == "csv" and len(found) == 1 and delimiter is None:
        _refuse_other_separator(source, found[0][0])
    columns = _wanted(found, types)
    rows = _into_scratch(connection, source, beside, columns)
    if there is not None and if_there == "append":
        names = ", ".join(quote(name) for name, _ in columns)
        connection.execute(f"INSERT INTO {quote_name(target)} ({names}) SELECT {names} FROM {beside}")
    else:
        create = "CREATE OR REPLACE TABLE" if there is not None else "CREATE TABLE"
        comment = text(f"{mark} rows:{rows}")
        connection.execute(f"{create} {quote_name(target)} COMMENT = {comment} AS SELECT * FROM {beside}")
    connection.execute(f"DROP TABLE {beside}")
    connection.execute(f"DROP STAGE {beside}")
    return Loaded(_displayed(target), rows, True, _columns_of(connection, target), created)


def _refuse_other_separator(source: _Source, column: str) -> None:
    other = separator(column, source.delimiter)
    if other is None:
        return
    named, given = shown(other), shown(source.delimiter)
    raise UsageError(
        f"{source.files[0].name} has one column, {column!r}",
        why=f"its fields look separated by {named}",
        fix=f"--delimiter {named}; or --delimiter {given} if it is one column",
    )


def _mark(source: _Source, types: Mapping[str, str], delimiter: str | None) -> str:
    """What the table's comment says of the load: the files by their digest, and the types that were asked for."""
    mark = f"cleanroom-ml load sha256:{source.digest}"
    asked = sorted((name.upper(), " ".join(type_.upper().split())) for name, type_ in types.items())
    asked += [] if delimiter is None else [("", delimiter)]
    return f"{mark} types:{hashlib.sha256(repr(asked).encode()).hexdigest()}" if asked else mark


def _check_same(
    there: Row,
    table: str,
    source: _Source,
    mark: str,
    columns: tuple[tuple[str, str], ...],
    types: Mapping[str, str],
) -> None:
    """Raises UsageError where a type is asked for what is no column of the files that were loaded, and ConflictError
    where the table is of other files, or these were loaded with other types.
    """
    comment, rows = str(there["comment"] or ""), whole_number(there["rows"] or 0)
    same_files = comment.startswith(f"cleanroom-ml load sha256:{source.digest} ")
    if same_files:
        _wanted(columns, types)
    if comment == f"{mark} rows:{rows}":
        return
    other_types = same_files and not comment.startswith(f"{mark} rows:")
    raise ConflictError(
        f"the table {table} is there already, with {rows:,} rows",
        why="the same files were loaded into it with other --column types, or another --delimiter"
        if other_types
        else "what is in a table is never overwritten unasked",
        fix=f"cleanroom-ml load … --as {table} --replace, or --append",
    )


def _table(name: str) -> tuple[str, ...]:
    try:
        parts = split_name(name)
    except ValueError:
        parts = ()
    if len(parts) != 3:
        raise UsageError(f"not a table: {name!r}", fix="--as DATABASE.SCHEMA.TABLE, such as ML_DB.PUBLIC.CUSTOMERS")
    return parts


def _displayed(parts: tuple[str, ...]) -> str:
    return ".".join(display(part) for part in parts)


def _source(files: Sequence[Path], delimiter: str | None) -> _Source:
    """What the files are, by their names; of a JSON file the first character is looked at as well."""
    kinds = {_kind(file) for file in files}
    if len(kinds) != 1:
        raise UsageError("files of several kinds", why="all files of one table are of one kind", fix="load them apart")
    digest = hashlib.sha256()
    for file in files:
        try:
            if not file.stat().st_size or not file.is_file():  # asked before it is opened: a fifo would wait
                raise UsageError(f"{file} is {'empty' if file.is_file() else 'not a regular file'}")
            with file.open("rb") as opened:
                digest.update(hashlib.file_digest(opened, "sha256").digest())
        except OSError as error:
            raise UsageError(f"cannot read {file}", why=error.strerror, fix="check the path") from None
    kind = kinds.pop()
    if delimiter is not None and (kind != "csv" or len(delimiter) != 1 or delimiter in '"\\\r\n\0'):
        raise UsageError(
            f"not a delimiter of {kind} files: {delimiter!r}", fix="one character, for CSV files alone: ';'"
        )
    for file in files:
        if kind != "parquet" and not file.name.lower().endswith(_COMPRESSED):
            refuse_no_text(file)
    tabs = kind == "csv" and _plain_suffix(files[0]) == ".tsv"
    array = kind == "json" and any(_begins_with_bracket(file) for file in files)
    return _Source(tuple(files), kind, digest.hexdigest(), array, delimiter or ("\t" if tabs else ","))


def _plain_suffix(file: Path) -> str:
    name = file.name.lower()
    return Path(name.removesuffix(next((end for end in _COMPRESSED if name.endswith(end)), ""))).suffix


def _kind(file: Path) -> Kind:
    found = _KINDS.get(_plain_suffix(file))
    if found is None:
        raise UsageError(
            f"{file.name}: what kind of file is it?", why=f"known by their names: {', '.join(_KINDS)}", fix="rename it"
        )
    return found


def _begins_with_bracket(file: Path) -> bool:
    """Whether a JSON file is one array of rows rather than a row a line."""
    try:
        with gzip.open(file) if file.name.lower().endswith(".gz") else file.open("rb") as opened:
            return opened.read(_PEEKED_BYTES).lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"[")
    except (OSError, EOFError, zlib.error) as error:
        raise UsageError(f"cannot read {file}", why=str(error)) from None


def _existing(connection: Connection, table: tuple[str, ...]) -> Row | None:
    rows = connection.execute(f"SHOW TABLES IN SCHEMA {quote_name(table[:2])}")
    return next((row for row in rows if row["name"] == table[2]), None)


def _columns_of(connection: Connection, table: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    rows = connection.execute(f"DESCRIBE TABLE {quote_name(table)}")
    return tuple((str(row["name"]), str(row["type"])) for row in rows)


def _upload(connection: Connection, source: _Source, stage: str) -> None:
    """Under neutral names: what a file is called here is nobody's business there, and no client mangles these."""
    with tempfile.TemporaryDirectory(prefix="cleanroom-ml-load-") as directory:
        for number, file in enumerate(source.files):
            compressed = next((end for end in _COMPRESSED if file.name.lower().endswith(end)), "")
            link = Path(directory) / f"part_{number}.{source.kind}{compressed}"
            link.symlink_to(file.absolute())
            connection.put(link, text(f"@{stage}"))


def _inferred(
    connection: Connection, source: _Source, stage: str, scratch: str, table: tuple[str, ...]
) -> tuple[tuple[str, str], ...]:
    """The columns that the target finds in the files."""
    format_name = quote_name((*table[:2], f"{scratch}_FORMAT"))
    connection.execute(f"CREATE TEMPORARY FILE FORMAT {format_name} {source.options(naming=True)}")
    location, format_ = text(f"@{stage}"), text(format_name)
    with _reported(source):
        rows = connection.execute(
            f"SELECT * FROM TABLE(INFER_SCHEMA(LOCATION => {location}, FILE_FORMAT => {format_})) ORDER BY ORDER_ID"
        )
    if not rows:
        raise UsageError(f"{source.files[0].name} has no columns", why=f"it was read as {source.kind}")
    names = [str(row["column_name"]) for row in rows]
    upper = [name.upper() if _BARE.match(name) else name for name in names]
    chosen = upper if len(set(upper)) == len(upper) else names
    return tuple((name, str(row["type"])) for name, row in zip(chosen, rows, strict=True))


def _wanted(columns: tuple[tuple[str, str], ...], types: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """The columns with the types that the person asked for."""
    known = {name.upper(): name for name, _ in columns}
    asked: dict[str, str] = {}
    for name, type_ in types.items():
        if name.upper() not in known:
            raise UsageError(f"there is no column {name!r}", why=f"the columns are {', '.join(known.values())}")
        if not _TYPE.match(type_):
            raise UsageError(f"not an SQL type: {type_!r}", fix=f"--column {name}=VARCHAR")
        asked[known[name.upper()]] = type_
    return tuple((name, asked.get(name, type_)) for name, type_ in columns)


def _into_scratch(connection: Connection, source: _Source, beside: str, columns: tuple[tuple[str, str], ...]) -> int:
    """All rows into a temporary table of the stage's name; how many there are."""
    listed = ", ".join(f"{quote(name)} {type_}" for name, type_ in columns)
    connection.execute(f"CREATE TEMPORARY TABLE {beside} ({listed})")
    by_name = "" if source.kind == "csv" else " MATCH_BY_COLUMN_NAME = CASE_INSENSITIVE"
    location = text(f"@{beside}")
    with _reported(source, columns):
        connection.execute(
            f"COPY INTO {beside} FROM {location} FILE_FORMAT = ({source.options(naming=False)}){by_name}"
        )
    return whole_number(connection.query(f"SELECT COUNT(*) FROM {beside}")[1][0][0])


def _uneven(source: _Source) -> str | None:
    for file in source.files:
        if (found := ragged(file, source.delimiter)) is not None:
            return found if len(source.files) == 1 else f"{file.name}: {found}"
    return None


@contextmanager
def _reported(source: _Source, columns: tuple[tuple[str, str], ...] = ()) -> Iterator[None]:
    """What the target says of a file that it cannot read is for those who wrote it: say what it means here."""
    try:
        yield
    except ServerError as error:
        names = ", ".join(file.name for file in source.files)
        if error.code in _BAD_VALUES and columns:
            error.why = "the columns were taken for: " + ", ".join(f"{name} {type_}" for name, type_ in columns)
            error.fix = "--column NAME=VARCHAR for the one that is something else"
        elif error.code in {*_BAD_VALUES, *_UNREADABLE, _WIDTHS}:
            error.what = f"{names}: cannot be read as {source.kind}"
            if source.kind == "csv" and (uneven := _uneven(source)) is not None:
                error.why, error.fix = (
                    uneven,
                    "mend the line (a field with a delimiter in it is quoted), or --delimiter",
                )
                raise
            error.why = "damaged, compressed in another way than the name says, or of another kind (text is UTF-8)"
            error.fix = f"write it anew ({_WRITTEN[source.kind]}), then the same command again"
        elif error.code == _INTERNAL:
            error.why = f"the target could not do it; {names} may be more than it can read at once"
            error.fix = "the same command again: nothing was loaded. If it stays so, load the file in parts"
        raise
