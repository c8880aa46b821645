"""Views: names for the text of a query. What the text means is not storage's to know."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Literal

from cleanroom_ml.engine.storage import shadowing
from cleanroom_ml.engine.storage.database import Database, Schema
from cleanroom_ml.engine.storage.errors import AlreadyExists, NotFound
from cleanroom_ml.engine.storage.keys import Column, Key, View, from_micros
from cleanroom_ml.engine.storage.tables import columns_from_json, columns_json

SCHEMA = Schema(
    "views",
    1,
    (
        """CREATE TABLE views (
            account TEXT NOT NULL, database TEXT NOT NULL, schema TEXT NOT NULL, name TEXT NOT NULL,
            columns TEXT NOT NULL, text TEXT NOT NULL, secure INTEGER NOT NULL, comment TEXT NOT NULL,
            created_on INTEGER NOT NULL, PRIMARY KEY (account, database, schema, name),
            FOREIGN KEY (account, database, schema) REFERENCES schemas (account, database, name) ON DELETE CASCADE
        ) STRICT""",
    ),
)


class Views:
    """Views of all accounts."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def create(
        self,
        key: Key,
        columns: Sequence[Column],
        text: str,
        *,
        secure: bool = False,
        if_exists: Literal["error", "replace", "ignore"] = "error",
        comment: str = "",
    ) -> bool:
        """Makes a view; whether anything was made.

        Raises:
            AlreadyExists: a view is there and `if_exists` is `error`, or a table is there.
            NotFound: no such database or schema.
            InvalidName: a part of the key, or a column, has no name.
        """
        with self._database.transaction() as connection:
            shadowing.require_home(connection, key, None)
            if shadowing.find_exactly(connection, "tables", key, None) is not None:
                raise AlreadyExists("table", str(key))
            if _row(connection, key) is not None:
                if if_exists == "ignore":
                    return False
                if if_exists == "error":
                    raise AlreadyExists("view", str(key))
                self.drop(key)
            connection.execute(
                """INSERT INTO views (account, database, schema, name, columns, text, secure, comment, created_on)
                   VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)""",
                (
                    *(key.account, key.database, key.schema, key.name),
                    *(columns_json(columns), text, secure, comment, self._database.now_micros()),
                ),
            )
        return True

    def replace(
        self, key: Key, columns: Sequence[Column], text: str, *, secure: bool = False, comment: str = ""
    ) -> bool:
        """`create`, in place of the view that may be there."""
        return self.create(key, columns, text, secure=secure, if_exists="replace", comment=comment)

    def get(self, key: Key) -> View | None:
        """The view, None where there is none."""
        with self._database.read() as connection:
            row = _row(connection, key)
        return None if row is None else _view(row)

    def list(self, account: str, database: str | None = None, schema: str | None = None) -> list[View]:
        """The account's views, by name; None for `database` means all standard databases."""
        with self._database.read() as connection:
            rows = connection.execute(
                """SELECT v.* FROM views v JOIN databases d ON d.account = v.account AND d.name = v.database
                   WHERE v.account = ?1 AND (v.database = ?2 OR (?2 IS NULL AND d.kind = 'standard'))
                   AND (?3 IS NULL OR v.schema = ?3) ORDER BY v.database, v.schema, v.name""",
                (account, database, schema),
            ).fetchall()
        return [_view(row) for row in rows]

    def drop(self, key: Key, *, if_exists: bool = False) -> bool:
        """Removes the view; whether it was there. Raises NotFound unless `if_exists`."""
        with self._database.transaction() as connection:
            gone = connection.execute(
                "DELETE FROM views WHERE account = ? AND database = ? AND schema = ? AND name = ?",
                (key.account, key.database, key.schema, key.name),
            ).rowcount
            if not gone and not if_exists:
                raise NotFound("view", str(key))
            return bool(gone)


def _row(connection: sqlite3.Connection, key: Key) -> sqlite3.Row | None:
    row: sqlite3.Row | None = connection.execute(
        "SELECT * FROM views WHERE account = ? AND database = ? AND schema = ? AND name = ?",
        (key.account, key.database, key.schema, key.name),
    ).fetchone()
    return row


def _view(row: sqlite3.Row) -> View:
    return View(
        key=shadowing.key_of(row),
        columns=columns_from_json(row["columns"]),
        text=row["text"],
        secure=bool(row["secure"]),
        created_on=from_micros(row["created_on"]),
        comment=row["comment"],
    )
