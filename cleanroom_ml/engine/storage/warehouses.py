"""Warehouses of each account, and which applications may use which warehouse or compute pool."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from cleanroom_ml.engine.storage.database import Database, Schema
from cleanroom_ml.engine.storage.errors import AlreadyExists, NotFound
from cleanroom_ml.engine.storage.keys import checked_name, from_micros

GrantKind = Literal["WAREHOUSE", "COMPUTE POOL"]

SCHEMA = Schema(
    "warehouses",
    1,
    (
        """CREATE TABLE warehouses (
            account TEXT NOT NULL REFERENCES accounts (name), name TEXT NOT NULL, size TEXT NOT NULL,
            comment TEXT NOT NULL, created_on INTEGER NOT NULL, PRIMARY KEY (account, name)) STRICT""",
        """CREATE TABLE usage_grants (
            account TEXT NOT NULL, kind TEXT NOT NULL, name TEXT NOT NULL, application TEXT NOT NULL,
            granted_on INTEGER NOT NULL, PRIMARY KEY (account, kind, name, application),
            FOREIGN KEY (account, application) REFERENCES databases (account, name) ON DELETE CASCADE) STRICT""",
        "CREATE INDEX usage_grants_by_application ON usage_grants (account, application)",
    ),
)


@dataclass(frozen=True, slots=True)
class WarehouseInfo:
    """One warehouse as SHOW WAREHOUSES knows it; the size is what its owner said, not what this machine has."""

    account: str
    name: str
    size: str
    comment: str
    created_on: datetime


@dataclass(frozen=True, slots=True)
class UsageGrant:
    """USAGE on a warehouse or compute pool, to an application."""

    account: str
    kind: GrantKind
    name: str
    application: str
    granted_on: datetime


class Warehouses:
    """Warehouses and usage grants."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def create(
        self,
        account: str,
        name: str,
        *,
        size: str = "X-SMALL",
        if_exists: Literal["error", "replace", "ignore"] = "error",
        comment: str = "",
    ) -> bool:
        """Makes a warehouse; whether anything was made. Replacing one takes its grants away.

        Raises:
            AlreadyExists: it is there and `if_exists` is `error`.
            NotFound: no such account.
            InvalidName: no name for a warehouse.
        """
        checked_name(name, "warehouse")
        with self._database.transaction() as connection:
            if not connection.execute("SELECT 1 FROM accounts WHERE name = ?", (account,)).fetchone():
                raise NotFound("account", account)
            if _row(connection, account, name) is not None:
                if if_exists == "ignore":
                    return False
                if if_exists == "error":
                    raise AlreadyExists("warehouse", name)
                self.drop(account, name)
            connection.execute(
                "INSERT INTO warehouses (account, name, size, comment, created_on) VALUES (?, ?, ?, ?, ?)",
                (account, name, size, comment, self._database.now_micros()),
            )
        return True

    def drop(self, account: str, name: str, *, if_exists: bool = False) -> bool:
        """Removes a warehouse and its grants; whether it was there. Raises NotFound unless `if_exists`."""
        with self._database.transaction() as connection:
            gone = connection.execute("DELETE FROM warehouses WHERE account = ? AND name = ?", (account, name)).rowcount
            self.revoke_all(account, "WAREHOUSE", name)
            if not gone and not if_exists:
                raise NotFound("warehouse", name)
            return bool(gone)

    def get(self, account: str, name: str) -> WarehouseInfo | None:
        """The warehouse, None where there is none."""
        with self._database.read() as connection:
            row = _row(connection, account, name)
        return None if row is None else _warehouse(row)

    def list(self, account: str) -> list[WarehouseInfo]:
        """The account's warehouses, by name."""
        with self._database.read() as connection:
            rows = connection.execute("SELECT * FROM warehouses WHERE account = ? ORDER BY name", (account,)).fetchall()
        return [_warehouse(row) for row in rows]

    def grant_usage(self, account: str, kind: GrantKind, name: str, application: str) -> None:
        """Lets an application use a warehouse or compute pool of its account. Granting again changes nothing.

        Compute pools are not known here: the caller has checked that the pool is there, and calls `revoke_all` when it
        is dropped.

        Raises:
            NotFound: no such application in the account, or no such warehouse.
        """
        with self._database.transaction() as connection:
            if not connection.execute(
                "SELECT 1 FROM databases WHERE account = ? AND name = ? AND kind = 'application'",
                (account, application),
            ).fetchone():
                raise NotFound("application", application)
            if kind == "WAREHOUSE" and _row(connection, account, name) is None:
                raise NotFound("warehouse", name)
            connection.execute(
                """INSERT OR IGNORE INTO usage_grants (account, kind, name, application, granted_on)
                   VALUES (?, ?, ?, ?, ?)""",
                (account, kind, name, application, self._database.now_micros()),
            )

    def revoke_all(self, account: str, kind: GrantKind, name: str) -> int:
        """Takes away every grant on a thing that is being dropped: one made later under its name has none. How many."""
        with self._database.transaction() as connection:
            return connection.execute(
                "DELETE FROM usage_grants WHERE account = ? AND kind = ? AND name = ?", (account, kind, name)
            ).rowcount

    def has_usage(self, account: str, kind: GrantKind, name: str, application: str) -> bool:
        """Whether the application may use the warehouse or pool."""
        with self._database.read() as connection:
            return (
                connection.execute(
                    "SELECT 1 FROM usage_grants WHERE account = ? AND kind = ? AND name = ? AND application = ?",
                    (account, kind, name, application),
                ).fetchone()
                is not None
            )

    def grants(self, account: str, application: str | None = None) -> Sequence[UsageGrant]:
        """The account's grants, to one application or to all."""
        with self._database.read() as connection:
            rows = connection.execute(
                """SELECT * FROM usage_grants WHERE account = ?1 AND (?2 IS NULL OR application = ?2)
                   ORDER BY application, kind, name""",
                (account, application),
            ).fetchall()
        return [
            UsageGrant(row["account"], row["kind"], row["name"], row["application"], from_micros(row["granted_on"]))
            for row in rows
        ]


def _row(connection: sqlite3.Connection, account: str, name: str) -> sqlite3.Row | None:
    row: sqlite3.Row | None = connection.execute(
        "SELECT * FROM warehouses WHERE account = ? AND name = ?", (account, name)
    ).fetchone()
    return row


def _warehouse(row: sqlite3.Row) -> WarehouseInfo:
    return WarehouseInfo(row["account"], row["name"], row["size"], row["comment"], from_micros(row["created_on"]))
