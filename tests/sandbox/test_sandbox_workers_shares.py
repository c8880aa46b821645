"""Workers among several owners: a call ends whatever it waits for, and nobody waits for another's endless one."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from cleanroom_ml.engine.load.cancellation import Cancellation
from cleanroom_ml.engine.load.owners import Owner
from cleanroom_ml.engine.sandbox import worker, workers
from cleanroom_ml.engine.sandbox.errors import WorkerCancelled, WorkerError, WorkerTimeout
from cleanroom_ml.engine.sandbox.policy import Limits
from cleanroom_ml.engine.sandbox.workers import SandboxedWorkers

pytestmark = pytest.mark.sandbox
HANDLERS = Path(__file__).parent / "handlers"
A, B, C = Owner("A"), Owner("B"), Owner("C")
MIB = 1 << 20
ENDED = RuntimeError("ended")


def start(**options: object) -> SandboxedWorkers:
    given = {"size": 1, "libraries": [HANDLERS], "limits": Limits(memory_bytes=200 * MIB), **options}
    return SandboxedWorkers("sandbox_handlers:handle", **given)


class Calls:
    """Calls on threads of their own, each under its token."""

    def __init__(self, pool: SandboxedWorkers) -> None:
        self.pool = pool
        self.outcomes: list[object] = []
        self.threads: list[threading.Thread] = []

    def begin(self, whose: Owner, do: str, within: float = 60, **request: object) -> Cancellation:
        token = Cancellation(whose)

        def run() -> None:
            with token.entered():
                try:
                    self.outcomes.append(self.pool.call({"do": do, **request}, timeout_seconds=within))
                except WorkerError as error:
                    self.outcomes.append(type(error))

        self.threads.append(threading.Thread(target=run, daemon=True))
        self.threads[-1].start()
        return token

    def endless(self, whose: Owner) -> Cancellation:
        return self.begin(whose, "sleep", seconds=60)


def until(true: Callable[[], bool], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def begun(calls: Calls, count: int) -> None:
    until(lambda: calls.pool._shares.taken == count)


def echo(pool: SandboxedWorkers, whose: Owner, seconds: float = 20) -> object:
    with Cancellation(whose).entered():
        return pool.call({"do": "echo", "value": 1}, timeout_seconds=seconds)["echo"]


def test_a_call_that_waits_for_a_worker_is_ended() -> None:
    with start() as pool:
        calls = Calls(pool)
        holding = calls.endless(A)
        begun(calls, 1)
        waiting = calls.endless(A)
        until(lambda: len(pool._waiting) == 1)
        waiting.cancel(ENDED)
        calls.threads[1].join(5)
        assert calls.outcomes == [WorkerCancelled]
        holding.cancel(ENDED)
        calls.threads[0].join(5)
        assert calls.outcomes == [WorkerCancelled] * 2
        assert (pool._shares.taken, len(pool._idle), pool._waiting) == (0, 1, set())
        assert echo(pool, B) == 1


def test_of_many_workers_a_few_start_at_once_and_the_others_when_they_are_needed() -> None:
    with start(size=4) as pool:
        assert len(pool._workers) == 2
        calls = Calls(pool)
        tokens = [calls.endless(A) for _ in range(4)]
        begun(calls, 4)
        until(lambda: len(pool._workers) == 4 and not pool._idle)
        assert all(each.config is pool._config for each in pool._workers), "none of them is a spare one"
        assert pool._whole == 4
        for token in tokens:
            token.cancel(ENDED)


def test_what_was_ended_before_begins_nothing() -> None:
    with start() as pool:
        token = Cancellation(A)
        token.cancel(ENDED)
        with token.entered(), pytest.raises(WorkerCancelled):
            pool.call({"do": "sleep", "seconds": 60}, timeout_seconds=60)
        assert pool._shares.taken == 0


def test_a_call_is_ended_whose_worker_has_no_child_yet(monkeypatch: pytest.MonkeyPatch) -> None:
    """The process that forks the next child is stopped: nobody knows when, or whether, it goes on."""
    monkeypatch.setattr(worker, "_TIDY_SECONDS", 1.0)
    with start() as pool:
        calls = Calls(pool)
        calls.begin(B, "stop_parent")
        calls.threads[0].join(20)
        token = calls.begin(A, "echo")
        begun(calls, 1)
        time.sleep(0.2)
        token.cancel(ENDED)
        calls.threads[1].join(1)
        assert calls.outcomes[1:] == [WorkerCancelled]
        assert pool._shares.taken == 0
        assert echo(pool, B) == 1, "it is given up, and another one started in its stead"


@pytest.mark.attack
def test_what_a_call_has_stopped_is_not_waited_for_by_one_after_the_other(monkeypatch: pytest.MonkeyPatch) -> None:
    """The process that forks the next child is stopped, and those who come next have less time than it would get."""
    monkeypatch.setattr(worker, "_TIDY_SECONDS", 1.0)
    with start() as pool:
        calls = Calls(pool)
        calls.begin(B, "stop_parent")
        calls.threads[0].join(20)

        def served() -> bool:
            with contextlib.suppress(WorkerTimeout):
                return echo(pool, A, 0.5) == 1
            return False

        until(served)


@pytest.mark.parametrize("end", ["cancelled", "out of time"])
def test_a_call_whose_child_was_killed_before_it_took_it_is_nobody_elses(end: str) -> None:
    """The child has said that it is there, and is still busy with what it does before it looks for a request."""
    with SandboxedWorkers("sandbox_handlers:slow_to_begin", size=1, libraries=[HANDLERS]) as pool:
        assert echo(pool, A) == 1
        calls = Calls(pool)
        token = calls.begin(A, "sleep", within=0.1 if end == "out of time" else 60, seconds=60)
        time.sleep(0.1)
        if end == "cancelled":
            token.cancel(ENDED)
        calls.threads[0].join(3)
        assert calls.outcomes == [WorkerCancelled if end == "cancelled" else WorkerTimeout]
        began = time.monotonic()
        assert [echo(pool, B), echo(pool, B)] == [1, 1]
        assert time.monotonic() - began < 10, "nobody serves what was ended first"


def test_who_waits_for_a_worker_is_told_when_they_are_closed() -> None:
    with start() as pool:
        calls = Calls(pool)
        calls.endless(A)
        begun(calls, 1)
        calls.endless(A)
        until(lambda: len(pool._waiting) == 1)
        pool.close()
        for thread in calls.threads:
            thread.join(10)
        assert len(calls.outcomes) == 2


@pytest.mark.attack
@pytest.mark.parametrize("spare", [2, 0])
def test_endless_calls_of_one_leave_others_a_worker(spare: int) -> None:
    with start(size=2, spare=spare, spare_memory_bytes=100 * MIB) as pool:
        calls = Calls(pool)
        tokens = [calls.endless(A) for _ in range(4)]
        begun(calls, 2)
        if not spare:
            with pytest.raises(WorkerTimeout):
                echo(pool, B, seconds=0.5)
            return
        until(lambda: len(pool._workers) >= 3)  # one is ready before anybody asks
        for _ in range(3):
            assert echo(pool, B) == 1
        assert pool._shares.taken == 2, "A has two, and no more, whatever it waits for"
        tokens.append(calls.endless(B))
        begun(calls, 3)
        assert echo(pool, C) == 1
        for token in tokens:
            token.cancel(ENDED)
        begun(calls, 0)


def test_spare_workers_have_less_memory_and_go_when_nobody_needs_them(monkeypatch: pytest.MonkeyPatch) -> None:
    with start(spare=1, spare_memory_bytes=100 * MIB) as pool:
        calls = Calls(pool)
        token = calls.endless(A)
        until(lambda: len(pool._workers) == 2)
        with Cancellation(B).entered(), suppress(WorkerError):
            assert pool.call({"do": "memory"}, timeout_seconds=20)["bytes"] == 100 * MIB
        token.cancel(ENDED)
        begun(calls, 0)
        pool.trim()
        assert len(pool._workers) == 2
        monkeypatch.setattr(workers, "IDLE_SECONDS", 0.0)
        pool.trim()
        assert len(pool._workers) == 1
        assert echo(pool, A) == 1
