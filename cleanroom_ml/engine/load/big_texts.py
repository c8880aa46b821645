"""Statements whose text is big: few are in the front's memory at once, and one at a time is computed with.

A text of a megabyte is a tree of a million objects. Threads that make such trees share one interpreter with everybody
else's work, and each of them that can run makes all others slower: measured with 15 of them, `select 1` took seconds
where it takes 30 ms, and the front had 1.6 GB. So a statement says how much it reads before it does (`weigh`): a big
one waits for a place, which it has to its end, and computes in turns (`turn`). Places and turns are fair between owners
(`shares.py`); small statements know nothing of this.
"""

from __future__ import annotations

import ctypes
import gc
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Final

from cleanroom_ml.engine.load import cancellation
from cleanroom_ml.engine.load.shares import Place, Shares

SMALL: Final = 4 << 10
"""Characters that a statement may read without asking: about 50 ms of computing at most."""
PLACES: Final = 2
MOST_PLACES: Final = 10
"""As many as workers (`memory_shares.py`): whoever would wait for a worker waits here instead, with a text only."""
TIDIED: Final = 32 << 10
"""Characters after which what is left of trees is collected: everybody waits for that, so while it is little. Measured
under hostile load with four times as much: 950,000 objects at once, and a `select 1` of others took 1.2 s.
"""


@dataclass(slots=True)
class _Reading:
    """What one statement has read, and what it has for that."""

    characters: int = 0
    in_all: int = 0
    place: Place | None = None
    turn: Place | None = None


_TRIM: Final = getattr(ctypes.CDLL(None), "malloc_trim", lambda _: 0)
"""Gives what is free between pieces that are in use back to the system, where the C library (glibc) knows how."""


class BigTexts:
    """The places and the turns of one interpreter. Blocking and thread-safe.

    Args:
        places: how many big statements there may be at once.
        most: how many, where some of them are of parties that would have none otherwise.
        small: characters of a statement that is not big.
    """

    def __init__(self, places: int = PLACES, most: int = MOST_PLACES, small: int = SMALL) -> None:
        self._places = Shares(places, most)
        self._turns = Shares(1, 1)
        self._small = small
        self._reading: ContextVar[_Reading | None] = ContextVar("reading", default=None)
        self._untidied = 0
        self._lock = threading.Lock()

    @contextmanager
    def statement(self) -> Iterator[None]:
        """Around one statement of this thread. One inside of another is a part of it."""
        if self._reading.get() is not None:
            yield
            return
        reading = _Reading()
        outer = self._reading.set(reading)
        try:
            yield
        finally:
            self._reading.reset(outer)
            self._over(reading)

    def weigh(self, characters: int, *, more: bool = False) -> None:
        """A text of so many characters is about to be read: waits for a place where that makes the statement big.

        `more`: it belongs to the one before, as a view to the query that names it. Otherwise it is another statement,
        as each of a block is: many small ones are never a big one.

        Raises:
            Exception: the reason why this thread's work was ended meanwhile.
        """
        reading = self._reading.get()
        if reading is None:
            return
        reading.characters = reading.characters + characters if more else characters
        reading.in_all += characters
        if reading.place is None and reading.characters > self._small:
            reading.place = _wait(self._places)

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Around what computes: a big statement does that when no other does.

        Raises:
            Exception: the reason why this thread's work was ended meanwhile.
        """
        reading = self._reading.get()
        if reading is None or reading.place is None or reading.turn is not None:
            yield
            return
        reading.turn = _wait(self._turns)
        try:
            yield
        finally:
            self._give_back(reading)

    @contextmanager
    def away(self) -> Iterator[None]:
        """Around what waits for another process: others have their turns meanwhile."""
        reading = self._reading.get()
        if reading is None or reading.turn is None:
            yield
            return
        self._give_back(reading)
        yield
        reading.turn = _wait(self._turns)

    def _give_back(self, reading: _Reading) -> None:
        turn, reading.turn = reading.turn, None
        if turn is not None:
            self._turns.give_back(turn)

    def _over(self, reading: _Reading) -> None:
        """A tree's nodes know their parents: it stays in memory until somebody looks for such circles.

        Left to the interpreter's own thresholds that is after a gigabyte of them, and holds up everybody for seconds.
        """
        if reading.place is None:
            return
        with self._lock:
            self._untidied += reading.in_all
            tidy = self._untidied >= TIDIED
            if tidy:
                self._untidied = 0
        try:
            if tidy:
                gc.collect()
                _TRIM(0)
        finally:
            self._places.give_back(reading.place)


def _wait(shares: Shares) -> Place:
    token = cancellation.current()
    woken = threading.Event()
    place = shares.ask(token.owner, lambda _: woken.set())
    try:
        with token.ending(woken.set):
            woken.wait()
        token.check()
    except BaseException:
        shares.give_back(place)
        raise
    return place


BIG_TEXTS: Final = BigTexts()
"""Those of this process."""
