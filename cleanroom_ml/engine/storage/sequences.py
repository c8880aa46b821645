"""Sequences: numbers that are given once, whoever asks (user-guide/querying-sequences of Snowflake's documentation).

Numbers are taken before a statement runs, in a commit of their own: a statement that fails, and an engine that dies,
leave a gap and never a number that somebody else gets too.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence as Rows
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from cleanroom_ml.engine.storage import shadowing
from cleanroom_ml.engine.storage.database import Database, Schema
from cleanroom_ml.engine.storage.errors import AlreadyExists, NotFound
from cleanroom_ml.engine.storage.grants import triggers
from cleanroom_ml.engine.storage.keys import Key, from_micros

SMALLEST: Final = -(1 << 63)
LARGEST: Final = (1 << 63) - 1
_AT_ONCE: Final = 1 << 32
"""Numbers that a statement takes whose rows nobody has counted."""

SCHEMA = Schema(
    "sequences",
    1,
    (
        """CREATE TABLE sequences (
            account TEXT NOT NULL, database TEXT NOT NULL, schema TEXT NOT NULL, name TEXT NOT NULL,
            start INTEGER NOT NULL, step INTEGER NOT NULL, next INTEGER, ordered INTEGER NOT NULL,
            comment TEXT NOT NULL, created_on INTEGER NOT NULL, PRIMARY KEY (account, database, schema, name),
            FOREIGN KEY (account, database, schema) REFERENCES schemas (account, database, name) ON DELETE CASCADE
        ) STRICT""",
        *triggers("sequences", "SEQUENCE", temporary=False),
    ),
)


class Exhausted(ValueError):
    """The numbers of a sequence are used up: they have 64 bits."""


@dataclass(frozen=True, slots=True)
class Sequence:
    """One sequence; `next` is what it gives next, None where nothing is left."""

    key: Key
    start: int
    step: int
    next: int | None
    ordered: bool
    comment: str
    created_on: datetime


@dataclass(frozen=True, slots=True)
class Taken:
    """Numbers that are one statement's: `first`, and `count - 1` more."""

    key: Key
    first: int
    step: int
    count: int


