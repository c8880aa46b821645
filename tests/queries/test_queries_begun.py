"""A statement that is begun at once, recorded and run on one thread: as one that is submitted, but for the waiting."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest
from queries_statements import BASE, SECONDS, Statements, ended, opened, request, rowset

from cleanroom_ml.engine.protocol.errors import SESSION_GONE, WireError
from cleanroom_ml.engine.queries import service as module
from cleanroom_ml.engine.queries.running import Running
from cleanroom_ml.engine.queries.service import QueryService
from cleanroom_ml.engine.storage.sessions import Session
from cleanroom_ml.engine.storage.storage import Storage


def begun(service: QueryService, session: Session, asked: object) -> Running:
    running = service.begin(session, asked, BASE)  # type: ignore[arg-type]
    assert running is not None
    return running


def over(service: QueryService) -> None:
    """Returns once nothing is under way."""
    deadline = time.monotonic() + SECONDS
    while service._under_way.all():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_it_is_recorded_run_and_answered(service: QueryService, storage: Storage, session: Session) -> None:
    running = begun(service, session, request("select 1"))
    reply = running.done.result(SECONDS)
    assert reply is not None
    assert running.query_id.encode() in reply.content
    assert (running.recorded, running.answer_id) == (True, running.query_id)
    assert ended(service, storage, running.query_id).state == "SUCCESS"
    assert rowset(service.answer(session, running.query_id, BASE)) == [["select 1"]]
    failed = begun(service, session, request("select bad"))
    failed.done.result(SECONDS)
    assert ended(service, storage, failed.query_id).code == 2


def test_a_session_has_one_at_a_time_and_what_is_asynchronous_is_submitted(
    service: QueryService, statements: Statements, storage: Storage, session: Session
) -> None:
    first = begun(service, session, request("select wait"))
    assert statements.begun.wait(SECONDS)
    asked = request("select later")
    assert service.begin(session, asked, BASE) is None
    later = service.submit(session, asked, BASE)
    assert service.begin(opened(storage), request("select 1", asynchronous=True), BASE) is None
    other = begun(service, opened(storage), request("select other"))
    other.done.result(SECONDS)
    assert statements.ran == ["select wait", "select other"]
    statements.over.set()
    assert ended(service, storage, first.query_id).state == ended(service, storage, later).state == "SUCCESS"
    assert statements.ran[-1] == "select later"
    assert service._under_way.all() == []


def test_a_repeated_request_is_answered_by_its_first_attempt(
    service: QueryService, statements: Statements, storage: Storage, session: Session
) -> None:
    asked = request("select wait")
    first = begun(service, session, asked)
    assert statements.begun.wait(SECONDS)
    assert service.begin(session, asked, BASE) is None
    assert service.submit(session, asked, BASE) == first.query_id
    statements.over.set()
    first.done.result(SECONDS)
    again = begun(service, session, asked)
    assert again.done.result(SECONDS) is None
    assert (again.recorded, again.answer_id) == (True, first.query_id)
    scan = begun(service, session, request(f"select * from table(result_scan('{first.query_id}'))"))
    assert scan.done.result(SECONDS) is None
    assert scan.answer_id == first.query_id
    assert statements.ran == ["select wait"]


def test_what_submit_refuses_it_refuses(
    service: QueryService, statements: Statements, storage: Storage, session: Session
) -> None:
    asked = request("select 1")
    begun(service, session, asked).done.result(SECONDS)
    with pytest.raises(WireError, match="used for another statement"):
        begun(service, session, replace(asked, sql="select 2")).done.result(SECONDS)
    storage.sessions.close(session.id)
    gone = begun(service, session, request("select 3"))
    with pytest.raises(WireError) as refused:
        gone.done.result(SECONDS)
    assert (refused.value.code, gone.recorded) == (SESSION_GONE, False)
    assert statements.ran == ["select 1"]
    assert service._under_way.all() == []


@pytest.mark.attack
def test_it_goes_past_no_bound(
    service: QueryService, statements: Statements, storage: Storage, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_IN_FLIGHT", 1)
    begun(service, session, request("select wait"))
    assert statements.begun.wait(SECONDS)
    assert service.begin(opened(storage), request("select 1"), BASE) is None, "whoever submits it is told"
    begun(service, opened(storage, "BETA"), request("select 2")).done.result(SECONDS)
    assert statements.ran == ["select wait", "select 2"]
    monkeypatch.setattr(module, "MAX_IN_FLIGHT", 24)
    begun(service, opened(storage), request("select 3")).done.result(SECONDS)


def test_what_is_ended_before_it_is_recorded_never_runs(
    service: QueryService, statements: Statements, storage: Storage, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The record may have to wait for what others write."""
    real = storage.queries.start
    with monkeypatch.context() as patch:
        patch.setattr(storage.queries, "start", lambda *a, **k: (service.expire(a[0], 7), real(*a, **k))[1])
        late = begun(service, session, request("select 1"))
        late.done.result(SECONDS)  # it is over for who waits, who asks again
        over(service)
    record = ended(service, storage, late.query_id)
    assert (record.state, record.code) == ("FAILED", 630)
    storage.sessions.on_end(service.session_closed)
    with monkeypatch.context() as patch:
        patch.setattr(storage.queries, "start", lambda *a, **k: (storage.sessions.close(a[1]), real(*a, **k))[1])
        gone = begun(service, session, request("select 2"))
        assert gone.done.result(SECONDS) is None
        over(service)
    assert not gone.recorded, "its client is told that by `submit`"
    assert statements.ran == []


def test_when_the_engine_stops_nothing_is_begun(service: QueryService, session: Session) -> None:
    assert service.close(SECONDS)
    assert service.begin(session, request("select 1"), BASE) is None
    assert service._under_way.all() == []
