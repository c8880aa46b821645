"""Tables: lists of objects with declared columns, changed by compare-and-swap (docs/ARCHITECTURE.md, decision 3)."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from cleanroom_ml.engine.contracts.limits import MAX_COLUMNS
from cleanroom_ml.engine.storage import identities, loads, shadowing
from cleanroom_ml.engine.storage.changes import (
    AlterColumns,
    Append,
    Change,
    CreateTable,
    DropTable,
    RenameTable,
    Replace,
    RequestRecord,
)
from cleanroom_ml.engine.storage.database import Database, Schema
from cleanroom_ml.engine.storage.errors import AlreadyExists, InvalidName, NotFound, SnapshotConflict
from cleanroom_ml.engine.storage.keys import (
    Column,
    Key,
    Snapshot,
    Table,
    TableObject,
    checked_name,
    from_micros,
)
from cleanroom_ml.engine.storage.objects import ObjectStore
from cleanroom_ml.engine.storage.queries import Queries

KEPT_SNAPSHOTS: Final = 1_000
"""Of each table; what older ones say is forgotten. Nothing goes back to one: they are a table's history."""


def _references(connection: sqlite3.Connection) -> Iterable[str]:
    return (row["sha256"] for row in connection.execute("SELECT DISTINCT sha256 FROM table_objects"))


SCHEMA = Schema(
    "tables",
    1,
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
    ),
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
            return None if row is None else _table(connection, row)

    def list(
        self, account: str, database: str | None = None, schema: str | None = None, session_id: str | None = None
    ) -> list[Table]:
        """The tables that the session can name, by name; None for `database` means all standard databases."""
        with self._database.read() as connection:
            rows = shadowing.visible(connection, "tables", account, database, schema, session_id)
            return [_table(connection, row) for row in rows]

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
            commit = _Commit(connection, self._objects, self._database.now_micros())
            done = tuple(commit.apply(change) for change in changes)
            if request is not None:
                self._queries.finish(request.query_id, request.response)
        return done


class _Commit:
    """The changes of one transaction."""

    def __init__(self, connection: sqlite3.Connection, objects: ObjectStore, now: int) -> None:
        self._connection = connection
        self._objects = objects
        self._now = now
        self._bases: dict[int, int] = {}

    def apply(self, change: Change) -> bool:
        match change:
            case CreateTable():
                return self._create(change)
            case DropTable():
                return self._drop(change)
            case RenameTable():
                return self._rename(change)
            case Append():
                row = self._row(change.key, change.session_id, change.base_snapshot)
                if change.columns is not None and change.columns != _columns(row):
                    raise SnapshotConflict(str(change.key), base=change.base_snapshot, current=row["snapshot"])
                if change.loaded:
                    self._load(row, change)
                self._number(row, change)
                self._add(row["id"], change.objects)
                self._step(row["id"], "append")
            case Replace():
                row = self._row(change.key, change.session_id, change.base_snapshot)
                self._put(row["id"], change.columns, change.objects)
                self._number(row, change)
                if change.forgets_loads:
                    loads.forget(self._connection, row["id"])
                self._step(row["id"], "replace")
            case AlterColumns():
                row = self._row(change.key, change.session_id, change.base_snapshot)
                self._put(row["id"], change.columns, change.objects)
                self._step(row["id"], "alter")
        return True

    def _load(self, row: sqlite3.Row, change: Append) -> None:
        before = loads.loaded(self._connection, row["id"])
        if not change.again and any(before.get(each.file) == each.sha256 for each in change.loaded):
            # Somebody else loaded it meanwhile: whoever reads again sees that.
            raise SnapshotConflict(str(change.key), base=change.base_snapshot, current=row["snapshot"])
        loads.record(self._connection, row["id"], change.loaded, self._now)

    def _number(self, row: sqlite3.Row, change: Append | Replace) -> None:
        if change.numbered and not identities.take(self._connection, row["id"], _columns(row), change.numbered):
            raise SnapshotConflict(str(change.key), base=change.base_snapshot, current=row["snapshot"])

    def _create(self, change: CreateTable) -> bool:
        if (change.kind == "TEMPORARY") != (change.session_id is not None):
            raise ValueError("a table is temporary if, and only if, it belongs to a session")
        shadowing.require_home(self._connection, change.key, change.session_id)
        _refuse_view(self._connection, change.key, change.session_id)
        there = shadowing.find_exactly(self._connection, "tables", change.key, change.session_id)
        if there is not None:
            if change.if_exists == "ignore":
                return False
            if change.if_exists == "error":
                raise AlreadyExists("table", str(change.key))
            self._connection.execute("DELETE FROM tables WHERE id = ?", (there["id"],))
        key = change.key
        table_id = self._connection.execute(
            """INSERT INTO tables (account, database, schema, name, session_id, created_on, kind, comment, columns,
               snapshot, rows, bytes) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 0, 0, 0)""",
            (
                *(key.account, key.database, key.schema, key.name),
                *(change.session_id, self._now, change.kind, change.comment, columns_json(change.columns)),
            ),
        ).lastrowid
        assert table_id is not None
        self._add(table_id, change.objects)
        self._step(table_id, "create")
        return True

    def _drop(self, change: DropTable) -> bool:
        row = shadowing.find(self._connection, "tables", change.key, change.session_id)
        if row is None:
            if change.if_exists:
                return False
            raise NotFound("table", str(change.key))
        self._connection.execute("DELETE FROM tables WHERE id = ?", (row["id"],))
        return True

    def _rename(self, change: RenameTable) -> bool:
        row = self._row(change.key, change.session_id, None)
        key = change.new_key
        if key.account != change.key.account:
            raise InvalidName("a table cannot be renamed into another account")
        shadowing.require_home(self._connection, key, row["session_id"])
        _refuse_view(self._connection, key, row["session_id"])
        if shadowing.find_exactly(self._connection, "tables", key, row["session_id"]) is not None:
            raise AlreadyExists("table", str(key))
        self._connection.execute(
            "UPDATE tables SET database = ?, schema = ?, name = ? WHERE id = ?",
            (key.database, key.schema, key.name, row["id"]),
        )
        return True

    def _row(self, key: Key, session_id: str | None, base: int | None) -> sqlite3.Row:
        row = shadowing.find(self._connection, "tables", key, session_id)
        if row is None:
            raise NotFound("table", str(key))
        current = self._bases.setdefault(row["id"], row["snapshot"])
        if base is not None and base != current:
            raise SnapshotConflict(str(key), base=base, current=current)
        return row

    def _put(self, table_id: int, columns: tuple[Column, ...] | None, objects: tuple[TableObject, ...] | None) -> None:
        if columns is not None:
            self._connection.execute("UPDATE tables SET columns = ? WHERE id = ?", (columns_json(columns), table_id))
        if objects is not None:
            self._connection.execute("DELETE FROM table_objects WHERE table_id = ?", (table_id,))
            self._add(table_id, objects)

    def _add(self, table_id: int, objects: Sequence[TableObject]) -> None:
        self._objects.require(item.sha256 for item in objects)
        self._connection.executemany(
            "INSERT INTO table_objects (table_id, sha256, rows, bytes) VALUES (?, ?, ?, ?)",
            ((table_id, item.sha256, item.rows, item.bytes) for item in objects),
        )

    def _step(self, table_id: int, operation: str) -> None:
        rows, size = self._connection.execute(
            "SELECT coalesce(sum(rows), 0), coalesce(sum(bytes), 0) FROM table_objects WHERE table_id = ?", (table_id,)
        ).fetchone()
        snapshot = self._connection.execute(
            "INSERT INTO table_snapshots (table_id, operation, rows, bytes, created_on) VALUES (?, ?, ?, ?, ?)",
            (table_id, operation, rows, size, self._now),
        ).lastrowid
        assert snapshot is not None
        self._connection.execute(
            "UPDATE tables SET snapshot = ?, rows = ?, bytes = ? WHERE id = ?", (snapshot, rows, size, table_id)
        )
        self._connection.execute(
            """DELETE FROM table_snapshots WHERE table_id = ?1 AND id <= (
               SELECT id FROM table_snapshots WHERE table_id = ?1 ORDER BY id DESC LIMIT 1 OFFSET ?2)""",
            (table_id, KEPT_SNAPSHOTS),
        )
        if operation == "create":
            self._bases[table_id] = snapshot


