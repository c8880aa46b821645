"""Each column type is one record, and nobody else switches on what a type is called."""

from __future__ import annotations

import ast
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest

import cleanroom_ml.engine
from cleanroom_ml.engine.protocol.bindings import parse_bindings
from cleanroom_ml.engine.protocol.rowtypes import wire_text
from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.tree import dialect
from cleanroom_ml.engine.sql.tree.dialect import parse_ast, snowflake_text
from cleanroom_ml.engine.sql.types.descriptions import described, inferred
from cleanroom_ml.engine.sql.types.kind import Document, Kept, name_of
from cleanroom_ml.engine.sql.types.record import Parameters
from cleanroom_ml.engine.sql.types.sql_type import SqlType, from_duckdb, parse_type
from cleanroom_ml.engine.sql.types.table import BY_BIND_NAME, BY_WORD, RECORDS, SNOWFLAKE_WORDS
from cleanroom_ml.engine.warehouse.arrow_types import sent_type, stored_type

ENGINE = Path(cleanroom_ml.engine.__file__).parent
TYPES = sorted(RECORDS)
KINDS = ("JSON", "TEXT", "NUM", "DATE", "TIMESTAMP", "TZ", "TIME", "INTERVAL", "BINARY", "OTHER")
"""The kinds of `types/kind.py`."""


@pytest.mark.parametrize("name", TYPES)
def test_all_that_a_record_names_exists(name: str) -> None:
    found = parse_type(name)
    assert found.name == name
    assert parse_type(str(found)) == found
    assert parse_type(described(found)) == found
    column = duckdb.sql(f"SELECT CAST(NULL AS {found.duckdb}) AS c")
    assert from_duckdb(str(column.types[0])).duckdb == found.duckdb
    given = column.to_arrow_reader(1).schema.field(0).type
    assert isinstance(sent_type(found, given), pa.DataType)
    assert pa.nulls(1, stored_type(found)).type == stored_type(found)
    assert found.wire("C")["type"] == found.wire_name
    assert inferred(found)


def test_no_word_means_two_types() -> None:
    words = [word for record in RECORDS.values() for word in (record.name, *record.synonyms, *record.given)]
    assert len(words) == len(set(words)) == len(BY_WORD)


def test_a_FLOAT_has_64_bits_whatever_is_said() -> None:
    """snowflake-connector-python, test/integ/test_dataintegrity.py::test_FLOAT declares FLOAT(67)."""
    assert parse_type("FLOAT(67)") == parse_type("FLOAT")


def test_a_type_is_found_by_every_word_for_it() -> None:
    found = {word: parse_type(word.lower()).name for word in BY_WORD}
    assert found == {word: record.name for word, record in BY_WORD.items()}


@pytest.mark.parametrize(
    ("kind", "value", "text"),
    [
        ("NUMBER", -12, "-12"),
        ("NUMBER", Decimal("1.50"), "1.50"),
        ("FLOAT", 0.5, "0.5"),
        ("BOOLEAN", True, "1"),
        ("VARCHAR", "ä", "ä"),
        ("BINARY", b"\x01\xff", "01FF"),
    ],
)
def test_what_is_written_is_read_as_the_same_when_it_is_bound(kind: str, value: object, text: str) -> None:
    found = SqlType(kind)
    assert wire_text(found.wire_name, value) == text
    bindings = parse_bindings({"1": {"type": found.logical, "value": text}})
    assert bindings is not None
    assert bindings.values == (value,)


@pytest.mark.parametrize(
    ("kind", "value", "text"),
    [
        ("date", date(1969, 12, 31), "-1"),
        ("time", time(1, 0, 0, 5), "3600.000005000"),
        ("timestamp_ntz", datetime(1969, 12, 31, 23, 59, 59, 500_000), "-0.500000000"),
        ("timestamp_ltz", datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC), "1.000000000"),
        ("timestamp_tz", datetime(1970, 1, 1, 2, tzinfo=timezone(timedelta(hours=2))), "0.000000000 1560"),
    ],
)
def test_moments_are_written_exactly(kind: str, value: object, text: str) -> None:
    assert wire_text(kind, value) == text


def test_what_can_be_bound_says_how() -> None:
    unbound = {"VARIANT", "OBJECT", "ARRAY", *(name for name in TYPES if parse_type(name).is_interval)}
    assert {record.name for record in BY_BIND_NAME.values()} == set(TYPES) - unbound


