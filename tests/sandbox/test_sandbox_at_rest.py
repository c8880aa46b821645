"""A worker that waits, and has nothing of anybody's inside, is looked at seldom where no cgroup counts its memory; one
that serves, or is kept for a session, as often as any sandbox.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from cleanroom_ml.engine.contracts.kept import Kept
from cleanroom_ml.engine.sandbox import process
from cleanroom_ml.engine.sandbox.cgroups import Watchdog
from cleanroom_ml.engine.sandbox.errors import WorkerCrashed, WorkerError, WorkerTimeout
from cleanroom_ml.engine.sandbox.policy import Limits
from cleanroom_ml.engine.sandbox.worker import Worker
from cleanroom_ml.engine.sandbox.workers import SandboxedWorkers

pytestmark = pytest.mark.sandbox
HANDLERS = Path(__file__).parent / "handlers"
LIMITS = Limits(memory_bytes=200 << 20)


def until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def pool(handler: str) -> SandboxedWorkers:
    return SandboxedWorkers(f"sandbox_handlers:{handler}", size=1, libraries=[HANDLERS], limits=LIMITS)


def only(workers: SandboxedWorkers) -> Worker:
    (worker,) = workers._workers
    return worker


@pytest.fixture
def watched(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """When the watchdog looked: no cgroup is there, whoever runs the tests."""
    looked: list[float] = []
    look = Watchdog.sample

    def sample(self: Watchdog) -> bool:
        looked.append(time.monotonic())
        return look(self)

    monkeypatch.setattr(process, "create_group", lambda _, limits: Watchdog(limits))
    monkeypatch.setattr(Watchdog, "sample", sample)
    return looked


def test_before_a_request_and_after_it_once_the_next_process_is_there() -> None:
    with pool("handle") as workers:
        worker = only(workers)
        until(worker.is_at_rest)
        serving = threading.Thread(
            target=workers.call, args=({"do": "sleep", "seconds": 0.2},), kwargs={"timeout_seconds": 20}
        )
        serving.start()
        until(lambda: not worker.is_at_rest())
        assert worker not in workers._idle
        serving.join()
        until(worker.is_at_rest)
        with pytest.raises(WorkerCrashed):
            workers.call({"do": "die"}, timeout_seconds=20)
        until(worker.is_at_rest)
        workers.close()
        assert not worker.is_at_rest()


def test_what_is_kept_for_a_session_is_not() -> None:
    with pool("kept") as workers:
        until(only(workers).is_at_rest)
        worker = only(workers)
        workers._leave_one = lambda _: None  # type: ignore[method-assign]
        workers.call({"who": "ann"}, timeout_seconds=20, keep=Kept("ann", 1))
        assert worker.kept is not None
        assert not worker.is_at_rest()
        worker.let_go()
        until(worker.is_at_rest)


def test_nobody_looks_while_it_is_at_rest_and_somebody_does_while_it_serves(
    watched: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process, "_REST_SECONDS", 3600.0)

    def quiet() -> bool:
        before = len(watched)
        time.sleep(0.3)
        return len(watched) == before

    def serve() -> None:
        with pytest.raises(WorkerError):
            workers.call({"do": "sleep", "seconds": 60}, timeout_seconds=60)

    with pool("handle") as workers:
        until(only(workers).is_at_rest)
        until(quiet)
        watched.clear()
        serving = threading.Thread(target=serve)
        serving.start()
        until(lambda: len(watched) >= 3)
    serving.join()


@pytest.mark.attack
def test_a_request_that_takes_memory_is_ended_although_its_process_was_at_rest(watched: list[float]) -> None:
    with pool("handle") as workers:
        until(only(workers).is_at_rest)
        with pytest.raises(WorkerCrashed) as caught:
            workers.call({"do": "eat"}, timeout_seconds=20)
        assert caught.value.out_of_memory


@pytest.mark.attack
def test_were_a_serving_process_taken_for_one_at_rest_it_would_not(
    watched: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process, "_REST_SECONDS", 60.0)
    monkeypatch.setattr(Worker, "is_at_rest", lambda self: True)
    with pool("handle") as workers, pytest.raises(WorkerTimeout):
        workers.call({"do": "eat"}, timeout_seconds=0.4)
