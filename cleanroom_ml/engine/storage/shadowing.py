"""Names that a session sees: its temporary thing first, then the permanent one of the same key.

Tables, stages, file formats, functions and procedures share the columns (account, database, schema, name, session_id),
session_id being NULL for what every session of the account sees.
"""

from __future__ import annotations

import sqlite3
from typing import Literal

from cleanroom_ml.engine.storage import temporaries
from cleanroom_ml.engine.storage.errors import AlreadyExists, NotFound
from cleanroom_ml.engine.storage.keys import Key, checked_key

Relation = Literal["tables", "stages", "file_formats", "functions", "procedures"]


def identity(relation: Relation, columns: str) -> tuple[str, ...]:
    """The statements that make `relation` with the shared columns, `columns` of its own, and uniqueness."""
    return (
        f"""CREATE TABLE {relation} (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            account TEXT NOT NULL, database TEXT NOT NULL, schema TEXT NOT NULL, name TEXT NOT NULL,
            session_id TEXT REFERENCES sessions (id) ON DELETE CASCADE,
            created_on INTEGER NOT NULL,
            {columns},
            {temporaries.COLUMN},
            FOREIGN KEY (account, database, schema) REFERENCES schemas (account, database, name) ON DELETE CASCADE
        ) STRICT""",
        f"CREATE INDEX {relation}_by_key ON {relation} (account, database, schema, name)",
        f"CREATE INDEX {relation}_by_session ON {relation} (session_id) WHERE session_id IS NOT NULL",
        f"""CREATE UNIQUE INDEX {relation}_permanent ON {relation} (account, database, schema, name)
            WHERE session_id IS NULL""",
        f"""CREATE UNIQUE INDEX {relation}_temporary ON {relation} (account, database, schema, name, session_id)
            WHERE session_id IS NOT NULL""",
    )


def owned(relation: Relation) -> str:
    """What brings a relation without roles of its temporary things to one that has them."""
    return f"ALTER TABLE {relation} ADD COLUMN {temporaries.COLUMN}"


def find(connection: sqlite3.Connection, relation: Relation, key: Key, session_id: str | None) -> sqlite3.Row | None:
    """The row that `session_id` (None: no session) means by `key`."""
    row: sqlite3.Row | None = connection.execute(
        f"""SELECT * FROM {relation} WHERE account = ?1 AND database = ?2 AND schema = ?3 AND name = ?4
            AND (session_id IS NULL OR (session_id = ?5 AND {temporaries.IS_SEEN.format(seen=6, of="")}))
            ORDER BY session_id IS NULL LIMIT 1""",
        (key.account, key.database, key.schema, key.name, session_id, temporaries.seen()),
    ).fetchone()
    return row


def find_exactly(
    connection: sqlite3.Connection, relation: Relation, key: Key, session_id: str | None
) -> sqlite3.Row | None:
    """The permanent row (`session_id` None) or the session's temporary row of `key`, never the other one.

    Raises:
        AlreadyExists: there is one that is not for whoever asks (`temporaries`): it is neither told nor replaced.
    """
    row: sqlite3.Row | None = connection.execute(
        f"""SELECT * FROM {relation} WHERE account = ? AND database = ? AND schema = ? AND name = ?
            AND session_id IS ?""",
        (key.account, key.database, key.schema, key.name, session_id),
    ).fetchone()
    if row is not None and session_id is not None and find(connection, relation, key, session_id) != row:
        raise AlreadyExists(relation.removesuffix("s").replace("_", " "), str(key))
    return row


def visible(
    connection: sqlite3.Connection,
    relation: Relation,
    account: str,
    database: str | None,
    schema: str | None,
    session_id: str | None,
) -> list[sqlite3.Row]:
    """All rows that `session_id` can name, by name; None for database or schema means all that sessions resolve."""
    seen = temporaries.IS_SEEN.format(seen=5, of="{0}.")
    return connection.execute(
        f"""SELECT r.* FROM {relation} r JOIN databases d ON d.account = r.account AND d.name = r.database
            WHERE r.account = ?1 AND (r.database = ?2 OR (?2 IS NULL AND d.kind = 'standard'))
            AND (?3 IS NULL OR r.schema = ?3) AND (r.session_id IS NULL OR (r.session_id = ?4 AND {seen.format("r")}))
            AND NOT (r.session_id IS NULL AND EXISTS (
                SELECT 1 FROM {relation} t WHERE t.account = r.account AND t.database = r.database
                AND t.schema = r.schema AND t.name = r.name AND t.session_id = ?4
                AND {seen.format("t")}))
            ORDER BY r.database, r.schema, r.name""",
        (account, database, schema, session_id, temporaries.seen()),
    ).fetchall()


def require_home(connection: sqlite3.Connection, key: Key, session_id: str | None) -> None:
    """Checks that a thing can be made at `key` for `session_id`.

    Raises:
        InvalidName: a part of the key is no name.
        NotFound: the database, the schema or the session is not there.
    """
    checked_key(key)
    if not connection.execute(
        "SELECT 1 FROM databases WHERE account = ? AND name = ?", (key.account, key.database)
    ).fetchone():
        raise NotFound("database", key.database)
    if not connection.execute(
        "SELECT 1 FROM schemas WHERE account = ? AND database = ? AND name = ?",
        (key.account, key.database, key.schema),
    ).fetchone():
        raise NotFound("schema", f"{key.database}.{key.schema}")
    if session_id is not None:
        row = connection.execute("SELECT account FROM sessions WHERE id = ?", (session_id,)).fetchone()
        if row is None or row["account"] != key.account:
            raise NotFound("session", session_id)


def key_of(row: sqlite3.Row) -> Key:
    """The key that a row is stored under."""
    return Key(row["account"], row["database"], row["schema"], row["name"])
