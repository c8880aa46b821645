"""COPY INTO from staged files: what a file format's options mean, and that Parquet columns are found by their names."""

from __future__ import annotations

import datetime
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import pytest
from sql_world import World

from cleanroom_ml.engine.sql.catalog import FileOptions, StagedFile, StagedSource, TableSource
from cleanroom_ml.engine.sql.compile.copies import compile_copy
from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.files.staged import distinct
from cleanroom_ml.engine.sql.read.classify import classify
from cleanroom_ml.engine.sql.read.copy_into import CopyInto
from cleanroom_ml.engine.sql.settings import keeping_nanoseconds
from cleanroom_ml.engine.sql.types.sql_type import parse_type
from cleanroom_ml.engine.statements.stage_reader import file_options

COPY = "copy into t from @s"
BY_NAME = "copy into t from @s match_by_column_name = {}"


def _file(world: World, name: str, content: bytes | str) -> StagedFile:
    data = content.encode() if isinstance(content, str) else content
    Path(world.path(name)).write_bytes(data)
    return StagedFile(f"{name}.csv", name)


def _parquet(world: World, query: str) -> StagedFile:
    duckdb.sql(f"COPY ({query}) TO '{world.path('staged')}' (FORMAT parquet)")
    return StagedFile("staged.parquet", "staged")


def _copied(world: World, columns: str, text: str, staged: StagedSource) -> list[tuple[Any, ...]]:
    declared = tuple((item.split()[0], parse_type(item.split(None, 1)[1])) for item in columns.split(";"))
    world.sources[("T",)] = TableSource(declared, (), True)
    statement = classify(text)
    assert isinstance(statement, CopyInto)
    return world.run(compile_copy(statement, staged, world).compiled)


def test_dates_and_spaces_are_read_as_the_format_says(world: World) -> None:
    file = _file(world, "f", " 1 , a ,05/03/2024,2024/03/05 07:08:09\n2, \\N ,06/03/2024,\n")
    options = FileOptions(
        trim_space=True, date_format="DD/MM/YYYY", timestamp_format="YYYY/MM/DD HH24:MI:SS", compression="NONE"
    )
    found = _copied(world, "A INT;B VARCHAR;C DATE;D TIMESTAMP_NTZ", COPY, StagedSource((file,), options))
    assert found == [
        (1, "a", datetime.date(2024, 3, 5), datetime.datetime(2024, 3, 5, 7, 8, 9)),
        (2, None, datetime.date(2024, 3, 6), None),
    ]


def test_an_encoding_is_applied(world: World) -> None:
    file = _file(world, "f", "é,1\n".encode("latin-1"))
    options = FileOptions(encoding="ISO-8859-1", compression="NONE")
    assert _copied(world, "A VARCHAR;B INT", COPY, StagedSource((file,), options)) == [("é", 1)]


def test_blank_lines_are_skipped(world: World) -> None:
    file = _file(world, "f", "1,2\n\n3,4\n")
    options = FileOptions(skip_blank_lines=True, compression="NONE")
    assert _copied(world, "A INT;B INT", COPY, StagedSource((file,), options)) == [(1, 2), (3, 4)]


@pytest.mark.parametrize(
    ("options", "text", "columns"),
    [
        (FileOptions(encoding="UTF16"), COPY, "A INT;B INT"),
        (FileOptions(skip_blank_lines=True), COPY, "A INT"),
        (FileOptions(date_format="DD/MM/YYYY"), "copy into t from (select $1, $2 from @s)", "A INT;B INT"),
        (FileOptions(type="PARQUET", timestamp_format="YYYY"), COPY, "A VARIANT"),
        (FileOptions(type="PARQUET"), COPY, "A INT;B INT"),
    ],
)
def test_an_option_that_is_not_applied_is_refused(world: World, options: FileOptions, text: str, columns: str) -> None:
    with pytest.raises(SqlError):
        _copied(world, columns, text, StagedSource((_file(world, "f", "1,2\n"),), options))


