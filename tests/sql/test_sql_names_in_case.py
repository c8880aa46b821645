"""Columns whose names differ only in case are two columns (sql-reference/identifiers-syntax, "Double-quoted
identifiers"): DuckDB takes them for one.
"""

from __future__ import annotations

import pytest
from sql_world import World

from cleanroom_ml.engine.sql.errors import SqlError

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