def test_only_a_type_with_a_length_has_a_longest() -> None:
    for record in RECORDS.values():
        assert (record.longest is not None) == (record.parameters is Parameters.LENGTH)


@pytest.mark.parametrize("name", TYPES)
def test_errors_call_values_of_a_kind_by_a_name_of_snowflakes(name: str) -> None:
    """sql-reference/intro-summary-data-types has the names."""
    kind = RECORDS[name].kind
    assert parse_type(name_of(kind)).kind == kind
    assert name_of(kind) == name or not isinstance(kind, Document | Kept)


def names_kinds(source: str) -> list[int]:
    """Lines of tables by kind that have another name of the type for one."""
    return [
        node.lineno
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Dict)
        for key, value in zip(node.keys, node.values, strict=True)
        if isinstance(key, ast.Name) and key.id in KINDS
        if isinstance(value, ast.Constant) and value.value in SNOWFLAKE_WORDS - {key.id}
    ]


def test_what_errors_call_a_kind_stands_in_one_place() -> None:
    assert names_kinds('NAMES = {OTHER: "BOOLEAN"}') == [1]
    places = {
        str(path.relative_to(ENGINE))
        for path in (ENGINE / "sql").rglob("*.py")
        if "types.kind import" in (source := path.read_text(encoding="utf-8")) or path.name == "kind.py"
        if names_kinds(source)
    }
    assert places == {"sql/types/kind.py"}


def switches(source: str) -> list[int]:
    """Lines of code that compare something's `name` with what a column type is called, or match it."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Compare) and isinstance(node.left, ast.Attribute) and node.left.attr == "name":
            parts = [each for part in node.comparators for each in ast.walk(part)]
            if {str(each.value) for each in parts if isinstance(each, ast.Constant)} & set(TYPES):
                found.append(node.lineno)
        if isinstance(node, ast.MatchValue) and isinstance(node.value, ast.Constant) and node.value.value in TYPES:
            found.append(node.lineno)
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and isinstance(node.func.value, ast.Dict)
        ):
            keys = {each.value for each in node.func.value.keys if isinstance(each, ast.Constant)}
            asked = [each for argument in node.args for each in ast.walk(argument) if isinstance(each, ast.Attribute)]
            if keys & set(TYPES) and any(each.attr == "name" for each in asked):
                found.append(node.lineno)
    return found


def test_nobody_else_switches_on_a_types_name() -> None:
    places = []
    for path in ENGINE.rglob("*.py"):
        source = path.read_text(encoding="utf-8")
        if ENGINE / "sql" / "types" not in path.parents and any(f'"{name}"' in source for name in TYPES):
            places += [f"{path.relative_to(ENGINE)}:{line}" for line in switches(source)]
    assert places == []


@pytest.mark.parametrize(
    "source",
    [
        'if kind.name == "NUMBER": pass',
        'if kind.name in {"VARCHAR", "BINARY"}: pass',
        'match kind.name:\n    case "FLOAT":\n        pass',
        'x = {"FLOAT": 1}.get(kind.name, 2)',
    ],
)
def test_a_switch_is_noticed(source: str) -> None:
    assert switches(source)


def test_a_type_that_sqlglot_does_not_know_is_read_as_one(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SqlError):
        parse_ast("select 1::shape(3)")
    monkeypatch.setattr(dialect, "SNOWFLAKE_WORDS", dialect.SNOWFLAKE_WORDS | {"SHAPE"})
    assert snowflake_text(parse_ast("select 1::shape(3), shape from shape")) == (
        "SELECT CAST(1 AS SHAPE(3)), shape FROM shape"
    )


@pytest.mark.parametrize(
    ("text", "length", "size"),
    [
        ("VARCHAR", 16_777_216, 16_777_216),
        ("VARCHAR(134217728)", 134_217_728, 134_217_728),
        ("BINARY(67108864)", 67_108_864, 67_108_864),
    ],
)
def test_a_length_may_be_larger_than_the_default_one(text: str, length: int, size: int) -> None:
    """sql-reference/data-types-text: VARCHAR is of 16 MB unless a larger length is named, up to 128 MB."""
    found = parse_type(text)
    assert str(found) == text
    assert (found.wire("A")["length"], found.wire("A")["byteLength"]) == (length, size)


@pytest.mark.parametrize("text", ["VARCHAR(134217729)", "BINARY(67108865)"])
def test_a_length_has_a_limit(text: str) -> None:
    with pytest.raises(ValueError, match="Invalid length"):
        parse_type(text)
