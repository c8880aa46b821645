"""What is kept in memory for a session, a table or a statement goes with it: nothing grows with how many there were."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from statements_client import Client

from cleanroom_ml.engine.statements import turns
from cleanroom_ml.engine.statements.executor import Executor
from cleanroom_ml.engine.storage.errors import SessionGone
from cleanroom_ml.engine.storage.keys import Key
from cleanroom_ml.engine.storage.sessions import Session
from cleanroom_ml.engine.storage.storage import Storage


def close(storage: Storage, session: Session) -> None:
    storage.sessions.close(session.id)


def close_job(storage: Storage, session: Session) -> None:
    storage.sessions.close_job("job")


def close_idle(storage: Storage, session: Session) -> None:
    with storage.database.transaction() as connection:
        connection.execute("UPDATE sessions SET last_used_on = 0 WHERE id = ?", (session.id,))
    assert storage.sessions.close_idle() == 1


def close_runs(storage: Storage, session: Session) -> None:
    storage.sessions.close_runs()


@pytest.mark.parametrize("ending", [close, close_job, close_idle, close_runs])
def test_a_session_that_ends_takes_its_open_transaction_along(
    storage: Storage, executor: Executor, ending: Callable[[Storage, Session], None]
) -> None:
    sessions = storage.sessions
    if ending is close_runs:
        session = sessions.open_run("ALPHA", "ALPHA_USER")
    else:
        session, _ = sessions.create("ALPHA", "ALPHA_USER", job_id="job" if ending is close_job else None)
    other, _ = sessions.create("ALPHA", "ALPHA_USER")
    executor.transactions.begin(session)
    executor.transactions.begin(other)
    ending(storage, session)
    assert sessions.get(session.id) is None
    assert len(executor.transactions) == 1
    assert executor.transactions.current(other) is not None


def test_a_session_that_is_gone_opens_no_transaction(storage: Storage, executor: Executor) -> None:
    session, _ = storage.sessions.create("ALPHA", "ALPHA_USER")
    storage.sessions.close(session.id)
    with pytest.raises(SessionGone):
        executor.transactions.begin(session)
    assert len(executor.transactions) == 0


def test_a_run_has_no_token_and_does_not_time_out(storage: Storage) -> None:
    session = storage.sessions.open_run("ALPHA", "ALPHA_USER")
    with storage.database.transaction() as connection:
        assert not connection.execute("SELECT 1 FROM session_tokens WHERE session_id = ?", (session.id,)).fetchone()
        connection.execute("UPDATE sessions SET last_used_on = 0")
    storage.sessions.close_idle()
    assert storage.sessions.get(session.id) is not None


def test_statements_that_took_turns_leave_no_lock() -> None:
    key = Key("ALPHA", "ALPHA_DB", "PUBLIC", "T")
    inside: list[int] = []
    most: list[int] = []

    def take() -> None:
        with turns.turn(key):
            inside.append(1)
            most.append(len(inside))
            inside.pop()

    threads = [threading.Thread(target=take) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert max(most) == 1
    with pytest.raises(ZeroDivisionError), turns.turn(key):
        raise ZeroDivisionError
    assert turns._turns == {}


def containers(thing: Any, path: str, seen: set[int]) -> Iterator[tuple[str, int]]:
    """Every dictionary, list and set that our own objects hold, with its length."""
    if id(thing) in seen or len(path) > 200:
        return
    seen.add(id(thing))
    if isinstance(thing, dict | list | set):
        yield path, len(thing)
    elif type(thing).__module__.startswith("cleanroom_ml") and not isinstance(thing, type):
        names = {*getattr(thing, "__dict__", ()), *(name for kind in type(thing).__mro__ for name in slots(kind))}
        for name in sorted(names):
            yield from containers(getattr(thing, name, None), f"{path}.{name}", seen)


def slots(kind: type) -> tuple[str, ...]:
    found = kind.__dict__.get("__slots__", ())
    return (found,) if isinstance(found, str) else tuple(found)


def test_many_sessions_leave_as_much_as_few(storage: Storage, executor: Executor, alpha: Client) -> None:
    """Sessions that end in the middle of everything, until they are gone: memory and catalog are as before."""
    alpha.result("CREATE TABLE kept (a INT)")

    def live() -> None:
        session, _ = storage.sessions.create("ALPHA", "ALPHA_USER", database="ALPHA_DB", schema="PUBLIC")
        client = Client(storage, executor, session)
        for text in (
            "CREATE TEMPORARY TABLE t (a INT)",
            "CREATE TEMPORARY STAGE s",
            "SET x = 1",
            "ALTER SESSION SET QUERY_TAG = 'x'",
            "BEGIN",
            "INSERT INTO kept VALUES (1)",
        ):
            client.result(text)
        storage.sessions.close(session.id)

    def sizes() -> dict[str, int]:
        found = dict(containers(executor, "executor", set())) | {"turns": len(turns._turns)}
        with storage.database.read() as connection:
            names = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
            for (name,) in names:
                (found[name],) = connection.execute(f"SELECT count(*) FROM {name}").fetchone()
        return found

    live()
    before = sizes()
    assert "executor.transactions._open" in before
    assert "sessions" in before
    for _ in range(6):
        live()
    assert sizes() == before
    assert alpha.rows("SELECT COUNT(*) FROM kept") == [(0,)]


def test_no_session_ends_inside_of_a_transaction(storage: Storage, alpha: Client) -> None:
    """Whoever is told may wait for a lock whose holder waits for the catalog's writer."""
    with storage.database.transaction(), pytest.raises(RuntimeError, match="outside of any transaction"):
        storage.sessions.close(alpha.session.id)
    assert storage.sessions.close(alpha.session.id)
