from __future__ import annotations

from pathlib import Path

import pytest
from storage_clock import MovingClock

from cleanroom_ml.engine.storage.errors import IllegalState, NotFound, RequestMismatch, SessionGone, TokenExpired
from cleanroom_ml.engine.storage.sessions import Session
from cleanroom_ml.engine.storage.storage import Storage


def test_session_survives_a_restart_with_its_context(storage: Storage, home: Path) -> None:
    session, tokens = storage.sessions.create("ACME", "ALICE", warehouse="COMPUTE_WH", parameters={"TIMEZONE": "UTC"})
    session.database, session.schema, session.variables = "DB", "PUBLIC", {"X": 1}
    storage.sessions.update(session)
    storage.close()
    again = Storage.open(home)
    assert again.sessions.by_token(tokens.session_token) == session
    assert again.sessions.renew(tokens.master_token)[0] == session


@pytest.mark.attack
def test_tokens_are_not_in_the_catalog_and_what_is_there_is_no_token(storage: Storage, home: Path) -> None:
    session, tokens = storage.sessions.create("ACME", "ALICE")
    storage.sessions.by_token(tokens.session_token)
    stolen = b"".join(path.read_bytes() for path in home.glob("catalog.sqlite*"))
    for token in (tokens.session_token, tokens.master_token):
        assert token.encode() not in stolen
        assert token not in repr(tokens)
    with storage.database.read() as connection:
        hashes = [row["hash"] for row in connection.execute("SELECT hash FROM session_tokens")]
    assert len(hashes) == 2
    for stolen_hash in (*hashes, session.id, ""):
        with pytest.raises(SessionGone):
            storage.sessions.by_token(stolen_hash)
        with pytest.raises(SessionGone):
            storage.sessions.renew(stolen_hash)


@pytest.mark.attack
def test_tokens_of_one_kind_are_not_of_the_other(storage: Storage) -> None:
    tokens = storage.sessions.create("ACME", "ALICE")[1]
    with pytest.raises(SessionGone):
        storage.sessions.by_token(tokens.master_token)
    with pytest.raises(SessionGone):
        storage.sessions.renew(tokens.session_token)


@pytest.mark.attack
def test_a_session_is_known_without_looking_only_while_nothing_has_changed(
    storage: Storage, clock: MovingClock
) -> None:
    sessions = storage.sessions
    session, tokens = sessions.create("ACME", "ALICE")
    other, _ = sessions.create("ACME", "ALICE")

    def known_again() -> Session | None:
        assert sessions.by_token(tokens.session_token) == session
        return sessions.known(tokens.session_token)

    assert sessions.known(tokens.session_token) is None, "nobody looked yet"
    found = known_again()
    assert found == session
    assert found is not sessions.known(tokens.session_token), "each request has its own"
    for token in (tokens.master_token, tokens.session_token[:-1], ""):
        assert sessions.known(token) is None
    sessions.close(other.id)
    assert sessions.known(tokens.session_token) is None, "whatever it was that changed"
    assert known_again() == session
    clock.advance(seconds=90)
    assert sessions.known(tokens.session_token) is None, "its sign of life is to be written down"
    sessions.by_token(tokens.session_token)
    assert known_again() == session
    sessions.close(session.id)
    assert sessions.known(tokens.session_token) is None
    with pytest.raises(SessionGone):
        sessions.by_token(tokens.session_token)
    assert sessions.known(tokens.session_token) is None


def test_what_is_known_ends_with_the_token(storage: Storage, clock: MovingClock) -> None:
    sessions = storage.sessions
    _, tokens = sessions.create("ACME", "ALICE")
    clock.advance(seconds=tokens.session_seconds - 30)
    sessions.by_token(tokens.session_token)
    sessions.by_token(tokens.session_token)
    assert sessions.known(tokens.session_token) is not None
    clock.advance(seconds=31)
    assert sessions.known(tokens.session_token) is None
    with pytest.raises(TokenExpired):
        sessions.by_token(tokens.session_token)


def test_expired_token_is_renewed_and_the_old_ones_end(storage: Storage, clock: MovingClock) -> None:
    session, old = storage.sessions.create("ACME", "ALICE")
    clock.advance(seconds=old.session_seconds + 1)
    with pytest.raises(TokenExpired):
        storage.sessions.by_token(old.session_token)
    new = storage.sessions.renew(old.master_token)[1]
    assert storage.sessions.by_token(new.session_token) == session
    # The answer was lost: the client asks again with what it has.
    newest = storage.sessions.renew(old.master_token)[1]
    clock.advance(minutes=6)
    with pytest.raises(SessionGone):
        storage.sessions.renew(old.master_token)
    with pytest.raises(TokenExpired):
        storage.sessions.by_token(new.session_token)
    assert storage.sessions.by_token(newest.session_token) == session


def test_idle_session_ends_and_a_heartbeat_keeps_it(storage: Storage, clock: MovingClock) -> None:
    kept, kept_tokens = storage.sessions.create("ACME", "ALICE")
    idle, idle_tokens = storage.sessions.create("ACME", "ALICE")
    for _ in range(3):
        clock.advance(hours=2)
        storage.sessions.heartbeat(kept.id)
    assert storage.sessions.renew(kept_tokens.master_token)[0].id == kept.id
    for use, token in [
        (storage.sessions.by_token, idle_tokens.session_token),
        (storage.sessions.renew, idle_tokens.master_token),
    ]:
        with pytest.raises(SessionGone):
            use(token)
    assert storage.sessions.get(idle.id) is None
    assert storage.sessions.close_idle() == 1
    assert [session.id for session in storage.sessions.list("ACME")] == [kept.id]


