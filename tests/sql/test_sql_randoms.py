"""RANDOM() that is asked for more than once, as people sample and split data by it (sql-reference/functions/random)."""

from __future__ import annotations

import pytest
from sql_world import World

from cleanroom_ml.engine.sql.errors import SqlError

ROWS = "(select column1 as a from values (1), (2), (3), (4), (5), (6), (7), (8)) as t"


def test_rows_are_put_in_a_random_order_and_split(world: World) -> None:
    rows = world.answer(
        f"select *, row_number() over (order by random()) as n, ntile(4) over (order by random(7)) as q from {ROWS}"
    )
    assert sorted(a for a, _, _ in rows) == sorted(n for _, n, _ in rows) == list(range(1, 9))
    assert sorted(q for _, _, q in rows) == [1, 1, 2, 2, 3, 3, 4, 4]


def test_one_row_of_each_group_is_drawn(world: World) -> None:
    rows = world.answer(f"select t.* from {ROWS} qualify row_number() over (partition by a % 2 order by random()) = 1")
    assert sorted(row[0] % 2 for row in rows) == [0, 1]


def test_what_was_drawn_is_what_its_alias_names(world: World) -> None:
    rows = world.answer(
        f"select a, uniform(1, 100, random()) as r, r + 0 as same from {ROWS} where r <= 100 order by r"
    )
    assert [row[1] for row in rows] == [row[2] for row in rows] == sorted(row[1] for row in rows)
    assert len({row[1] for row in rows}) > 1


def test_a_seed_gives_the_same_order_again(world: World) -> None:
    first, second = (world.answer(f"select row_number() over (order by random(3)) from {ROWS}") for _ in range(2))
    assert first == second


@pytest.mark.parametrize(
    "query",
    [
        f"select row_number() over (order by random()) from {ROWS} join (select 1 as a) as u on t.a = u.a",
        "select uuid_string() as u where u <> ''",
    ],
)
def test_what_cannot_be_drawn_twice_is_refused_by_its_name(world: World, query: str) -> None:
    with pytest.raises(SqlError, match=r"draw (?:them|it) in a subquery"):
        world.answer(query)
