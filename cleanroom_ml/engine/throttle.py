"""Slows down whoever guesses credentials: per account, user and kind of credential, in bounded memory."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Final

FREE_FAILURES: Final = 5
FIRST_WAIT_SECONDS: Final = 2.0
LONGEST_WAIT_SECONDS: Final = 300.0
FORGET_SECONDS: Final = 3600.0

Key = tuple[str, str, str]


class LoginThrottle:
    """After five failures in a row each further one doubles the wait before the next attempt is even looked at.

    The kind of credential is part of the key, so that guessing a user's password does not keep out the holder of the
    key pair.
    `capacity` bounds the memory: the keys that failed longest ago are forgotten first.
    """

    def __init__(self, *, capacity: int = 8192, clock: Callable[[], float] = time.monotonic) -> None:
        self._capacity = capacity
        self._clock = clock
        self._failures: OrderedDict[Key, tuple[int, float]] = OrderedDict()
        self._lock = threading.Lock()

    def wait_seconds(self, key: Key) -> float:
        """How long this key must wait before its next attempt; 0 where it need not."""
        with self._lock:
            count, last = self._failures.get(key, (0, 0.0))
        if count < FREE_FAILURES:
            return 0.0
        wait = min(FIRST_WAIT_SECONDS * 2.0 ** min(count - FREE_FAILURES, 20), LONGEST_WAIT_SECONDS)
        return max(0.0, last + wait - self._clock())

    def failed(self, key: Key) -> None:
        """An attempt failed."""
        now = self._clock()
        with self._lock:
            count, last = self._failures.pop(key, (0, now))
            self._failures[key] = (count + 1 if now - last < FORGET_SECONDS else 1, now)
            while len(self._failures) > self._capacity:
                self._failures.popitem(last=False)

    def succeeded(self, key: Key) -> None:
        """An attempt succeeded: its failures are forgotten."""
        with self._lock:
            self._failures.pop(key, None)

    def __len__(self) -> int:
        return len(self._failures)