def columns_json(columns: Sequence[Column]) -> str:
    """Columns as the catalog stores them. Raises InvalidName: a name is none or there twice, or too many."""
    names = [checked_name(column.name, "column") for column in columns]
    if len(names) > MAX_COLUMNS:
        raise InvalidName(f"{len(names)} columns are more than MAX_COLUMNS, {MAX_COLUMNS}")
    if len(set(names)) != len(names):
        raise InvalidName("two columns have the same name")
    return json.dumps([_column_json(column) for column in columns], ensure_ascii=False)


def _column_json(column: Column) -> list[object]:
    """Name, type and whether it may be NULL; what else there is, where it is."""
    rest = {"default": column.default, "start": column.start, "step": column.step, "comment": column.comment}
    plain = Column(column.name, column.type, column.nullable)
    return [column.name, column.type, column.nullable, *([] if column == plain else [rest])]


def columns_from_json(text: str) -> tuple[Column, ...]:
    """What `columns_json` wrote."""
    return tuple(
        Column(name, kind, nullable, **(rest[0] if rest else {})) for name, kind, nullable, *rest in json.loads(text)
    )


def _columns(row: sqlite3.Row) -> tuple[Column, ...]:
    return columns_from_json(row["columns"])


def _refuse_view(connection: sqlite3.Connection, key: Key, session_id: str | None) -> None:
    """Tables and views share one namespace; a temporary table may hide a view all the same."""
    if (
        session_id is None
        and connection.execute(
            "SELECT 1 FROM views WHERE account = ? AND database = ? AND schema = ? AND name = ?",
            (key.account, key.database, key.schema, key.name),
        ).fetchone()
    ):
        raise AlreadyExists("view", str(key))


def _table(connection: sqlite3.Connection, row: sqlite3.Row) -> Table:
    objects = connection.execute(
        "SELECT sha256, rows, bytes FROM table_objects WHERE table_id = ? ORDER BY id", (row["id"],)
    )
    return Table(
        key=shadowing.key_of(row),
        columns=_columns(row),
        objects=tuple(TableObject(sha256, rows, size) for sha256, rows, size in objects),
        snapshot=row["snapshot"],
        kind=row["kind"],
        session_id=row["session_id"],
        created_on=from_micros(row["created_on"]),
        comment=row["comment"],
        rows=row["rows"],
        bytes=row["bytes"],
        numbers=identities.numbers(connection, row["id"], _columns(row)),
    )
