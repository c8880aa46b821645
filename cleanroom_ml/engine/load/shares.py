"""Fair shares of a number of places: a queue between owners, instead of first come, first served."""

from __future__ import annotations

import itertools
import threading
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from cleanroom_ml.engine.load.owners import Owner

_Key = TypeVar("_Key", Owner, tuple[str, bool])


@dataclass(eq=False, slots=True)
class Place:
    """One that was asked for. `granted` once it may be used."""

    owner: Owner
    on_grant: Callable[[Place], None]
    granted: bool = False
    over: bool = field(default=False, repr=False)


class Shares:
    """Who has a place, and who gets the next. Thread-safe; nothing here blocks.

    While nobody else waits an owner may have every place. What is there cannot be taken back from work that never
    ends; so beyond `size` there are places, up to `most`, for a party that has none at all: whatever others do, its
    first piece of work starts at once. Places that become free go to the waiting owner who has the fewest, in turn.
    """

    def __init__(self, size: int, most: int) -> None:
        if not 0 < size <= most:
            raise ValueError("there are at least one place, and no fewer at most than to begin with")
        self.size = size
        self.most = most
        self._waiting: dict[Owner, deque[Place]] = {}
        self._owners: Counter[Owner] = Counter()
        self._parties: Counter[tuple[str, bool]] = Counter()
        self._total = 0
        self._turns = itertools.count(1)
        self._last_turn: dict[Owner, int] = {}
        self._lock = threading.Lock()

    @property
    def taken(self) -> int:
        """How many places are taken now."""
        return self._total

    def ask(self, owner: Owner, on_grant: Callable[[Place], None]) -> Place:
        """Wait in line for a place. `on_grant` is called with it when its turn comes, on any thread; must not block."""
        place = Place(owner, on_grant)
        with self._lock:
            self._waiting.setdefault(owner, deque()).append(place)
        self._grant()
        return place

    def take(self, owner: Owner) -> Place | None:
        """A place that is free, while nobody waits for one; None: `ask`. So nobody has to be told of it."""
        with self._lock:
            if self._waiting or self._total >= self.size:
                return None
            place = Place(owner, lambda _: None, granted=True)
            self._taken_by(owner)
        return place

    def give_back(self, place: Place) -> None:
        """The place is not needed (any more), whether it was granted or not. Idempotent."""
        with self._lock:
            if place.over:
                return
            place.over = True
            owner = place.owner
            if place.granted:
                self._total -= 1
                _less(self._owners, owner)
                _less(self._parties, owner.party)
            else:
                self._waiting[owner].remove(place)
                if not self._waiting[owner]:
                    del self._waiting[owner]
            if owner not in self._waiting and owner not in self._owners:
                self._last_turn.pop(owner, None)
        self._grant()

    def _grant(self) -> None:
        granted = []
        with self._lock:
            while (place := self._next()) is not None:
                place.granted = True
                granted.append(place)
        for place in granted:
            place.on_grant(place)

    def _next(self) -> Place | None:
        if self._total >= self.most:
            return None
        waiting = [each for each in self._waiting if self._total < self.size or not self._parties[each.party]]
        if not waiting:
            return None
        owner = min(waiting, key=self._rank)
        queue = self._waiting[owner]
        place = queue.popleft()
        if not queue:
            del self._waiting[owner]
        self._taken_by(owner)
        return place

    def _taken_by(self, owner: Owner) -> None:
        self._total += 1
        self._owners[owner] += 1
        self._parties[owner.party] += 1
        self._last_turn[owner] = next(self._turns)

    def _rank(self, owner: Owner) -> tuple[int, int, int]:
        return self._parties[owner.party], self._owners[owner], self._last_turn.get(owner, 0)


def _less(counter: Counter[_Key], key: _Key) -> None:
    counter[key] -= 1
    if not counter[key]:
        del counter[key]
