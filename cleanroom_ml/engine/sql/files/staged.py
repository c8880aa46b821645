"""Staged files as a relation: columns `$1`, `$2`, … and METADATA$FILENAME, METADATA$FILE_ROW_NUMBER."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from sqlglot import exp

from cleanroom_ml.engine.sql.catalog import FileOptions, StagedFile, StagedSource
from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.numbers import is_whole
from cleanroom_ml.engine.sql.tree.build import Build
from cleanroom_ml.engine.sql.tree.dialect import SLOT, Raw, raw
from cleanroom_ml.naming import quote

_ENCODINGS: Final = {"UTF8": "utf-8", "ISO88591": "latin-1"}


def staged_relation(build: Build, staged: StagedSource, width: int = 1) -> Raw:
    """All files of a staged source, read as its options say. CSV rows have `width` columns `$1`…, missing ones NULL.

    Raises:
        SqlError: there are no files, or an option is not supported.
    """
    build.count_source()
    if staged.options.date_format is not None or staged.options.timestamp_format is not None:
        raise SqlError.unsupported("DATE_FORMAT and TIMESTAMP_FORMAT other than in COPY INTO of CSV files by position")
    if not staged.files:
        return raw(
            f'(SELECT {", ".join(_null(n) for n in range(width))}, CAST(NULL AS VARCHAR) AS "METADATA$FILENAME" WHERE FALSE)'  # noqa: E501
        )
    kind = staged.options.type.upper()
    readers = {"PARQUET": _parquet, "CSV": _csv, "JSON": _json}
    if kind not in readers:
        raise SqlError.unsupported(f"files of type {kind[:20]}")
    selects, names = [], []
    for number, file in enumerate(staged.files):
        marker = f"'{build.marker(file.sha256)}'"
        build.staged[file.path] = None
        if staged.columns is not None:
            body = _parquet_columns(marker, staged.columns)
        else:
            body = readers[kind](marker, options_of(file, staged.options), width)
        selects.append(f'SELECT *, {{{number}}} AS "METADATA$FILENAME" FROM ({body}) AS _file')
        names.append(exp.Literal.string(file.path))
    return raw("(" + " UNION ALL ".join(selects) + ")", *names)


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
    layout = "array" if options.strip_outer_array else "auto"
    return (
        f"SELECT json AS \"$1\" FROM read_json_objects({path}, format='{layout}', compression='{_compression(options)}',"  # noqa: E501
        " maximum_object_size=134217728)"
    )


def _csv(path: str, options: FileOptions, width: int) -> str:
    if options.skip_blank_lines and width == 1:
        # DuckDB leaves blank lines out of wider files itself; of one column they are indistinguishable from NULLs.
        raise SqlError.unsupported("SKIP_BLANK_LINES with files of one column")
    names = ", ".join(f"'${n + 1}': 'VARCHAR'" for n in range(width))
    arguments = f"{csv_arguments(options)}, columns={{{names}}}, null_padding=true, auto_detect=false"
    if not options.trim_space:
        return f"SELECT * FROM read_csv({path}, {arguments})"
    if options.field_optionally_enclosed_by:
        raise SqlError.unsupported("TRIM_SPACE with FIELD_OPTIONALLY_ENCLOSED_BY")
    nulls = ", ".join(map(_text, _nulls(options))) or "NULL"
    trimmed = ", ".join(
        f'CASE WHEN trim("${n + 1}") IN ({nulls}) THEN NULL ELSE trim("${n + 1}") END AS "${n + 1}"'
        for n in range(width)
    )
    return f"SELECT {trimmed} FROM read_csv({path}, {arguments})"


def csv_arguments(options: FileOptions, *, header: bool = False) -> str:
    """The reading options of a CSV file as DuckDB's arguments; `header`: the first line read names the columns."""
    quote = options.field_optionally_enclosed_by or ""
    skip = options.skip_header + (1 if options.parse_header and not header else 0)
    nulls = ", ".join(map(_text, _nulls(options)))
    return (
        f"delim={_text(options.field_delimiter)}, quote={_text(quote)}, escape={_text(options.escape or quote)},"
        f" header={str(header).lower()}, skip={int(skip)}, nullstr=[{nulls}], compression='{_compression(options)}',"
        f" encoding='{_encoding(options)}', strict_mode=false, max_line_size=16777216"
    )


def _nulls(options: FileOptions) -> tuple[str, ...]:
    return (*options.null_if, *(("",) if options.empty_field_as_null else ()))


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
