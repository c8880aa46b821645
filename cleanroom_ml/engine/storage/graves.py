"""Dropped tables, schemas and databases, which can be had back within their retention (UNDROP; of Snowflake's
documentation, user-guide/data-time-travel).

A grave holds the rows of the catalog that the thing was, as they were, and which objects they point at. Restored, it
is the same thing again: its history, its numbers, what it was loaded from, and the grants on it. A grant to a role that
was dropped meanwhile is not restored, whoever has that name now.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal

from cleanroom_ml.engine.storage.database import Database, Schema
from cleanroom_ml.engine.storage.errors import AlreadyExists, NotFound
from cleanroom_ml.engine.storage.keys import Key, from_micros
from cleanroom_ml.engine.storage.retention import DAY
from cleanroom_ml.engine.storage.roles import SYSTEM

Kind = Literal["TABLE", "SCHEMA", "DATABASE"]
IN_SCHEMA: Final = ("tables", "views", "sequences", "stages", "file_formats", "functions", "procedures", "policies")
"""The relations of what a schema holds; with `session_id`, what is nobody's alone."""
NAMED: Final = ("functions", "procedures")
"""The relations of what is called by its name in others' texts, and is as new as its name is."""
BELOW: Final[Mapping[str, tuple[tuple[str, str], ...]]] = {
    "tables": (
        ("table_snapshots", "table_id"),
        ("table_objects", "table_id"),
        ("identities", "table_id"),
        ("loads", "table_id"),
    ),
    "stages": (("stage_files", "stage_id"), ("stage_directories", "stage_id")),
}
"""The relations of what one of these has, and the column that says whose it is."""
NEVER: Final = frozenset({"stage_uploads", "temporary_views", "usage_grants", "future_grants"})
"""What goes with a session, is an application's, or says what later things are given: it is not restored."""


def _references(connection: sqlite3.Connection) -> Iterable[str]:
    rows = connection.execute(
        """SELECT DISTINCT o.sha256 FROM grave_objects o JOIN graves g ON g.id = o.grave_id
           WHERE g.kept_until > CAST(strftime('%s', 'now') AS INTEGER) * 1000000"""
    )
    return (row["sha256"] for row in rows)


SCHEMA = Schema(
    "graves",
    1,
    (
        """CREATE TABLE graves (
            id INTEGER PRIMARY KEY AUTOINCREMENT, account TEXT NOT NULL REFERENCES accounts (name), kind TEXT NOT NULL,
            database TEXT NOT NULL, schema TEXT NOT NULL, name TEXT NOT NULL, dropped_on INTEGER NOT NULL,
            kept_until INTEGER NOT NULL, rows TEXT NOT NULL) STRICT""",
        "CREATE INDEX graves_by_name ON graves (account, kind, database, schema, name)",
        """CREATE TABLE grave_objects (
            grave_id INTEGER NOT NULL REFERENCES graves (id) ON DELETE CASCADE, sha256 TEXT NOT NULL,
            PRIMARY KEY (grave_id, sha256)) STRICT, WITHOUT ROWID""",
    ),
    references=_references,
)


@dataclass(frozen=True, slots=True)
class Dead:
    """What is dropped, by its name: a table, a schema (no name), a database (no schema)."""

    account: str
    database: str
    schema: str = ""
    name: str = ""

    @classmethod
    def table(cls, key: Key) -> Dead:
        """A table."""
        return cls(key.account, key.database, key.schema, key.name)

    @classmethod
    def of_schema(cls, account: str, database: str, schema: str) -> Dead:
        """A schema."""
        return cls(account, database, schema)

    @classmethod
    def of_database(cls, account: str, database: str) -> Dead:
        """A database."""
        return cls(account, database)

    @property
    def kind(self) -> Kind:
        """What it is."""
        return "TABLE" if self.name else "SCHEMA" if self.schema else "DATABASE"


