"""A statement is applied once, however often a client asks for it, and whatever became of the engine meanwhile."""

from __future__ import annotations

import uuid
from dataclasses import replace

import pytest
from queries_statements import BASE, Statements, ended, request, rowset

from cleanroom_ml.engine.contracts.table import Rows
from cleanroom_ml.engine.protocol.bindings import Bindings
from cleanroom_ml.engine.protocol.errors import WireError
from cleanroom_ml.engine.protocol.queries import QueryRequest
from cleanroom_ml.engine.queries import service as module
from cleanroom_ml.engine.queries.answers import outcome_of
from cleanroom_ml.engine.queries.requests import fingerprint, is_one_commit
from cleanroom_ml.engine.queries.service import INTERRUPTED_CODE, QueryService
from cleanroom_ml.engine.statements.results import VARCHAR
from cleanroom_ml.engine.storage.sessions import Session
from cleanroom_ml.engine.storage.storage import Storage


def test_a_request_that_is_repeated_gets_the_outcome_of_the_first(
    service: QueryService, statements: Statements, storage: Storage, session: Session
) -> None:
    """connector: a retry carries the request id of the first attempt (`network.py`)."""
    asked = request("select 1")
    query_id = service.submit(session, asked, BASE)
    assert ended(service, storage, query_id).state == "SUCCESS"
    assert service.submit(session, asked, BASE) == query_id
    assert rowset(service.answer(session, query_id, BASE)) == [["select 1"]]
    assert statements.ran == ["select 1"]
    with pytest.raises(WireError, match="another statement") as refused:
        service.submit(session, QueryRequest(asked.request_id, "select 2"), BASE)
    assert refused.value.code == 390400
    assert statements.ran == ["select 1"]


def test_several_statements_are_each_applied_once_and_stop_at_the_first_that_fails(
    service: QueryService, statements: Statements, storage: Storage, session: Session
) -> None:
    """connector: `cursor.execute(num_statements=…)`; the parent's answer has the ids of its statements."""
    asked = request("select 1; select 2", statements=2)
    query_id = service.submit(session, asked, BASE)
    assert ended(service, storage, query_id).state == "SUCCESS"
    data = service.answer(session, query_id, BASE)["data"]
    assert isinstance(data, dict)
    children = data["resultIds"].split(",")
    assert [rowset(service.answer(session, child, BASE)) for child in children] == [[["select 1"]], [["select 2"]]]
    assert service.submit(session, asked, BASE) == query_id
    scan = request(f"select * from table(result_scan('{query_id}'))")
    scanned = service.submit(session, scan, BASE)
    assert service.submit(session, scan, BASE) == scanned
    assert rowset(service.answer(session, scanned, BASE)) == [["Multiple statements executed successfully."]]
    failed = ended(service, storage, service.submit(session, request("select 3; select bad; select 4", statements=0)))
    assert (failed.state, failed.code) == ("FAILED", 2)
    assert statements.ran == ["select 1", "select 2", "select 3", "select bad"]


@pytest.mark.parametrize(
    ("sql", "count", "code"), [("select 1", 2, 8), ("select 1; select 2; select 3", 2, 8), ("select 1;" * 3, 0, 2)]
)
def test_another_number_of_statements_than_was_said_runs_none(
    service: QueryService, statements: Statements, storage: Storage, session: Session,
    monkeypatch: pytest.MonkeyPatch, sql: str, count: int, code: int,
) -> None:  # fmt: skip
    """connector: `test_multi_statement.py`, "Actual statement count … did not match the desired statement count"."""
    monkeypatch.setattr(module, "MAX_STATEMENTS", 2)
    record = ended(service, storage, service.submit(session, request(sql, statements=count), BASE))
    assert (record.state, record.code, statements.ran) == ("FAILED", code, [])


def test_what_the_engines_end_interrupted_runs_again_when_it_is_asked_for_again(
    service: QueryService, statements: Statements, storage: Storage, session: Session
) -> None:
    """A statement of one commit committed nothing, or it would be there; a procedure may have done a half."""
    once, half = request("insert into t values (1)"), request("call p()")
    for query_id, asked in (("first", once), ("second", half)):
        storage.queries.start(query_id + session.id, session.id, asked.request_id, fingerprint(asked))
    assert service.recover() == 2
    assert service.submit(session, once, BASE) == f"first{session.id}"
    assert ended(service, storage, f"first{session.id}").state == "SUCCESS"
    assert service.submit(session, half, BASE) == f"second{session.id}"
    record = ended(service, storage, f"second{session.id}")
    assert (record.state, record.code) == ("FAILED", INTERRUPTED_CODE)
    assert statements.ran == [once.sql]


def test_of_several_statements_those_that_were_applied_are_not_applied_again(
    service: QueryService, statements: Statements, storage: Storage, session: Session
) -> None:
    """A client whose engine died in the middle repeats the whole request."""
    asked = request("insert into t values (1); insert into t values (2)", statements=2)
    first = request("insert into t values (1)")
    first = replace(first, request_id=str(uuid.uuid5(uuid.UUID(asked.request_id), "0")))
    child = f"child{session.id}"
    storage.queries.start(f"parent{session.id}", session.id, asked.request_id, fingerprint(asked))
    storage.queries.start(child, session.id, first.request_id, fingerprint(first))
    storage.queries.finish(child, outcome_of(Rows((("A", VARCHAR),), ()), session, storage).response)
    service.recover()
    assert service.submit(session, asked, BASE) == f"parent{session.id}"
    assert ended(service, storage, f"parent{session.id}").state == "SUCCESS"
    data = service.answer(session, f"parent{session.id}", BASE)["data"]
    assert isinstance(data, dict)
    assert data["resultIds"].split(",")[0] == child
    assert statements.ran == ["insert into t values (2)"]


@pytest.mark.parametrize(
    ("sql", "statements", "one"),
    [
        ("select 1", 1, True),
        ("insert into t values (1)", None, True),
        ("create table t (a int)", 1, True),
        ("call p()", 1, False),
        ("begin return 1; end", 1, False),
        ("execute immediate 'select 1'", 1, False),
        ("call p(", 1, False),
        ("select 1; call p()", 2, True),
    ],
)
def test_what_is_one_commit_can_be_run_again(sql: str, statements: int | None, one: bool) -> None:
    assert is_one_commit(request(sql, statements=statements)) is one


def test_two_requests_are_the_same_statement_if_everything_of_them_is() -> None:
    same = request("select ?", bindings=Bindings(values=(1,)))
    others = [
        request("select  ?", bindings=Bindings(values=(1,))),
        request("select ?", bindings=Bindings(values=("1",))),
        request("select ?", bindings=Bindings(rows=((1,),))),
        request("select ?", bindings=Bindings(named={"A": 1})),
        request("select ?"),
        request("select ?", bindings=Bindings(values=(1,)), describe_only=True),
        request("select ?", bindings=Bindings(values=(1,)), asynchronous=True),
        request("select ?", bindings=Bindings(values=(1,)), statements=None),
    ]
    assert fingerprint(same) == fingerprint(request("select ?", bindings=Bindings(values=(1,))))
    assert len({fingerprint(each) for each in (same, *others)}) == len(others) + 1
