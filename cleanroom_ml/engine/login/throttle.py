"""Slows down whoever guesses passwords, and nobody else.

A user who could be locked out by a stranger's wrong guesses would be: so no attempt is refused for what others failed
at. What is slowed down is the answer to a wrong guess, and how many such answers one sender can be waiting for. The
right password is answered at once.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

FREE_FAILURES: Final = 3
FREE_FAILURES_OF_ONE: Final = 32
"""The same, of one sender about all users together: a new name for each guess is no way around."""
FIRST_WAIT_SECONDS: Final = 0.5
LONGEST_WAIT_SECONDS: Final = 8.0
FORGET_SECONDS: Final = 900.0
MOST_HELD: Final = 64
"""Wrong answers that one sender may be waiting for, about one user. So it guesses 8 times a second at most."""
MOST_HELD_OF_ONE: Final = 128
"""The same, about all users together."""

Key = tuple[str, str, str]
"""Sender, account, user."""


@dataclass(slots=True)
class _Failures:
    count: int = 0
    last: float = 0.0
    held_until: deque[float] = field(default_factory=deque)

    def held(self, now: float) -> int:
        while self.held_until and self.held_until[0] <= now:
            self.held_until.popleft()
        return len(self.held_until)


class LoginThrottle:
    """After three failures in a row the answer to each further one is held back, twice as long each time; after 32
    of one sender also where each is about another user.

    `capacity` bounds the memory: the keys that failed longest ago are forgotten first, and each after FORGET_SECONDS.
    """

    def __init__(self, *, capacity: int = 8192, clock: Callable[[], float] = time.monotonic) -> None:
        self._capacity = capacity
        self._clock = clock
        self._failures: OrderedDict[Key, _Failures] = OrderedDict()
        self._lock = threading.Lock()

    def wait_seconds(self, key: Key) -> float:
        """How long this sender must wait before an attempt is looked at; 0 unless it has too many under way."""
        now = self._clock()
        with self._lock:
            for entry, most in ((self._known(key, now), MOST_HELD), (self._known(_all_of(key), now), MOST_HELD_OF_ONE)):
                if entry is not None and entry.held(now) >= most:
                    return entry.held_until[0] - now
        return 0.0

    def failed(self, key: Key) -> float:
        """An attempt failed; for how many seconds its answer is to be held back."""
        now = self._clock()
        with self._lock:
            entry = self._known(key, now) or _Failures()
            everything = self._known(_all_of(key), now) or _Failures()
            for kept in (entry, everything):
                kept.count += 1
                kept.last = now
            beyond = max(entry.count - FREE_FAILURES, everything.count - FREE_FAILURES_OF_ONE)
            wait = 0.0 if beyond <= 0 else min(FIRST_WAIT_SECONDS * 2.0 ** min(beyond - 1, 20), LONGEST_WAIT_SECONDS)
            for kept, of in ((entry, key), (everything, _all_of(key))):
                if wait:
                    kept.held_until.append(now + wait)
                self._failures[of] = kept
                self._failures.move_to_end(of)
            while len(self._failures) > self._capacity:
                self._failures.popitem(last=False)
        return wait

    def succeeded(self, key: Key) -> None:
        """An attempt succeeded: its failures are forgotten."""
        with self._lock:
            self._failures.pop(key, None)

    def __len__(self) -> int:
        return len(self._failures)

    def _known(self, key: Key, now: float) -> _Failures | None:
        entry = self._failures.get(key)
        if entry is not None and now - entry.last >= FORGET_SECONDS:
            del self._failures[key]
            return None
        return entry


def _all_of(key: Key) -> Key:
    return (key[0], "", "")
