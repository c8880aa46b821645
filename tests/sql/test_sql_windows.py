"""Windows and aggregates: expected values are of the pages sql-reference/functions/<name> and
sql-reference/functions-window-syntax (a window without a frame is the whole partition for FIRST_VALUE, LAST_VALUE and
NTH_VALUE, what came so far for the others).
"""

from __future__ import annotations

from decimal import Decimal

import duckdb
import pytest
from sql_world import World

from cleanroom_ml.engine.sql.errors import SqlError

W = "(select column1 k, column2 o, column3 x from values (1,1,10),(1,2,20),(1,3,30),(2,1,5),(2,2,null),(2,3,15))"
PROVINCES = """(select column1 province, column2 o_col from values ('Alberta',0),('Alberta',0),('Alberta',13),
 ('Alberta',13),('Alberta',14),('Alberta',15),('Alberta',null),('Manitoba',30))"""
CASES = [
    # first_value, last_value, nth_value: the whole partition
    (f"select nth_value(x,2) over (partition by k order by o) from {W} where k=1", [20, 20, 20]),
    (f"select last_value(x) over (partition by k order by o) from {W} where k=1", [30, 30, 30]),
    (f"select last_value(x) ignore nulls over (partition by k order by o desc) from {W} where k=2", [5, 5, 5]),
    (f"select first_value(x) ignore nulls over (order by iff(x=5,null,x)) from {W} where k=2", [15, 15, 15]),
    (
        f"select last_value(x) over (order by o rows between unbounded preceding and current row) from {W} where k=1",
        [10, 20, 30],
    ),
    (f"select sum(x) over (order by o) from {W} where k=1", [10, 30, 60]),
    (f"select avg(x) over (partition by k order by o) from {W} where k=1", [Decimal(10), Decimal(15), Decimal(20)]),
    # user-guide/functions-window-using: with OVER three digits more than the column has, and cut; without OVER rounded
    ("select avg(column1::number(7,2)) over () from values (1), (2), (2)", [Decimal("1.66666")] * 3),
    ("select avg(-column1) over () from values (1), (2), (2)", [Decimal("-1.666")] * 3),
    (
        "select avg(column1) over () from values (12345678901234567890), (2), (2)",
        [Decimal("4115226300411522631.333")] * 3,
    ),
    ("select avg(column1::number(7,2)) from values (1), (2), (2)", [Decimal("1.66666667")]),
    (f"select lag(x, 1, 0) over (order by o) from {W} where k=1", [0, 10, 20]),
    (
        f"select ratio_to_report(x) over () from {W} where k=1",
        [Decimal("0.166667"), Decimal("0.333333"), Decimal("0.5")],
    ),
    (f"select o from {W} where k=1 qualify last_value(o) over (order by o) = o", [3]),
    # conditional_change_event: the page's example, NULL is no change
    (
        f"select conditional_change_event(o_col) over (partition by province order by o_col) e from {PROVINCES} order by province, o_col",  # noqa: E501
        [0, 0, 1, 1, 2, 3, 3, 0],
    ),
    (
        f"select conditional_true_event(o_col) over (partition by province order by o_col) e from {PROVINCES} order by province, o_col",  # noqa: E501
        [0, 0, 1, 2, 3, 4, 4, 1],
    ),
    # max_by, min_by: NULL of the value is one, of what is ordered by none; a third argument: an ARRAY
    ("select max_by(column1, column2) from values ('x', 1), (null, 2), ('y', null)", [None]),
    (f"select max_by(o, x, 2) from {W} where k=1", ["[3,2]"]),
    # object_agg: NULLs are left out; count: rows in which nothing is NULL
    ("select object_agg(column1, column2) from values ('b', 1), ('a', 2), ('c', null)", ['{"a":2,"b":1}']),
    (f"select count(t.*) from {W} t", [5]),
    (f"select count(k, x) from {W}", [5]),
    (f"select approx_count_distinct(k, o) from {W}", [6]),
    (f"select sum(x) filter (where k = 1) from {W}", [60]),
    (f"select listagg(distinct k, ',') within group (order by k desc) from {W}", ["2,1"]),
    ("select variance(distinct column1) from values (1), (3), (3)", [Decimal(2)]),
    ("select count(distinct column1, column2) from values (1, 1), (1, 1), (1, null)", [1]),
    ("select booland_agg(column1 > 0) from values (1), (null)", [True]),
    ("select boolxor_agg(column1) from values (true), (true), (null)", [False]),
    ("select regr_valx(null::int, 2)", [None]),
    ("select regr_valy(1, 2)", [1]),
    ("select approx_top_k(column1, 2) from values ('a'), ('b'), ('b')", ['[["b",2],["a",1]]']),
    # constructs/group-by, ALL: each item of the SELECT without an aggregate
    (f"select k, count(*) c, k + 1 from {W} group by all qualify row_number() over (order by c, k desc) = 1", [2]),
    (f"select k, rank() over (order by sum(x)) r from {W} group by all qualify r = 1", [2]),
    # sql-reference/sql/select: what a query in the SELECT is called stands in the items after it
    (f"select (select sum(x) from {W}) t, x / t, t from {W} where x = 10", [80]),
    (f"select (select max(k) from {W}) o, (select max(o) from {W}) from {W} where x = 10", [2]),
    # grouping: what is grouped by nowhere is 1
    (f"select grouping_id(k, o) from {W} group by grouping sets ((k), ()) order by 1", [1, 1, 3]),
]


@pytest.mark.parametrize(("query", "expected"), CASES)
def test_windows_and_aggregates(world: World, query: str, expected: list[object]) -> None:
    assert [row[0] for row in world.query(query)] == expected


@pytest.mark.parametrize("call", ["rank()", "row_number()", "lag(x)", "last_value(x)", "conditional_true_event(x)"])
def test_what_ranks_needs_an_order(world: World, call: str) -> None:
    with pytest.raises(SqlError, match="requires ORDER BY in window specification"):
        world.query(f"select {call} over (partition by k) from {W}")


def test_one_key_twice_is_no_object(world: World) -> None:
    """object_agg: duplicate keys are an error."""
    with pytest.raises(duckdb.InvalidInputException, match="cleanroom:duplicatekey"):
        world.query("select object_agg(column1, column2) from values ('a', 1), ('a', 2)")


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        ("order by id range between interval '1 day' preceding and current row", "only allows numeric window frame"),
        ("order by born range between interval '1 day' preceding and 3 following", "Mixing numeric and interval"),
    ],
)
def test_bounds_that_do_not_go_with_the_order_are_refused(world: World, frame: str, message: str) -> None:
    """The words are those that snowpark-python looks for, tests/integ/scala/test_window_frame_suite.py."""
    with pytest.raises(SqlError, match=message):
        world.query(f"select count(id) over ({frame}) from people")
