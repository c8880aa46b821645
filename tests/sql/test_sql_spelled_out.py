"""What is short for something else: PIVOT, UNPIVOT, CONNECT BY, `(+)`, ASOF JOIN, recursive tables, `* ILIKE`, the
columns of USING, and what a column without an alias is called.

Pages: sql-reference/constructs/{pivot,unpivot,connect-by,join,asof-join,with}, sql-reference/sql/select,
sql-reference/operators-query.
"""

from __future__ import annotations

import pytest
from sql_world import World

from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.resolve.stars import is_like

SALES = """(select column1 emp, column2 month, column3 amt
 from values (1,'JAN',100),(1,'FEB',200),(2,'JAN',300),(1,'JAN',50))"""
TREE = "(select column1 id, column2 parent from values (1, null), (2, 1), (3, 2), (4, 1))"
CASES = [
    (f"select * from {SALES} pivot(sum(amt) for month in ('JAN','FEB')) order by emp", [(1, 150, 200), (2, 300, None)]),
    (
        f"select jan_n, \"'FEB_N'\" from {SALES} pivot(count(amt) as n for month in ('JAN' as jan,'FEB')) order by emp",
        [(2, 1), (1, 0)],
    ),
    (
        f"select * from {SALES} pivot(sum(amt) for month in ('JAN','FEB') default on null (0)) as p (e, j, f)"
        " order by e",
        [(1, 150, 200), (2, 300, 0)],
    ),
    (
        "select * from (select 1 id, 10 a, 20 b, null::int c) unpivot (val for name in (a, b, c)) order by name",
        [(1, "A", 10), (1, "B", 20)],
    ),
    (
        "select name, val from (select 10 a, null::int b) unpivot include nulls (val for name in (a, b as x))"
        " order by 1",
        [("A", 10), ("X", None)],
    ),
    (
        f"select id, level, sys_connect_by_path(id, '/'), connect_by_root id from {TREE} start with parent is null"
        " connect by parent = prior id order by id",
        [(1, 1, "/1", 1), (2, 2, "/1/2", 1), (3, 3, "/1/2/3", 1), (4, 2, "/1/4", 1)],
    ),
    (f"select * from {TREE} start with id = 2 connect by parent = prior id order by id", [(2, 1), (3, 2)]),
    ("with r as (select 1 n union all select n + 1 from r where n < 3) select n from r order by n", [(1,), (2,), (3,)]),
    (
        "with f(n, v) as (select 1, 1 union all select n + 1, v * (n + 1) from f where n < 25) select max(v) from f",
        [(15511210043330985984000000,)],
    ),
    (
        f"select a.id, b.id from {TREE} a, {TREE} b where a.id = b.parent (+) order by 1, 2",
        [(1, 2), (1, 4), (2, 3), (3, None), (4, None)],
    ),
    (
        f"select a.id, b.id from {TREE} a asof join (select 2 id union all select 3) b match_condition (a.id >= b.id)"
        " order by 1",
        [(1, None), (2, 2), (3, 3), (4, 3)],
    ),
    ("select 1 a, 2 b union all by name select 3 b, 4 c order by a", [(1, 2, None), (None, 3, 4)]),
    ("select * ilike '%B_' from (select 1 ab1, 2 ab, 3 cb2)", [(1, 3)]),
    ("select * exclude (a) replace (b * 2 as b) rename (c as d) from (select 1 a, 2 b, 3 c)", [(4, 3)]),
    (
        "select * from (select 1 a, 2 k) l full join (select 3 k, 4 b) r using (k) order by 1",
        [(2, 1, None), (3, None, 4)],
    ),
    ("select l.*, r.* from (select 1 a, 2 k) l join (select 2 k, 4 b) r using (k)", [(1, 2, 2, 4)]),
    ("select * from (select 1 a, 2 k) l natural join (select 2 k, 4 b) r", [(2, 1, 4)]),
]
NAMES = [
    ("select 1/3, upper('abc'), 1 + 1 from orders", ["1/3", "UPPER('ABC')", "1 + 1"]),
    ("select id+1, id||'a', amount::float, id z from orders", ["ID+1", "ID||'A'", "AMOUNT::FLOAT", "Z"]),
    ("select count(*), $1, /* why */ id + 1 from orders group by all", ["COUNT(*)", "$1", "ID + 1"]),
    ("select * exclude id, id a from orders", ["AMOUNT", "A"]),
]


@pytest.mark.parametrize(("query", "expected"), CASES)
def test_what_is_short_for_something(world: World, query: str, expected: list[tuple[object, ...]]) -> None:
    assert world.query(query) == expected


@pytest.mark.parametrize(("query", "expected"), NAMES)
def test_a_column_is_called_as_it_is_written(world: World, query: str, expected: list[str]) -> None:
    assert world.names(query) == expected


@pytest.mark.parametrize(
    "query",
    [
        f"select * from {SALES} pivot(sum(amt) for month in (any order by month))",
        f"select * from {SALES} pivot(sum(amt), count(amt) for month in ('JAN'))",
        f"select * from {SALES} pivot(listagg(amt) for month in ('JAN'))",
        f"select id from {TREE} connect by nocycle parent = prior id",
        f"select a.id from {TREE} a, {TREE} b where a.id = b.parent (+) or a.id = 1",
    ],
)
def test_what_is_not_known_of_them_is_refused_by_name(world: World, query: str) -> None:
    with pytest.raises(SqlError, match="Unsupported feature"):
        world.query(query)


def test_a_star_names_columns_that_are_there(world: World) -> None:
    for query in ("select * exclude nope from orders", "select * rename (nope as x) from orders"):
        with pytest.raises(SqlError, match="invalid identifier 'NOPE'"):
            world.query(query)


@pytest.mark.attack
def test_a_pattern_of_many_signs_takes_no_longer_than_its_length() -> None:
    """A backtracking matcher would not come back from this one."""
    assert not is_like("a" * 255, "%a" * 60 + "b")
    assert is_like("a" * 255, "%a" * 60)
