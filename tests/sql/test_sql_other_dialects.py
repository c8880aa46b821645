"""What DuckDB, or the parser, would read and Snowflake does not: it is refused, or means what its page says. Pages are
named below sql-reference.
"""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest
from sql_world import World

from cleanroom_ml.engine.sql.errors import SqlError

REFUSED = {
    "operators-comparison": ["select 1 == 1", "select 1 <=> null"],
    "operators": ["select true && false", "select 'a' ~~ 'a'", "select 5 & 3", "select 5 | 3", "select 5 ^ 3"],
    "constructs/limit": [
        "select id from people order by id limit 1, 1",
        "select id from people order by id limit 1.5",
        "select id from people order by id limit 1 + 1",
        "select id from people order by id limit -1",
        "select id from people order by id limit 'a'",
        "select id from people order by id limit 1 offset 0.5",
        "select top 1.5 id from people order by id",
    ],
    "operators-query": [
        "select 1 except all select 2",
        "select 1 minus all select 2",
        "select 1 intersect all select 1",
        "select 1 union all select 1 intersect all select 1",
    ],
    "data-type-conversion": [
        "select true::float",
        "select cast(true as double)",
        "select true::date",
        "select true::binary",
        "select '2024-01-01'::date::int",
        "select '2024-01-01'::date::boolean",
        "select '2024-01-01'::date::time",
        "select '10:00'::time::timestamp",
        "select '2024-01-01'::timestamp::float",
        "select 1::date",
        "select 1::binary",
        "select array_construct(1)::int",
        "select object_construct()::boolean",
        "select to_binary('61')::int",
    ],
    "constructs/join": [
        "select 1 from people natural join orders on true",
        "select 1 from people join table(flatten(input => parse_json('[1]'))) on true",
        "select 1 from people left join lateral flatten(input => parse_json('[1]'))",
        "select 1 from people left join table(split_to_table('a,b', ','))",
    ],
    "constructs/join, USING": [
        """select 1 from (select parse_json('"x"') a) x natural join (select 'x' a) y""",
    ],
    "constructs/from": [
        "select value from flatten(input => parse_json('[1,2]'))",
        "select p.id from people p, flatten(p.doc)",
        "select 1 from generator(rowcount => 2)",
    ],
    "functions/nth_value": [
        "select nth_value(id, 0) over (order by id) from people",
        "select nth_value(id, 1001) over (order by id) from people",
        "select nth_value(id, id) over (order by id) from people",
    ],
    "functions/ntile": ["select ntile(0) over (order by id) from people"],
    "functions/to_boolean": ["""select parse_json('"5"')::boolean"""],
    "sql/copy-into-table": ["select '1_000'::int", "select '0x10'::int", "select '0b11'::int", "select '1_0'::float"],
}
LARGEST = "99999999999999999999999999999999999999"
LONGEST = "0.1234567890123456789012345678901234567"
GIVEN = {
    "constructs/limit": [
        ("select id from people order by id limit null offset null", [(0,), (1,), (2,), (3,)]),
        ("select id from people order by id limit '' offset ''", [(0,), (1,), (2,), (3,)]),
        ("select id from people order by id limit $$$$ offset $$$$", [(0,), (1,), (2,), (3,)]),
        ("select id from people order by id limit 1 offset 1", [(1,)]),
        (f"select count(*) from (select id from people limit {LARGEST})", [(4,)]),
    ],
    "constructs/join": [  # without ON: each row with each, and those of an outer join's side that find none
        ("select count(*) from people left join orders", [(20,)]),
        ("select count(*) from people left join (select 1 as x where false) as nothing", [(4,)]),
        ("select count(*) from (select 1 as x where false) as nothing right outer join people", [(4,)]),
        ("select count(*) from people full join orders", [(20,)]),
        ("select count(*) from people join orders", [(20,)]),
    ],
    "operators-comparison": [  # a NUMBER(38,0) beside a decimal: DuckDB has no type for both
        (f"select iff({LARGEST} > 1.5, 1, 2), -{LARGEST} < 0.5, {LARGEST} = 0.5", [(1, True, False)]),
        (
            f"select {LARGEST} between 0.5 and 1, {LARGEST} in (0.5, 1), decode({LARGEST}, 0.5, 1, 2)",
            [(False, False, 2)],
        ),
        (f"select {LARGEST} > {LONGEST}, -{LARGEST} < -{LONGEST}, null::int > {LONGEST}", [(True, True, None)]),
        (f"select equal_null({LARGEST}, 0.5), nullif({LARGEST}, 0.5)", [(False, int(LARGEST))]),
        (
            f"select a from (select {LARGEST} a union all select null union all select 3) t"
            " where a > 2.5 and a not in (select 2.5::number(5,1)) order by a",
            [(Decimal(3),), (Decimal(LARGEST),)],
        ),
    ],
    "functions/to_double": [  # of a VARIANT: "the value will be preserved unchanged", "the result will be 0 or 1"
        ("select (0.1::float + 0.2::float)::variant::float", [(0.30000000000000004,)]),
        ("select parse_json('1.7976931348623157e308')::double", [(1.7976931348623157e308,)]),
        ("select as_double(1.7976931348623157e308::float::variant)", [(1.7976931348623157e308,)]),
        ("select true::variant::float, to_double(false::variant), true::variant::int", [(1.0, 0.0, 1)]),
    ],
    "functions/to_boolean": [
        (
            "select parse_json('5')::boolean, to_boolean(parse_json('0')), 0.5::float::variant::boolean",
            [(True, False, True)],
        ),
        ("""select parse_json('"yes"')::boolean, parse_json('null')::boolean""", [(True, None)]),
    ],
}


@pytest.fixture(scope="module")
def worlds(tmp_path_factory: pytest.TempPathFactory) -> World:
    return World(Path(tmp_path_factory.mktemp("world")))


@pytest.mark.parametrize("text", [text for listed in REFUSED.values() for text in listed])
def test_what_snowflake_does_not_read_is_refused(worlds: World, text: str) -> None:
    with pytest.raises(SqlError):
        worlds.answer(text)


@pytest.mark.parametrize(("text", "rows"), [each for listed in GIVEN.values() for each in listed])
def test_what_it_reads_otherwise_is_what_its_page_says(worlds: World, text: str, rows: list[tuple[object]]) -> None:
    assert worlds.answer(text) == rows
