"""Numbers that are made are random: even, and with nothing to do with each other, whichever way they were asked for."""

from __future__ import annotations

import numpy as np
import pytest
from sql_world import World

ROWS = 4000


@pytest.mark.parametrize(
    "columns",
    [
        "uniform(0::float, 1::float, random()), uniform(0::float, 1::float, random())",
        "random(), random()",
        "random(1), random(2)",
        "uniform(0, 99, random(1)), uniform(0, 99, random(2))",
        "hash(seq4(), 1), hash(seq4(), 2)",
        "normal(0, 1, random()), normal(0, 1, random())",
        "normal(0, 1, random(1)), normal(0, 1, random(2))",
        "ascii(substr(t, 1, 1)), ascii(substr(t, 2, 1))",
    ],
)
def test_columns_have_nothing_to_do_with_each_other(world: World, columns: str) -> None:
    source = f"select {columns} from (select randstr(4, random()) as t from table(generator(rowcount => {ROWS})))"
    if "substr" not in columns:
        source = f"select {columns} from table(generator(rowcount => {ROWS}))"
    first, second = np.array(world.query(source), dtype=float).T
    # Six of a million pairs of independent columns are beyond this by chance.
    limit = 4.5 / np.sqrt(ROWS)
    assert abs(np.corrcoef(first, second)[0, 1]) < limit
    assert abs(np.corrcoef(abs(first - first.mean()), abs(second - second.mean()))[0, 1]) < limit
    assert abs(np.corrcoef(first[1:], first[:-1])[0, 1]) < limit


def test_they_are_even(world: World) -> None:
    columns = "uniform(0::float, 1::float, random()), uniform(1, 6, random())"
    source = f"select {columns} from table(generator(rowcount => {ROWS}))"
    floats, dice = np.array(world.query(source), dtype=float).T
    assert np.histogram(floats, bins=10, range=(0, 1))[0] == pytest.approx(ROWS / 10, rel=0.3)
    assert set(dice) == {1, 2, 3, 4, 5, 6}
    assert np.bincount(dice.astype(int))[1:] == pytest.approx(ROWS / 6, rel=0.3)


def test_normal_numbers_are_normal(world: World) -> None:
    source = f"select normal(10, 2, random()) from table(generator(rowcount => {ROWS}))"
    values = np.array(world.query(source), dtype=float)[:, 0]
    assert values.mean() == pytest.approx(10, abs=0.2)
    assert values.std() == pytest.approx(2, rel=0.08)
    assert np.mean(abs(values - 10) < 2) == pytest.approx(0.6827, abs=0.04)
