"""Random feature SQL against an independent implementation of Snowflake's rules in plain Python (feature_sql.py): 400
cases always, 200,000 with the slow tests. A case is one expression over one row, or one aggregate or window of it.
"""

from __future__ import annotations

import random
import statistics
from collections.abc import Callable, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from feature_documents import DocumentWriter, documents
from feature_sql import Expression, Row, Writer, relation, to_scale
from sql_world import World


@pytest.fixture(scope="module")
def worlds(tmp_path_factory: pytest.TempPathFactory) -> World:
    return World(Path(tmp_path_factory.mktemp("world")))


def plain(value: Any) -> str | None:
    """A value as text: of numbers every digit counts, but not which of DuckDB's types has them."""
    if value is None:
        return None
    return (
        format(Decimal(value), "f") if isinstance(value, Decimal | int) and not isinstance(value, bool) else str(value)
    )


def expressions(world: World, seed: int, rows: int, count: int, kind: type[Writer] = Writer) -> None:
    writer = kind(seed)
    given = writer.rows(rows)
    shown = relation if kind is Writer else documents
    made = [writer.expression() for _ in range(count)]
    listed = ", ".join(f"{each.sql} as x{number}" for number, each in enumerate(made))
    found = world.query(f"select r, {listed} from {shown(given)} order by r")
    for row, (_, *values) in zip(given, found, strict=True):
        for each, value in zip(made, values, strict=True):
            wanted = plain(each.value(row))
            assert plain(value) == wanted, (seed, each.sql, row, value, wanted)


def _total(values: Sequence[Decimal], scale: int) -> Any:
    return to_scale(sum(values, Decimal(0)), scale) if values else None


def _mean(values: Sequence[Decimal], scale: int) -> Any:
    return to_scale(sum(values, Decimal(0)) / len(values), max(scale, min(scale + 6, 12))) if values else None


AGGREGATES: tuple[tuple[str, Callable[[Sequence[Decimal], int], Any]], ...] = (
    ("sum({})", _total),
    ("avg({})", _mean),
    ("min({})", lambda values, scale: min(values) if values else None),
    ("max({})", lambda values, scale: max(values) if values else None),
    ("count({})", lambda values, scale: len(values)),
    ("count(distinct {})", lambda values, scale: len(set(values))),
    ("median({})", lambda values, scale: to_scale(statistics.median(values), scale + 3) if values else None),
)


def aggregates(world: World, seed: int, rows: int, count: int) -> None:
    """GROUP BY k, and the same over a window, which every row of a group has."""
    writer = Writer(seed)
    given = writer.rows(rows)
    made = [writer.number(2) for _ in range(count)]
    made = [each for each in made if each.leading + each.scale < 26]
    calls = [(template.format(each.sql), each, function) for each in made for template, function in AGGREGATES]
    listed = ", ".join(f"{sql} as x{number}" for number, (sql, _, _) in enumerate(calls))
    for group, *values in world.query(f"select k, {listed} from {relation(given)} group by k order by k"):
        inside = [row for row in given if row["K"] == group]
        for (sql, each, function), value in zip(calls, values, strict=True):
            there = [found for row in inside if (found := each.value(row)) is not None]
            assert plain(value) == plain(function(there, each.scale)), (seed, sql, group)


def _before(partition: list[Row], place: int, each: Expression) -> list[Any]:
    return [each.value(row) for row in partition[: place + 1]]


def _rank(partition: list[Row], place: int, each: Expression) -> Any:
    """NULLs are the largest values."""
    own = partition[place]["I"]
    return 1 + sum(1 for row in partition if row["I"] is not None and (own is None or row["I"] < own))


def _dense_rank(partition: list[Row], place: int, each: Expression) -> Any:
    own = partition[place]["I"]
    return 1 + len({row["I"] for row in partition if row["I"] is not None and (own is None or row["I"] < own)})


