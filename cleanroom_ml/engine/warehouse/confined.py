"""One DuckDB that reaches what it is handed, and nothing else (runs inside the sandbox).

What is handed over is put at numbers of descriptors that were allowed before, one after the other and none twice: so
the rest of its confinement can be there before the request is, and no path ever means another file than it did.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final

import duckdb

from cleanroom_ml.engine.sql.values import flattening
from cleanroom_ml.engine.warehouse.functions import register

MEMORY_PART: Final = 0.6
"""Of a worker's memory, for DuckDB, which spills past that; the rest is Python's and Arrow's."""

_OPENED_ZONE: Final = "Etc/UTC"
"""Snowflake's own name of a session's zone that nobody set."""
_SPILLED: Final = "/scratch/duckdb"
_FIRST_INPUT: Final = 1000
_MOST_INPUTS: Final = 64
"""Each costs a search for what its path leads to, when it is allowed."""


class Database:
    """A database in memory, and the one connection to it."""

    def __init__(self) -> None:
        self.connection = _open()
        self.stays = True
        """It can serve another request, if nothing speaks against it."""
        self._offered = False
        self._confined_to: str | None = None
        self._used = 0
        self._functions: set[str] = set()

    def start_threads(self) -> None:
        """Those of the process that uses it: a process that is forked has none of the others'. Nor has it random
        numbers of its own before it has a context of its own: those of what it copies are every other copy's, too.
        """
        self.connection = self.connection.cursor()
        self.connection.execute(f"SET threads = {int(os.environ.get('SANDBOX_CPUS', '2'))}")
        # With none, a recursive query that joins what is in a file can wait for ever for whoever would read it.
        self.connection.execute("SET async_threads = 1")

    def offer(self) -> None:
        """Allow the descriptors from _FIRST_INPUT on, of which none is there yet. In the process that serves: DuckDB
        keeps its number in the paths.
        """
        if os.environ.get("SANDBOX_ISOLATED"):  # where what they lead to has a path, that is what has to be allowed
            allowed = [f"/proc/self/fd/{number}" for number in range(_FIRST_INPUT, _FIRST_INPUT + _MOST_INPUTS)]
            self.connection.execute(f"SET allowed_paths = {allowed!r}")
            self._offered = True

    def can_take(self, inputs: int) -> bool:
        """Whether so many descriptors can be handed over to it."""
        return self._confined_to is None or (self._offered and self._used + inputs <= _MOST_INPUTS)

    @contextmanager
    def handed(self, inputs: Sequence[int], zone: str) -> Iterator[list[str]]:
        """The paths by which it opens these descriptors, in the block. It opens nothing else, and nobody can change its
        settings.

        Raises:
            ValueError: it was confined before, with another time zone.
        """
        numbers = range(_FIRST_INPUT + self._used, _FIRST_INPUT + self._used + len(inputs))
        if not self._offered or numbers.stop > _FIRST_INPUT + _MOST_INPUTS:
            paths = [f"/proc/self/fd/{fd}" for fd in inputs]
            self._confine(zone, paths)
            yield paths
            return
        self._confine(zone)
        self._used += len(inputs)
        for fd, number in zip(inputs, numbers, strict=True):
            os.dup2(fd, number, inheritable=False)
        try:
            yield [f"/proc/self/fd/{number}" for number in numbers]
        finally:
            for number in numbers:
                os.close(number)

    def register(self, sql: str) -> None:
        """Puts in those of our functions that the text names, and that are not there yet: a statement begins."""
        flattening.begin()
        self._functions = register(self.connection, sql, self._functions)

    def _confine(self, zone: str, paths: Sequence[str] | None = None) -> None:
        """`paths`: what is allowed, where that is not what was offered."""
        if self._confined_to is not None:
            if self._confined_to != zone or paths is not None:
                raise ValueError("what a process that is kept reads, and its time zone, cannot be changed")
            return
        self._confined_to = zone
        self.stays = paths is None
        settings = [] if zone == _OPENED_ZONE else _zone_settings(zone)
        if paths is not None:
            settings.append(f"allowed_paths = {list(paths)!r}")
        settings += ["enable_external_access = false", "lock_configuration = true"]
        self.connection.execute("; ".join(f"SET {setting}" for setting in settings))


def _zone_settings(zone: str) -> list[str]:
    """Of all cursors too: a write has one of its own."""
    return [f"TimeZone = '{zone}'", f"GLOBAL TimeZone = '{zone}'"]


def _open() -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect(
        config={
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
            "python_enable_replacements": False,
            # None but the caller's own: a process that is forked with others has their locks, and not them.
            "threads": 1,
            "async_threads": 0,
        }
    )
    for statement in (
        *(f"SET {setting}" for setting in _zone_settings(_OPENED_ZONE)),
        f"SET memory_limit = '{_memory_mib()}MiB'",
        f"SET temp_directory = '{_SPILLED}'",
        "SET preserve_insertion_order = true",
    ):
        connection.execute(statement)
    return connection


def _memory_mib() -> int:
    """DuckDB's part of this sandbox's memory."""
    return max(64, int(int(os.environ.get("SANDBOX_MEMORY_BYTES", str(1 << 30))) * MEMORY_PART) >> 20)
