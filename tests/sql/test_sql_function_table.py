"""The table of functions: one entry a function, found by its name; what is not there is refused."""

from __future__ import annotations

import re

import pytest
from sql_world import World

from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.functions import table
from cleanroom_ml.engine.sql.functions.entry import Aggregate, Function, Scalar
from cleanroom_ml.engine.sql.tree.dialect import SLOT

SLOTS = re.compile(r"\{(\w+|\*)\}")
OURS = {"order", "of", "nulls", "fraction"}


def templates(function: Function) -> tuple[str, ...]:
    if not isinstance(function, Scalar | Aggregate) or callable(function.sql):
        return ()
    return (function.sql,) if isinstance(function.sql, str) else function.sql


def test_an_entry_asks_for_no_argument_that_it_may_not_have() -> None:
    for name, function in table.FUNCTIONS.items():
        least, most = (function.arguments,) * 2 if isinstance(function.arguments, int) else function.arguments
        assert name == name.upper()
        assert most is None or least <= most, name
        for sql in templates(function):
            numbers = [int(slot) for slot in SLOT.findall(sql) if slot != "*"]
            own = int(getattr(function, "session", None) is not None)  # the value of the session comes first
            assert most is None or all(number < most + own for number in numbers), name
        if len(templates(function)) > 1:
            assert len(templates(function)) == (most or 0) - least + 1, name


def test_an_aggregate_has_no_other_slots_than_it_can_fill() -> None:
    for name, function in table.FUNCTIONS.items():
        if isinstance(function, Aggregate):
            slots = {slot for sql in templates(function) for slot in SLOTS.findall(sql)}
            assert {slot for slot in slots if not slot.isdigit() and slot != "*"} <= OURS, name


def test_two_functions_cannot_have_one_name() -> None:
    with pytest.raises(ValueError, match="TWICE"):
        table.by_name([Scalar("ONCE TWICE"), Scalar("TWICE")])


def test_what_is_added_is_found_by_each_of_its_names() -> None:
    made: Function = Scalar("HALVE HALF", sql="({0} / 2)")
    assert table.by_name([made]) == {"HALVE": made, "HALF": made}


@pytest.mark.parametrize("query", ["select nope(1)", "select * from table(nope(1))", "select nope(1) over ()"])
def test_what_is_not_in_the_table_is_refused(world: World, query: str) -> None:
    with pytest.raises(SqlError, match=r"Unknown (table )?function NOPE"):
        world.query(query)


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("select * from table(upper('a'))", "Unknown table function UPPER"),
        ("select flatten(1)", "Unknown function FLATTEN"),
        ("select upper('a') over ()", "Unknown function UPPER"),
    ],
)
def test_a_function_is_called_where_its_kind_is(world: World, query: str, said: str) -> None:
    """A function of values is no table, a table function no value, and only aggregates have windows."""
    with pytest.raises(SqlError, match=said):
        world.query(query)


@pytest.mark.parametrize(
    ("query", "code", "said"),
    [
        ("select upper()", 938, r"not enough arguments for function \[UPPER\], expected 1, got 0"),
        ("select coalesce(1)", 938, r"not enough arguments for function \[COALESCE\], expected 2, got 1"),
        ("select current_user(1)", 939, r"too many arguments for function \[CURRENT_USER\] expected 0, got 1"),
        ("select seq4(1, 2)", 939, r"too many arguments for function \[SEQ4\] expected 1, got 2"),
        ("select rank(1) over ()", 939, r"too many arguments for function \[RANK\] expected 0, got 1"),
    ],
)
def test_a_wrong_number_of_arguments_is_called_that(world: World, query: str, code: int, said: str) -> None:
    """snowpark-python, tests/integ/test_function.py::test_coalesce; sql-reference/functions/coalesce."""
    with pytest.raises(SqlError, match=said) as refused:
        world.query(query)
    assert refused.value.code == code
