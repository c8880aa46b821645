"""REDUCE: the examples of sql-reference/functions/reduce."""

from __future__ import annotations

import pytest
from sql_world import World

from cleanroom_ml.engine.sql.errors import SqlError

ORDER = """parse_json('[{"item":"UHD Monitor","quantity":3,"subtotal":1500},
 {"item":"Business Printer","quantity":1,"subtotal":1200}]')::array"""


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    """One for all of them: none changes anything."""
    return World(tmp_path_factory.mktemp("world"))


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        ("REDUCE([1,2,3], 0, (acc, val) -> acc + val)", 6),
        ("REDUCE([1,2,3], 10, (acc, val) -> acc + val)", 16),
        ("REDUCE([1,2,3], 0, (acc, val) -> acc + val * val)", 14),
        ("REDUCE([1,NULL,2,NULL,3,4], 0, (acc, val) -> acc + ZEROIFNULL(val))", 10),
        ("REDUCE(['a', 'b', 'c'], '', (acc, val) -> acc || ' ' || val)", " a b c"),
        ("REDUCE([1, 2, 3, 4], [], (acc, val) -> ARRAY_PREPEND(acc, val))::varchar", "[4,3,2,1]"),
        ("REDUCE([5,10,15], 0, (acc, val) -> IFF(val < 7, acc + val * val, acc + val))", 50),
        (f"REDUCE({ORDER}, 0, (acc, val) -> acc + val:subtotal)", 2700),
        (f"REDUCE({ORDER}, '', (acc, val) -> val:item || '\\n' || acc)", "Business Printer\nUHD Monitor\n"),
        # an empty array gives the first value; NULL of a NULL array, and of a first value that is NULL
        ("REDUCE([], 7, (acc, val) -> acc + val)", 7),
        ("REDUCE(NULL::array, 7, (acc, val) -> acc + val)", None),
        ("REDUCE([1], NULL::int, (acc, val) -> val)", None),
    ],
)
def test_an_array_becomes_one_value(world: World, call: str, expected: object) -> None:
    assert world.query(f"select {call}") == [(expected,)]


def test_a_lambda_reads_the_columns_of_its_row(world: World) -> None:
    """ "Reference a table column in a lambda expression to reduce array elements in table data"."""
    table = "(select [1, 2, 3] as col1, 0 as col2 union all select [1, 2, 3], 10)"
    assert world.query(f"select reduce(col1, 10, (acc, val) -> (acc + col2) + val) r from {table} order by r") == [
        (16,),
        (46,),
    ]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        ("reduce([1], 0)", "REDUCE takes an array, the first value of the accumulator and a lambda"),
        ("reduce([1], 0, x -> x)", "two parameters"),
        ("reduce([1], 'a', (acc, val) -> 1)", "another type than its first value"),
    ],
)
def test_what_is_no_reduction_is_refused(world: World, call: str, message: str) -> None:
    with pytest.raises(SqlError, match=message):
        world.query(f"select {call}")
