"""A lock that owners have in turns."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from cleanroom_ml.engine.load.fair_lock import FairLock
from cleanroom_ml.engine.load.owners import Owner, owner

SECONDS = 30.0


class Threads:
    """Threads that take a lock one after the other, and write down whose turn it was."""

    def __init__(self, lock: FairLock) -> None:
        self.lock = lock
        self.order: list[str] = []
        self.started: list[threading.Thread] = []

    def ask(self, account: str) -> None:
        """Start one more, and wait until it is in the queue."""
        queued = threading.Event()

        def run() -> None:
            owner.set(Owner(account))
            queued.set()
            with self.lock:
                self.order.append(account)

        thread = threading.Thread(target=run)
        thread.start()
        self.started.append(thread)
        assert queued.wait(SECONDS)
        self._wait(lambda: sum(len(queue) for queue in self.lock._shares._waiting.values()) == len(self.started))

    def join(self) -> list[str]:
        for thread in self.started:
            thread.join(SECONDS)
        return self.order

    def _wait(self, condition: Callable[[], bool]) -> None:
        for _ in range(3000):
            if condition():
                return
            threading.Event().wait(0.01)
        raise AssertionError("it did not get that far")


@pytest.fixture
def lock() -> FairLock:
    return FairLock()


@pytest.mark.attack
def test_whoever_asks_a_hundred_times_lets_another_go_before(lock: FairLock) -> None:
    threads = Threads(lock)
    with lock:
        for _ in range(20):
            threads.ask("mallory")
        threads.ask("brand")
    order = threads.join()
    assert len(order) == 21
    assert order.index("brand") <= 1  # with an ordinary lock it is the last


def test_it_is_one_threads_at_a_time(lock: FairLock) -> None:
    inside: list[int] = []
    most: list[int] = []

    def run() -> None:
        for _ in range(50):
            with lock:
                inside.append(1)
                most.append(len(inside))
                inside.pop()

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(SECONDS)
    assert len(most) == 200
    assert max(most) == 1


def test_it_is_not_waited_for_where_nobody_wants_to(lock: FairLock) -> None:
    with lock:
        assert not lock.acquire(blocking=False)
    assert lock.acquire(blocking=False)
    lock.release()
    with pytest.raises(RuntimeError, match="nobody held it"):
        lock.release()
