"""One commit of changes of tables, inside of its transaction."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Final

from cleanroom_ml.engine.storage import graves, identities, loads, retention, shadowing, temporaries
from cleanroom_ml.engine.storage.changes import (
    AlterColumns,
    Append,
    Change,
    CreateTable,
    DropTable,
    RenameTable,
    Replace,
)
from cleanroom_ml.engine.storage.errors import AlreadyExists, InvalidName, NotFound, SnapshotConflict
from cleanroom_ml.engine.storage.keys import Column, Key, TableObject
from cleanroom_ml.engine.storage.objects import ObjectStore
from cleanroom_ml.engine.storage.table_rows import columns_json, columns_of, constraints_json, objects_of

KEPT_SNAPSHOTS: Final = 1_000
"""Of each table; what older ones say is forgotten."""


class Commit:
    """The changes of one transaction."""

    def __init__(
        self, connection: sqlite3.Connection, objects: ObjectStore, now: int, query_id: str | None = None
    ) -> None:
        self._connection = connection
        self._objects = objects
        self._now = now
        self._query_id = query_id
        self._bases: dict[int, int] = {}

    def apply(self, change: Change) -> bool:
        """Makes one change; whether it did anything. Raises what `Tables.commit` says."""
        match change:
            case CreateTable():
                return self._create(change)
            case DropTable():
                return self._drop(change)
            case RenameTable():
                return self._rename(change)
            case Append():
                row = self._row(change.key, change.session_id, change.base_snapshot)
                if change.columns is not None and change.columns != columns_of(row):
                    raise SnapshotConflict(str(change.key), base=change.base_snapshot, current=row["snapshot"])
                if change.loaded:
                    self._load(row, change)
                self._number(row, change)
                self._add(row["id"], change.objects, self._begin(row["id"], "append"))
                self._step(row["id"], "append")
            case Replace():
                row = self._row(change.key, change.session_id, change.base_snapshot)
                self._put(row, change.columns, change.objects, self._begin(row["id"], "replace"))
                self._number(row, change)
                if change.forgets_loads:
                    loads.forget(self._connection, row["id"])
                self._step(row["id"], "replace")
            case AlterColumns():
                row = self._row(change.key, change.session_id, change.base_snapshot)
                operation = "alter" if _reshaped(columns_of(row), change.columns) else "define"
                self._put(row, change.columns, change.objects, self._begin(row["id"], operation))
                self._step(row["id"], operation)
        return True

    def _load(self, row: sqlite3.Row, change: Append) -> None:
        before = loads.loaded(self._connection, row["id"])
        if not change.again and any(before.get(each.file) == each.sha256 for each in change.loaded):
            # Somebody else loaded it meanwhile: whoever reads again sees that.
            raise SnapshotConflict(str(change.key), base=change.base_snapshot, current=row["snapshot"])
        loads.record(self._connection, row["id"], change.loaded, self._now)

    def _number(self, row: sqlite3.Row, change: Append | Replace) -> None:
        if change.numbered and not identities.take(self._connection, row["id"], columns_of(row), change.numbered):
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
            self._remove(there)
        key = change.key
        table_id = self._connection.execute(
            """INSERT INTO tables (account, database, schema, name, session_id, created_on, kind, comment, columns,
               snapshot, rows, bytes, retention, constraints, role, clustering)
               VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 0, 0, 0, ?, ?, ?, ?)""",
            (
                *(key.account, key.database, key.schema, key.name),
                *(change.session_id, self._now, change.kind, change.comment, columns_json(change.columns)),
                *(change.retention, constraints_json(change.constraints), temporaries.role(), change.clustering),
            ),
        ).lastrowid
        assert table_id is not None
        self._add(table_id, change.objects, self._begin(table_id, "create"))
        self._step(table_id, "create")
        return True

    def _drop(self, change: DropTable) -> bool:
        row = shadowing.find(self._connection, "tables", change.key, change.session_id)
        if row is None:
            if change.if_exists:
                return False
            raise NotFound("table", str(change.key))
        self._remove(row)
        return True

    def _remove(self, row: sqlite3.Row) -> None:
        """The table is gone; within its retention it can be had back (`graves`)."""
        if row["session_id"] is None and row["retention"]:
            days = retention.of_table(self._connection, row)
            graves.bury(self._connection, graves.Dead.table(shadowing.key_of(row)), now=self._now, days=days)
        self._connection.execute(
            """DELETE FROM stages WHERE account = ? AND database = ? AND schema = ? AND name = '%' || ?
               AND session_id IS ?""",
            (row["account"], row["database"], row["schema"], row["name"], row["session_id"]),
        )
        self._connection.execute("DELETE FROM tables WHERE id = ?", (row["id"],))

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
        self._connection.execute(
            """UPDATE stages SET database = ?, schema = ?, name = '%' || ? WHERE account = ? AND database = ?
               AND schema = ? AND name = '%' || ? AND session_id IS ?""",
            (
                *(key.database, key.schema, key.name),
                *(row["account"], row["database"], row["schema"], row["name"], row["session_id"]),
            ),
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

    def _put(
        self,
        row: sqlite3.Row,
        columns: tuple[Column, ...] | None,
        objects: tuple[TableObject, ...] | None,
        snapshot: int,
    ) -> None:
        table_id = row["id"]
        if columns is not None:
            self._connection.execute("UPDATE tables SET columns = ? WHERE id = ?", (columns_json(columns), table_id))
        if objects is None or objects == objects_of(self._connection, table_id):
            return
        days = retention.of_table(self._connection, row)
        if days:
            self._connection.execute(
                "UPDATE table_objects SET removed = ?, kept_until = ? WHERE table_id = ? AND removed IS NULL",
                (snapshot, self._now + days * retention.DAY, table_id),
            )
        else:
            self._connection.execute("DELETE FROM table_objects WHERE table_id = ? AND removed IS NULL", (table_id,))
        self._add(table_id, objects, snapshot)

    def _add(self, table_id: int, objects: Sequence[TableObject], snapshot: int) -> None:
        self._objects.require(item.sha256 for item in objects)
        self._connection.executemany(
            "INSERT INTO table_objects (table_id, sha256, rows, bytes, bounds, added) VALUES (?, ?, ?, ?, ?, ?)",
            ((table_id, item.sha256, item.rows, item.bytes, item.bounds, snapshot) for item in objects),
        )

    def _begin(self, table_id: int, operation: str) -> int:
        """The next snapshot of a table; what it holds is counted in `_step`."""
        snapshot = self._connection.execute(
            """INSERT INTO table_snapshots (table_id, operation, rows, bytes, created_on, query_id)
               VALUES (?, ?, 0, 0, ?, ?)""",
            (table_id, operation, self._now, self._query_id),
        ).lastrowid
        assert snapshot is not None
        return snapshot

    def _step(self, table_id: int, operation: str) -> None:
        rows, size = self._connection.execute(
            """SELECT coalesce(sum(rows), 0), coalesce(sum(bytes), 0) FROM table_objects
               WHERE table_id = ? AND removed IS NULL""",
            (table_id,),
        ).fetchone()
        (snapshot,) = self._connection.execute(
            "SELECT max(id) FROM table_snapshots WHERE table_id = ?", (table_id,)
        ).fetchone()
        self._connection.execute("UPDATE table_snapshots SET rows = ?, bytes = ? WHERE id = ?", (rows, size, snapshot))
        self._connection.execute(
            "UPDATE tables SET snapshot = ?, rows = ?, bytes = ? WHERE id = ?", (snapshot, rows, size, table_id)
        )
        oldest = self._connection.execute(
            "SELECT id FROM table_snapshots WHERE table_id = ? ORDER BY id DESC LIMIT 1 OFFSET ?",
            (table_id, KEPT_SNAPSHOTS - 1),
        ).fetchone()
        if oldest is not None:
            self._connection.execute(
                "DELETE FROM table_snapshots WHERE table_id = ? AND id < ?", (table_id, oldest["id"])
            )
        self._connection.execute(
            """DELETE FROM table_objects
               WHERE table_id = ? AND removed IS NOT NULL AND (removed <= ? OR kept_until <= ?)""",
            (table_id, 0 if oldest is None else oldest["id"], self._now),
        )
        if operation == "create":
            self._bases[table_id] = snapshot


def _refuse_view(connection: sqlite3.Connection, key: Key, session_id: str | None) -> None:
    """Tables and views share one namespace; a temporary table may hide a permanent view all the same."""
    relation = "views" if session_id is None else "temporary_views"
    whose = "?5 IS NULL" if session_id is None else "session_id = ?5"
    if connection.execute(
        f"SELECT 1 FROM {relation} WHERE account = ?1 AND database = ?2 AND schema = ?3 AND name = ?4 AND {whose}",
        (key.account, key.database, key.schema, key.name, session_id),
    ).fetchone():
        raise AlreadyExists("view", str(key))


def _reshaped(before: Sequence[Column], after: Sequence[Column]) -> bool:
    """Whether rows written before do not fit after: other names, types or places."""
    return [(each.name, each.type) for each in before] != [(each.name, each.type) for each in after]
