"""The front's threads: shared between owners, started as they are needed, and never what keeps a process alive."""

from __future__ import annotations

import threading
import time

import pytest

from cleanroom_ml.engine.load.owners import Owner, owner
from cleanroom_ml.engine.queries import threads
from cleanroom_ml.engine.queries.threads import FairThreads

A, B = Owner("A"), Owner("B")


def named(name: str) -> list[threading.Thread]:
    return [each for each in threading.enumerate() if each.name == name]


def fail() -> None:
    raise LookupError("no such thing")


def test_work_is_done_for_its_owner_and_its_errors_are_told() -> None:
    some = FairThreads(2, 4, "told")
    assert some.submit(A, owner.get).result(10) == A
    with pytest.raises(LookupError):
        some.submit(A, fail).result(10)
    assert [some.submit(A, lambda number=number: number).result(10) for number in range(50)] == list(range(50))
    assert len(named("told")) <= 2, "they are used again"
    assert all(each.daemon for each in named("told"))
    assert some.close(10)
    with pytest.raises(RuntimeError):
        some.submit(A, owner.get)


def test_whoever_waits_gets_a_turn_and_what_is_given_up_is_not_done() -> None:
    some = FairThreads(2, 3, "turns")
    over, done = threading.Event(), []
    blocked = [some.submit(A, over.wait) for _ in range(4)]
    given_up = some.submit(A, lambda: done.append("given up"))
    assert given_up.cancel()
    assert some.submit(B, lambda: "at once").result(10) == "at once"
    over.set()
    for each in blocked:
        each.result(10)
    assert some.close(10)
    assert done == []


def test_what_does_not_end_keeps_nobody() -> None:
    some = FairThreads(1, 1, "hangs")
    over = threading.Event()
    hangs, waits = some.submit(A, over.wait), some.submit(A, owner.get)
    while not hangs.running():
        time.sleep(0.01)
    assert not some.close(0.1)
    over.set()
    assert some.close(10)
    assert waits.cancelled()


def test_threads_that_are_not_needed_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threads, "IDLE_SECONDS", 0.05)
    some = FairThreads(4, 4, "idle")
    for _ in range(20):
        for each in [some.submit(A, lambda: time.sleep(0.01)) for _ in range(4)]:
            each.result(10)
    deadline = time.monotonic() + 10
    while named("idle"):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    assert some.submit(A, owner.get).result(10) == A


def test_a_machine_that_gives_no_more_threads_is_an_error_of_that_work_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    some = FairThreads(1, 1, "none")

    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", refuse)
        refused = some.submit(A, owner.get)
    with pytest.raises(RuntimeError, match="can't start new thread"):
        refused.result(10)
    assert some.submit(A, owner.get).result(10) == A, "its place was given back"
    assert some.close(10)


def test_work_begins_now_or_not_at_all() -> None:
    some = FairThreads(1, 2, "now")
    over = threading.Event()
    assert some.begin(A, lambda: "refused", lambda: False) is None
    working = some.begin(A, lambda: over.wait(10), lambda: True)
    assert working is not None
    asked: list[str] = []
    assert some.begin(B, lambda: "late", lambda: not asked.append("may")) is None  # type: ignore[func-returns-value]
    assert asked == [], "nobody is asked where no thread is free"
    over.set()
    assert working.result(10)
    assert some.submit(B, lambda: "after").result(10) == "after"
    assert some.close(10)
    with pytest.raises(RuntimeError):
        some.begin(A, over.wait, lambda: True)
