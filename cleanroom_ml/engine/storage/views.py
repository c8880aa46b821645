"""Views: names for the text of a query. What the text means is not storage's to know."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Literal

from cleanroom_ml.engine.storage import shadowing, temporaries
from cleanroom_ml.engine.storage.database import Database, Schema
from cleanroom_ml.engine.storage.errors import AlreadyExists, NotFound
from cleanroom_ml.engine.storage.keys import Column, Key, View, from_micros
from cleanroom_ml.engine.storage.table_rows import columns_from_json, columns_json

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
TEMPORARY_SCHEMA = Schema(
    "temporary_views",
    1,
    (
        """CREATE TABLE temporary_views (
            session_id TEXT NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
            account TEXT NOT NULL, database TEXT NOT NULL, schema TEXT NOT NULL, name TEXT NOT NULL,
            columns TEXT NOT NULL, text TEXT NOT NULL, secure INTEGER NOT NULL, comment TEXT NOT NULL,
            role TEXT NOT NULL, created_on INTEGER NOT NULL,
            PRIMARY KEY (session_id, account, database, schema, name),
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
        session_id: str | None = None,
        role: str = "",
    ) -> bool:
        """Makes a view, with `session_id` a temporary one of that session, by the rights of `role`; whether anything
        was made.

        Raises:
            AlreadyExists: a view is there and `if_exists` is `error`, or a table is there.
            NotFound: no such database or schema.
            InvalidName: a part of the key, or a column, has no name.
        """
        with self._database.transaction() as connection:
            shadowing.require_home(connection, key, session_id)
            if shadowing.find_exactly(connection, "tables", key, session_id) is not None:
                raise AlreadyExists("table", str(key))
            if (_row(connection, key) if session_id is None else _own_exactly(connection, key, session_id)) is not None:
                if if_exists == "ignore":
                    return False
                if if_exists == "error":
                    raise AlreadyExists("view", str(key))
                self.drop(key, session_id=session_id)
            if session_id is not None:
                connection.execute(
                    "INSERT INTO temporary_views (session_id, account, database, schema, name, columns, text,"
                    " secure, comment, role, created_on)"
                    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                    (
                        *(session_id, key.account, key.database, key.schema, key.name),
                        *(columns_json(columns), text, secure, comment, role, self._database.now_micros()),
                    ),
                )
                return True
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

    def get(self, key: Key, session_id: str | None = None) -> View | None:
        """The view that the session means by `key`: its temporary one first. None where there is none."""
        with self._database.read() as connection:
            own = None if session_id is None else _own(connection, key, session_id)
            row = _row(connection, key) if own is None else own
        return None if row is None else _view(row)

    def list(
        self, account: str, database: str | None = None, schema: str | None = None, session_id: str | None = None
    ) -> list[View]:
        """The views that the session can name, by name; None for `database` means all standard databases."""
        found: dict[Key, View] = {}
        with self._database.read() as connection:
            for relation in ("views", "temporary_views"):
                seen = temporaries.IS_SEEN.format(seen=5, of="v.")
                whose = "" if relation == "views" else f"AND v.session_id = ?4 AND {seen}"
                for row in connection.execute(
                    f"""SELECT v.* FROM {relation} v JOIN databases d ON d.account = v.account AND d.name = v.database
                        WHERE v.account = ?1 AND (v.database = ?2 OR (?2 IS NULL AND d.kind = 'standard'))
                        AND (?3 IS NULL OR v.schema = ?3) {whose}""",
                    (account, database, schema, *(() if relation == "views" else (session_id, temporaries.seen()))),
                ):
                    found[shadowing.key_of(row)] = _view(row)
        return [found[key] for key in sorted(found)]

    def drop(self, key: Key, *, session_id: str | None = None, if_exists: bool = False) -> bool:
        """Removes the view that the session means; whether it was there. Raises NotFound unless `if_exists`."""
        with self._database.transaction() as connection:
            relation = "views"
            if session_id is not None and _own(connection, key, session_id) is not None:
                relation = "temporary_views"
            own = "" if relation == "views" else " AND session_id = ?5"
            gone = connection.execute(
                f"DELETE FROM {relation} WHERE account = ?1 AND database = ?2 AND schema = ?3 AND name = ?4{own}",
                (key.account, key.database, key.schema, key.name, *(() if relation == "views" else (session_id,))),
            ).rowcount
            if not gone and not if_exists:
                raise NotFound("view", str(key))
            return bool(gone)

    def alter(
        self,
        key: Key,
        *,
        secure: bool | None = None,
        comment: str | None = None,
        columns: Sequence[Column] | None = None,
        session_id: str | None = None,
    ) -> None:
        """Changes what is given of the view that the session means. Raises NotFound."""
        with self._database.transaction() as connection:
            temporary = session_id is not None and _own(connection, key, session_id) is not None
            own = " AND session_id = ?8" if temporary else ""
            changed = connection.execute(
                f"""UPDATE {"temporary_views" if temporary else "views"} SET secure = coalesce(?1, secure),
                    comment = coalesce(?2, comment), columns = coalesce(?3, columns)
                    WHERE account = ?4 AND database = ?5 AND schema = ?6 AND name = ?7{own}""",
                (
                    *(secure, comment, None if columns is None else columns_json(columns)),
                    *(key.account, key.database, key.schema, key.name),
                    *((session_id,) if temporary else ()),
                ),
            ).rowcount
            if not changed:
                raise NotFound("view", str(key))

    def rename(self, key: Key, new: Key, *, session_id: str | None = None) -> None:
        """Gives the view that the session means another name. Raises NotFound, AlreadyExists, InvalidName."""
        with self._database.transaction() as connection:
            temporary = session_id is not None and _own(connection, key, session_id) is not None
            shadowing.require_home(connection, new, session_id if temporary else None)
            whose = session_id if temporary else None
            if shadowing.find_exactly(connection, "tables", new, whose) is not None:
                raise AlreadyExists("table", str(new))
            if (_own_exactly(connection, new, str(whose)) if temporary else _row(connection, new)) is not None:
                raise AlreadyExists("view", str(new))
            own = " AND session_id = ?8" if temporary else ""
            moved = connection.execute(
                f"""UPDATE {"temporary_views" if temporary else "views"} SET database = ?1, schema = ?2, name = ?3
                    WHERE account = ?4 AND database = ?5 AND schema = ?6 AND name = ?7{own}""",
                (
                    *(new.database, new.schema, new.name),
                    *(key.account, key.database, key.schema, key.name),
                    *((session_id,) if temporary else ()),
                ),
            ).rowcount
            if not moved:
                raise NotFound("view", str(key))


