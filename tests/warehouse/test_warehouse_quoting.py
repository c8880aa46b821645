"""A value that is none of its type's is quoted, as the service does, where the caller may see every row that is read;
otherwise it stays where it is: a cast is done before or after a view's WHERE.
"""

from __future__ import annotations

from dataclasses import replace

import duckdb
import pytest

from cleanroom_ml.engine.sql.catalog import ContextValues, RoleValues, Source, ViewSource
from cleanroom_ml.engine.sql.compile.queries import compile_query
from cleanroom_ml.engine.sql.compiled import Compiled
from cleanroom_ml.engine.warehouse.failing import failure
from cleanroom_ml.engine.warehouse.failures import from_answer
from cleanroom_ml.engine.warehouse.functions import register

HIDDEN = "select a from values ('secret') as t(a)"


class _Names:
    """A session's names, or a room's, where nobody has roles; V is a view."""

    def __init__(self, *, session: bool) -> None:
        roles = RoleValues(tuple, lambda: "ALL", tuple, frozenset) if session else None
        self._context = replace(ContextValues("ACME", "ANN", "PUBLIC"), roles=roles)

    def source(self, parts: tuple[str, ...]) -> Source | None:
        return ViewSource(None, HIDDEN, self) if parts == ("V",) else None

    def context(self) -> ContextValues:
        return self._context


def _said(compiled: Compiled, *, asked: bool | None = None) -> str:
    connection = duckdb.connect()
    register(connection, compiled.sql, set())
    with pytest.raises(duckdb.Error) as raised:
        connection.sql(compiled.sql).fetchall()
    told = failure(raised.value, quoting=compiled.quoting if asked is None else asked)
    return from_answer(told, compiled, (), "id").message


@pytest.mark.parametrize(
    ("cast", "message"),
    [
        ("a::int", "Numeric value 'secret' is not recognized"),
        ("a::float", "Numeric value 'secret' is not recognized"),
        ("a::number(10,2)", "Numeric value 'secret' is not recognized"),
        ("a::date", "Date 'secret' is not recognized"),
        ("a::time", "Time 'secret' is not recognized"),
        ("a::timestamp", "Timestamp 'secret' is not recognized"),
        ("to_timestamp_tz(a)", "Timestamp 'secret' is not recognized"),
    ],
)
def test_of_ones_own_rows_the_value_is_told(cast: str, message: str) -> None:
    """The texts are those that snowpark-python looks for: tests/integ/test_column.py, scala/test_dataframe_suite.py."""
    text = f"select {cast} from ({HIDDEN})"
    assert _said(compile_query(text, _Names(session=True))) == message


def test_a_text_that_is_a_number_is_out_of_range() -> None:
    """scala/test_dataframe_reader_suite.py::test_read_csv: `-12.3456` for a NUMBER(1,0)."""
    text = "select a::number(1,0) from values ('-12.3456') as t(a)"
    assert _said(compile_query(text, _Names(session=True))) == "Numeric value '-12.3456' is out of range"
    assert _said(compile_query(text, _Names(session=False))) == "Numeric value is out of range"


@pytest.mark.attack
@pytest.mark.parametrize("cast", ["a::int", "a::number(10,2)", "a::date", "a::timestamp"])
def test_of_rows_that_are_not_ones_own_it_is_not(cast: str) -> None:
    """Behind a view, and in a room; also where a worker says it all the same."""
    behind = compile_query(f"select {cast} from v", _Names(session=True))
    inside = compile_query(f"select {cast} from ({HIDDEN})", _Names(session=False))
    for compiled in (behind, inside):
        for asked in (None, True):
            assert "secret" not in _said(compiled, asked=asked)
        assert "secret" in _said(replace(compiled, quoting=True)), "the control is what keeps it"


@pytest.mark.parametrize("written", ["x", "1_000", "0x10", "0b11", "0X1B"])
@pytest.mark.parametrize("cast", ["a::int", "a::float", "a::number(10,2)", "to_number(a)", "a + 1"])
def test_the_value_is_told_as_it_was_written(written: str, cast: str) -> None:
    text = f"select {cast} from (select a from values ('{written}') as t(a))"
    assert f"Numeric value '{written}' is not recognized" in _said(compile_query(text, _Names(session=True)))
