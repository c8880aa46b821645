"""The catalog's SQLite file: one writer at a time, readers on snapshots, nothing acknowledged before it is on disk."""

from __future__ import annotations

import os
import sqlite3
import threading
import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from cleanroom_ml.engine.load import cancellation
from cleanroom_ml.engine.load.fair_lock import FairLock
from cleanroom_ml.engine.storage.errors import SchemaError
from cleanroom_ml.engine.storage.keys import to_micros
from cleanroom_ml.engine.storage.objects import sync_directory

References = Callable[[sqlite3.Connection], Iterable[str]]
Clock = Callable[[], datetime]

BUSY_SECONDS = 60.0
_VERSIONS = "CREATE TABLE IF NOT EXISTS schema_versions (name TEXT PRIMARY KEY, version INTEGER NOT NULL) STRICT"


@dataclass(frozen=True, slots=True)
class Schema:
    """What one part of the engine keeps in the catalog.

    Args:
        name: of the part; never changes.
        version: of `statements`, counted from 1.
        statements: make the tables of this version in an empty catalog.
        upgrades: for each later version, what brings the version before it there.
        references: the hashes of every object that this part's rows point at; asked by garbage collection inside its
            transaction. A part whose rows hold hashes and that gives none will lose its objects.
    """

    name: str
    version: int
    statements: tuple[str, ...]
    upgrades: Mapping[int, tuple[str, ...]] = field(default_factory=dict)
    references: References | None = None


class Connection(sqlite3.Connection):
    """A connection that can be referred to weakly and knows what it is in the middle of."""

    mode: str = ""
    depth: int = 0
    durable: bool = True


class Database:
    """One SQLite file, for all threads of a process and for several processes.

    Every thread has a connection of its own. Transactions nest: an inner one is a savepoint of the outer one, so
    that parts can be combined into one commit.
    """

    def __init__(self, path: Path, *, clock: Clock | None = None) -> None:
        """Opens `path`, making it with mode 0600 if it is not there. Makes no tables: see `open`."""
        self.path = path
        self._clock = clock or (lambda: datetime.now(UTC))
        self._local = threading.local()
        self._writer = FairLock()
        self._connections: weakref.WeakSet[Connection] = weakref.WeakSet()
        self.schemas: tuple[Schema, ...] = ()
        self.changes = 0
        """Counts the commits of this process, twice each: odd while one is being made. While it is the same even
        number, nothing has changed that anybody may see.
        """
        # SQLite gives its -wal and -shm files the mode of the database file.
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600))
        sync_directory(path.parent)

    @classmethod
    def open(cls, path: Path, schemas: Sequence[Schema], *, clock: Clock | None = None) -> Database:
        """Opens the catalog and brings each part's tables to its version, all in one transaction.

        Raises:
            SchemaError: a part on disk is newer than this program, or too old for it, or two parts have one name.
        """
        if len({schema.name for schema in schemas}) != len(schemas):
            raise SchemaError("two schemas have the same name")
        database = cls(path, clock=clock)
        with database.transaction() as connection:
            connection.execute(_VERSIONS)
            for schema in schemas:
                _install(connection, schema)
        database.schemas = tuple(schemas)
        return database

    def now(self) -> datetime:
        """The time, in UTC, as this catalog's clock tells it."""
        return self._clock()

    def now_micros(self) -> int:
        """`now()` as the catalog stores it."""
        return to_micros(self._clock())

    @contextmanager
    def transaction(self, *, durable: bool = True, counted: bool = True) -> Iterator[sqlite3.Connection]:
        """One atomic change: committed (and on disk) when the block ends, undone when it raises.

        Inside another transaction of this thread it is a savepoint of that one. Work that was ended changes nothing any
        more: whoever ended it was told so (`contracts.cancellation`; what has to be put in order is `tidying`).

        One that is not `durable` outlives this process, however it ends, and is on disk with the next one that is: only
        a machine that loses its power before that forgets it, and everything after it (SQLite: `synchronous = NORMAL`
        with a write-ahead log). For what nobody was promised, or what nothing that was promised builds on. `counted`
        in `changes`, unless it changes nothing that anybody may see.

        Raises:
            Exception: why the work of this thread was ended.
            RuntimeError: called inside this thread's `read()`, whose snapshot cannot become writable.
        """
        connection = self._connection()
        if connection.depth and connection.mode == "read":
            raise RuntimeError("transaction() inside read(): start the transaction first")
        if connection.depth:
            with _savepoint(connection):
                yield connection
            return
        # Threads of this process queue here, their owners in turns, instead of polling for SQLite's lock: each commit
        # waits for the disk, and one party's hundred threads would make everybody else wait for a hundred of them.
        with self._writer, _entered(connection, "write"):
            _synchronous(connection, durable)
            connection.execute("BEGIN IMMEDIATE")
            try:
                cancellation.check()  # who ends work does it inside a transaction: it is before this one, or after
                yield connection
                self.changes += counted
                try:
                    connection.execute("COMMIT")
                finally:
                    self.changes += counted
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise

    @contextmanager
    def transaction_if_free(self) -> Iterator[sqlite3.Connection | None]:
        """A transaction, or None where somebody else is writing: for what can as well be written another time.

        Never waits for anybody.
        """
        connection = self._connection()
        if connection.depth or not self._writer.acquire(blocking=False):
            yield None
            return
        try:
            connection.execute("PRAGMA busy_timeout = 0")
            _synchronous(connection, True)
            try:
                connection.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError:
                yield None
                return
            with _entered(connection, "write"):
                try:
                    yield connection
                    connection.execute("COMMIT")
                except BaseException:
                    if connection.in_transaction:
                        connection.execute("ROLLBACK")
                    raise
        finally:
            connection.execute(f"PRAGMA busy_timeout = {int(BUSY_SECONDS * 1000)}")
            self._writer.release()

    @contextmanager
    def read(self) -> Iterator[sqlite3.Connection]:
        """A snapshot: everything read in the block is of one moment. Inside a transaction it is the transaction."""
        connection = self._connection()
        if connection.depth:
            yield connection
            return
        with _entered(connection, "read"):
            connection.execute("BEGIN")
            try:
                yield connection
            finally:
                connection.execute("ROLLBACK")

    @property
    def entered(self) -> bool:
        """Whether this thread is inside a `transaction()` or a `read()`."""
        return bool(self._connection().depth)

    def close(self) -> None:
        """Closes every thread's connection. The file can be opened again."""
        for connection in list(self._connections):
            connection.close()
        self._local = threading.local()

    def _connection(self) -> Connection:
        connection: Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = sqlite3.connect(
                self.path,
                timeout=BUSY_SECONDS,
                isolation_level=None,
                check_same_thread=False,
                factory=Connection,
            )
            connection.row_factory = sqlite3.Row
            for pragma in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON", "trusted_schema = OFF"):
                connection.execute(f"PRAGMA {pragma}")
            self._local.connection = connection
            self._connections.add(connection)
        return connection


