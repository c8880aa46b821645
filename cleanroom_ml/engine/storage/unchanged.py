"""What was read of the catalog, for as long as nothing was committed since."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Final, Generic, TypeVar

from cleanroom_ml.engine.storage.database import Database

MOST: Final = 1024

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Unchanged(Generic[K, V]):
    """Values by their keys. Thread-safe; of the database's own process, whose commits `Database.changes` counts: what
    is not `counted` there must not change them.
    """

    def __init__(self, database: Database, most: int = MOST) -> None:
        self._database = database
        self._most = most
        self._kept: tuple[int, dict[K, V]] = 0, {}

    def seen(self, key: K) -> V | None:
        """What was read before, if a reader would find the same now; None: read it. Never blocks.

        Not for a thread that is inside a transaction of its own, which sees more.
        """
        changes, kept = self._kept
        return kept.get(key) if changes == self._database.changes else None

    def read(self, key: K, read: Callable[[], V]) -> V:
        """What `read` finds, kept where it found what is committed. Raises what it raises."""
        changes = self._database.changes
        value = read()
        if changes % 2 == 0 and not self._database.entered:
            at, kept = self._kept
            if at != changes or len(kept) >= self._most:  # of before, it is never asked for again
                kept = {}
            kept[key] = value
            self._kept = changes, kept
        return value

    def get(self, key: K, read: Callable[[], V]) -> V:
        """`seen`, or else `read`; of any thread. Raises what `read` raises."""
        value = None if self._database.entered else self.seen(key)
        return self.read(key, read) if value is None else value
