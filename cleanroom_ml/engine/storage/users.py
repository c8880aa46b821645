"""The users of an account beyond its first one: made, changed and dropped by SQL (sql-reference/sql/create-user)."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from cleanroom_ml.engine.contracts.public_key import PublicKey
from cleanroom_ml.engine.storage.database import Database
from cleanroom_ml.engine.storage.errors import AlreadyExists, NotFound
from cleanroom_ml.engine.storage.keys import folded_name, from_micros
from cleanroom_ml.engine.storage.namespaces import USER_DATABASE, USER_SCHEMA
from cleanroom_ml.engine.storage.passwords import hash_password

MOST_USERS: Final = 1_000
UPGRADE: Final = (
    "ALTER TABLE users ADD COLUMN disabled INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE users ADD COLUMN owner TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE users ADD COLUMN settings TEXT NOT NULL DEFAULT '{}'",
)
"""What `accounts.SCHEMA` had not in its first version."""


@dataclass(frozen=True, slots=True)
class User:
    """One user. `owner` is the role that made it, empty for who was there with the account; `settings` are what it says
    of itself and where its sessions start, by the names of their options.
    """

    name: str
    owner: str
    disabled: bool
    has_password: bool
    has_key: bool
    settings: Mapping[str, str]
    created_on: datetime


class Users:
    """Users of all accounts."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def create(self, account: str, name: str, *, owner: str, if_exists: bool = False) -> bool:
        """Makes a user who cannot log in before somebody gives it a password or a key; whether anything was made.

        Raises:
            AlreadyExists: it is there, unless `if_exists`; or the account has MOST_USERS.
            InvalidName: no upper-case identifier.
        """
        folded_name(name, "user")
        with self._database.transaction() as connection:
            if _row(connection, account, name) is not None:
                if if_exists:
                    return False
                raise AlreadyExists("user", name)
            (count,) = connection.execute("SELECT count(*) FROM users WHERE account = ?", (account,)).fetchone()
            if count >= MOST_USERS:
                raise AlreadyExists("user", f"{MOST_USERS} users, the most that an account may have,")
            connection.execute(
                "INSERT INTO users (account, name, owner, created_on) VALUES (?, ?, ?, ?)",
                (account, name, owner, self._database.now_micros()),
            )
        return True

    def get(self, account: str, name: str) -> User | None:
        """The user, None where there is none."""
        with self._database.read() as connection:
            row = _row(connection, account, name)
        return None if row is None else _user(row)

    def list(self, account: str) -> Sequence[User]:
        """The account's users, by name."""
        with self._database.read() as connection:
            rows = connection.execute("SELECT * FROM users WHERE account = ? ORDER BY name", (account,)).fetchall()
        return [_user(row) for row in rows]

    def set_password(self, account: str, name: str, password: str | None) -> None:
        """Another password, or none. Raises NotFound, ValueError (empty or too long)."""
        self._set(account, name, "password", None if password is None else hash_password(password))

    def set_key(self, account: str, name: str, pem: str | None) -> None:
        """Another public key, or none. Raises NotFound, ValueError (no RSA key of 2048 bits)."""
        key = None if pem is None else PublicKey.read(pem)
        with self._database.transaction():
            self._set(account, name, "public_key_pem", None if key is None else key.pem)
            self._set(account, name, "public_key_fingerprint", None if key is None else key.fingerprint)

    def set_disabled(self, account: str, name: str, disabled: bool) -> None:
        """Whether the user can log in at all. Raises NotFound."""
        self._set(account, name, "disabled", int(disabled))

    def set_settings(self, account: str, name: str, settings: Mapping[str, str]) -> None:
        """What the user says of itself, and where its sessions start. Raises NotFound."""
        self._set(account, name, "settings", json.dumps(dict(settings)))

    def drop(self, account: str, name: str) -> None:
        """Removes a user with its sessions, roles, files and answers: whoever has its name later is another one.

        Raises:
            NotFound: there is none.
        """
        with self._database.transaction() as connection:
            if not connection.execute("DELETE FROM users WHERE account = ? AND name = ?", (account, name)).rowcount:
                raise NotFound("user", name)
            connection.execute(
                "DELETE FROM role_members WHERE account = ? AND kind = 'USER' AND member = ?", (account, name)
            )
            connection.execute("DELETE FROM queries WHERE account = ? AND user = ?", (account, name))
            connection.execute(
                "DELETE FROM stages WHERE account = ? AND database = ? AND schema = ? AND name = ?",
                (account, USER_DATABASE, USER_SCHEMA, name),
            )

    def _set(self, account: str, name: str, column: str, value: str | int | None) -> None:
        with self._database.transaction() as connection:
            if not connection.execute(
                f"UPDATE users SET {column} = ? WHERE account = ? AND name = ?", (value, account, name)
            ).rowcount:
                raise NotFound("user", name)


def _row(connection: sqlite3.Connection, account: str, name: str) -> sqlite3.Row | None:
    row: sqlite3.Row | None = connection.execute(
        "SELECT * FROM users WHERE account = ? AND name = ?", (account, name)
    ).fetchone()
    return row


def _user(row: sqlite3.Row) -> User:
    return User(
        row["name"],
        row["owner"],
        bool(row["disabled"]),
        row["password"] is not None,
        row["public_key_pem"] is not None,
        json.loads(row["settings"]),
        from_micros(row["created_on"]),
    )