PARQUET = (
    "SELECT 2.5::DOUBLE AS a, 'x' AS \"Lower\", TIMESTAMP '2024-01-01 01:02:03' AS t, [1, 2] AS l, 'ab'::BLOB AS b"
)
KNOWN = ("a", "Lower", "t", "l", "b")
TARGET = "A INT;LOWER VARCHAR;T TIMESTAMP_NTZ;L ARRAY;B BINARY"


@pytest.mark.parametrize("known", [None, KNOWN])
def test_parquet_columns_come_by_name_however_they_are_read(world: World, known: tuple[str, ...] | None) -> None:
    staged = StagedSource((_parquet(world, PARQUET),), FileOptions(type="PARQUET"), known)
    text = BY_NAME.format("case_insensitive")
    assert _copied(world, "A INT;LOWER VARCHAR;T TIMESTAMP_NTZ", text, staged) == [
        (3, "x", datetime.datetime(2024, 1, 1, 1, 2, 3))
    ]
    assert _copied(world, "A INT;L ARRAY", text, staged) == [(3, "[1,2]")]
    assert _copied(world, "LOWER VARCHAR;a FLOAT", BY_NAME.format("case_sensitive"), staged) == [(None, 2.5)]
    query = 'copy into t from (select $1:a, $1:"Lower"::varchar, $1:lower, upper($1:"Lower") from @s)'
    assert _copied(world, "W FLOAT;X VARCHAR;Y VARCHAR;Z VARCHAR", query, staged) == [(2.5, "x", None, "X")]


@pytest.mark.parametrize("known", [None, ("t",)])
@pytest.mark.parametrize("declared", ["TIMESTAMP_NTZ", "TIMESTAMP_LTZ", "TIMESTAMP_TZ", "DATE"])
@pytest.mark.parametrize("text", [BY_NAME.format("case_insensitive"), "copy into t from (select $1:t from @s)"])
def test_nanoseconds_of_a_staged_file_are_never_cut(
    world: World, known: tuple[str, ...] | None, declared: str, text: str
) -> None:
    """Of a TIMESTAMP_NTZ(9) Snowflake keeps them (sql-reference/data-types-datetime)."""
    kept = _parquet(world, "SELECT TIMESTAMP_NS '2024-01-01 01:02:03.000001000' AS t")
    [(found,)] = _copied(world, f"T {declared}", text, StagedSource((kept,), FileOptions(type="PARQUET"), known))
    assert found is not None
    fine = _parquet(world, "SELECT TIMESTAMP_NS '2024-01-01 01:02:03.000000001' AS t")
    staged = StagedSource((fine,), FileOptions(type="PARQUET"), known)
    if declared != "DATE":
        with pytest.raises(Exception, match="nanoseconds"):
            _copied(world, f"T {declared}", text, staged)
    with keeping_nanoseconds():
        [(found,)] = _copied(world, f"T {declared}", text, staged)
    assert found == datetime.date(2024, 1, 1) if declared == "DATE" else found["moment_ns"] == 1


def test_binary_columns_stay_bytes_where_the_columns_are_known(world: World) -> None:
    staged = StagedSource((_parquet(world, PARQUET),), FileOptions(type="PARQUET"), KNOWN)
    assert _copied(world, "B BINARY", BY_NAME.format("case_insensitive"), staged) == [(b"ab",)]


def test_names_that_duckdb_cannot_tell_apart_are_read_through_json(world: World) -> None:
    """A file with `a` and `A`: DuckDB shows `a` and `A_1`, which might as well be a column's own name."""
    assert distinct(["a", "b"]) == ("a", "b")
    assert distinct(["a", "A_1"]) is None
    assert distinct(["a", "A"]) is None
    assert distinct(["{0}"]) is None
    assert distinct([]) is None