@dataclass(frozen=True, slots=True)
class Grave:
    """One dropped thing; `owner` is the role that owned it, if that is still the same role (empty: ADMIN's)."""

    id: int
    dead: Dead
    dropped_on: datetime
    created_on: datetime
    owner: str
    columns: Mapping[str, Any]
    """The columns of its own row. Any: whatever its relation has."""


def bury(connection: sqlite3.Connection, dead: Dead, *, now: int, days: int) -> None:
    """Keeps what is about to be deleted, for so many days; for 0, nothing. In the transaction that deletes it."""
    connection.execute("DELETE FROM graves WHERE kept_until <= ?", (now,))
    if days <= 0:
        return
    rows = _rows_of(connection, dead)
    grave_id = connection.execute(
        """INSERT INTO graves (account, kind, database, schema, name, dropped_on, kept_until, rows)
           VALUES (?, ?, ?, ?, ?, ?, ?, ?)""",
        (
            *(dead.account, dead.kind, dead.database, dead.schema, dead.name, now, now + days * DAY),
            json.dumps(rows, ensure_ascii=False),
        ),
    ).lastrowid
    objects = {row["sha256"] for _, listed in rows for row in listed if isinstance(row.get("sha256"), str)}
    connection.executemany(
        "INSERT INTO grave_objects (grave_id, sha256) VALUES (?, ?)", ((grave_id, sha256) for sha256 in objects)
    )


class Graves:
    """Dropped things of all accounts."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def latest(self, dead: Dead) -> Grave | None:
        """What was dropped last under a name, and can still be had back."""
        found = [each for each in self.list(dead.account, dead.kind) if each.dead == dead]
        return found[-1] if found else None

    def list(self, account: str, kind: Kind) -> Sequence[Grave]:
        """The account's dropped things of a kind that can still be had back, the last one last."""
        with self._database.read() as connection:
            rows = connection.execute(
                "SELECT * FROM graves WHERE account = ? AND kind = ? AND kept_until > ? ORDER BY id",
                (account, kind, self._database.now_micros()),
            ).fetchall()
            return [_grave(connection, row) for row in rows]

    def restore(self, grave: Grave, heir: str) -> None:
        """Has a dropped thing back. What belonged to a role that is no more is `heir`'s, as where a role is dropped.

        Raises:
            AlreadyExists: there is one of its name.
            NotFound: it cannot be had back any more, or what it was in is gone.
        """
        dead = grave.dead
        with self._database.transaction() as connection:
            row = connection.execute(
                "SELECT * FROM graves WHERE id = ? AND kept_until > ?", (grave.id, self._database.now_micros())
            ).fetchone()
            if row is None:
                raise NotFound(dead.kind.lower(), dead.name or dead.schema or dead.database)
            _require_place(connection, dead)
            now = self._database.now_micros()
            for relation, listed in json.loads(row["rows"]):
                for given in listed:
                    each = _restored(connection, dead.account, relation, given, row["dropped_on"], heir, now)
                    if each is None:
                        continue
                    names = ", ".join(each)
                    places = ", ".join("?" * len(each))
                    connection.execute(f"INSERT INTO {relation} ({names}) VALUES ({places})", tuple(each.values()))
            connection.execute("DELETE FROM graves WHERE id = ?", (grave.id,))


Row = dict[str, Any]  # Any: what SQLite holds


def _rows_of(connection: sqlite3.Connection, dead: Dead) -> list[tuple[str, list[Row]]]:
    """The rows that a thing is, by relation, each after those that it refers to."""
    found: list[tuple[str, list[Row]]] = []
    account, database = dead.account, dead.database
    if dead.kind == "DATABASE":
        found.append(("databases", _all(connection, "databases", "account = ? AND name = ?", (account, database))))
    if dead.kind != "TABLE":
        where, values = _where("name", dead)
        found.append(("schemas", _all(connection, "schemas", where, values)))
    where, values = _where("schema", dead)
    for relation in ("tables",) if dead.kind == "TABLE" else IN_SCHEMA:
        own = where
        of = values
        if dead.kind == "TABLE":
            own, of = f"{where} AND name = ?", (*values, dead.name)
        if relation not in {"views", "sequences", "policies"}:
            own += " AND session_id IS NULL"
        rows = _all(connection, relation, own, of)
        found.append((relation, rows))
        for below, column in BELOW.get(relation, ()):
            found.append(
                (below, [each for row in rows for each in _all(connection, below, f"{column} = ?", (row["id"],))])
            )
    own, of = where, values
    if dead.kind == "TABLE":
        own, of = f"{where} AND name = ? AND kind = 'TABLE'", (*values, dead.name)
    found.append(("object_grants", _all(connection, "object_grants", own, of)))
    return found


