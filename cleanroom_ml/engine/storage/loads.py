"""Which staged files a table was loaded from, so that COPY INTO loads none twice (the load metadata of
user-guide/data-load-considerations-load in Snowflake's documentation). It lives and dies with the table, and TRUNCATE
forgets it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from cleanroom_ml.engine.storage.database import Schema

SCHEMA = Schema(
    "loads",
    1,
    (
        """CREATE TABLE loads (
            table_id INTEGER NOT NULL REFERENCES tables (id) ON DELETE CASCADE, file TEXT NOT NULL,
            sha256 TEXT NOT NULL, loaded_on INTEGER NOT NULL, PRIMARY KEY (table_id, file)) STRICT""",
    ),
)


@dataclass(frozen=True, slots=True)
class LoadedFile:
    """A file by its stage and path, and what was in it."""

    file: str
    sha256: str


def loaded(connection: sqlite3.Connection, table_id: int) -> Mapping[str, str]:
    """The files that a table was loaded from, and their hashes at that time."""
    rows = connection.execute("SELECT file, sha256 FROM loads WHERE table_id = ?", (table_id,))
    return {row["file"]: row["sha256"] for row in rows}


def record(connection: sqlite3.Connection, table_id: int, files: Sequence[LoadedFile], now: int) -> None:
    """Keeps that a table was loaded from these files."""
    connection.executemany(
        """INSERT INTO loads (table_id, file, sha256, loaded_on) VALUES (?, ?, ?, ?)
           ON CONFLICT (table_id, file) DO UPDATE SET sha256 = excluded.sha256, loaded_on = excluded.loaded_on""",
        ((table_id, each.file, each.sha256, now) for each in files),
    )


def forget(connection: sqlite3.Connection, table_id: int) -> None:
    """The table is empty: whatever it was loaded from may be loaded again."""
    connection.execute("DELETE FROM loads WHERE table_id = ?", (table_id,))
