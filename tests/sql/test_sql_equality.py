"""Values that are equal and not the same: TIMESTAMP_TZs of one moment (sql-reference/data-types-datetime), numbers of a
VARIANT (sql-reference/data-types-semistructured); and text beside a number (sql-reference/data-type-conversion).
"""

from __future__ import annotations

from pathlib import Path

import pytest
from sql_world import World

from cleanroom_ml.engine.sql.catalog import TableSource
from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.types.sql_type import parse_type


@pytest.fixture(scope="module")
def worlds(tmp_path_factory: pytest.TempPathFactory) -> World:
    return World(Path(tmp_path_factory.mktemp("world")))


BERLIN, LONDON = "'2024-01-01 11:00 +0100'::timestamp_tz", "'2024-01-01 10:00 +0000'::timestamp_tz"
MOMENTS = f"(select 1 n, {BERLIN} x union all select 2, {LONDON} union all select 4, null)"
NUMBERS = "(select 1 n, 5::variant x union all select 2, 5::double::variant union all select 4, null)"


@pytest.mark.parametrize("rows", [MOMENTS, NUMBERS])
@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("select sum(n) s, max(x) is null from ROWS group by x order by 1", [(3, False), (4, True)]),
        ("select x as y, sum(n) from ROWS t group by y having sum(n) < 4", 1),
        ("select x, sum(n) from ROWS t group by 1 order by x", 2),
        ("select t.x, sum(n) from ROWS t group by all", 2),
        ("select sum(n) s, grouping(x) from ROWS group by rollup(x) order by 1", [(3, 0), (4, 0), (7, 1)]),
        ("select x is null, sum(n) s from ROWS group by cube(x) order by s", [(False, 3), (True, 4), (True, 7)]),
        ("select distinct x from ROWS", 2),
        ("select distinct x, n > 3 as late from ROWS order by late", 2),
        ("select distinct * exclude n from ROWS", 2),
        ("select distinct t.* from (select x from ROWS) t", 2),
        ("select count(distinct x), approx_count_distinct(x) from ROWS", [(1, 1)]),
        ("select x from ROWS union select x from ROWS", 2),
        ("select x from ROWS where n = 1 except select x from ROWS where n = 2", 0),
        ("select x from ROWS where n <> 1 intersect select x from ROWS where n <> 2 order by 1", 2),
        ("select n from ROWS qualify row_number() over (partition by x order by n) = 1", 2),
        ("select max(r) from (select rank() over (order by x) r from ROWS where n < 4)", [(1,)]),
        ("select count(*) from ROWS a join ROWS b on a.x = b.x", [(4,)]),
        ("select count(*) from ROWS where x in (select x from ROWS where n = 2)", [(2,)]),
        ("select max(case x when y then 1 else 0 end) from ROWS a, (select x y from ROWS where n = 2)", [(1,)]),
        ("select count(nullif(x, y)) from ROWS a, (select x y from ROWS where n = 2)", [(0,)]),
        ("select count_if(equal_null(x, y)) from ROWS a, (select x y from ROWS where n = 2)", [(2,)]),
        ("select count_if(x is distinct from y) from ROWS a, (select x y from ROWS where n = 2)", [(1,)]),
        ("select sum(decode(x, y, 1, 0)) from ROWS a, (select x y from ROWS where n = 2)", [(2,)]),
        ("select count(distinct hash(x)) from ROWS", [(2,)]),
    ],
)
def test_equal_values_are_one(worlds: World, rows: str, query: str, expected: object) -> None:
    found = worlds.query(query.replace("ROWS", rows))
    assert (len(found) if isinstance(expected, int) else found) == expected


def test_the_most_frequent_of_moments_with_offsets_is_refused(worlds: World) -> None:
    with pytest.raises(SqlError, match="MODE of TIMESTAMP_TZ"):
        worlds.query(f"select mode(x) from {MOMENTS}")


def test_a_group_shows_one_of_its_values(worlds: World) -> None:
    rows = worlds.query(f"select x::varchar, max(n) from {MOMENTS} where n < 4 group by x")
    assert rows[0][0] in {"2024-01-01 11:00:00.000 +0100", "2024-01-01 10:00:00.000 +0000"}
    assert rows[0][1] == 2


@pytest.mark.parametrize("join", ["join {rows} b using (x)", "natural join {rows} b"])
def test_a_join_by_name_of_moments_with_offsets_is_refused(worlds: World, join: str) -> None:
    """DuckDB would tell them apart, and say nothing."""
    with pytest.raises(SqlError, match="USING and NATURAL JOIN with a TIMESTAMP_TZ"):
        worlds.query(f"select count(*) from {MOMENTS} a {join.format(rows=MOMENTS)}")


def test_moments_that_an_earlier_version_stored_are_of_utc(world: World) -> None:
    """As a moment without an offset; beside objects of this version."""
    world.table("OLD", "T TIMESTAMP_TZ", "SELECT TIMESTAMPTZ '2024-01-01 10:00:00+00' AS \"T\"")
    new = "CAST({'utc': TIMESTAMP '2024-01-01 10:00:00', 'shift': 60} AS STRUCT(utc TIMESTAMP, shift SMALLINT))"
    world.table("NEW", "T TIMESTAMP_TZ", f'SELECT {new} AS "T"')
    world.sources[("MIXED",)] = TableSource((("T", parse_type("TIMESTAMP_TZ")),), ("OLD", "NEW"), True)
    assert world.query("select t::varchar from old") == [("2024-01-01 10:00:00.000 +0000",)]
    world.parameters = {"TIMEZONE": "Asia/Tokyo"}
    rows = world.query("select t::varchar, count(*) over (partition by t) from mixed order by 1")
    assert rows == [("2024-01-01 10:00:00.000 +0000", 2), ("2024-01-01 11:00:00.000 +0100", 2)]


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        # as NUMBER(18,5), where it is no constant
        ("t = 1", True),
        ("t between 0 and 1", True),
        ("t in (1, 2)", True),
        ("case t when 1 then 'same' end", "same"),
        ("nvl(t, 0)::varchar", "1.00000"),
        ("iff(true, t, 2)::varchar", "1.00000"),
        ("greatest(0, t)::varchar", "1.00000"),
        # a constant as the number that is written
        ("coalesce('17', 1)::varchar", "17"),
        ("nvl(null, 'x')", "x"),
        ("iff(false, '2024-01-02', '2024-01-01'::date)::varchar", "2024-01-01"),
        ("typeof(coalesce(null::variant, 1))", "INTEGER"),
    ],
)
def test_text_beside_a_number_is_one(worlds: World, expression: str, expected: object) -> None:
    assert worlds.query(f"select {expression} from (select '1.000001' t)") == [(expected,)]


def test_text_that_is_no_number_fails_beside_one(worlds: World) -> None:
    """The page's own example: COALESCE('foo', 1)."""
    with pytest.raises(SqlError, match="Numeric value 'foo' is not recognized"):
        worlds.query("select coalesce('foo', 1)")
