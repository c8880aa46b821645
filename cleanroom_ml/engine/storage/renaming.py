"""ALTER DATABASE and ALTER SCHEMA … RENAME TO: whatever is in it goes along, and the grants on it."""

from __future__ import annotations

import sqlite3

from cleanroom_ml.engine.storage.errors import AlreadyExists, NotFound
from cleanroom_ml.engine.storage.graves import IN_SCHEMA, NAMED


def rename(
    connection: sqlite3.Connection, account: str, database: str, schema: str | None, new: tuple[str, ...], now: int
) -> None:
    """Renames a database (`new` is its name), or a schema (`new` is a database and a name). In a transaction.
    What is called by names there has those from `now` on: no text of before meant it (`StoredRoutine.named_on`).

    Raises:
        NotFound: there is no such database, schema or new database.
        AlreadyExists: there is one of the new name.
    """
    # Names are the keys that others refer to: they are all changed before anybody checks (SQLite, "Deferred").
    connection.execute("PRAGMA defer_foreign_keys = ON")
    if schema is None:
        (name,) = new
        if _there(connection, "databases", "account = ? AND name = ?", (account, name)):
            raise AlreadyExists("database", name)
        _moved(connection, "databases", "name = ?", (name,), "account = ? AND name = ?", (account, database))
        where = "account = ? AND database = ?"
        values: tuple[str, ...] = (account, database)
        assignment = "database = ?"
        others: tuple[str, ...] = ("schemas", "object_grants", "future_grants")
    else:
        if not _there(connection, "databases", "account = ? AND name = ?", (account, new[0])):
            raise NotFound("database", new[0])
        if _there(connection, "schemas", "account = ? AND database = ? AND name = ?", (account, *new)):
            raise AlreadyExists("schema", new[1])
        here = (account, database, schema)
        name_of = "account = ? AND database = ? AND name = ?"
        _moved(connection, "schemas", "database = ?, name = ?", new, name_of, here)
        where, values = "account = ? AND database = ? AND schema = ?", here
        assignment = "database = ?, schema = ?"
        others = ("object_grants", "future_grants")
    for relation in (*IN_SCHEMA, "temporary_views", *others, "sessions"):
        named = f", named_on = {now:d}" if relation in NAMED else ""
        connection.execute(f"UPDATE {relation} SET {assignment}{named} WHERE {where}", (*new, *values))


def _there(connection: sqlite3.Connection, relation: str, where: str, values: tuple[str, ...]) -> bool:
    return connection.execute(f"SELECT 1 FROM {relation} WHERE {where}", values).fetchone() is not None


def _moved(
    connection: sqlite3.Connection,
    relation: str,
    assignment: str,
    new: tuple[str, ...],
    where: str,
    old: tuple[str, ...],
) -> None:
    if not connection.execute(f"UPDATE {relation} SET {assignment} WHERE {where}", (*new, *old)).rowcount:
        raise NotFound("database" if relation == "databases" else "schema", old[-1])
