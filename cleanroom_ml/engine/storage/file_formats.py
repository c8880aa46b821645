"""Named file formats: a type (CSV, PARQUET, JSON) and its options."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from cleanroom_ml.engine.contracts.values import Option
from cleanroom_ml.engine.storage import shadowing, temporaries
from cleanroom_ml.engine.storage.database import Database, Schema
from cleanroom_ml.engine.storage.errors import AlreadyExists, NotFound
from cleanroom_ml.engine.storage.keys import Key, from_micros

SCHEMA = Schema(
    "file_formats",
    2,
    shadowing.identity("file_formats", "type TEXT NOT NULL, options TEXT NOT NULL, comment TEXT NOT NULL"),
    {2: (shadowing.owned("file_formats"),)},
)


@dataclass(frozen=True, slots=True)
class FileFormat:
    """One file format; `options` are JSON values by upper-case name."""

    key: Key
    type: str
    options: Mapping[str, Option]
    session_id: str | None
    created_on: datetime
    comment: str = ""


class FileFormats:
    """File formats of all accounts."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def create(
        self,
        key: Key,
        type: str,
        options: Mapping[str, Option],
        *,
        session_id: str | None = None,
        if_exists: Literal["error", "replace", "ignore"] = "error",
        comment: str = "",
    ) -> bool:
        """Makes a file format, a temporary one if `session_id` is given; whether anything was made.

        Raises:
            AlreadyExists: it is there and `if_exists` is `error`.
            NotFound: no such database, schema or session.
            InvalidName: a part of the key is no name.
        """
        with self._database.transaction() as connection:
            shadowing.require_home(connection, key, session_id)
            there = shadowing.find_exactly(connection, "file_formats", key, session_id)
            if there is not None:
                if if_exists == "ignore":
                    return False
                if if_exists == "error":
                    raise AlreadyExists("file format", str(key))
                connection.execute("DELETE FROM file_formats WHERE id = ?", (there["id"],))
            connection.execute(
                """INSERT INTO file_formats
                   (account, database, schema, name, session_id, created_on, type, options, comment, role)
                   VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)""",
                (
                    *(key.account, key.database, key.schema, key.name, session_id, self._database.now_micros()),
                    *(type, json.dumps(dict(options)), comment, temporaries.role()),
                ),
            )
        return True

    def get(self, key: Key, session_id: str | None = None) -> FileFormat | None:
        """The file format that the session means by `key`, None where there is none."""
        with self._database.read() as connection:
            row = shadowing.find(connection, "file_formats", key, session_id)
        return None if row is None else _file_format(row)

    def list(
        self, account: str, database: str | None = None, schema: str | None = None, session_id: str | None = None
    ) -> list[FileFormat]:
        """The file formats that the session can name, by name."""
        with self._database.read() as connection:
            rows = shadowing.visible(connection, "file_formats", account, database, schema, session_id)
        return [_file_format(row) for row in rows]

    def alter(
        self,
        key: Key,
        *,
        options: Mapping[str, Option] | None = None,
        comment: str | None = None,
        session_id: str | None = None,
    ) -> None:
        """Gives the file format that the session means other options, or another comment. Raises NotFound."""
        with self._database.transaction() as connection:
            row = shadowing.find(connection, "file_formats", key, session_id)
            if row is None:
                raise NotFound("file format", str(key))
            connection.execute(
                "UPDATE file_formats SET options = coalesce(?, options), comment = coalesce(?, comment) WHERE id = ?",
                (None if options is None else json.dumps(dict(options)), comment, row["id"]),
            )

    def rename(self, key: Key, new: Key, *, session_id: str | None = None) -> None:
        """Gives the file format that the session means another name. Raises NotFound, AlreadyExists, InvalidName."""
        with self._database.transaction() as connection:
            row = shadowing.find(connection, "file_formats", key, session_id)
            if row is None:
                raise NotFound("file format", str(key))
            shadowing.require_home(connection, new, row["session_id"])
            if shadowing.find_exactly(connection, "file_formats", new, row["session_id"]) is not None:
                raise AlreadyExists("file format", str(new))
            connection.execute(
                "UPDATE file_formats SET database = ?, schema = ?, name = ? WHERE id = ?",
                (new.database, new.schema, new.name, row["id"]),
            )

    def drop(self, key: Key, *, session_id: str | None = None, if_exists: bool = False) -> bool:
        """Removes the one that the session sees; whether it was there. Raises NotFound unless `if_exists`."""
        with self._database.transaction() as connection:
            row = shadowing.find(connection, "file_formats", key, session_id)
            if row is None:
                if if_exists:
                    return False
                raise NotFound("file format", str(key))
            connection.execute("DELETE FROM file_formats WHERE id = ?", (row["id"],))
        return True


def _file_format(row: sqlite3.Row) -> FileFormat:
    return FileFormat(
        key=shadowing.key_of(row),
        type=row["type"],
        options=json.loads(row["options"]),
        session_id=row["session_id"],
        created_on=from_micros(row["created_on"]),
        comment=row["comment"],
    )
