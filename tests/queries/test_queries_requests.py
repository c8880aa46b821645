"""Whose a bound value is, where a request has several statements; and what is refused of a request."""

from __future__ import annotations

import uuid

import pytest

from cleanroom_ml.engine.protocol.bindings import Bindings, parse_bindings
from cleanroom_ml.engine.protocol.errors import WireError
from cleanroom_ml.engine.protocol.queries import MAX_SQL_TEXT, parse_query
from cleanroom_ml.engine.queries.requests import count_of, shared_out
from cleanroom_ml.engine.sql.binds import StagedRows
from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.storage.sessions import Session

TEXTS = ["select ?", "select '?', ? /* ? */", "select 1", "select ?, ? -- ?"]


def test_each_statement_has_the_values_of_its_own_placeholders() -> None:
    """connector: `cursor.execute` sends one list of values with all statements."""
    shares = shared_out(Bindings(values=(1, 2, 3, 4)), TEXTS)
    assert [share.values for share in shares if share] == [(1,), (2,), (), (3, 4)]
    rows = shared_out(Bindings(rows=((1, 2, 3, 4), (5, 6, 7, 8))), TEXTS)
    assert [share and share.rows for share in rows] == [((1,), (5,)), ((2,), (6,)), None, ((3, 4), (7, 8))]
    named = Bindings(named={"A": 1})
    assert shared_out(named, ["select :a", "select :a"]) == [named, named]
    assert shared_out(None, TEXTS) == [None] * 4


@pytest.mark.parametrize(
    "bindings",
    [
        Bindings(values=(1, 2, 3)),
        Bindings(values=(1, 2, 3, 4, 5)),
        Bindings(rows=((1, 2),)),
        Bindings(staged=StagedRows(("S",), "a/")),
    ],
)
def test_values_that_cannot_be_shared_out_are_refused(bindings: Bindings) -> None:
    with pytest.raises(SqlError):
        shared_out(bindings, TEXTS)


@pytest.mark.parametrize(
    "wire",
    [
        {"1": {"type": "DECFLOAT", "value": "1"}},
        {"1": {"type": "FIXED", "value": ["1", "x"]}},
        {"1": {"type": "FIXED", "value": ["1"]}, "2": {"type": "FIXED", "value": ["1", "2"]}},
        {"1": {"type": "DATE", "value": "9" * 30}},
    ],
)
def test_what_cannot_be_bound_is_an_error_of_its_statement(wire: dict[str, object]) -> None:
    """connector: `network.is_retryable_http_code` has 400 among what is tried again, for minutes."""
    with pytest.raises(WireError) as refused:
        parse_bindings(wire)
    assert refused.value.status == 200


def test_a_text_that_is_too_long_is_an_error_of_its_statement() -> None:
    body: dict[str, object] = {"sqlText": "x" * (MAX_SQL_TEXT + 1)}
    with pytest.raises(WireError, match="4 MiB") as refused:
        parse_query({"requestId": str(uuid.uuid4())}, body)
    assert refused.value.status == 200


@pytest.mark.parametrize(
    ("said", "sql", "count"),
    [
        (None, "select 1; select 2", 1),
        ("1", "select 1; select 2", 1),
        ("2", "select 1; select 2", 2),
        ("0", "select 1; select 2", 0),
        ("0", "select 1;", 1),
        ("many", "select 1; select 2", 1),
    ],
)
def test_a_request_that_does_not_say_how_many_statements_it_has_goes_by_its_session(
    said: str | None, sql: str, count: int
) -> None:
    """sql-reference/parameters, MULTI_STATEMENT_COUNT: 1 is the default, 0 any number."""
    parameters = {} if said is None else {"MULTI_STATEMENT_COUNT": said}
    session = Session("1", "ACME", "ANA", "R", parameters=parameters)
    asked = parse_query({"requestId": str(uuid.uuid4())}, {"sqlText": sql})
    assert asked.statements is None
    assert count_of(session, asked) == count