def _install(connection: sqlite3.Connection, schema: Schema) -> None:
    row = connection.execute("SELECT version FROM schema_versions WHERE name = ?", (schema.name,)).fetchone()
    if row is None:
        for statement in schema.statements:
            connection.execute(statement)
    else:
        there: int = row["version"]
        if there > schema.version:
            raise SchemaError(f"{schema.name} on disk has version {there}, this program knows {schema.version}")
        for version in range(there + 1, schema.version + 1):
            if version not in schema.upgrades:
                raise SchemaError(f"{schema.name} on disk has version {there}; there is no way to version {version}")
            for statement in schema.upgrades[version]:
                connection.execute(statement)
    connection.execute(
        """INSERT INTO schema_versions (name, version) VALUES (?, ?)
           ON CONFLICT (name) DO UPDATE SET version = excluded.version""",
        (schema.name, schema.version),
    )


def _synchronous(connection: Connection, durable: bool) -> None:
    """Whether the next transaction's commit waits for the disk."""
    if connection.durable is not durable:
        connection.execute(f"PRAGMA synchronous = {'FULL' if durable else 'NORMAL'}")
        connection.durable = durable


@contextmanager
def _entered(connection: Connection, mode: str) -> Iterator[None]:
    connection.mode, connection.depth = mode, 1
    try:
        yield
    finally:
        connection.mode, connection.depth = "", 0


@contextmanager
def _savepoint(connection: Connection) -> Iterator[None]:
    name = f"nested_{connection.depth}"
    connection.execute(f"SAVEPOINT {name}")
    connection.depth += 1
    try:
        yield
    except BaseException:
        if connection.in_transaction:
            connection.execute(f"ROLLBACK TO {name}")
            connection.execute(f"RELEASE {name}")
        raise
    else:
        connection.execute(f"RELEASE {name}")
    finally:
        connection.depth -= 1