def _where(schema: str, dead: Dead) -> tuple[str, tuple[str, ...]]:
    if not dead.schema:
        return "account = ? AND database = ?", (dead.account, dead.database)
    return f"account = ? AND database = ? AND {schema} = ?", (dead.account, dead.database, dead.schema)


def _all(connection: sqlite3.Connection, relation: str, where: str, values: tuple[object, ...]) -> list[Row]:
    return [dict(row) for row in connection.execute(f"SELECT * FROM {relation} WHERE {where}", values)]


def _require_place(connection: sqlite3.Connection, dead: Dead) -> None:
    here = (dead.account, dead.database)
    databases = _all(connection, "databases", "account = ? AND name = ?", here)
    if dead.kind == "DATABASE":
        if databases:
            raise AlreadyExists("database", dead.database)
        return
    if not databases:
        raise NotFound("database", dead.database)
    schemas = _all(connection, "schemas", "account = ? AND database = ? AND name = ?", (*here, dead.schema))
    if dead.kind == "SCHEMA":
        if schemas:
            raise AlreadyExists("schema", dead.schema)
        return
    if not schemas:
        raise NotFound("schema", dead.schema)
    same = "account = ? AND database = ? AND schema = ? AND name = ?"
    for relation, own in (("tables", " AND session_id IS NULL"), ("views", "")):
        if _all(connection, relation, same + own, (*here, dead.schema, dead.name)):
            raise AlreadyExists("table", dead.name)


def _restored(
    connection: sqlite3.Connection, account: str, relation: str, row: Row, dropped_on: int, heir: str, now: int
) -> Row | None:
    """A kept row as it is put back; None: it is not."""
    if relation == "table_objects":  # its number was given to another meanwhile, and nothing refers to it
        return {name: value for name, value in row.items() if name != "id"}
    if relation in NAMED:  # others may have been called that meanwhile
        return {**row, "named_on": now}
    if relation != "object_grants" or _same_role(connection, account, row, dropped_on):
        return row
    return {**row, "grantee": heir} if row["privilege"] == "OWNERSHIP" else None


def _same_role(connection: sqlite3.Connection, account: str, grant: Row, dropped_on: int) -> bool:
    """Whether a grant's grantee is who it was when the thing was dropped."""
    if grant["grantee_kind"] != "ROLE" or grant["grantee"] in SYSTEM:
        return True
    row = connection.execute(
        "SELECT created_on FROM roles WHERE account = ? AND name = ?", (account, grant["grantee"])
    ).fetchone()
    return row is not None and row["created_on"] <= dropped_on


def _grave(connection: sqlite3.Connection, row: sqlite3.Row) -> Grave:
    dead = Dead(row["account"], row["database"], row["schema"], row["name"])
    rows = dict(json.loads(row["rows"]))
    own: Row = rows[{"TABLE": "tables", "SCHEMA": "schemas", "DATABASE": "databases"}[dead.kind]][0]
    owner = ""
    for grant in rows["object_grants"]:
        same = (grant["kind"], grant["schema"], grant["name"]) == (dead.kind, dead.schema, dead.name)
        if (
            same
            and grant["privilege"] == "OWNERSHIP"
            and _same_role(connection, dead.account, grant, row["dropped_on"])
        ):
            owner = grant["grantee"]
    return Grave(row["id"], dead, from_micros(row["dropped_on"]), from_micros(own["created_on"]), owner, own)
