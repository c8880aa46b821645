"""Statements that change one table at the same time: who loses a race tries again, and then waits for its turn."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

from cleanroom_ml.engine.storage.keys import Key

ATTEMPTS: Final = 12


@dataclass(slots=True)
class _Turn:
    """Whose turn it is at one table, and how many statements hold or await it."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    wanted: int = 0


_turns: dict[Key, _Turn] = {}
_turns_lock = threading.Lock()


def attempts() -> Iterator[int]:
    """Numbers of attempts, with a growing pause between them."""
    for attempt in range(ATTEMPTS):
        if attempt:
            time.sleep(random.uniform(0, 0.01 * 2 ** min(attempt, 5)))
        yield attempt


@contextmanager
def turn(key: Key | None) -> Iterator[None]:
    """Statements that have lost a race for the same table take turns from then on, so that each gets through."""
    if key is None:
        yield
        return
    with _turns_lock:
        mine = _turns.setdefault(key, _Turn())
        mine.wanted += 1
    try:
        with mine.lock:
            yield
    finally:
        with _turns_lock:
            mine.wanted -= 1
            if not mine.wanted:
                del _turns[key]
