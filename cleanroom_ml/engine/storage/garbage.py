"""Garbage collection: what no row points at, and no query holds, is deleted after a while.

The catalog has one writer, and everybody waits for it. So rows are read in a snapshot, which nobody waits for; what was
found is taken out of the store by renaming, a few at a time, in short transactions that look whether anything was
committed since; and files are deleted outside of any transaction. Killed at any point, the next collection goes on: an
object is either in the store, or nothing points at it.
"""

from __future__ import annotations

import sqlite3
import threading
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

from cleanroom_ml.engine.storage.database import Database, References, Schema
from cleanroom_ml.engine.storage.errors import SchemaError
from cleanroom_ml.engine.storage.keys import to_micros
from cleanroom_ml.engine.storage.objects import ObjectStore

GRACE_SECONDS = 3600.0
AT_ONCE = 256
"""Objects taken away, or rows written, in one transaction."""

SCHEMA = Schema(
    "garbage",
    1,
    # Since when nothing points at an object: a query that read the catalog just before still finds its objects.
    ("CREATE TABLE condemned (sha256 TEXT PRIMARY KEY, since INTEGER NOT NULL) STRICT",),
)


@dataclass(frozen=True, slots=True)
class Collected:
    """What one collection did. `kept` counts unreferenced objects in their grace period, or pinned."""

    removed: int
    bytes: int
    kept: int
    scratch: int


class Garbage:
    """Mark and sweep over the object store, and the pins of this process."""

    def __init__(self, database: Database, objects: ObjectStore) -> None:
        self._database = database
        self._objects = objects
        self._references: list[References] = [
            schema.references for schema in database.schemas if schema.references is not None
        ]
        self._pins: Counter[str] = Counter()
        self._pins_lock = threading.Lock()

    def register(self, references: References) -> None:
        """Also asks `references` which objects rows point at. Parts with a Schema give theirs there instead."""
        self._references.append(references)

    @contextmanager
    def pin(self, sha256s: Iterable[str]) -> Iterator[None]:
        """While the block runs, no collection of this process deletes these objects."""
        held = tuple(sha256s)
        with self._pins_lock:
            self._pins.update(held)
        try:
            yield
        finally:
            with self._pins_lock:
                self._pins.subtract(held)
                for sha256 in held:
                    if self._pins[sha256] <= 0:
                        del self._pins[sha256]

    def collect(self, grace_seconds: float = GRACE_SECONDS) -> Collected:
        """Deletes objects that were stored, and that nothing has pointed at, for `grace_seconds`.

        A commit comes before an object is taken away, and is seen, or after it, and `ObjectStore.require` tells it that
        the object is gone.

        Raises:
            SchemaError: the catalog holds tables of a part that this process did not open, whose rows nobody would ask.
        """
        self._objects.empty_trash()
        now = self._database.now()
        before = now - timedelta(seconds=grace_seconds)
        stored = set(self._objects.stored())
        with self._database.read() as connection:
            self._refuse_unknown_parts(connection)
            garbage = stored.difference(self._referenced(connection))
            since = {row["sha256"]: int(row["since"]) for row in connection.execute("SELECT * FROM condemned")}
            seen = _version(connection)
        self._condemn(garbage, since, to_micros(now))
        candidates = {sha256 for sha256 in garbage if since.get(sha256, to_micros(now)) <= to_micros(before)}
        removed = freed = 0
        for batch in _batches(sorted(candidates)):
            with self._database.transaction() as connection:
                if (version := _version(connection)) != seen:
                    candidates.difference_update(self._referenced(connection))
                    seen = version
                sizes = self._take_away(candidates.intersection(batch), before.timestamp())
                connection.executemany("DELETE FROM condemned WHERE sha256 = ?", ((sha256,) for sha256 in sizes))
            self._objects.empty_trash()
            removed, freed = removed + len(sizes), freed + sum(sizes.values())
        scratch = self._objects.sweep_scratch(untouched_since=before.timestamp())
        return Collected(removed=removed, bytes=freed, kept=len(garbage) - removed, scratch=scratch)

    def _referenced(self, connection: sqlite3.Connection) -> Iterator[str]:
        for references in self._references:
            yield from references(connection)

    def _condemn(self, garbage: set[str], since: dict[str, int], now: int) -> None:
        """Writes down since when nothing points at an object, for the collections that come."""
        for batch in _batches(sorted(since.keys() - garbage)):
            with self._database.transaction() as connection:
                connection.executemany("DELETE FROM condemned WHERE sha256 = ?", ((sha256,) for sha256 in batch))
        for batch in _batches(sorted(garbage - since.keys())):
            with self._database.transaction() as connection:
                connection.executemany(
                    "INSERT OR IGNORE INTO condemned (sha256, since) VALUES (?, ?)", ((sha256, now) for sha256 in batch)
                )

    def _take_away(self, sha256s: Iterable[str], untouched_since: float) -> dict[str, int]:
        """Takes away what nobody holds; the size of each object that is gone."""
        sizes = {}
        with self._pins_lock:
            for sha256 in sha256s:
                size = None
                if sha256 not in self._pins:
                    size = self._objects.remove(sha256, untouched_since=untouched_since)
                if size is not None:
                    sizes[sha256] = size
        return sizes

    def _refuse_unknown_parts(self, connection: sqlite3.Connection) -> None:
        known = {schema.name for schema in self._database.schemas}
        there = {row["name"] for row in connection.execute("SELECT name FROM schema_versions")}
        if unknown := sorted(there - known):
            raise SchemaError(f"garbage is collected by a process that knows every part; unknown here: {unknown}")


def _version(connection: sqlite3.Connection) -> int:
    """Another one whenever another connection has committed since this one last looked (SQLite, "PRAGMA data_version").

    To be asked inside a transaction that has read or written: only then is it that transaction's.
    """
    connection.execute("SELECT 1 FROM condemned LIMIT 1").fetchone()
    version: int = connection.execute("PRAGMA data_version").fetchone()[0]
    return version


def _batches(sha256s: list[str]) -> Iterator[list[str]]:
    for start in range(0, len(sha256s), AT_ONCE):
        yield sha256s[start : start + AT_ONCE]
