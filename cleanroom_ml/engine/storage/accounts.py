"""Accounts and their users: who can prove to be whom."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from cleanroom_ml.engine.contracts.public_key import PublicKey
from cleanroom_ml.engine.storage import users
from cleanroom_ml.engine.storage.database import Database, Schema
from cleanroom_ml.engine.storage.errors import AlreadyExists
from cleanroom_ml.engine.storage.keys import folded_name, from_micros
from cleanroom_ml.engine.storage.namespaces import Namespaces
from cleanroom_ml.engine.storage.passwords import hash_password, password_matches
from cleanroom_ml.engine.storage.warehouses import Warehouses
from cleanroom_ml.naming import ROOM_DATABASE

SYSTEM_DATABASE: Final = ROOM_DATABASE
DEFAULT_WAREHOUSE = "COMPUTE_WH"
# What the clean room's installation makes, and every worksheet of its documentation uses.
APP_WAREHOUSE = "APP_WH"

SCHEMA = Schema(
    "accounts",
    2,
    (
        "CREATE TABLE accounts (name TEXT PRIMARY KEY, created_on INTEGER NOT NULL) STRICT",
        """CREATE TABLE users (
            account TEXT NOT NULL REFERENCES accounts (name), name TEXT NOT NULL, password TEXT,
            public_key_pem TEXT, public_key_fingerprint TEXT, created_on INTEGER NOT NULL,
            PRIMARY KEY (account, name)) STRICT""",
        *users.UPGRADE,
    ),
    {2: users.UPGRADE},
)


@dataclass(frozen=True, slots=True)
class Account:
    """One account of the organization LOCAL, and its users."""

    name: str
    users: tuple[str, ...]
    created_on: datetime


class Accounts:
    """Accounts and users."""

    def __init__(self, database: Database, namespaces: Namespaces, warehouses: Warehouses) -> None:
        self._database = database
        self._namespaces = namespaces
        self._warehouses = warehouses

    def create(
        self,
        account: str,
        user: str,
        password: str | None = None,
        public_key_pem: str | None = None,
        settings: Mapping[str, str] | None = None,
    ) -> None:
        """Makes an account with a user, the warehouses COMPUTE_WH and APP_WH and the system database, all or nothing.

        `settings` are what the user says of themselves (`users.User`).

        Raises:
            AlreadyExists: there is an account of this name.
            InvalidName: a name is no upper-case identifier.
            ValueError: neither password nor key, a password that is empty or too long, or no RSA key of 2048 bits.
        """
        folded_name(account, "account")
        folded_name(user, "user")
        if password is None and public_key_pem is None:
            raise ValueError("a user needs a password or a public key")
        key = None if public_key_pem is None else PublicKey.read(public_key_pem)
        hashed = None if password is None else hash_password(password)
        said = json.dumps(dict(settings or {}))
        now = self._database.now_micros()
        with self._database.transaction() as connection:
            if _exists(connection, account):
                raise AlreadyExists("account", account)
            connection.execute("INSERT INTO accounts (name, created_on) VALUES (?, ?)", (account, now))
            connection.execute(
                """INSERT INTO users
                   (account, name, password, public_key_pem, public_key_fingerprint, created_on, settings)
                   VALUES (?, ?, ?, ?, ?, ?, ?)""",
                (account, user, hashed, key and key.pem, key and key.fingerprint, now, said),
            )
            self._namespaces.create_user_namespace(account)
            self._namespaces.create_database(account, SYSTEM_DATABASE, "system")
            self._warehouses.create(account, DEFAULT_WAREHOUSE)
            self._warehouses.create(account, APP_WAREHOUSE)

    def exists(self, account: str) -> bool:
        """Whether there is such an account."""
        with self._database.read() as connection:
            return _exists(connection, account)

    def list(self) -> list[Account]:
        """All accounts, by name."""
        with self._database.read() as connection:
            named: dict[str, list[str]] = {}
            for row in connection.execute("SELECT account, name FROM users ORDER BY account, name"):
                named.setdefault(row["account"], []).append(row["name"])
            rows = connection.execute("SELECT * FROM accounts ORDER BY name").fetchall()
        return [Account(row["name"], tuple(named.get(row["name"], ())), from_micros(row["created_on"])) for row in rows]

    def verify_password(self, account: str, user: str, password: str) -> bool:
        """Whether this is the user's password. Costs the same, and says the same, for users that there are not."""
        with self._database.read() as connection:
            row = _user(connection, account, user)
        return password_matches(None if row is None or row["disabled"] else row["password"], password)

    def public_key(self, account: str, user: str) -> PublicKey | None:
        """The user's public key; None where there is no such user, or one without a key, or who is disabled."""
        with self._database.read() as connection:
            row = _user(connection, account, user)
        if row is None or row["public_key_pem"] is None or row["disabled"]:
            return None
        return PublicKey(row["public_key_pem"], row["public_key_fingerprint"])


def _exists(connection: sqlite3.Connection, account: str) -> bool:
    return connection.execute("SELECT 1 FROM accounts WHERE name = ?", (account,)).fetchone() is not None


def _user(connection: sqlite3.Connection, account: str, user: str) -> sqlite3.Row | None:
    row: sqlite3.Row | None = connection.execute(
        "SELECT * FROM users WHERE account = ? AND name = ?", (account, user)
    ).fetchone()
    return row