def _row(connection: sqlite3.Connection, key: Key) -> sqlite3.Row | None:
    row: sqlite3.Row | None = connection.execute(
        "SELECT * FROM views WHERE account = ? AND database = ? AND schema = ? AND name = ?",
        (key.account, key.database, key.schema, key.name),
    ).fetchone()
    return row


def _own(connection: sqlite3.Connection, key: Key, session_id: str) -> sqlite3.Row | None:
    row: sqlite3.Row | None = connection.execute(
        f"""SELECT * FROM temporary_views WHERE account = ?1 AND database = ?2 AND schema = ?3 AND name = ?4
            AND session_id = ?5 AND {temporaries.IS_SEEN.format(seen=6, of="")}""",
        (key.account, key.database, key.schema, key.name, session_id, temporaries.seen()),
    ).fetchone()
    return row


def _own_exactly(connection: sqlite3.Connection, key: Key, session_id: str) -> sqlite3.Row | None:
    """The same. Raises AlreadyExists: there is one that is not for whoever asks."""
    row = _own(connection, key, session_id)
    if row is None:
        with temporaries.only_of(None):
            if _own(connection, key, session_id) is not None:
                raise AlreadyExists("view", str(key))
    return row


def _view(row: sqlite3.Row) -> View:
    return View(
        key=shadowing.key_of(row),
        columns=columns_from_json(row["columns"]),
        text=row["text"],
        secure=bool(row["secure"]),
        created_on=from_micros(row["created_on"]),
        comment=row["comment"],
        session_id=row["session_id"] if "session_id" in row.keys() else None,  # noqa: SIM118 - a row has its values
        role=row["role"] if "role" in row.keys() else "",  # noqa: SIM118
    )
