"""A process that goes on with the requests of one session: it never served another, and serves no other afterwards."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from cleanroom_ml.engine.contracts.kept import Kept
from cleanroom_ml.engine.load.cancellation import Cancellation
from cleanroom_ml.engine.load.owners import Owner
from cleanroom_ml.engine.sandbox import worker, worker_frames, workers
from cleanroom_ml.engine.sandbox.errors import WorkerCancelled
from cleanroom_ml.engine.sandbox.policy import Limits
from cleanroom_ml.engine.sandbox.workers import SandboxedWorkers

pytestmark = pytest.mark.sandbox
HANDLERS = Path(__file__).parent / "handlers"
LIMITS = Limits(memory_bytes=200 << 20)
ANN, BOB = Kept("ann", 1), Kept("bob", 1)


def until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.fixture(scope="module")
def started() -> Iterator[SandboxedWorkers]:
    with SandboxedWorkers("sandbox_handlers:kept", size=2, libraries=[HANDLERS], limits=LIMITS) as pool:
        until(lambda: all(each.is_ready() for each in pool._idle))
        yield pool


@pytest.fixture
def pool(started: SandboxedWorkers) -> SandboxedWorkers:
    """With nothing kept."""
    for session in ("ann", "bob"):
        started.forget(session)
    return started


def ask(pool: SandboxedWorkers, keep: Kept | None, **request: object) -> dict[str, Any]:
    who = "nobody" if keep is None else keep.session
    return pool.call({"who": who, **request}, timeout_seconds=20, keep=keep)


def test_a_session_is_served_by_one_process_while_it_may_see_the_same(pool: SandboxedWorkers) -> None:
    first, second = ask(pool, ANN), ask(pool, ANN)
    assert (first["served"], second["served"]) == ([], ["ann"])
    assert first["pid"] == second["pid"]
    assert first["own_fds"] == second["own_fds"]
    assert ask(pool, Kept("ann", 2))["served"] == [], "something has changed"
    assert ask(pool, None)["served"] == []


@pytest.mark.attack
def test_nobody_is_served_by_a_process_that_served_another_session(pool: SandboxedWorkers) -> None:
    for keep in (ANN, ANN, BOB, None, ANN, BOB, BOB, Kept("ann", 2), Kept("bob", 2), None):
        assert {*ask(pool, keep)["served"]} <= {keep.session if keep else ""}


@pytest.mark.attack
def test_where_sessions_were_taken_for_one_another_one_would_be(
    pool: SandboxedWorkers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Kept, "__eq__", lambda *_: True)
    ask(pool, ANN)
    assert ask(pool, BOB)["served"] == ["ann"]
    pool.forget("bob")


def test_one_worker_is_kept_for_nobody(pool: SandboxedWorkers, monkeypatch: pytest.MonkeyPatch) -> None:
    ask(pool, ANN)
    ask(pool, BOB)  # in the other worker, which then is free again: Ann may be back at any moment
    assert sorted(each.kept is None for each in pool._idle) == [False, True]
    assert ask(pool, ANN)["served"] == ["ann"]
    monkeypatch.setattr(workers, "KEPT_SECONDS", 0.0)
    time.sleep(0.01)
    ask(pool, BOB)  # and now she is not
    assert [each.kept for each in pool._idle if each.kept is not None] == [BOB]


def test_what_is_kept_ends_with_its_session_or_when_nobody_asks(
    pool: SandboxedWorkers, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask(pool, ANN)
    pool.forget("bob")
    assert ask(pool, ANN)["served"] == ["ann"]
    pool.forget("ann")
    assert ask(pool, ANN)["served"] == []
    monkeypatch.setattr(workers, "IDLE_SECONDS", -1.0)
    pool.trim()
    assert ask(pool, ANN)["served"] == []


def test_one_that_died_meanwhile_is_replaced(pool: SandboxedWorkers) -> None:
    pid = ask(pool, ANN, dies=True)["pid"]
    (worker,) = [each for each in pool._idle if each.kept is not None]
    until(lambda: worker._readable(0.0))
    again = ask(pool, ANN)
    assert (again["served"], again["pid"] == pid) == ([], False)


def test_a_call_that_is_ended_keeps_nothing(pool: SandboxedWorkers) -> None:
    ask(pool, ANN)
    token = Cancellation(Owner("A"))
    ending = threading.Timer(0.2, lambda: token.cancel(RuntimeError("ended")))
    ending.start()
    with token.entered(), pytest.raises(WorkerCancelled):
        ask(pool, ANN, seconds=60)
    assert ask(pool, ANN)["served"] == []


def test_a_process_that_was_killed_while_it_waited_is_not_asked(
    pool: SandboxedWorkers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its parent has not told yet. Nothing was sent to it, so that its session notices nothing."""
    ask(pool, ANN)
    [waiting] = [each for each in pool._idle if each.kept == ANN]
    assert waiting._child is not None
    waiting._kill_child(waiting._child)
    line = waiting._line
    until(lambda: line is not None and worker_frames.readable(line, 0.0))
    readable = worker.Worker._readable
    monkeypatch.setattr(worker.Worker, "_readable", lambda self, s: (self.kept is None or s > 0) and readable(self, s))
    assert ask(pool, ANN)["served"] == []
