"""Staged files as a relation: columns `$1`, `$2`, … and those of user-guide/querying-metadata."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

from sqlglot import exp

from cleanroom_ml.engine.sql.catalog import FileOptions, StagedFile, StagedSource
from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.files.csv_form import HIDDEN, CsvForm, form_of
from cleanroom_ml.engine.sql.numbers import is_whole
from cleanroom_ml.engine.sql.tree.build import Build
from cleanroom_ml.engine.sql.tree.dialect import SLOT, Raw, raw
from cleanroom_ml.engine.sql.types.kind import NUM, TEXT, TIMESTAMP, Kind
from cleanroom_ml.naming import quote

_ENCODINGS: Final = {"UTF8": "utf-8", "ISO88591": "latin-1"}


STAGED_METADATA: Final[Mapping[str, Kind]] = {
    "METADATA$FILENAME": TEXT,
    "METADATA$FILE_ROW_NUMBER": NUM,
    "METADATA$FILE_CONTENT_KEY": TEXT,
    "METADATA$FILE_LAST_MODIFIED": TIMESTAMP,
    "METADATA$START_SCAN_TIME": TIMESTAMP,
}
"""Columns that every staged relation has, and `*` does not give."""
FOREIGN: Final = frozenset({"ORC", "AVRO"})
"""Formats of which a worker makes Parquet before it reads them."""
REJECTS: Final = "_rejects"
"""Where a worker finds the lines of a CSV file that are no rows of the width that was asked for."""


def staged_relation(build: Build, staged: StagedSource, width: int = 1, *, exact: bool = False) -> Raw:
    """All files of a staged source, read as its options say. CSV rows have `width` columns `$1`…, missing ones NULL;
    where they are to be `exact`, lines of another width are left out and told under `REJECTS`.

    Raises:
        SqlError: there are no files, or an option is not supported.
    """
    build.count_source()
    if staged.options.date_format is not None or staged.options.timestamp_format is not None:
        raise SqlError.unsupported("DATE_FORMAT and TIMESTAMP_FORMAT other than in COPY INTO of CSV files by position")
    if not staged.files:
        return raw(
            f"(SELECT {', '.join(_null(n) for n in range(width))}, {', '.join(map(_no_metadata, _DUCKDB))} WHERE FALSE)"
        )
    kind = staged.options.type.upper()
    foreign = kind if kind in FOREIGN else None
    kind = "PARQUET" if foreign else kind
    readers = {"PARQUET": _parquet, "JSON": _json}
    if kind not in {*readers, "CSV"}:
        raise SqlError.unsupported(f"files of type {kind[:20]}")
    selects, names = [], []
    begun = datetime.now(UTC)
    for number, file in enumerate(staged.files):
        known = file.sha256 in build.inputs
        marker = f"'{build.marker(file.sha256)}'"
        build.staged[file.path] = None
        form = _form(options_of(file, staged.options)) if kind == "CSV" else None
        made = foreign if form is None else form.text
        if known and build.foreign.get(build.inputs[file.sha256]) != made:
            raise SqlError.unsupported("a staged file that is read in two formats by one statement")
        if made:
            build.foreign[build.inputs[file.sha256]] = made
        if staged.columns is not None:
            body = _parquet_columns(marker, staged.columns)
        else:
            options = options_of(file, staged.options)
            body = _csv(marker, options, width, exact=exact) if kind == "CSV" else readers[kind](marker, options, width)
        selects.append(
            f'SELECT *, {{{2 * number}}} AS "METADATA$FILENAME", row_number() OVER () AS "METADATA$FILE_ROW_NUMBER",'
            f' {{{2 * number + 1}}} AS "METADATA$FILE_CONTENT_KEY",'
            f' {_moment(file.last_modified)} AS "METADATA$FILE_LAST_MODIFIED",'
            f" ({_moment(begun)} AT TIME ZONE 'UTC') AS \"METADATA$START_SCAN_TIME\" FROM ({body}) AS _file"
        )
        names += [exp.Literal.string(file.path), exp.Literal.string(file.md5)]
    return raw("(" + " UNION ALL ".join(selects) + ")", *names)


_NOWHERE: Final = "cleanroom: no field is this text 5f0c1d7e"
"""DuckDB asks for a text that means NULL, also where none does."""
_DUCKDB: Final[Mapping[str, str]] = {
    "METADATA$FILENAME": "VARCHAR",
    "METADATA$FILE_ROW_NUMBER": "BIGINT",
    "METADATA$FILE_CONTENT_KEY": "VARCHAR",
    "METADATA$FILE_LAST_MODIFIED": "TIMESTAMP",
    "METADATA$START_SCAN_TIME": "TIMESTAMPTZ",
}


def _no_metadata(name: str) -> str:
    return f"CAST(NULL AS {_DUCKDB[name]}) AS {quote(name)}"


def _moment(moment: datetime | None) -> str:
    """A moment in UTC."""
    if moment is None:
        return "CAST(NULL AS TIMESTAMP)"
    return f"TIMESTAMP '{moment.astimezone(UTC).replace(tzinfo=None).isoformat(sep=' ')}'"


def options_of(file: StagedFile, options: FileOptions) -> FileOptions:
    """AUTO goes by the staged file's name: the worker's descriptors have none."""
    if options.compression.upper() != "AUTO":
        return options
    suffix = file.path.rsplit(".", 1)[-1].lower()
    return replace(options, compression={"gz": "GZIP", "zst": "ZSTD"}.get(suffix, "NONE"))


def _null(number: int) -> str:
    return f'CAST(NULL AS VARCHAR) AS "${number + 1}"'


def _parquet(path: str, options: FileOptions, width: int) -> str:
    return f'SELECT to_json(_row) AS "$1" FROM (SELECT * FROM read_parquet({path})) AS _row'


def _parquet_columns(path: str, columns: tuple[str, ...]) -> str:
    """As `_parquet`, and each column under `column_of` its position. What the query does not use is not made."""
    listed = ", ".join(f"{quote(name)} AS {quote(column_of(number))}" for number, name in enumerate(columns))
    return f'SELECT to_json(_row) AS "$1", {listed} FROM (SELECT * FROM read_parquet({path})) AS _row'


def column_of(number: int) -> str:
    """The name, inside of a staged relation, of the file's column at `number`."""
    return f"_staged{number}"


