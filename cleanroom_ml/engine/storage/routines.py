"""Functions and procedures of all accounts: what they are is not storage's to know, only whose and where.

A name may stand for several, told apart by the types of their arguments. What one of them is called here is both,
`AREA(FLOAT)`: that is what grants are on.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, Literal

from cleanroom_ml.engine.storage import grants, shadowing, temporaries
from cleanroom_ml.engine.storage.database import Database, Schema
from cleanroom_ml.engine.storage.errors import AlreadyExists, NotFound
from cleanroom_ml.engine.storage.keys import MAX_NAME, Key, checked_name, checked_sha256, from_micros
from cleanroom_ml.json_values import Document

Relation = Literal["functions", "procedures"]
_NAMED: Final = "named_on INTEGER NOT NULL DEFAULT 0"
_COLUMNS: Final = f"base TEXT NOT NULL, definition TEXT NOT NULL, objects TEXT NOT NULL, {_NAMED}"
_RELATIONS: Final[tuple[tuple[Relation, str], ...]] = (("functions", "FUNCTION"), ("procedures", "PROCEDURE"))


def _objects(connection: sqlite3.Connection) -> Iterable[str]:
    for relation, _ in _RELATIONS:
        for row in connection.execute(f"SELECT objects FROM {relation} WHERE objects <> '[]'"):
            yield from json.loads(row["objects"])


SCHEMA = Schema(
    "routines",
    3,
    tuple(
        statement
        for relation, kind in _RELATIONS
        for statement in (
            *shadowing.identity(relation, _COLUMNS),
            f"CREATE INDEX {relation}_by_base ON {relation} (account, database, schema, base)",
            *grants.triggers(relation, kind, temporary=True),
        )
    ),
    {
        2: tuple(shadowing.owned(relation) for relation, _ in _RELATIONS),
        3: tuple(
            statement
            for relation, _ in _RELATIONS
            for statement in (
                f"ALTER TABLE {relation} ADD COLUMN {_NAMED}",
                f"UPDATE {relation} SET named_on = created_on",
            )
        ),
    },
    references=_objects,
)


@dataclass(frozen=True, slots=True)
class StoredRoutine:
    """One function or procedure; `key.name` has the types of its arguments, `base` has not. `named_on`: since when it
    has been called that, there: made, renamed (itself, or what it is in) or had back. `created_on` says when it was
    written.
    """

    key: Key
    base: str
    definition: Document
    session_id: str | None
    created_on: datetime
    named_on: datetime


def called(key: Key) -> Key:
    """The key by which a routine is kept. A name that arguments make longer than names are keeps a digest of them."""
    if len(key.name) <= MAX_NAME:
        return key
    base = key.name.rpartition("(")[0][:100]
    return replace(key, name=f"{base}({hashlib.sha256(key.name.encode()).hexdigest()})")


class Routines:
    """The functions, or the procedures, of all accounts."""

    def __init__(self, database: Database, relation: Relation) -> None:
        self._database = database
        self._relation: Relation = relation
        self._kind = dict(_RELATIONS)[relation]

    def create(
        self,
        key: Key,
        base: str,
        definition: Mapping[str, object],
        objects: Iterable[str] = (),
        *,
        session_id: str | None = None,
        if_exists: Literal["error", "replace", "ignore"] = "error",
    ) -> bool:
        """Makes one, a temporary one if `session_id` is given; whether anything was made.

        Raises:
            AlreadyExists: it is there and `if_exists` is `error`.
            NotFound: no such database, schema or session.
            InvalidName: a part of the key is no name.
        """
        checked_name(base)
        key = called(key)
        now = self._database.now_micros()
        with self._database.transaction() as connection:
            shadowing.require_home(connection, key, session_id)
            there = shadowing.find_exactly(connection, self._relation, key, session_id)
            if there is not None:
                if if_exists == "ignore":
                    return False
                if if_exists == "error":
                    raise AlreadyExists(self._kind.lower(), str(key))
                connection.execute(f"DELETE FROM {self._relation} WHERE id = ?", (there["id"],))
            connection.execute(
                f"""INSERT INTO {self._relation}
                    (account, database, schema, name, session_id, created_on, base, definition, objects,
                     role, named_on)
                    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)""",
                (
                    *(key.account, key.database, key.schema, key.name, session_id, now),
                    *(base, json.dumps(dict(definition)), json.dumps([checked_sha256(each) for each in objects])),
                    *(temporaries.role(), now),
                ),
            )
        return True

    def get(self, key: Key, session_id: str | None = None) -> StoredRoutine | None:
        """The one that the session means by a name with types, None where there is none."""
        with self._database.read() as connection:
            row = shadowing.find(connection, self._relation, called(key), session_id)
        return None if row is None else _stored(row)

    def of_name(self, key: Key, session_id: str | None = None) -> list[StoredRoutine]:
        """All that the session means by a name without types; of two with the same arguments the temporary one."""
        with self._database.read() as connection:
            rows = connection.execute(
                f"""SELECT * FROM {self._relation} WHERE account = ?1 AND database = ?2 AND schema = ?3 AND base = ?4
                    AND (session_id IS NULL OR (session_id = ?5 AND {temporaries.IS_SEEN.format(seen=6, of="")}))
                    ORDER BY session_id IS NULL, id""",
                (key.account, key.database, key.schema, key.name, session_id, temporaries.seen()),
            ).fetchall()
        found: dict[str, StoredRoutine] = {}
        for row in rows:
            found.setdefault(row["name"], _stored(row))
        return list(found.values())

    def list(
        self, account: str, database: str | None = None, schema: str | None = None, session_id: str | None = None
    ) -> list[StoredRoutine]:
        """Those that the session can name, by name."""
        with self._database.read() as connection:
            rows = shadowing.visible(connection, self._relation, account, database, schema, session_id)
        return [_stored(row) for row in rows]

    def drop(self, key: Key, *, session_id: str | None = None, if_exists: bool = False) -> bool:
        """Removes the one that the session sees; whether it was there. Raises NotFound unless `if_exists`."""
        with self._database.transaction() as connection:
            row = shadowing.find(connection, self._relation, called(key), session_id)
            if row is None:
                if if_exists:
                    return False
                raise NotFound(self._kind.lower(), str(key))
            connection.execute(f"DELETE FROM {self._relation} WHERE id = ?", (row["id"],))
        return True

    def change(self, key: Key, to: Key, base: str, definition: Mapping[str, object], session_id: str | None) -> None:
        """Gives the one that the session sees another name, or another definition. Under another name no text of
        before meant it: it has had that one from now on.

        Raises:
            AlreadyExists: there is one of the new name.
            NotFound: there is none of the old one, or no such schema.
        """
        checked_name(base)
        with self._database.transaction() as connection:
            row = shadowing.find(connection, self._relation, called(key), session_id)
            if row is None:
                raise NotFound(self._kind.lower(), str(key))
            to = called(to)
            shadowing.require_home(connection, to, row["session_id"])
            there = shadowing.find_exactly(connection, self._relation, to, row["session_id"])
            if there is not None and there["id"] != row["id"]:
                raise AlreadyExists(self._kind.lower(), str(to))
            connection.execute(
                f"""UPDATE {self._relation} SET database = ?, schema = ?, name = ?, base = ?, definition = ?,
                    named_on = ? WHERE id = ?""",
                (
                    *(to.database, to.schema, to.name, base, json.dumps(dict(definition))),
                    *(row["named_on"] if to == shadowing.key_of(row) else self._database.now_micros(), row["id"]),
                ),
            )


def _stored(row: sqlite3.Row) -> StoredRoutine:
    return StoredRoutine(
        key=shadowing.key_of(row),
        base=row["base"],
        definition=json.loads(row["definition"]),
        session_id=row["session_id"],
        created_on=from_micros(row["created_on"]),
        named_on=from_micros(row["named_on"]),
    )
