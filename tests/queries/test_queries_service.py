"""What becomes of a statement, and who ends it or sees it: nothing is done for it after its end.

What runs statements is the test's own, at the service's seam (`Execute`); the catalog that keeps them is the real one.
"""

from __future__ import annotations

import uuid

import pytest
from queries_statements import BASE, SECONDS, SPOOLED, Statements, ended, opened, request, rowset

from cleanroom_ml.engine.protocol.errors import SESSION_GONE, WireError
from cleanroom_ml.engine.queries import service as module
from cleanroom_ml.engine.queries.service import INTERRUPTED_CODE, QueryService
from cleanroom_ml.engine.storage.sessions import Session
from cleanroom_ml.engine.storage.storage import Storage


def test_a_session_that_is_gone_runs_nothing(
    service: QueryService, statements: Statements, storage: Storage, session: Session
) -> None:
    storage.sessions.close(session.id)
    with pytest.raises(WireError) as refused:
        service.submit(session, request("select 1"), BASE)
    assert (refused.value.code, statements.ran) == (SESSION_GONE, [])


def test_how_a_statement_failed_is_kept_and_tells_nothing_of_a_value(
    service: QueryService, storage: Storage, session: Session
) -> None:
    refused = ended(service, storage, service.submit(session, request("select bad"), BASE))
    assert (refused.state, refused.code, refused.sqlstate) == ("FAILED", 2, "0A000")
    broken = ended(service, storage, service.submit(session, request("select broken"), BASE))
    assert broken.state == "FAILED"
    assert "4711" not in str(broken.message), "an error of ours may quote a row"
    answer = service.answer(session, refused.query_id, BASE)
    assert (answer["success"], answer["code"]) == (False, "000002")
    told = service.status(session, refused.query_id)["data"]
    assert told == {
        "queries": [{"id": refused.query_id, "status": "FAILED_WITH_ERROR", "state": "FAILED_WITH_ERROR",
                     "errorCode": "000002", "errorMessage": refused.message}]
    }  # fmt: skip


@pytest.mark.parametrize("way", ["abort", "request", "SYSTEM$CANCEL_QUERY", "SYSTEM$CANCEL_ALL_QUERIES"])
def test_what_is_cancelled_has_ended_and_is_not_cancelled_again(
    service: QueryService, statements: Statements, storage: Storage, session: Session, way: str
) -> None:
    """connector: `cursor.abort_query`, an abort-request; sql-reference/functions/system_cancel_query."""
    asked = request("select wait")
    query_id = service.submit(session, asked, BASE)
    assert statements.begun.wait(SECONDS)
    assert service.answer(session, query_id, BASE)["code"] == "333333"
    assert service.status(session, query_id)["data"] == {
        "queries": [{"id": query_id, "status": "RUNNING", "state": "RUNNING"}]
    }
    match way:
        case "abort":
            assert service.abort(session, query_id)
        case "request":
            assert service.abort_request(session, asked.request_id)
        case "SYSTEM$CANCEL_QUERY":
            cancelling = request(f"select SYSTEM$CANCEL_QUERY('{query_id}')")
            done = service.submit(session, cancelling, BASE)
            assert rowset(service.answer(session, done, BASE)) == [[f"query [{query_id}] terminated."]]
            assert service.submit(session, cancelling, BASE) == done
            late = service.submit(session, request(f"select SYSTEM$CANCEL_QUERY('{done}')"), BASE)
            assert rowset(service.answer(session, late, BASE)) == [[f"query [{done}] is not currently executing."]]
        case _:
            other = opened(storage)
            done = service.submit(other, request(f"select SYSTEM$CANCEL_ALL_QUERIES({session.id})"), BASE)
            assert rowset(service.answer(other, done, BASE)) == [["1 queries cancelled."]]
    record = ended(service, storage, query_id)
    assert (record.state, record.code, record.sqlstate) == ("ABORTED", 604, "57014")
    assert not service.abort_request(session, str(uuid.uuid4())), "a request that never came"
    assert not service.abort(session, str(uuid.uuid4()))