def distinct(names: Sequence[str]) -> tuple[str, ...] | None:
    """The described column names of a Parquet file, where each can be read by its name; None where not.

    DuckDB takes `a` and `A` for one name and calls the second one `A_1`: such a file is read through JSON.
    """
    folded = {name.casefold() for name in names}
    if len(folded) != len(names) or not names:
        return None
    for name in names:
        base, underscore, number = name.rpartition("_")
        if (underscore and is_whole(number) and base.casefold() in folded) or "\0" in name or SLOT.search(name):
            return None
    return tuple(names)


def _json(path: str, options: FileOptions, width: int) -> str:
    """One document after the other, whatever stands between them; an array is one, unless its items are asked for
    (sql-reference/sql/create-file-format, STRIP_OUTER_ARRAY), and one with a key twice is refused unless
    ALLOW_DUPLICATE takes the last one. DuckDB's own guess takes every array apart.
    """
    documents = (
        f"FROM read_json_objects({path}, format='unstructured', compression='{_compression(options)}',"
        " maximum_object_size=134217728)"
    )
    if not options.allow_duplicate:
        documents = f"FROM (SELECT CAST(_sf_json_once(CAST(json AS VARCHAR)) AS JSON) AS json {documents}) AS _once"
    if not options.strip_outer_array:
        return f'SELECT json AS "$1" {documents}'
    items = "CASE WHEN json_type(json) = 'ARRAY' THEN json_extract(json, '$[*]') ELSE [json] END"
    return f'SELECT unnest({items}) AS "$1" {documents}'


def _csv(path: str, options: FileOptions, width: int, *, exact: bool = False) -> str:
    if options.skip_blank_lines and width == 1:
        # DuckDB leaves blank lines out of wider files itself; of one column they are indistinguishable from NULLs.
        raise SqlError.unsupported("SKIP_BLANK_LINES with files of one column")
    names = ", ".join(f"'${n + 1}': 'VARCHAR'" for n in range(width))
    form = _form(options)
    # Of several lines at once DuckDB cannot say which fields are missing where a field may hold a new line.
    lines = form is not None or bool(options.field_optionally_enclosed_by)
    reading = (
        f"strict_mode=true, ignore_errors=true, store_rejects=true, rejects_table='{REJECTS}',"
        f" rejects_scan='{REJECTS}_scan'"
        if exact
        else "strict_mode=false, null_padding=true" + ", parallel=false" * lines
    )
    how = csv_arguments(options, enclosing=form is not None)
    arguments = f"{how}, columns={{{names}}}, auto_detect=false, {reading}"
    fields = ", ".join(f'{_field(f"${n + 1}", options)} AS "${n + 1}"' for n in range(width))
    return f"SELECT {fields} FROM read_csv({path}, {arguments})"


def _field(name: str, options: FileOptions) -> str:
    """A field without the spaces around it, where they are not wanted, and NULL where its text means that."""
    field = f'"{name}"'
    if options.trim_space and not options.field_optionally_enclosed_by:  # else the worker has, around the quotes alone
        trimmed = f"trim({field})"
        field = f"CASE WHEN {trimmed} <> '' THEN {trimmed} END" if options.empty_field_as_null else trimmed
    if not options.null_if:
        return field
    return f"CASE WHEN {field} IN ({', '.join(map(_text, options.null_if))}) THEN NULL ELSE {field} END"


def _form(options: FileOptions) -> CsvForm | None:
    return form_of(options, _compression(options), _encoding(options))


def csv_arguments(options: FileOptions, *, header: bool = False, enclosing: bool = False) -> str:
    """The reading options of a CSV file as DuckDB's arguments; `header`: the first line read names the columns;
    `enclosing`: a worker has enclosed the fields that need it (`CsvForm`).
    """
    quote = options.field_optionally_enclosed_by or (HIDDEN if enclosing else "")
    escape = quote if enclosing else options.escape or quote
    skip = options.skip_header + (1 if options.parse_header and not header else 0)
    # A quoted field is never NULL for being empty (EMPTY_FIELD_AS_NULL); NULL_IF is looked at afterwards.
    nulls = f"nullstr=[{_text('' if options.empty_field_as_null else _NOWHERE)}], allow_quoted_nulls=false, "
    return (
        f"delim={_text(options.field_delimiter)}, quote={_text(quote)}, escape={_text(escape)},"
        f" header={str(header).lower()}, skip={int(skip)}, {nulls}compression='{_compression(options)}',"
        f" encoding='{_encoding(options)}', max_line_size=16777216"
    )


def _encoding(options: FileOptions) -> str:
    found = _ENCODINGS.get(options.encoding.upper().replace("-", ""))
    if found is None:
        raise SqlError.unsupported(f"encoding {options.encoding[:20]}")
    return found


def _compression(options: FileOptions) -> str:
    found = {"NONE": "none", "GZIP": "gzip", "ZSTD": "zstd"}.get(options.compression.upper())
    if found is None:
        raise SqlError.unsupported(f"compression {options.compression[:20]}")
    return found


def _text(text: str) -> str:
    if "\0" in text or SLOT.search(text):
        raise SqlError.unsupported("this character in a file format")
    return "'" + text.replace("'", "''") + "'"
