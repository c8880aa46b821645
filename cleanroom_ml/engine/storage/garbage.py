"""Garbage collection: what no row points at, and no query holds, is deleted after a while."""

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

        Rows are read and objects deleted in one transaction: a commit comes before it, and its objects are seen, or
        after it, and `ObjectStore.require` tells it that they are gone.

        Raises:
            SchemaError: the catalog holds tables of a part that this process did not open, whose rows nobody would ask.
        """
        now = self._database.now()
        before = now - timedelta(seconds=grace_seconds)
        stored = set(self._objects.stored())
        removed = freed = 0
        with self._database.transaction() as connection:
            self._refuse_unknown_parts(connection)
            garbage = stored.difference(sha256 for references in self._references for sha256 in references(connection))
            since = self._condemn(connection, garbage, to_micros(now))
            with self._pins_lock:
                for sha256 in garbage:
                    if since[sha256] > to_micros(before) or sha256 in self._pins:
                        continue
                    size = self._objects.remove(sha256, untouched_since=before.timestamp())
                    if not self._objects.exists(sha256):
                        removed, freed = removed + 1, freed + size
        scratch = self._objects.sweep_scratch(untouched_since=before.timestamp())
        return Collected(removed=removed, bytes=freed, kept=len(garbage) - removed, scratch=scratch)

    def _condemn(self, connection: sqlite3.Connection, garbage: set[str], now: int) -> dict[str, int]:
        before = {row["sha256"]: int(row["since"]) for row in connection.execute("SELECT * FROM condemned")}
        connection.executemany(
            "DELETE FROM condemned WHERE sha256 = ?", ((sha256,) for sha256 in before.keys() - garbage)
        )
        connection.executemany(
            "INSERT INTO condemned (sha256, since) VALUES (?, ?)", ((sha256, now) for sha256 in garbage - before.keys())
        )
        return {sha256: before.get(sha256, now) for sha256 in garbage}

    def _refuse_unknown_parts(self, connection: sqlite3.Connection) -> None:
        known = {schema.name for schema in self._database.schemas}
        there = {row["name"] for row in connection.execute("SELECT name FROM schema_versions")}
        if unknown := sorted(there - known):
            raise SchemaError(f"garbage is collected by a process that knows every part; unknown here: {unknown}")
