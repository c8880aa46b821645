"""What can fail has no effects: windows are ordered and parted by it (sql-reference/functions-window-syntax: by
expressions), and a column that is made of it is named by its alias.
"""

from __future__ import annotations

import duckdb
import pytest
from sql_world import World

from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.types.checks import fails

FAILING = [
    "1 / column1",
    "column1 % 2",
    "ln(column1)",
    "log(2, column1 + 1)",
    "sqrt(column1)",
    "(column1 || '')::varchar(3)",
    "to_variant(column1)",
    "{'k': column1}",
    "to_boolean(column1::float)",
    "next_day('2024-01-01'::date, decode(column1, 1, 'mo', 'tu'))",
    "to_binary('0' || column1)",
    "to_number('1' || column1, '99')",
    "time_from_parts(1, 1, 1, column1 * 1000)",
    "regexp_instr('b1', column1::varchar || 'x?')",
    "regexp_replace('a1a', 'a', 'b', 1, 2) || column1",
]


@pytest.mark.parametrize("expression", FAILING)
def test_what_may_fail_orders_windows_and_is_named_by_its_alias(world: World, expression: str) -> None:
    rows = world.answer(
        f"select {expression} as r, rank() over (partition by {expression} order by {expression}) as n"
        " from values (1), (2) where r is not null qualify count(r) over () > 0"
    )
    assert [row[1] for row in rows] == [1, 1]


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("select rank() over (order by 1 / column1) from values (0), (2)", "Division by zero"),
        ("select 1 / column1 as r from values (0), (2) where r > 0", "Division by zero"),
        ("select rank() over (order by ln(column1)) from values (0), (2)", "Invalid floating point operation"),
        ("select (column1 || 'bc')::varchar(2) as c from values ('a') where c <> ''", "would be truncated"),
    ],
)
def test_and_it_fails_all_the_same(world: World, query: str, message: str) -> None:
    with pytest.raises(SqlError, match=message):
        world.answer(query)


def test_rows_that_CASE_does_not_come_to_do_not_fail(world: World) -> None:
    assert world.answer("select iff(column1 = 0, 0, 8 / column1) from values (0), (2)") == [(0,), (4,)]


CONSTANT = [
    "1 / 0",
    "5 / (1 / 0)",
    "1 % 0",
    "ln(0)",
    "ln(ln(1))",
    "log(1, 0)",
    "sqrt(-1)",
    "'abc'::varchar(2)",
    "(1 / 0)::varchar(2)",
    "to_number('x', '99')",
    "'NaN'::float::boolean",
    "to_binary('0g')",
    "time_from_parts(1, 1, 1, 5)",
]
"""What fails without a column: DuckDB's optimizer computes it, whether a row comes to it or not."""


@pytest.mark.parametrize("failing", CONSTANT)
def test_constants_that_no_row_comes_to_do_not_fail(world: World, failing: str) -> None:
    """Conditional expressions compute what they come to (sql-reference/functions/case, iff, coalesce)."""
    for expression in (
        f"iff(id > 100, {failing}, null)",
        f"case when id < 100 then null when id = 1 then {failing} else {failing} end",
        f"iff((select count(*) from orders) > 100, {failing}, null)",
    ):
        assert world.answer(f"select {expression} is null from people") == [(True,)] * 4, expression
    assert world.answer(f"select 1 from people where id > 100 and {failing} is null") == []
    assert world.answer(f"select count({failing}), max({failing}) from people where false") == [(0, None)]
    assert world.answer(f"select iff(count(*) > 100, {failing}, null) from people") == [(None,)]
    assert world.answer(f"select distinct x from (select {failing} as x, id from people) where id > 100") == []
    assert world.answer(f"select {failing} from people limit 0") == []
    assert world.answer(f"select sum(1) over (partition by {failing} order by {failing}) from people where false") == []
    assert world.answer(f"select {failing} as r from people where r is not null and id > 100 group by r") == []


@pytest.mark.parametrize("failing", CONSTANT)
@pytest.mark.parametrize(
    "query",
    [
        "select {}",
        "select {} from people",
        "select {} is null from people",
        "select count({}) from people",
        "select count(x) from (select {} as x)",
        "select id from people order by {}",
        "select id from people where {} is null",
        "select coalesce({}, null) from people",
    ],
)
def test_and_they_fail_where_one_does(world: World, query: str, failing: str) -> None:
    with pytest.raises(SqlError):
        world.answer(query.format(failing))


@pytest.mark.parametrize(
    ("query", "rows"),
    [
        ("select iff(true, 1, 1 / 0)", [(1,)]),
        ("select coalesce(1, 1 / 0), nvl(1, 1 / 0)", [(1, 1)]),
        ("select decode(1, 1, 2, 1 / 0)", [(2,)]),
        ("select case when false then 1 / 0 else 2 end", [(2,)]),
        ("select count(*) from people where false and 1 / 0 = 1", [(0,)]),
        ("select iff($zero = 0, 0, 5 / $zero)", [(0,)]),
        ("select case when $zero <> 0 and 5 / $zero > 1 then 1 else 2 end", [(2,)]),
        ("select 1 / 0 from people where id > 100 union all select 1", [(1,)]),
        ("select distinct x from people left join (select 1 / 0 as x) on id > 100", [(None,)]),
        ("select max(iff(id > 100, 1 / 0, id)) over () from people limit 1", [(3,)]),
    ],
)
def test_nor_do_variables_and_branches(world: World, query: str, rows: list[tuple[object, ...]]) -> None:
    assert world.answer(query) == rows


def test_it_has_the_type_of_the_other_values() -> None:
    connection = duckdb.connect()
    for value in ("1.50::DECIMAL(12, 2)", "'[1]'::JSON", "DATE '2024-01-02'", "{'a': [1]}", "'x'::BLOB", "TRUE"):
        one, other = connection.sql(
            f"SELECT typeof({value}), typeof(CASE WHEN a > 9 THEN {fails('division')} ELSE {value} END)"
            " FROM range(1) t(a)"
        ).fetchall()[0]
        assert one == other