class Sequences:
    """Sequences of all accounts."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def create(
        self,
        key: Key,
        *,
        start: int = 1,
        step: int = 1,
        ordered: bool = False,
        if_exists: Literal["error", "replace", "ignore"] = "error",
        comment: str = "",
    ) -> bool:
        """Makes a sequence; whether anything was made.

        Raises:
            AlreadyExists: it is there and `if_exists` is `error`.
            NotFound: no such database or schema.
            InvalidName: a part of the key is no name.
        """
        with self._database.transaction() as connection:
            shadowing.require_home(connection, key, None)
            if _row(connection, key) is not None:
                if if_exists == "ignore":
                    return False
                if if_exists == "error":
                    raise AlreadyExists("sequence", str(key))
                self.drop(key)
            connection.execute(
                "INSERT INTO sequences (account, database, schema, name, start, step, next, ordered, comment,"
                " created_on)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    *(key.account, key.database, key.schema, key.name, start, step, start, int(ordered)),
                    *(comment, self._database.now_micros()),
                ),
            )
        return True

    def get(self, key: Key) -> Sequence | None:
        """The sequence, None where there is none."""
        with self._database.read() as connection:
            row = _row(connection, key)
        return None if row is None else _sequence(row)

    def list(self, account: str, database: str | None = None, schema: str | None = None) -> Rows[Sequence]:
        """The account's sequences, by name; None for `database` means all standard databases."""
        with self._database.read() as connection:
            rows = connection.execute(
                """SELECT s.* FROM sequences s JOIN databases d ON d.account = s.account AND d.name = s.database
                   WHERE s.account = ?1 AND (s.database = ?2 OR (?2 IS NULL AND d.kind = 'standard'))
                   AND (?3 IS NULL OR s.schema = ?3) ORDER BY s.database, s.schema, s.name""",
                (account, database, schema),
            ).fetchall()
        return [_sequence(row) for row in rows]

    def drop(self, key: Key, *, if_exists: bool = False) -> bool:
        """Removes the sequence; whether it was there. Raises NotFound unless `if_exists`."""
        with self._database.transaction() as connection:
            gone = connection.execute(f"DELETE FROM sequences WHERE {_HERE}", _name(key)).rowcount
            if not gone and not if_exists:
                raise NotFound("sequence", str(key))
            return bool(gone)

    def rename(self, key: Key, new: Key) -> None:
        """Gives a sequence another name, in another schema too. Raises NotFound, AlreadyExists, InvalidName."""
        with self._database.transaction() as connection:
            shadowing.require_home(connection, new, None)
            if _row(connection, new) is not None:
                raise AlreadyExists("sequence", str(new))
            moved = connection.execute(
                f"UPDATE sequences SET database = ?, schema = ?, name = ? WHERE {_HERE}",
                (new.database, new.schema, new.name, *_name(key)),
            ).rowcount
            if not moved:
                raise NotFound("sequence", str(key))

    def alter(
        self, key: Key, *, step: int | None = None, ordered: bool | None = None, comment: str | None = None
    ) -> None:
        """Changes what is given. With another step it goes on from what it gives next. Raises NotFound."""
        with self._database.transaction() as connection:
            changed = connection.execute(
                f"""UPDATE sequences SET step = coalesce(?, step), ordered = coalesce(?, ordered),
                    comment = coalesce(?, comment) WHERE {_HERE}""",
                (step, None if ordered is None else int(ordered), comment, *_name(key)),
            ).rowcount
            if not changed:
                raise NotFound("sequence", str(key))

    def take(self, key: Key, count: int | None) -> Taken:
        """Numbers for so many rows, which nobody else gets; None: for as many as may come.

        Raises:
            NotFound: no such sequence.
            Exhausted: there are not as many left.
        """
        with self._database.transaction() as connection:
            row = _row(connection, key)
            if row is None:
                raise NotFound("sequence", str(key))
            first, step = row["next"], row["step"]
            # The next number is calculated when this one is given: it has to be one as well.
            left = -1 if first is None else ((LARGEST - first) if step > 0 else (first - SMALLEST)) // abs(step)
            wanted = min(_AT_ONCE, left) if count is None else max(count, 1)
            if not 0 < wanted <= left:
                raise Exhausted(str(key))
            connection.execute(f"UPDATE sequences SET next = ? WHERE {_HERE}", (first + step * wanted, *_name(key)))
        return Taken(key, first, step, wanted)

    def give_back(self, taken: Taken, used: int) -> bool:
        """Of what was taken only the first `used` numbers are in use; whether the rest could be had back: nobody has
        taken any since.
        """
        if used >= taken.count:
            return False
        with self._database.transaction() as connection:
            return bool(
                connection.execute(
                    f"UPDATE sequences SET next = ? WHERE {_HERE} AND next = ? AND step = ?",
                    (
                        *(taken.first + taken.step * used, *_name(taken.key)),
                        *(taken.first + taken.step * taken.count, taken.step),
                    ),
                ).rowcount
            )


_HERE: Final = "account = ? AND database = ? AND schema = ? AND name = ?"


def _name(key: Key) -> tuple[str, str, str, str]:
    return key.account, key.database, key.schema, key.name


def _row(connection: sqlite3.Connection, key: Key) -> sqlite3.Row | None:
    row: sqlite3.Row | None = connection.execute(f"SELECT * FROM sequences WHERE {_HERE}", _name(key)).fetchone()
    return row


def _sequence(row: sqlite3.Row) -> Sequence:
    return Sequence(
        shadowing.key_of(row),
        row["start"],
        row["step"],
        row["next"],
        bool(row["ordered"]),
        row["comment"],
        from_micros(row["created_on"]),
    )
