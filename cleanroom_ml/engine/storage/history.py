"""Time Travel: what a table held at a moment in the past (sql-reference/constructs/at-before of Snowflake's
documentation), as long as its snapshots and their objects are kept.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

from cleanroom_ml.engine.storage.keys import TableObject


class OtherColumns(ValueError):
    """The table had other columns at that moment: what it held does not fit those that it has now."""


@dataclass(frozen=True, slots=True)
class Moment:
    """A point in time: `micros` since the epoch, or where the statement `query_id` changed the table, just there.
    `before`: immediately before it.
    """

    micros: int
    query_id: str | None = None
    before: bool = False


def at(connection: sqlite3.Connection, row: sqlite3.Row, moment: Moment, *, now: int) -> tuple[TableObject, ...] | None:
    """The objects that a table held; None: not known any more, or not there yet. Raises OtherColumns."""
    snapshot = _snapshot(connection, row["id"], moment)
    if snapshot is None:
        return None
    changed = connection.execute(
        "SELECT 1 FROM table_snapshots WHERE table_id = ? AND id > ? AND operation = 'alter'", (row["id"], snapshot)
    ).fetchone()
    if changed is not None:
        raise OtherColumns
    objects = connection.execute(
        """SELECT sha256, rows, bytes, bounds, kept_until FROM table_objects
           WHERE table_id = ?1 AND added <= ?2 AND (removed IS NULL OR removed > ?2) ORDER BY id""",
        (row["id"], snapshot),
    ).fetchall()
    if any(each["kept_until"] is not None and each["kept_until"] <= now for each in objects):
        return None
    found = tuple(TableObject(each["sha256"], each["rows"], each["bytes"], each["bounds"]) for each in objects)
    (rows,) = connection.execute("SELECT rows FROM table_snapshots WHERE id = ?", (snapshot,)).fetchone()
    # What was removed without being kept, or kept no longer, is missing: then it is said, and not read as fewer rows.
    return found if sum(each.rows for each in found) == rows else None


def _snapshot(connection: sqlite3.Connection, table_id: int, moment: Moment) -> int | None:
    if moment.query_id is not None:
        first, last = connection.execute(
            "SELECT min(id), max(id) FROM table_snapshots WHERE table_id = ? AND query_id = ?",
            (table_id, moment.query_id),
        ).fetchone()
        if last is not None and not moment.before:
            return int(last)
        if first is not None:
            (previous,) = connection.execute(
                "SELECT max(id) FROM table_snapshots WHERE table_id = ? AND id < ?", (table_id, first)
            ).fetchone()
            return None if previous is None else int(previous)
    sign = "<" if moment.before else "<="
    (snapshot,) = connection.execute(
        f"SELECT max(id) FROM table_snapshots WHERE table_id = ? AND created_on {sign} ?", (table_id, moment.micros)
    ).fetchone()
    return None if snapshot is None else int(snapshot)
