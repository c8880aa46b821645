"""Tables: lists of objects with declared columns, changed by compare-and-swap (docs/ARCHITECTURE.md, decision 3)."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final

from cleanroom_ml.engine.storage import history, loads, shadowing
from cleanroom_ml.engine.storage.changes import Change, RequestRecord
from cleanroom_ml.engine.storage.commits import Commit
from cleanroom_ml.engine.storage.database import Database, Schema
from cleanroom_ml.engine.storage.errors import NotFound
from cleanroom_ml.engine.storage.keys import Constraint, Key, Snapshot, Table, TableObject, from_micros
from cleanroom_ml.engine.storage.objects import ObjectStore
from cleanroom_ml.engine.storage.queries import Queries
from cleanroom_ml.engine.storage.table_rows import constraints_json, table_of


def _references(connection: sqlite3.Connection) -> Iterable[str]:
    rows = connection.execute(
        """SELECT DISTINCT sha256 FROM table_objects
           WHERE removed IS NULL OR kept_until > CAST(strftime('%s', 'now') AS INTEGER) * 1000000"""
    )
    return (row["sha256"] for row in rows)


# What a table held before: `added` and `removed` are snapshots, what was removed is there until `kept_until`.
_HISTORY: Final = (
    "ALTER TABLE table_objects ADD COLUMN added INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE table_objects ADD COLUMN removed INTEGER",
    "ALTER TABLE table_objects ADD COLUMN kept_until INTEGER",
    "CREATE INDEX table_objects_current ON table_objects (table_id, id) WHERE removed IS NULL",
    "ALTER TABLE table_snapshots ADD COLUMN query_id TEXT",
    "ALTER TABLE tables ADD COLUMN retention INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE tables ADD COLUMN constraints TEXT NOT NULL DEFAULT '[]'",
)
# In the row, not by the hash: what one table's writer said of an object is nothing that another's reader goes by.
_BOUNDS: Final = ("ALTER TABLE table_objects ADD COLUMN bounds TEXT NOT NULL DEFAULT ''",)
_CLUSTERING: Final = ("ALTER TABLE tables ADD COLUMN clustering TEXT NOT NULL DEFAULT ''",)
SCHEMA = Schema(
    "tables",
    5,
    (
        *shadowing.identity(
            "tables",
            """kind TEXT NOT NULL, comment TEXT NOT NULL, columns TEXT NOT NULL,
            snapshot INTEGER NOT NULL, rows INTEGER NOT NULL, bytes INTEGER NOT NULL""",
        ),
        # AUTOINCREMENT: a snapshot id is never given twice, so a table made anew never looks like the one before it.
        """CREATE TABLE table_snapshots (
            id INTEGER PRIMARY KEY AUTOINCREMENT, table_id INTEGER NOT NULL REFERENCES tables (id) ON DELETE CASCADE,
            operation TEXT NOT NULL, rows INTEGER NOT NULL, bytes INTEGER NOT NULL,
            created_on INTEGER NOT NULL) STRICT""",
        "CREATE INDEX table_snapshots_by_table ON table_snapshots (table_id)",
        """CREATE TABLE table_objects (
            id INTEGER PRIMARY KEY, table_id INTEGER NOT NULL REFERENCES tables (id) ON DELETE CASCADE,
            sha256 TEXT NOT NULL, rows INTEGER NOT NULL, bytes INTEGER NOT NULL) STRICT""",
        "CREATE INDEX table_objects_by_table ON table_objects (table_id, id)",
        "CREATE INDEX table_objects_by_sha256 ON table_objects (sha256)",
        *_HISTORY,
        *_BOUNDS,
        *_CLUSTERING,
    ),
    {2: _HISTORY, 3: _BOUNDS, 4: (shadowing.owned("tables"),), 5: _CLUSTERING},
    references=_references,
)


class Tables:
    """Tables of all accounts. Only what describes them is ever read, never their data."""

    def __init__(self, database: Database, objects: ObjectStore, queries: Queries) -> None:
        self._database = database
        self._objects = objects
        self._queries = queries

    def get(self, key: Key, session_id: str | None = None) -> Table | None:
        """The table that the session means by `key`: its temporary one first. None where there is none."""
        with self._database.read() as connection:
            row = shadowing.find(connection, "tables", key, session_id)
            return None if row is None else table_of(connection, row)

    def list(
        self, account: str, database: str | None = None, schema: str | None = None, session_id: str | None = None
    ) -> list[Table]:
        """The tables that the session can name, by name; None for `database` means all standard databases."""
        with self._database.read() as connection:
            rows = shadowing.visible(connection, "tables", account, database, schema, session_id)
            return [table_of(connection, row) for row in rows]

    def loaded(self, key: Key, session_id: str | None = None) -> Mapping[str, str]:
        """The staged files that the table was loaded from, and their hashes; nothing where there is no table."""
        with self._database.read() as connection:
            row = shadowing.find(connection, "tables", key, session_id)
            return {} if row is None else loads.loaded(connection, row["id"])

    def snapshots(self, key: Key, session_id: str | None = None) -> Sequence[Snapshot]:
        """The last `KEPT_SNAPSHOTS` snapshots of the table, oldest first. Raises NotFound."""
        with self._database.read() as connection:
            row = shadowing.find(connection, "tables", key, session_id)
            if row is None:
                raise NotFound("table", str(key))
            rows = connection.execute(
                "SELECT * FROM table_snapshots WHERE table_id = ? ORDER BY id", (row["id"],)
            ).fetchall()
        return [
            Snapshot(row["id"], row["operation"], row["rows"], row["bytes"], from_micros(row["created_on"]))
            for row in rows
        ]

    def at(self, key: Key, moment: history.Moment, session_id: str | None = None) -> tuple[TableObject, ...] | None:
        """What a table, or the temporary one of a session, held at a moment; None: that is not known any more, or it
        was not there yet.

        Raises:
            NotFound: no such table.
            history.OtherColumns: its columns have changed since.
        """
        with self._database.read() as connection:
            row = shadowing.find_exactly(connection, "tables", key, session_id)
            if row is None:
                raise NotFound("table", str(key))
            return history.at(connection, row, moment, now=self._database.now_micros())

    def set_retention(self, key: Key, days: int) -> None:
        """For how many days what a table held can be read; retention.INHERITED: as its schema says. Raises NotFound."""
        with self._database.transaction() as connection:
            row = shadowing.find_exactly(connection, "tables", key, None)
            if row is None:
                raise NotFound("table", str(key))
            connection.execute("UPDATE tables SET retention = ? WHERE id = ?", (days, row["id"]))

    def constrain(self, key: Key, constraints: Sequence[Constraint], session_id: str | None = None) -> None:
        """Gives the table that the session means other keys. Raises NotFound."""
        with self._database.transaction() as connection:
            row = shadowing.find(connection, "tables", key, session_id)
            if row is None:
                raise NotFound("table", str(key))
            connection.execute(
                "UPDATE tables SET constraints = ? WHERE id = ?", (constraints_json(constraints), row["id"])
            )

    def cluster(self, key: Key, clustering: str, session_id: str | None = None) -> None:
        """Gives the table that the session means another clustering key; an empty one: none. Raises NotFound."""
        with self._database.transaction() as connection:
            row = shadowing.find(connection, "tables", key, session_id)
            if row is None:
                raise NotFound("table", str(key))
            connection.execute("UPDATE tables SET clustering = ? WHERE id = ?", (clustering, row["id"]))

    def altered(self, account: str, database: str) -> dict[int, datetime]:
        """When the tables of a database changed last, by their snapshots."""
        with self._database.read() as connection:
            rows = connection.execute(
                """SELECT s.id, s.created_on FROM tables t JOIN table_snapshots s ON s.id = t.snapshot
                   WHERE t.account = ? AND t.database = ?""",
                (account, database),
            ).fetchall()
        return {row["id"]: from_micros(row["created_on"]) for row in rows}

    def load_times(self, key: Key, session_id: str | None = None) -> Sequence[tuple[str, datetime]]:
        """The staged files that the table was loaded from, and when."""
        with self._database.read() as connection:
            row = shadowing.find(connection, "tables", key, session_id)
            if row is None:
                return ()
            rows = connection.execute(
                "SELECT file, loaded_on FROM loads WHERE table_id = ? ORDER BY loaded_on, file", (row["id"],)
            ).fetchall()
        return [(each["file"], from_micros(each["loaded_on"])) for each in rows]

    def comment(self, key: Key, comment: str, session_id: str | None = None) -> None:
        """Gives the table that the session means a comment. Raises NotFound."""
        with self._database.transaction() as connection:
            row = shadowing.find(connection, "tables", key, session_id)
            if row is None:
                raise NotFound("table", str(key))
            connection.execute("UPDATE tables SET comment = ? WHERE id = ?", (comment, row["id"]))

    def commit(self, changes: Sequence[Change], *, request: RequestRecord | None = None) -> tuple[bool, ...]:
        """Makes all changes, in order, and records the request, in one transaction: all or nothing.

        Base snapshots are those before the commit, also where several changes are to one table. Objects must be in the
        store already. For each change: whether it did anything (`ignore` and `if_exists` may leave nothing to do).

        Raises:
            SnapshotConflict: a base moved, or columns that an Append relies on changed; read again and retry.
            AlreadyExists, NotFound, InvalidName: as the change's own rules say.
            ObjectMissing, InvalidHash: a change names bytes that are not in the store.
            IllegalState: the request's query was aborted or has failed before the commit; nothing was changed.
        """
        with self._database.transaction() as connection:
            query_id = None if request is None else request.query_id
            commit = Commit(connection, self._objects, self._database.now_micros(), query_id)
            done = tuple(commit.apply(change) for change in changes)
            if request is not None:
                self._queries.finish(request.query_id, request.response)
        return done
