"""Columns whose names differ only in case are two columns (sql-reference/identifiers-syntax, "Double-quoted
identifiers"): DuckDB takes them for one.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from sql_world import World

from cleanroom_ml.engine.sql.catalog import ContextValues, RoleValues, TableSource
from cleanroom_ml.engine.sql.compile.queries import compile_rewrite
from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.tree.build import read_as


class Account(World):
    """A session of an account: in a room nobody has roles."""

    def context(self) -> ContextValues:
        return replace(super().context(), roles=RoleValues(list, str, list, list))


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    root: Path = tmp_path_factory.mktemp("account")
    return Account(root)


@pytest.mark.attack
def test_in_a_room_they_are_refused(world: World, tmp_path: Path) -> None:
    """Policies go by names: there what DuckDB would take for another column is no column."""
    text = f'select "X" from {PAIR}'
    with pytest.raises(SqlError, match="differ only in case"):
        World(tmp_path).query(text)
    assert world.query(text) == [(2,)]


PAIR = '(select 1 as "x", 2 as "X")'


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        (f'select "X", "x" from {PAIR}', [(2, 1)]),
        ('with c as (select 1 as "x", 2 as "X") select "X" from c', [(2,)]),
        (f"select * from {PAIR}", [(1, 2)]),
        (f"select * from (select * from {PAIR})", [(1, 2)]),
        (f'select * exclude "x" from {PAIR}', [(2,)]),
        (f'select t.* from {PAIR} t where t."X" = 2 and "x" = 1 order by "X"', [(1, 2)]),
        (
            f'select "X", count(*) from ({PAIR[1:-1]} union all select 1, 3) group by "X" order by "X" desc',
            [(3, 1), (2, 1)],
        ),
        (f'select a."X", b."X" from {PAIR} a join {PAIR} b on a."x" = b."x"', [(2, 2)]),
        (f'select "x", "X" from {PAIR} union select "X", "x" from {PAIR} order by 1', [(1, 2), (2, 1)]),
        (f"select $2 from {PAIR}", [(2,)]),
        ('select "x", "X" from (select 1 as "x") a, (select 2 as "X") b where "X" = 2', [(1, 2)]),
        ('select x."b" from (select 1 as "a", 3 as "b") x join (select 1 as "A", 4 as "B") y on "a" = "A"', [(3,)]),
        ("select b from (select 1 as a, 2 as a, 3 as b)", [(3,)]),
        ("select a from (select * from (select 1 as a) x join (select 1 as a) y using (a))", [(1,)]),
        ('select c."X" from (select 1.5 as "x", 2 as "X" union all select 1, 7.25) as c order by "X"', [(2,), (7.25,)]),
    ],
)
def test_each_is_the_one_that_is_named(world: World, text: str, rows: list[tuple[object, ...]]) -> None:
    assert world.query(text) == rows


def test_they_keep_their_names(world: World) -> None:
    assert world.names(f"select * from {PAIR}") == ["x", "X"]
    assert world.names(f'select t.*, "X" as y from {PAIR} t') == ["x", "X", "Y"]


@pytest.mark.parametrize(
    ("text", "match"),
    [
        (f'select "X" from {PAIR} a, {PAIR} b', "ambiguous"),
        ("select a from (select 1 as a, 2 as a)", "ambiguous column name 'A'"),
        ("select a from (select x.*, x.a from (select 1 as a) x)", "ambiguous column name 'A'"),
        ('select X as y from (select 1 as "x", 2 as "xX")', "invalid identifier"),
        ('select id as "x", -id as "X" from people order by "X"', "differs only in case"),
        (f'select "x" from {PAIR} a join {PAIR} b using ("x")', "differ only in case"),
        (f"select * from {PAIR} a natural join {PAIR} b", "differ only in case"),
    ],
)
def test_what_would_be_mixed_up_is_refused(world: World, text: str, match: str) -> None:
    with pytest.raises(SqlError, match=match):
        world.query(text)


def test_a_table_may_have_such_columns(world: World) -> None:
    """As its objects are read, DuckDB calls the second of them another name."""
    world.table("PAIRS", 'X INT;"x" INT;Y INT', 'SELECT 1::BIGINT AS "X", 2::BIGINT AS "x", 3::BIGINT AS "Y"')
    source = world.source(("PAIRS",))
    assert isinstance(source, TableSource)
    columns = tuple(zip(("X", "x", "Y"), (kind for _, kind in source.columns), strict=True))
    world.sources[("PAIRS",)] = replace(source, columns=columns)
    assert world.query('select "x", X, y from pairs') == [(2, 1, 3)]
    assert world.query("select * from pairs") == [(1, 2, 3)]
    assert world.names("select * from pairs") == ["X", "x", "Y"]
    made = compile_rewrite(replace(source, columns=columns), [(name, kind, name) for name, kind in columns])
    assert world.run(made) == [(1, 2, 3)]
    assert read_as(["a", "A", "b", "a"]) == ["a", "A_1", "b", "a_2"]
    with pytest.raises(SqlError, match="ends in a number"):
        read_as(["a", "A", "a_1"])
