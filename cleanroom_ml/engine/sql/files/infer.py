"""INFER_SCHEMA: the columns of one staged file."""

from __future__ import annotations

from collections.abc import Sequence

from cleanroom_ml.engine.sql.catalog import FileOptions, StagedFile
from cleanroom_ml.engine.sql.compiled import Compiled
from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.files.staged import FOREIGN, csv_arguments, options_of
from cleanroom_ml.engine.sql.tree.build import Build
from cleanroom_ml.engine.sql.types.sql_type import SqlType
from cleanroom_ml.naming import display


def compile_file(path: str, sha256: str, options: FileOptions, *, any_moment: bool = False) -> Compiled:
    """A query whose columns are the file's: to be described, not run. With `any_moment` every way to write a moment in
    a CSV file is known to it (`told_apart`). Raises SqlError for a type that is not supported.
    """
    build = Build()
    given = options_of(StagedFile(path, sha256), options)
    marker = f"'{build.marker(sha256)}'"
    kind = given.type.upper()
    if kind == "PARQUET" or kind in FOREIGN:
        sql = f"SELECT * FROM read_parquet({marker})"
    elif kind == "CSV":
        arguments = csv_arguments(given, header=given.parse_header)
        # Only what the expression `$n::DATE` can read is called a date: DuckDB would find 05/03/2024 to be one as well.
        formats = "dateformat='%Y-%m-%d'" + ("" if any_moment else ", timestampformat='%Y-%m-%d %H:%M:%S'")
        sql = f"SELECT * FROM read_csv({marker}, {arguments}, {formats}, strict_mode=false, sample_size=20480)"
    elif kind == "JSON":
        sql = f"SELECT * FROM read_json_auto({marker}, maximum_object_size=134217728)"
    else:
        raise SqlError.unsupported(f"INFER_SCHEMA of {kind[:20]} files")
    foreign = ((0, kind),) if kind in FOREIGN else ()
    return Compiled(sql, (sha256,), build.token, staged=(path,), foreign=foreign)


def told_apart(found: Sequence[SqlType], any_moment: Sequence[SqlType]) -> tuple[SqlType, ...]:
    """The types of a text file's columns, the moments with a zone told from those without one.

    DuckDB takes a moment that is not quite of the format it was given, one with a fraction for instance, for one with a
    zone, and would read it in the session's. Described without a format (`any_moment`) it has found a zone where it
    says so. A moment whose text has none is TIMESTAMP_NTZ (sql-reference/functions/infer_schema); one that has keeps
    it.
    """
    zoned = SqlType("TIMESTAMP_LTZ")
    if len(found) != len(any_moment):
        return tuple(found)
    return tuple(
        one if one != zoned else SqlType("TIMESTAMP_TZ" if other == zoned else "TIMESTAMP_NTZ")
        for one, other in zip(found, any_moment, strict=True)
    )


def inferred(
    name: str, found: SqlType, number: int, options: FileOptions, *, ignore_case: bool = False
) -> tuple[str, SqlType, str]:
    """A described column as INFER_SCHEMA gives it: (name, type, expression over `$1` or `$n`)."""
    if options.type.upper() == "CSV":
        displayed = name if options.parse_header else f"c{number + 1}"
        return displayed.upper() if ignore_case else displayed, found, f"${number + 1}::{found}"
    if ignore_case:
        member = name.upper().replace("'", "''")
        return name.upper(), found, f"GET_IGNORE_CASE ($1, '{member}')::{found}"
    return name, found, f"$1:{display(name)}::{found}"