WINDOWS: tuple[tuple[str, Callable[[list[Row], int, Expression], Any]], ...] = (
    (
        "sum({x}) over (partition by k order by r rows between unbounded preceding and current row)",
        lambda rows, place, each: _total([v for v in _before(rows, place, each) if v is not None], each.scale),
    ),
    (
        "count({x}) over (partition by k order by r rows between 2 preceding and 1 preceding)",
        lambda rows, place, each: sum(v is not None for v in _before(rows, place - 1, each)[-2:]) if place else 0,
    ),
    (
        "lag({x}) over (partition by k order by r)",
        lambda rows, place, each: each.value(rows[place - 1]) if place else None,
    ),
    (
        "lead({x}, 2) over (partition by k order by r)",
        lambda rows, place, each: each.value(rows[place + 2]) if place + 2 < len(rows) else None,
    ),
    ("first_value({x}) over (partition by k order by r)", lambda rows, place, each: each.value(rows[0])),
    ("last_value({x}) over (partition by k order by r)", lambda rows, place, each: each.value(rows[-1])),
    ("row_number() over (partition by k order by r desc)", lambda rows, place, each: len(rows) - place),
    ("rank() over (partition by k order by i)", _rank),
    ("dense_rank() over (partition by k order by i)", _dense_rank),
)


def windows(world: World, seed: int, rows: int, count: int) -> None:
    writer = Writer(seed)
    given = writer.rows(rows)
    made = [each for each in (writer.number(2) for _ in range(count)) if each.leading + each.scale < 26]
    calls = [(template.format(x=each.sql), each, function) for each in made for template, function in WINDOWS]
    listed = ", ".join(f"{sql} as x{number}" for number, (sql, _, _) in enumerate(calls))
    for row, (_, *values) in zip(
        given, world.query(f"select r, {listed} from {relation(given)} order by r"), strict=True
    ):
        partition = [other for other in given if other["K"] == row["K"]]
        place = partition.index(row)
        for (sql, each, function), value in zip(calls, values, strict=True):
            assert plain(value) == plain(function(partition, place, each)), (seed, sql, row)


def joins(world: World, seed: int, rows: int) -> None:
    """How often each row of one side finds one of the other, by a key with NULLs and ties."""
    pick = random.Random(seed)
    left, right = Writer(seed).rows(rows), Writer(pick.randrange(1 << 30)).rows(rows)
    query = (
        f"select a.r, count(b.r) from {relation(left)} a left join {relation(right)} b"
        " on a.i = b.i and (a.s = b.s or a.d < b.d) group by a.r"
    )
    found = {row[0]: row[1] for row in world.query(query)}
    for row in left:
        matches = [
            other
            for other in right
            if row["I"] is not None
            and row["I"] == other["I"]
            and (
                (row["S"] is not None and row["S"] == other["S"])
                or (row["D"] is not None and other["D"] is not None and row["D"] < other["D"])
            )
        ]
        assert found[row["R"]] == len(matches), (seed, row)


def test_feature_sql_is_that_of_plain_python(worlds: World) -> None:
    expressions(worlds, 1, 12, 12)
    aggregates(worlds, 2, 20, 2)
    windows(worlds, 3, 8, 1)
    joins(worlds, 4, 20)
    expressions(worlds, 5, 10, 10, DocumentWriter)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(0, 1000, 10))
def test_much_feature_sql_is_that_of_plain_python(worlds: World, seed: int) -> None:
    """1,000 cases each: 700 expressions, and aggregates, windows and joins."""
    expressions(worlds, seed, 20, 35)
    aggregates(worlds, seed + 1, 40, 3)
    windows(worlds, seed + 2, 8, 2)
    joins(worlds, seed + 3, 30)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(0, 1000, 10))
def test_much_feature_sql_of_documents_is_that_of_plain_python(worlds: World, seed: int) -> None:
    """1,000 cases each."""
    expressions(worlds, seed, 25, 40, DocumentWriter)
