"""INTERVAL as the type of a column: sql-reference/data-types-datetime, "Interval data types"."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path

import duckdb
import pytest
from sql_world import World

from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.tree.dialect import generate, raw
from cleanroom_ml.engine.sql.tree.kinds import as_text
from cleanroom_ml.engine.sql.types.sql_type import from_duckdb, parse_type
from cleanroom_ml.engine.sql.types.variants import TO_VARIANT
from cleanroom_ml.engine.sql.values.durations import NotAnInterval, count
from cleanroom_ml.engine.warehouse.functions import register

SECOND = 10**9
DAY = 86_400 * SECOND


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return World(Path(tmp_path_factory.mktemp("world")))


@pytest.mark.parametrize(
    ("text", "qualifier", "expected"),
    [
        # the page's table of examples
        ("+5", "YEAR", 60),
        ("+001-08", "YEAR TO MONTH", 20),
        ("-5", "MONTH", -5),
        ("14", "MONTH", 14),
        ("-44-11", "YEAR TO MONTH", -(44 * 12 + 11)),
        ("+11 10:09", "DAY TO MINUTE", 11 * DAY + (10 * 60 + 9) * 60 * SECOND),
        ("02 23:08:23.275", "DAY TO SECOND", 2 * DAY + (23 * 3600 + 8 * 60 + 23) * SECOND + 275_000_000),
        ("4.3", "SECOND", 4_300_000_000),
        # snowflake-connector-python, test_interval_types.py
        ("-999999999-11", "YEAR TO MONTH", -11_999_999_999),
        ("-99999 23:59:59.999999", "DAY TO SECOND", -99_999 * DAY - 86_399_999_999_000),
        ("0 0:0:0.0", "DAY TO SECOND", 0),
    ],
)
def test_texts_are_counts(text: str, qualifier: str, expected: int) -> None:
    assert count(text, qualifier) == expected


@pytest.mark.parametrize(
    ("text", "qualifier", "leading", "fraction"),
    [
        ("1-12", "YEAR TO MONTH", 9, 9), ("1 24:00", "DAY TO MINUTE", 9, 9), ("1:60", "MINUTE TO SECOND", 9, 9),
        ("100", "DAY", 2, 9), ("1.25", "SECOND", 9, 1), ("1", "YEAR TO MONTH", 9, 9), ("x", "DAY", 9, 9),
        ("", "DAY", 9, 9), ("1-2-3", "YEAR TO MONTH", 9, 9), ("\u0661", "DAY", 9, 9), ("1" * 200, "DAY", 9, 9),
    ],
)  # fmt: skip
def test_what_is_none_is_refused(text: str, qualifier: str, leading: int, fraction: int) -> None:
    """Also one of which digits would be lost."""
    with pytest.raises(NotAnInterval):
        count(text, qualifier, leading, fraction)


@pytest.mark.parametrize(
    ("text", "canonical", "wire"),
    [
        ("interval year(2) to month", "INTERVAL YEAR(2) TO MONTH", ("interval_year_month", 2, 0)),
        ("INTERVAL YEAR", "INTERVAL YEAR", ("interval_year_month", 9, 1)),
        ("interval month", "INTERVAL MONTH", ("interval_year_month", 9, 2)),
        ("interval day(5) to second(3)", "INTERVAL DAY(5) TO SECOND(3)", ("interval_day_time", 5, 3)),
        ("interval second(5, 6)", "INTERVAL SECOND(5, 6)", ("interval_day_time", 5, 12)),
        ("interval  hour to  minute", "INTERVAL HOUR TO MINUTE", ("interval_day_time", 9, 8)),
    ],
)
def test_types_are_read_and_told(text: str, canonical: str, wire: tuple[str, int, int]) -> None:
    """connector: `interval_util.interval_year_month_to_string` has the numbers of the types of months, snowpark:
    `type_utils.convert_sf_to_sp_type` those of the others.
    """
    found = parse_type(text)
    assert (str(found), parse_type(canonical)) == (canonical, found)
    entry = found.wire("C")
    assert (entry["type"], entry["precision"], entry["scale"]) == wire
    assert from_duckdb(found.duckdb).name == found.name


@pytest.mark.parametrize(
    "text", ["interval", "interval month to year", "interval day to month", "interval year(0)", "interval day(10)",
             "interval day to second(10)", "interval year(2, 3)", "interval day to minute(3)"]
)  # fmt: skip
def test_there_are_no_other_types(text: str) -> None:
    with pytest.raises(ValueError, match="Unsupported data type"):
        parse_type(text)


C = (
    "(select cast(column1 as interval day to second) c, column2 n"
    " from values ('1 2:3:4', 1), ('-1 0:0:0', 2), (null, 3))"
)


@pytest.mark.parametrize(
    ("query", "rows"),
    [
        (f"select n from {C} where c > (select min(c) from {C})", [(1,)]),
        (f"select n from {C} order by c nulls first", [(3,), (2,), (1,)]),
        (f"select count(c), count(distinct c), max(c) = max_by(c, -n) from {C}", [(2, 2, True)]),
        (f"select n from {C} where c is null or c in (select c from {C} where n = 2) order by n", [(2,), (3,)]),
    ],
)
def test_they_are_compared_and_ordered(world: World, query: str, rows: list[object]) -> None:
    assert world.query(query) == rows


SPANS = [
    # "Performing arithmetic by using interval data"
    ("to_date('2024-01-01') + interval '1-1' year to month", date(2025, 2, 1)),
    ("to_date('2024-01-01') + interval '-1-1' year to month", date(2022, 12, 1)),
    (
        "to_timestamp('2024-01-01 08:08:08.99') + interval '1 01:01:01.7878' day to second",
        datetime(2024, 1, 2, 9, 9, 10, 777800),
    ),
    # snowpark-python, tests/integ/test_dataframe.py::test_create_dataframe_with_day_time_interval_type and -year_month-
    ("date '2023-12-31' - interval '0-6' year to month", date(2023, 6, 30)),
    ("date '2023-01-15' + '1-6'::interval year to month", date(2024, 7, 15)),
    ("date '2023-12-31' - interval '0 06:30:15' day to second", datetime(2023, 12, 30, 17, 29, 45)),
    ("interval '1 12:00:00' day to second(3) + date '2023-01-01'", datetime(2023, 1, 2, 12)),
    ("'2022-06-30'::date + '-0 03:15:45'::interval day to second", datetime(2022, 6, 29, 20, 44, 15)),
    ("interval '2-6' year to month + interval '1-3' year to month", {"interval_year_to_month": 45}),
    ("interval '1-6' year to month - interval '3-0' year to month", {"interval_year_to_month": -18}),
    ("interval '1-6' year to month - null::interval year to month", None),
    ("null::date + interval '1-6' year to month", None),
]


@pytest.mark.parametrize(("expression", "value"), SPANS)
def test_they_are_added_and_taken_away(world: World, expression: str, value: object) -> None:
    assert world.query(f"select {expression}") == [(value,)]


@pytest.mark.parametrize(
    ("expression", "said"),
    [
        ("interval '1-12' year to month", "Interval '1-12' is not recognized"),
        ("interval '1' month to year", "no type INTERVAL MONTH TO YEAR"),
        ("interval '1-1' year to month + interval '1 01:00:00' day to second", "cast one to the type of the other"),
        ("date '2024-01-01' + '1'::interval day", "INTERVAL DAY"),
    ],
)
def test_what_is_no_interval_is_called_so(world: World, expression: str, said: str) -> None:
    with pytest.raises(SqlError, match=said):
        world.query(f"select {expression}")


@pytest.mark.attack
@pytest.mark.parametrize(
    "expression",
    ["c::varchar", "c || ''", "to_variant(c)", "object_construct('a', c)", "array_agg(c)", "coalesce(c, c)::varchar",
     "iff(n > 1, c, c)::text", "c + 1", "c * 2", "1 - c",
     "c - current_date()", "c + '1'::interval hour to second", "c || c", "sum(c)", "c::int", "c::timestamp",
     "to_char(c)", "md5(c)",
     "c::interval hour", "try_cast('1' as interval day)", "concat('a', c)", "listagg(c)",
     "lead(c) over (order by n) || ''", "parse_json('1')::interval day", "1::interval day", "upper(c)", "length(c)",
     "split(c, 'x')"],
)  # fmt: skip
def test_nothing_is_computed_with_them(world: World, expression: str) -> None:
    """Their form in DuckDB never becomes a text, a number or a document."""
    with pytest.raises((SqlError, duckdb.Error)):
        world.query(f"select {expression} x from {C}")


@pytest.mark.attack
def test_where_nothing_is_known_of_a_value_its_type_says_it(world: World) -> None:
    """What a text or a VARIANT is made of where translation does not know its kind."""
    value = "CAST(struct_pack(interval_year := 12) AS STRUCT(interval_year BIGINT))"
    world.registered = register(world.connection, TO_VARIANT, world.registered)
    text = generate(as_text(raw(value)))
    for expression in (TO_VARIANT.replace("{0}", value), text.replace("_sf_variant_text", "lower")):
        with pytest.raises(duckdb.Error, match="cleanroom:interval"):
            world.connection.sql(f"SELECT {expression}").fetchall()
