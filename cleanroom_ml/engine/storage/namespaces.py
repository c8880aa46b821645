"""Databases and schemas of each account."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from cleanroom_ml.engine.storage import graves, renaming, retention
from cleanroom_ml.engine.storage.database import Database, Schema
from cleanroom_ml.engine.storage.errors import AlreadyExists, NotFound
from cleanroom_ml.engine.storage.keys import checked_name, from_micros

DatabaseKind = Literal["standard", "application", "system"]

# Users' own stages live in a namespace that no name reaches: an empty string is no identifier.
USER_DATABASE = ""
USER_SCHEMA = "~"

# DATA_RETENTION_TIME_IN_DAYS; NULL: what the database, or the account, says.
_RETENTION = (
    "ALTER TABLE databases ADD COLUMN retention INTEGER",
    "ALTER TABLE schemas ADD COLUMN retention INTEGER",
)
SCHEMA = Schema(
    "namespaces",
    2,
    (
        """CREATE TABLE databases (
            account TEXT NOT NULL REFERENCES accounts (name), name TEXT NOT NULL, kind TEXT NOT NULL,
            comment TEXT NOT NULL, created_on INTEGER NOT NULL, PRIMARY KEY (account, name)) STRICT""",
        """CREATE TABLE schemas (
            account TEXT NOT NULL, database TEXT NOT NULL, name TEXT NOT NULL, comment TEXT NOT NULL,
            created_on INTEGER NOT NULL, PRIMARY KEY (account, database, name),
            FOREIGN KEY (account, database) REFERENCES databases (account, name) ON DELETE CASCADE) STRICT""",
        *_RETENTION,
    ),
    {2: _RETENTION},
)


@dataclass(frozen=True, slots=True)
class DatabaseInfo:
    """One database. Kind `application` is a room's (`SFDCR_<COLLABORATION>`): account sessions never look there."""

    account: str
    name: str
    kind: DatabaseKind
    comment: str
    created_on: datetime
    retention: int | None = None


@dataclass(frozen=True, slots=True)
class SchemaInfo:
    """One schema of a database."""

    account: str
    database: str
    name: str
    comment: str
    created_on: datetime
    retention: int | None = None


