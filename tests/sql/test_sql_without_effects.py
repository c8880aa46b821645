"""What can fail has no effects: windows are ordered and parted by it (sql-reference/functions-window-syntax: by
expressions), and a column that is made of it is named by its alias.
"""

from __future__ import annotations

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


def test_no_condition_holds(world: World) -> None:
    """It is a condition like others, which nothing makes true."""
    condition = fails("division", "a > 9")
    assert world.connection.sql(f"SELECT count(*) FROM range(3) AS t(a) WHERE {condition}").fetchall() == [(0,)]