@pytest.mark.attack
def test_nobody_cancels_or_reads_what_is_anothers(
    service: QueryService, statements: Statements, storage: Storage, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A person's and a job's are each other's strangers, though they are of one user."""
    query_id = service.submit(session, request("select wait"), BASE)
    assert statements.begun.wait(SECONDS)
    strangers = [opened(storage, "BETA"), opened(storage, job_id="job-1")]
    for stranger in strangers:
        assert not service.abort(stranger, query_id)
        assert service.status(stranger, query_id)["data"] == {"queries": []}
        with pytest.raises(WireError, match="not yours"):
            service.answer(stranger, query_id, BASE)
        with pytest.raises(WireError, match="not yours"):
            service.submit(stranger, request(f"select * from table(result_scan('{query_id}'))"), BASE)
    statements.over.set()
    assert ended(service, storage, query_id).state == "SUCCESS"
    for stranger in strangers:
        with pytest.raises(WireError, match="not yours"):
            service.answer(stranger, query_id, BASE)
    same = opened(storage)
    assert rowset(service.answer(same, query_id, BASE)) == [["select wait"]], "another session of the same user"
    monkeypatch.setattr(QueryService, "_may_see", lambda *_: True)
    assert rowset(service.answer(strangers[0], query_id, BASE)) == [["select wait"]], "without the control it does"


def test_a_failure_is_its_sessions_and_after_that_nobodys(
    service: QueryService, storage: Storage, session: Session
) -> None:
    """Whose it was is known by the session alone: the answer of one that failed does not say."""
    failed = ended(service, storage, service.submit(session, request("select bad"), BASE))
    same = opened(storage)
    assert service.answer(same, failed.query_id, BASE)["code"] == "000002"
    storage.sessions.close(session.id)
    with pytest.raises(WireError, match="not yours"):
        service.answer(same, failed.query_id, BASE)


def test_a_statement_that_ran_for_as_long_as_it_may_is_over(
    service: QueryService, statements: Statements, storage: Storage, session: Session
) -> None:
    """sql-reference/parameters, STATEMENT_TIMEOUT_IN_SECONDS."""
    query_id = service.submit(session, request("select wait"), BASE)
    assert statements.begun.wait(SECONDS)
    service.expire(query_id, 7)
    record = ended(service, storage, query_id)
    assert (record.state, record.code, record.sqlstate) == ("FAILED", 630, "57014")
    assert "timeout of 7 second(s)" in str(record.message)
    service.expire(query_id, 9)
    assert storage.queries.get(query_id) == record, "it ended before: its end stands"


def test_a_session_that_is_closed_ends_what_it_has_under_way_and_begins_nothing_more(
    service: QueryService, statements: Statements, storage: Storage, session: Session
) -> None:
    first = service.submit(session, request("select wait"), BASE)
    assert statements.begun.wait(SECONDS)
    second = service.submit(session, request("select later"), BASE)
    storage.sessions.on_end(service.session_closed)
    storage.sessions.close(session.id)
    for query_id in (first, second):
        assert ended(service, storage, query_id).state == "ABORTED"
    assert statements.ran == ["select wait"]


@pytest.mark.attack
def test_one_account_has_only_so_many_under_way(
    service: QueryService, statements: Statements, storage: Storage, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_IN_FLIGHT", 1)
    service.submit(session, request("select wait"), BASE)
    assert statements.begun.wait(SECONDS)
    crowded = ended(service, storage, service.submit(opened(storage), request("select 1"), BASE))
    assert (crowded.state, crowded.code) == ("FAILED", 625)
    other = ended(service, storage, service.submit(opened(storage, "BETA"), request("select 2"), BASE))
    assert other.state == "SUCCESS", "another account is not held up by it"
    assert statements.ran == ["select wait", "select 2"]


def test_a_result_that_was_sent_in_another_form_is_read_again(
    service: QueryService, statements: Statements, storage: Storage, session: Session
) -> None:
    """connector: `cursor.get_results_from_sfqid`; a driver that reads no Arrow asks for JSON."""
    query_id = service.submit(session, request("select spooled"), BASE)
    assert ended(service, storage, query_id).state == "SUCCESS"
    assert service.answer_bytes(query_id) > len(SPOOLED)
    found = service.chunk(query_id, 0)
    assert found is not None
    assert (found[0].query_id, found[1].length) == (query_id, len(SPOOLED))
    assert service.chunk(query_id, 1) is service.chunk("nobody's", 0) is None
    scan = f"select * from table(result_scan('{query_id}'))"
    assert service.submit(session, request(scan), BASE) == query_id
    as_texts = request(scan, parameters={"PYTHON_CONNECTOR_QUERY_RESULT_FORMAT": "JSON"})
    again = service.submit(session, as_texts, BASE)
    assert again != query_id
    assert ended(service, storage, again).state == "SUCCESS"
    assert statements.ran == ["select spooled", scan]


def test_a_catalog_that_fails_leaves_nothing_under_way(
    service: QueryService, storage: Storage, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(module, "MAX_IN_FLIGHT", 1)
    with monkeypatch.context() as patch:
        patch.setattr(storage.queries, "start", full)
        with pytest.raises(OSError, match="No space"):
            service.submit(session, request("select 1"), BASE)
    assert ended(service, storage, service.submit(session, request("select 1"), BASE)).state == "SUCCESS"


def test_an_engine_that_stops_says_so_to_who_waits(
    service: QueryService, statements: Statements, storage: Storage, session: Session
) -> None:
    query_id = service.submit(session, request("select wait"), BASE)
    assert statements.begun.wait(SECONDS)
    waiting = service.wait(query_id)
    assert waiting is not None
    assert service.close(SECONDS)
    waiting.result(SECONDS)
    record = storage.queries.get(query_id)
    assert record is not None
    assert (record.state, record.code) == ("FAILED", INTERRUPTED_CODE)
