"""PIVOT for values that only a query knows (sql-reference/constructs/pivot), and ASOF JOIN with USING
(sql-reference/constructs/asof-join).
"""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
from sql_world import World

from cleanroom_ml.engine.sql.catalog import ContextValues, RoleValues
from cleanroom_ml.engine.sql.errors import SqlError


class Account(World):
    """A session of an account: in a room nobody has roles."""

    def context(self) -> ContextValues:
        return replace(super().context(), roles=RoleValues(list, str, list, list))


ROWS = "(values (1, 10, 'JAN'), (1, 20, 'FEB'), (2, 5, 'JAN'), (2, 6, 'J''X')) sales(emp, amount, month)"


@pytest.fixture(scope="module")
def account(tmp_path_factory: pytest.TempPathFactory) -> Account:
    return Account(Path(tmp_path_factory.mktemp("world")))


@pytest.mark.parametrize(
    ("query", "names", "rows"),
    [
        (
            "select * from ROWS pivot(sum(amount) for month in (any order by month)) order by emp",
            ["EMP", "'FEB'", "'J''X'", "'JAN'"],
            [(1, 20, None, 10), (2, None, 6, 5)],
        ),
        (
            "select p.* from ROWS pivot(avg(amount) for month in (any) default on null (0)) p order by 1",
            ["EMP", "'FEB'", "'J''X'", "'JAN'"],
            [(1, Decimal(20), Decimal(0), Decimal(10)), (2, Decimal(0), Decimal(6), Decimal(5))],
        ),
        (
            "with few as (select * from ROWS where amount > 5)"
            " select * from ROWS pivot(sum(amount) for month in (select distinct month from few)) order by emp",
            ["EMP", "'FEB'", "'J''X'", "'JAN'"],
            [(1, 20, None, 10), (2, None, 6, 5)],
        ),
        (
            "select * from (select month, amount from ROWS where emp = 1) pivot(max(month) for amount in (any))",
            ["10", "20"],
            [("JAN", "FEB")],
        ),
        (
            """select emp, "'FEB'" x from ROWS pivot(count(amount) for month in (any)) order by emp""",
            ["EMP", "X"],
            None,
        ),
    ],
)
def test_the_rows_say_which_columns_there_are(
    account: Account, query: str, names: list[str], rows: list[tuple[object, ...]] | None
) -> None:
    text = query.replace("ROWS", ROWS)
    assert account.names(text) == names
    assert rows is None or account.query(text) == rows


@pytest.mark.attack
def test_in_a_room_no_value_becomes_the_name_of_a_column(world: World, account: Account) -> None:
    """What a result's columns are called, no policy of a room looks at: with the control taken away it is data."""
    query = f"select count(*) from (select * from {ROWS} pivot(sum(amount) for month in (any)))"
    with pytest.raises(SqlError, match="PIVOT for values that only a query knows"):
        world.query(query)
    assert "'FEB'" in account.names(query.replace("count(*)", "*"))


@pytest.mark.parametrize(
    ("query", "rows"),
    [
        ("select * from L asof join R match_condition (l.x >= r.x) using (k)", [(1, 5, 4, "a"), (2, 1, None, None)]),
        ("select l.k, r.v from L asof join R match_condition (l.x >= r.x) using (k)", [(1, "a"), (2, None)]),
    ],
)
def test_an_as_of_join_shows_the_columns_of_using_once(account: Account, query: str, rows: object) -> None:
    left, right = "(values (1, 5), (2, 1)) l(k, x)", "(values (1, 4, 'a'), (1, 6, 'b'), (2, 3, 'c')) r(k, x, v)"
    found = account.query(query.replace(" L ", f" {left} ").replace(" R ", f" {right} ") + " order by 1")
    assert found == rows


class Listening(World):
    """A session whose names are listened to, as those of a room are."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.called: set[str | None] = set()

    def context(self) -> ContextValues:
        return replace(super().context(), listener=self)

    def on_alias(self, alias: str, name: tuple[str, ...] | None) -> None:
        pass

    def on_column(self, column: str | None) -> None:
        self.called.add(column)


def test_an_alias_that_a_join_uses_is_told_as_one(tmp_path: Path) -> None:
    """ON may use what the SELECT calls a column: a room's policies hear of the name, and of the column by its own."""
    world = Listening(tmp_path)
    assert len(world.query("select p.id + 0 as key from people p join orders o on key = o.id")) == 5
    assert "KEY" in world.called


@pytest.mark.parametrize("group", ["rollup()", "cube()"])
def test_a_group_of_nothing_is_an_error_of_syntax(account: Account, group: str) -> None:
    with pytest.raises(SqlError, match="unexpected") as refused:
        account.query(f"select count(*) from {ROWS} group by {group}")
    assert refused.value.code == 1003
