"""What the IDENTITY columns of tables give next (sql-reference/sql/create-table, AUTOINCREMENT, of Snowflake's
documentation). A number is given once: who numbered rows from one that somebody else has taken numbers them again.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from cleanroom_ml.engine.storage.database import Schema
from cleanroom_ml.engine.storage.keys import Column

SCHEMA = Schema(
    "identities",
    1,
    (
        """CREATE TABLE identities (
            table_id INTEGER NOT NULL REFERENCES tables (id) ON DELETE CASCADE, column TEXT NOT NULL,
            next TEXT NOT NULL, PRIMARY KEY (table_id, column)) STRICT""",
    ),
)


@dataclass(frozen=True, slots=True)
class Numbered:
    """Rows were given the numbers from `first` on; `next` is the one after them."""

    column: str
    first: int
    next: int


def numbers(connection: sqlite3.Connection, table_id: int, columns: Sequence[Column]) -> Mapping[str, int]:
    """What each IDENTITY column gives next."""
    found = {column.name: column.start for column in columns if column.start is not None}
    if found:
        for row in connection.execute("SELECT column, next FROM identities WHERE table_id = ?", (table_id,)):
            if row["column"] in found:
                found[row["column"]] = int(row["next"])
    return found


def take(connection: sqlite3.Connection, table_id: int, columns: Sequence[Column], taken: Sequence[Numbered]) -> bool:
    """Keeps that numbers were given; False, and nothing is kept, where somebody else took them."""
    there = numbers(connection, table_id, columns)
    if any(there.get(each.column) != each.first for each in taken):
        return False
    connection.executemany(
        """INSERT INTO identities (table_id, column, next) VALUES (?, ?, ?)
           ON CONFLICT (table_id, column) DO UPDATE SET next = excluded.next""",
        ((table_id, each.column, str(each.next)) for each in taken),
    )
    return True
