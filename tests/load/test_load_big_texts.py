"""Big texts: few at once, computed with one at a time, fair between owners, given up by whoever is ended."""

from __future__ import annotations

import gc
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest

from cleanroom_ml.engine.load import big_texts
from cleanroom_ml.engine.load.big_texts import BigTexts
from cleanroom_ml.engine.load.cancellation import Cancellation
from cleanroom_ml.engine.load.owners import Owner

SECONDS = 30.0
BIG = 100_000


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(32) as threads:
        yield threads


class Held:
    """Statements that have said how much they read, and stay where they are until they are told to go on."""

    def __init__(self, texts: BigTexts, pool: ThreadPoolExecutor) -> None:
        self.texts = texts
        self.pool = pool
        self.go_on = threading.Event()

    def start(self, account: str, characters: int = BIG) -> tuple[threading.Event, Cancellation, Future[Any]]:
        began, token = threading.Event(), Cancellation(Owner(account))

        def run() -> None:
            with token.entered(), self.texts.statement():
                self.texts.weigh(characters)
                began.set()
                assert self.go_on.wait(SECONDS)

        return began, token, self.pool.submit(run)

    @contextmanager
    def released(self) -> Iterator[None]:
        try:
            yield
        finally:
            self.go_on.set()


@pytest.mark.attack
def test_one_accounts_big_texts_wait_for_each_other_and_anothers_does_not(pool: ThreadPoolExecutor) -> None:
    held = Held(BigTexts(places=2, most=4), pool)
    with held.released():
        began = [held.start("mallory")[0] for _ in range(10)]
        _until(lambda: sum(each.is_set() for each in began) == 2)
        assert held.start("brand")[0].wait(SECONDS)
        assert held.start("mallory", 1000)[0].wait(SECONDS)
        assert sum(each.is_set() for each in began) == 2
    _until(lambda: all(each.is_set() for each in began))


def test_a_text_that_names_others_is_as_big_as_all_of_them_but_a_block_of_many_is_not(pool: ThreadPoolExecutor) -> None:
    held = Held(BigTexts(places=1, most=1, small=1000), pool)
    with held.released():
        assert held.start("brand")[0].wait(SECONDS)
        with held.texts.statement(), Cancellation(Owner("brand")).entered():
            for _ in range(100):
                held.texts.weigh(900)  # would wait for ever
        token = Cancellation(Owner("brand"))
        token.cancel(RuntimeError("ended"))
        with token.entered(), held.texts.statement():
            held.texts.weigh(900)
            with pytest.raises(RuntimeError, match="ended"):
                held.texts.weigh(900, more=True)


def test_what_is_ended_while_it_waits_leaves_the_queue(pool: ThreadPoolExecutor) -> None:
    held = Held(BigTexts(places=1, most=1), pool)
    with held.released():
        assert held.start("brand")[0].wait(SECONDS)
        began, token, ended = held.start("brand")
        token.cancel(RuntimeError("ended"))
        assert isinstance(ended.exception(SECONDS), RuntimeError)
        assert not began.is_set()
    assert held.start("brand")[0].wait(SECONDS)


@pytest.mark.attack
def test_one_big_text_is_computed_with_at_a_time(pool: ThreadPoolExecutor) -> None:
    texts = BigTexts(places=8, most=8)
    inside: list[int] = []
    most: list[int] = []

    def compute(account: str) -> None:
        with Cancellation(Owner(account)).entered(), texts.statement():
            texts.weigh(BIG)
            for _ in range(20):
                with texts.turn(), texts.turn():
                    inside.append(1)
                    most.append(len(inside))
                    threading.Event().wait(0.001)
                    inside.pop()

    for each in [pool.submit(compute, f"account{n}") for n in range(8)]:
        each.result(SECONDS)
    assert len(most) == 160
    assert max(most) == 1


def test_whoever_waits_for_another_process_lets_others_compute(pool: ThreadPoolExecutor) -> None:
    texts = BigTexts(places=2, most=2)
    away, back = threading.Event(), threading.Event()

    def absent() -> None:
        with texts.statement():
            texts.weigh(BIG)
            with texts.turn(), texts.away():
                away.set()
                assert back.wait(SECONDS)

    def compute() -> None:
        with texts.statement():
            texts.weigh(BIG)
            with texts.turn():
                back.set()

    first = pool.submit(absent)
    assert away.wait(SECONDS)
    pool.submit(compute).result(SECONDS)
    first.result(SECONDS)


def test_what_is_left_of_trees_is_collected_after_some_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    class Node:
        def __init__(self) -> None:
            self.parent = self

    alive: list[int] = []
    texts = BigTexts()
    collected: list[int] = []
    monkeypatch.setattr(big_texts, "TIDIED", 2 * BIG)
    gc.disable()
    try:
        monkeypatch.setattr(Node, "__del__", lambda _: collected.append(1), raising=False)
        for _ in range(2):
            with texts.statement():
                texts.weigh(BIG)
                Node()
                alive.append(len(collected))
    finally:
        gc.enable()
    assert alive == [0, 0]
    assert len(collected) == 2


def _until(condition: Callable[[], bool]) -> None:
    for _ in range(3000):
        if condition():
            return
        threading.Event().wait(0.01)
    raise AssertionError("it did not get that far")