def test_heartbeat_does_not_bring_back_a_renewed_master_token(storage: Storage, clock: MovingClock) -> None:
    session, old = storage.sessions.create("ACME", "ALICE")
    storage.sessions.renew(old.master_token)
    storage.sessions.heartbeat(session.id)
    clock.advance(minutes=6)
    with pytest.raises(SessionGone):
        storage.sessions.renew(old.master_token)


def test_closed_sessions(storage: Storage) -> None:
    session, tokens = storage.sessions.create("ACME", "ALICE", kind="job", job_id="j1")
    assert [entry.id for entry in storage.sessions.list(job_id="j1")] == [session.id]
    assert storage.sessions.close_job("j1") == 1
    assert not storage.sessions.close(session.id)
    with pytest.raises(SessionGone):
        storage.sessions.by_token(tokens.session_token)
    with pytest.raises(SessionGone):
        storage.sessions.update(session)
    with pytest.raises(NotFound):
        storage.sessions.create("ACME", "NOBODY")


def test_request_is_started_once(storage: Storage, session: Session, other_session: Session) -> None:
    first, created = storage.queries.start("q1", session.id, "r1", "hash")
    again, created_again = storage.queries.start("q2", session.id, "r1", "hash")
    assert (created, created_again, again) == (True, False, first)
    assert storage.queries.get("q2") is None
    with pytest.raises(RequestMismatch):
        storage.queries.start("q3", session.id, "r1", "another statement")
    assert storage.queries.start("q4", other_session.id, "r1", "hash")[1]
    assert storage.queries.start("q5", session.id, None, "hash")[1]
    assert storage.queries.start("q6", session.id, None, "hash")[1]
    assert {record.query_id for record in storage.queries.history("ACME")} == {"q1", "q4", "q5", "q6"}


def test_states_move_as_they_may(storage: Storage, session: Session) -> None:
    storage.queries.start("q1", session.id, None, "h", state="QUEUED")
    storage.queries.running("q1")
    assert storage.queries.finish("q1", "{}").state == "SUCCESS"
    assert storage.queries.finish("q1", '{"more": 1}').response == '{"more": 1}'
    for move in (
        lambda: storage.queries.fail("q1", code=1, sqlstate="X", message="m"),
        lambda: storage.queries.abort("q1"),
        lambda: storage.queries.running("q1"),
    ):
        with pytest.raises(IllegalState):
            move()
    storage.queries.start("q2", session.id, None, "h")
    assert storage.queries.abort("q2") == storage.queries.abort("q2")
    with pytest.raises(IllegalState):
        storage.queries.finish("q2", "{}")
    with pytest.raises(NotFound):
        storage.queries.finish("q3", "{}")


def test_the_last_statement_is_the_one_that_ended_last(storage: Storage, session: Session, clock: MovingClock) -> None:
    """A CALL, and not what its procedure sent: that began later, and ended before."""
    storage.queries.start("call", session.id, None, "hash")
    clock.advance(seconds=1)
    storage.queries.start("inner", session.id, None, "hash")
    clock.advance(seconds=1)
    storage.queries.finish("inner", "{}")
    assert storage.queries.of_session(session.id, -1) == "inner", "inside of the procedure"
    clock.advance(seconds=1)
    storage.queries.finish("call", "{}")
    assert [storage.queries.of_session(session.id, number) for number in (-1, -2, 1)] == ["call", "inner", "call"]


def test_restart_fails_what_was_under_way(storage: Storage, session: Session) -> None:
    storage.queries.start("q1", session.id, None, "h")
    storage.queries.start("q2", session.id, None, "h")
    storage.queries.finish("q2", "{}")
    assert storage.queries.fail_interrupted(code=603, sqlstate="XX000", message="the engine was restarted") == 1
    record = storage.queries.get("q1")
    assert record is not None
    assert (record.state, record.code, record.message) == ("FAILED", 603, "the engine was restarted")


def test_retention(storage: Storage, session: Session, clock: MovingClock) -> None:
    spool = storage.queries.spool
    for name in ("old.arrow", "orphan.arrow"):
        (spool / name).write_bytes(b"rows")
    storage.queries.start("q1", session.id, None, "h")
    assert storage.queries.finish("q1", "{}", spool / "old.arrow").spool == "old.arrow"
    clock.advance(hours=23)
    assert storage.queries.delete_expired() == 0
    assert (spool / "old.arrow").exists()
    clock.advance(hours=2)
    storage.queries.start("q2", session.id, None, "h")
    assert storage.queries.delete_expired() == 1
    assert storage.queries.get("q1") is None
    assert storage.queries.get("q2") is not None
    assert list(spool.iterdir()) == []


@pytest.mark.attack
@pytest.mark.parametrize("path", ["/etc/passwd", "../catalog.sqlite", "..", "a/b"])
def test_spool_files_lie_in_the_spool(storage: Storage, session: Session, path: str) -> None:
    storage.queries.start("q1", session.id, None, "h")
    with pytest.raises(ValueError):
        storage.queries.finish("q1", "{}", path)
