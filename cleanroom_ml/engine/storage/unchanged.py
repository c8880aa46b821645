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
        self._kept: dict[K, tuple[int, V]] = {}

    def seen(self, key: K) -> V | None:
        """What was read before, if a reader would find the same now; None: read it. Never blocks.

        Not for a thread that is inside a transaction of its own, which sees more.
        """
        kept = self._kept.get(key)
        return None if kept is None or kept[0] != self._database.changes else kept[1]

    def read(self, key: K, read: Callable[[], V]) -> V:
        """What `read` finds, kept where it found what is committed. Raises what it raises."""
        changes = self._database.changes
        value = read()
        if changes % 2 == 0 and not self._database.entered:
            if len(self._kept) >= self._most:
                self._kept.clear()
            self._kept[key] = (changes, value)
        return value

    def get(self, key: K, read: Callable[[], V]) -> V:
        """`seen`, or else `read`; of any thread. Raises what `read` raises."""
        value = None if self._database.entered else self.seen(key)
        return self.read(key, read) if value is None else value