class Namespaces:
    """Databases and schemas."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def create_database(
        self,
        account: str,
        name: str,
        kind: DatabaseKind = "standard",
        *,
        if_exists: Literal["error", "ignore", "replace"] = "error",
        comment: str = "",
    ) -> bool:
        """Makes a database; a standard one with its schema PUBLIC. Whether anything was made.

        Raises:
            AlreadyExists: it is there (with `replace`: as another kind, which is never replaced).
            NotFound: no such account.
            InvalidName: no name for a database.
        """
        checked_name(name, "database")
        with self._database.transaction() as connection:
            if not connection.execute("SELECT 1 FROM accounts WHERE name = ?", (account,)).fetchone():
                raise NotFound("account", account)
            there = _database(connection, account, name)
            if there is not None:
                if if_exists == "ignore":
                    return False
                if if_exists == "error" or there["kind"] != kind:
                    raise AlreadyExists("database", name)
                self._bury(connection, graves.Dead.of_database(account, name))
                connection.execute("DELETE FROM databases WHERE account = ? AND name = ?", (account, name))
            connection.execute(
                "INSERT INTO databases (account, name, kind, comment, created_on) VALUES (?, ?, ?, ?, ?)",
                (account, name, kind, comment, self._database.now_micros()),
            )
            if kind == "standard":
                self.create_schema(account, name, "PUBLIC")
        return True

    def drop_database(self, account: str, name: str, *, if_exists: bool = False) -> bool:
        """Removes a database and all that is in it. Raises NotFound unless `if_exists`."""
        with self._database.transaction() as connection:
            self._bury(connection, graves.Dead.of_database(account, name))
            gone = (
                name != USER_DATABASE
                and connection.execute("DELETE FROM databases WHERE account = ? AND name = ?", (account, name)).rowcount
            )
            if not gone and not if_exists:
                raise NotFound("database", name)
            return bool(gone)

    def databases(self, account: str) -> list[DatabaseInfo]:
        """The account's databases of every kind, by name."""
        with self._database.read() as connection:
            rows = connection.execute(
                "SELECT * FROM databases WHERE account = ? AND name <> '' ORDER BY name", (account,)
            ).fetchall()
        return [
            DatabaseInfo(
                row["account"],
                row["name"],
                row["kind"],
                row["comment"],
                from_micros(row["created_on"]),
                row["retention"],
            )
            for row in rows
        ]

    def database_kind(self, account: str, name: str) -> DatabaseKind | None:
        """The kind of a database of the account, None where there is none."""
        with self._database.read() as connection:
            row = _database(connection, account, name)
        return row["kind"] if row is not None and name != USER_DATABASE else None

    def create_schema(
        self,
        account: str,
        database: str,
        name: str,
        *,
        if_exists: Literal["error", "ignore", "replace"] = "error",
        comment: str = "",
    ) -> bool:
        """Makes a schema; whether anything was made.

        Raises:
            AlreadyExists: it is there.
            NotFound: no such database.
            InvalidName: no name for a schema.
        """
        checked_name(name, "schema")
        checked_name(database, "database")
        with self._database.transaction() as connection:
            if _database(connection, account, database) is None:
                raise NotFound("database", database)
            if _schema(connection, account, database, name) is not None:
                if if_exists == "ignore":
                    return False
                if if_exists == "error":
                    raise AlreadyExists("schema", f"{database}.{name}")
                self.drop_schema(account, database, name)
            connection.execute(
                "INSERT INTO schemas (account, database, name, comment, created_on) VALUES (?, ?, ?, ?, ?)",
                (account, database, name, comment, self._database.now_micros()),
            )
        return True

    def drop_schema(self, account: str, database: str, name: str, *, if_exists: bool = False) -> bool:
        """Removes a schema and all that is in it. Raises NotFound unless `if_exists`."""
        with self._database.transaction() as connection:
            self._bury(connection, graves.Dead.of_schema(account, database, name))
            gone = (
                database != USER_DATABASE
                and connection.execute(
                    "DELETE FROM schemas WHERE account = ? AND database = ? AND name = ?", (account, database, name)
                ).rowcount
            )
            if not gone and not if_exists:
                raise NotFound("schema", f"{database}.{name}")
            return bool(gone)

    def schemas(self, account: str, database: str) -> list[SchemaInfo]:
        """The schemas of a database, by name (INFORMATION_SCHEMA is not stored)."""
        with self._database.read() as connection:
            rows = connection.execute(
                "SELECT * FROM schemas WHERE account = ? AND database = ? ORDER BY name", (account, database)
            ).fetchall()
        return [
            SchemaInfo(
                row["account"],
                row["database"],
                row["name"],
                row["comment"],
                from_micros(row["created_on"]),
                row["retention"],
            )
            for row in rows
        ]

    def schema_exists(self, account: str, database: str, name: str) -> bool:
        """Whether the database has this schema."""
        with self._database.read() as connection:
            return database != USER_DATABASE and _schema(connection, account, database, name) is not None

    def alter(
        self,
        account: str,
        database: str,
        schema: str | None = None,
        *,
        comment: str | None = None,
        retention: int | None = None,
    ) -> None:
        """Changes the comment or the retention of a database, or of a schema of it; a negative retention: what is
        above says it. Raises NotFound.
        """
        relation = "databases" if schema is None else "schemas"
        where = "account = ?3 AND name = ?4" if schema is None else "account = ?3 AND database = ?4 AND name = ?5"
        with self._database.transaction() as connection:
            changed = connection.execute(
                f"""UPDATE {relation} SET comment = coalesce(?1, comment),
                    retention = CASE WHEN ?2 IS NULL THEN retention WHEN ?2 < 0 THEN NULL ELSE ?2 END WHERE {where}""",
                (comment, retention, account, database, *(() if schema is None else (schema,))),
            ).rowcount
            if not changed:
                raise NotFound("database" if schema is None else "schema", database)

    def retention(self, account: str, database: str, schema: str = "") -> int:
        """For how many days what says nothing itself can be had back in a database, or a schema of it."""
        with self._database.read() as connection:
            return retention.of_namespace(connection, account, database, schema)

    def rename(self, account: str, database: str, schema: str | None, new: tuple[str, ...]) -> None:
        """Gives a database, or a schema of it (which may move to another database), another name, with all that is in
        it and all grants on that.

        Raises:
            NotFound: there is no such database, schema or new database.
            AlreadyExists: there is one of the new name.
            InvalidName: no name.
        """
        for part in new:
            checked_name(part, "database" if schema is None else "schema")
        with self._database.transaction() as connection:
            renaming.rename(connection, account, database, schema, new, self._database.now_micros())

    def _bury(self, connection: sqlite3.Connection, dead: graves.Dead) -> None:
        """What is about to be removed can be had back for a while, if it is a standard database or in one."""
        there = _database(connection, dead.account, dead.database)
        if there is None or there["kind"] != "standard":
            return
        if dead.schema and _schema(connection, dead.account, dead.database, dead.schema) is None:
            return
        days = retention.of_namespace(connection, dead.account, dead.database, dead.schema)
        graves.bury(connection, dead, now=self._database.now_micros(), days=days)

    def create_user_namespace(self, account: str) -> None:
        """Makes the hidden home of the account's user stages, once, when the account is made."""
        with self._database.transaction() as connection:
            created = self._database.now_micros()
            connection.execute(
                "INSERT INTO databases (account, name, kind, comment, created_on) VALUES (?, '', 'system', '', ?)",
                (account, created),
            )
            connection.execute(
                "INSERT INTO schemas (account, database, name, comment, created_on) VALUES (?, '', ?, '', ?)",
                (account, USER_SCHEMA, created),
            )


def _database(connection: sqlite3.Connection, account: str, name: str) -> sqlite3.Row | None:
    row: sqlite3.Row | None = connection.execute(
        "SELECT * FROM databases WHERE account = ? AND name = ?", (account, name)
    ).fetchone()
    return row


def _schema(connection: sqlite3.Connection, account: str, database: str, name: str) -> sqlite3.Row | None:
    row: sqlite3.Row | None = connection.execute(
        "SELECT * FROM schemas WHERE account = ? AND database = ? AND name = ?", (account, database, name)
    ).fetchone()
    return row
