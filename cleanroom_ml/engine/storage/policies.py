"""Policies: what a party says may be done with data that others read. They are bound to by name (`rooms.freeform`).

Their kinds have namespaces of their own, as CREATE says the kind. What a body means is `sql.policies`' to say.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from cleanroom_ml.engine.storage import shadowing
from cleanroom_ml.engine.storage.database import Database, Schema
from cleanroom_ml.engine.storage.errors import AlreadyExists, NotFound
from cleanroom_ml.engine.storage.keys import Key, from_micros

_SAME: Final = (
    "account = OLD.account AND database = OLD.database AND schema = OLD.schema AND name = OLD.name AND kind = OLD.kind"
)
SCHEMA = Schema(
    "policies",
    1,
    (
        """CREATE TABLE policies (
            account TEXT NOT NULL, database TEXT NOT NULL, schema TEXT NOT NULL, name TEXT NOT NULL,
            kind TEXT NOT NULL, definition TEXT NOT NULL, comment TEXT NOT NULL, created_on INTEGER NOT NULL,
            PRIMARY KEY (account, database, schema, name, kind),
            FOREIGN KEY (account, database, schema) REFERENCES schemas (account, database, name) ON DELETE CASCADE
        ) STRICT""",
        # As `grants.triggers`, for a relation whose rows are of several kinds.
        f"""CREATE TRIGGER policies_dropped AFTER DELETE ON policies
            BEGIN DELETE FROM object_grants WHERE {_SAME}; END""",
        f"""CREATE TRIGGER policies_renamed AFTER UPDATE OF database, schema, name ON policies
            BEGIN UPDATE object_grants SET database = NEW.database, schema = NEW.schema, name = NEW.name
            WHERE {_SAME}; END""",
    ),
)


@dataclass(frozen=True, slots=True)
class StoredPolicy:
    """One policy: `kind` as CREATE says it, `definition` a JSON text that `sql.policies` made."""

    key: Key
    kind: str
    definition: str
    comment: str
    created_on: datetime


class Policies:
    """Policies of all accounts."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def create(
        self,
        key: Key,
        kind: str,
        definition: str,
        *,
        comment: str = "",
        if_exists: Literal["error", "replace", "ignore"] = "error",
    ) -> bool:
        """Makes a policy; whether anything was made. What refers to one that is replaced refers to the new one.

        Raises:
            AlreadyExists: it is there and `if_exists` is `error`.
            NotFound: no such database or schema.
            InvalidName: a part of the key is no name.
        """
        with self._database.transaction() as connection:
            shadowing.require_home(connection, key, None)
            if _row(connection, key, kind) is not None:
                if if_exists == "ignore":
                    return False
                if if_exists == "error":
                    raise AlreadyExists(kind.lower(), str(key))
                self.drop(key, kind)
            connection.execute(
                "INSERT INTO policies (account, database, schema, name, kind, definition, comment, created_on)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    *(key.account, key.database, key.schema, key.name),
                    *(kind, definition, comment, self._database.now_micros()),
                ),
            )
        return True

    def get(self, key: Key, kind: str) -> StoredPolicy | None:
        """The policy, None where there is none."""
        with self._database.read() as connection:
            row = _row(connection, key, kind)
        return None if row is None else _policy(row)

    def list(
        self, account: str, kind: str, database: str | None = None, schema: str | None = None
    ) -> Sequence[StoredPolicy]:
        """The account's policies of a kind, by name; None for `database` means all standard databases."""
        with self._database.read() as connection:
            rows = connection.execute(
                """SELECT p.* FROM policies p JOIN databases d ON d.account = p.account AND d.name = p.database
                   WHERE p.account = ?1 AND p.kind = ?2 AND (p.database = ?3 OR (?3 IS NULL AND d.kind = 'standard'))
                   AND (?4 IS NULL OR p.schema = ?4) ORDER BY p.database, p.schema, p.name""",
                (account, kind, database, schema),
            ).fetchall()
        return [_policy(row) for row in rows]

    def drop(self, key: Key, kind: str, *, if_exists: bool = False) -> bool:
        """Removes the policy; whether it was there. Raises NotFound unless `if_exists`."""
        with self._database.transaction() as connection:
            gone = connection.execute(f"DELETE FROM policies WHERE {_HERE}", _name(key, kind)).rowcount
            if not gone and not if_exists:
                raise NotFound(kind.lower(), str(key))
            return bool(gone)

    def rename(self, key: Key, kind: str, new: Key) -> None:
        """Gives a policy another name, in another schema too. Raises NotFound, AlreadyExists, InvalidName."""
        with self._database.transaction() as connection:
            shadowing.require_home(connection, new, None)
            if _row(connection, new, kind) is not None:
                raise AlreadyExists(kind.lower(), str(new))
            moved = connection.execute(
                f"UPDATE policies SET database = ?, schema = ?, name = ? WHERE {_HERE}",
                (new.database, new.schema, new.name, *_name(key, kind)),
            ).rowcount
            if not moved:
                raise NotFound(kind.lower(), str(key))

    def alter(self, key: Key, kind: str, *, definition: str | None = None, comment: str | None = None) -> None:
        """Changes what is given. Raises NotFound."""
        with self._database.transaction() as connection:
            changed = connection.execute(
                f"""UPDATE policies SET definition = coalesce(?, definition), comment = coalesce(?, comment)
                    WHERE {_HERE}""",
                (definition, comment, *_name(key, kind)),
            ).rowcount
            if not changed:
                raise NotFound(kind.lower(), str(key))


_HERE: Final = "account = ? AND database = ? AND schema = ? AND name = ? AND kind = ?"


def _name(key: Key, kind: str) -> tuple[str, str, str, str, str]:
    return key.account, key.database, key.schema, key.name, kind


def _row(connection: sqlite3.Connection, key: Key, kind: str) -> sqlite3.Row | None:
    row: sqlite3.Row | None = connection.execute(f"SELECT * FROM policies WHERE {_HERE}", _name(key, kind)).fetchone()
    return row


def _policy(row: sqlite3.Row) -> StoredPolicy:
    return StoredPolicy(
        shadowing.key_of(row), row["kind"], row["definition"], row["comment"], from_micros(row["created_on"])
    )