def test_a_file_s_column_name_is_never_sql(world: World) -> None:
    name = "x\" FROM read_csv('/etc/passwd') --"
    file = _parquet(world, 'SELECT 1 AS "' + name.replace('"', '""') + '"')
    staged = StagedSource((file,), FileOptions(type="PARQUET"), distinct([name]))
    assert _copied(world, "A INT", BY_NAME.format("case_insensitive"), staged) == [(None,)]
    quoted = name.replace('"', '""').replace("\\", "\\\\")
    assert _copied(world, "A INT", f'copy into t from (select $1:"{quoted}" from @s)', staged) == [(1,)]


@pytest.mark.parametrize(
    ("declared", "text"), [("INT", "1_000"), ("INT", "0x10"), ("NUMBER(9,2)", "0b11"), ("FLOAT", "1_0")]
)
def test_a_staged_number_is_one_of_snowflakes(world: World, declared: str, text: str) -> None:
    """sql-reference/data-types-numeric, "Numeric constants": DuckDB has more of them."""
    file = _file(world, "f", f"{text}\n")
    with pytest.raises(duckdb.Error):
        _copied(world, f"A {declared}", COPY, StagedSource((file,), FileOptions(compression="NONE")))


def test_a_staged_boolean_is_any_of_its_words(world: World) -> None:
    """sql-reference/functions/to_boolean."""
    file = _file(world, "f", "on,T\noff,n\nYES,0\n")
    found = _copied(world, "A BOOLEAN;B BOOLEAN", COPY, StagedSource((file,), FileOptions(compression="NONE")))
    assert found == [(True, True), (False, False), (True, False)]


def test_an_empty_field_is_a_text_where_the_format_says_so(world: World) -> None:
    """sql-reference/sql/create-file-format, EMPTY_FIELD_AS_NULL."""
    file = _file(world, "f", 'a,,""\n')
    for as_null, expected in ((True, ("a", None, "")), (False, ("a", "", ""))):
        options = FileOptions(field_optionally_enclosed_by='"', empty_field_as_null=as_null, compression="NONE")
        assert _copied(world, "A VARCHAR;B VARCHAR;C VARCHAR", COPY, StagedSource((file,), options)) == [expected]


def test_an_array_of_json_is_one_document_unless_its_items_are_asked_for(world: World) -> None:
    """sql-reference/sql/create-file-format, STRIP_OUTER_ARRAY: FALSE by default."""
    documents = {'[{"a":1},{"a":2}]': 1, '[{"a":1},\n{"a":2}]\n[3]\n': 2, '{"a":1}{"a":\n2} [1,2] 3': 4}
    for text, count in documents.items():
        file = _file(world, "f", text)
        options = FileOptions(type="JSON", compression="NONE")
        assert len(_copied(world, "V VARIANT", COPY, StagedSource((file,), options))) == count
    stripped = FileOptions(type="JSON", strip_outer_array=True, compression="NONE")
    assert _copied(world, "V VARIANT", COPY, StagedSource((file,), stripped)) == [
        ('{"a":1}',),
        ('{"a":2}',),
        ("1",),
        ("2",),
        ("3",),
    ]


def test_a_key_twice_is_refused_unless_it_is_allowed(world: World) -> None:
    """sql-reference/sql/create-file-format, ALLOW_DUPLICATE: FALSE by default; with TRUE the last one is kept."""
    twice = '{"a":1,"b":{"k":1,"k":2}}'
    for text, stripped in ((twice, False), (f"[{twice}]", True)):
        file = _file(world, "f", text)
        options = FileOptions(type="JSON", compression="NONE", strip_outer_array=stripped)
        with pytest.raises(duckdb.Error, match="cleanroom:json"):
            _copied(world, "V VARIANT", COPY, StagedSource((file,), options))
        allowed = replace(options, allow_duplicate=True)
        assert _copied(world, "V VARIANT", COPY, StagedSource((file,), allowed)) == [('{"a":1,"b":{"k":2}}',)]
    assert file_options({"TYPE": "JSON", "ALLOW_DUPLICATE": True}).allow_duplicate
