"""Statements under way: a session's one after the other, found by every id that they have, and ended at once."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from cleanroom_ml.engine.load.owners import Owner
from cleanroom_ml.engine.queries.running import Running
from cleanroom_ml.engine.queries.threads import FairThreads
from cleanroom_ml.engine.queries.under_way import UnderWay
from cleanroom_ml.engine.sql.errors import SqlError

A, B = Owner("A"), Owner("B")
SECONDS = 20.0
CANCELLED = SqlError.cancelled()


@pytest.fixture
def under_way() -> Iterator[UnderWay]:
    made = UnderWay(FairThreads(4, 8, "under-way"))
    yield made
    assert made.close(CANCELLED, SECONDS)


def entered(under_way: UnderWay, query_id: str, session_id: str = "s", owner: Owner = A) -> Running:
    running = Running(query_id, owner, session_id)
    under_way.enter(running)
    return running


def test_a_sessions_statements_run_one_after_the_other_and_other_sessions_beside_them(under_way: UnderWay) -> None:
    over, done = threading.Event(), []
    first, second = entered(under_way, "1"), entered(under_way, "2")
    other = entered(under_way, "3", "another session")
    under_way.queue(first, lambda: done.append(("first", over.wait(SECONDS))))
    under_way.queue(second, lambda: done.append(("second", True)))
    under_way.queue(other, lambda: done.append(("other", True)))
    other.done.result(SECONDS)
    assert done == [("other", True)]
    over.set()
    second.done.result(SECONDS)
    assert done == [("other", True), ("first", True), ("second", True)]
    assert under_way.all() == []


def test_what_fails_holds_up_nobody_after_it(under_way: UnderWay) -> None:
    def fail() -> None:
        raise LookupError

    broken, after = entered(under_way, "1"), entered(under_way, "2")
    under_way.queue(broken, fail)
    under_way.queue(after, lambda: None)
    for each in (broken, after):
        each.done.result(SECONDS)
    assert under_way.all() == []


def test_it_is_found_by_each_of_its_ids_until_it_is_over(under_way: UnderWay) -> None:
    running, other = entered(under_way, "1"), entered(under_way, "2", "t", B)
    assert under_way.name(running, "child")
    assert under_way.name(running, "child"), "saying it again changes nothing"
    assert not under_way.name(other, "child"), "it is another's"
    assert under_way.get("child") is under_way.get("1") is running
    assert (under_way.all("s"), under_way.all()) == ([running], [running, other])
    under_way.unname(other, "child")
    assert under_way.get("child") is running
    under_way.unname(running, "child")
    assert under_way.get("child") is None
    for _ in range(2):
        under_way.leave(running)
    assert running.done.done()
    assert under_way.get("1") is None


def test_an_owners_are_counted_until_they_are_over(under_way: UnderWay) -> None:
    some = [Running(str(number), A, "s") for number in range(3)]
    assert [under_way.enter(each) for each in some] == [1, 2, 3]
    assert under_way.enter(Running("b", B, "t")) == 1
    for each in some[:2]:
        under_way.leave(each)
        under_way.leave(each)
    assert under_way.enter(Running("3", A, "s")) == 2


def test_what_is_stopped_before_its_turn_never_begins_and_is_told_at_once(under_way: UnderWay) -> None:
    over, done = threading.Event(), []
    runs, waits, late = (entered(under_way, name) for name in ("1", "2", "3"))
    under_way.queue(runs, lambda: done.append(over.wait(SECONDS)))
    under_way.queue(waits, lambda: done.append("begun"))
    under_way.stop("2", CANCELLED)
    assert waits.done.done()
    assert waits.reason is CANCELLED
    late.cancel(CANCELLED)
    under_way.queue(late, lambda: done.append("begun"))
    assert late.done.done(), "it was stopped before it came to its turn"
    under_way.stop("1", CANCELLED)
    assert runs.done.done(), "who waits is told now; its thread ends when it can"
    under_way.stop("nobody's", CANCELLED)
    over.set()
    after = entered(under_way, "4")
    under_way.queue(after, lambda: done.append("after"))
    after.done.result(SECONDS)
    assert done == [True, "after"]


def test_of_several_statements_one_that_is_stopped_tells_nobody_before_the_request_has_ended(
    under_way: UnderWay,
) -> None:
    parent = entered(under_way, "parent")
    under_way.name(parent, "child")
    under_way.stop("child", CANCELLED)
    assert parent.reason is CANCELLED
    assert not parent.done.done()


def test_when_the_engine_stops_nothing_begins_and_who_waits_is_told() -> None:
    under_way = UnderWay(FairThreads(1, 1, "stops"))
    running, waiting = entered(under_way, "1"), entered(under_way, "2", "t")
    begun, over = threading.Event(), threading.Event()

    def work() -> None:
        begun.set()
        with running.ending(over.set):
            assert over.wait(SECONDS)

    under_way.queue(running, work)
    assert begun.wait(SECONDS)
    assert under_way.close(CANCELLED, SECONDS)
    late = entered(under_way, "3", "u")
    under_way.queue(late, lambda: pytest.fail("it begins nothing any more"))
    assert [each.done.done() for each in (running, waiting, late)] == [True, True, False]
