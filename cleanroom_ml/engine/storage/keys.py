"""The values that the catalog is made of."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Literal

from cleanroom_ml.engine.storage.errors import InvalidHash, InvalidName

TableKind = Literal["TABLE", "TEMPORARY", "TRANSIENT"]

MAX_NAME = 255
_SHA256 = re.compile(r"[0-9a-f]{64}\Z")
_FOLDED = re.compile(r"[A-Z_][A-Z0-9_$]{0,254}\Z")


@dataclass(frozen=True, slots=True, order=True)
class Key:
    """The identity of a table, view, stage or file format: four folded identifiers."""

    account: str
    database: str
    schema: str
    name: str

    def __str__(self) -> str:
        return f"{self.database}.{self.schema}.{self.name}"


@dataclass(frozen=True, slots=True)
class Column:
    """One column; `type` is canonical Snowflake type text (`NUMBER(38,0)`, `VARCHAR`, …).

    `default` is the expression of DEFAULT as written; with `start` the column is an IDENTITY that grows by `step`.
    """

    name: str
    type: str
    nullable: bool = True
    default: str | None = None
    start: int | None = None
    step: int = 1
    comment: str = ""


@dataclass(frozen=True, slots=True)
class TableObject:
    """One Parquet object of a table: its hash, its number of rows, its size in bytes, and what is known of the values
    in it (opaque here: engine/sql/bounds.py).
    """

    sha256: str
    rows: int
    bytes: int
    bounds: str = ""


@dataclass(frozen=True, slots=True)
class Constraint:
    """A key of a table, which nobody enforces: of a FOREIGN KEY, `references` is a database, a schema and a table."""

    kind: str
    columns: tuple[str, ...]
    name: str
    references: tuple[str, ...] = ()
    reference_columns: tuple[str, ...] = ()
    comment: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """One table at one snapshot. `session_id` is set for temporary tables only."""

    key: Key
    columns: tuple[Column, ...]
    objects: tuple[TableObject, ...]
    snapshot: int
    kind: TableKind
    session_id: str | None
    created_on: datetime
    comment: str
    rows: int
    bytes: int
    numbers: Mapping[str, int] = field(default_factory=dict)
    """What the IDENTITY columns give next."""
    retention: int = 0
    """Days for which what it held before can be read; negative: what its schema says."""
    constraints: tuple[Constraint, ...] = ()
    clustering: str = ""
    """The expressions of its clustering key as they were written, with commas; empty: it has none."""

    @property
    def numbered(self) -> tuple[Column, ...]:
        """Its columns as those of a copy: an IDENTITY goes on from what it gives next."""
        return tuple(
            replace(each, start=self.numbers[each.name]) if each.start is not None else each for each in self.columns
        )


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One step in the life of a table, for receipts. Ids are unique in the whole catalog and only grow."""

    id: int
    operation: str
    rows: int
    bytes: int
    created_on: datetime


@dataclass(frozen=True, slots=True)
class View:
    """One view: the text of its query, resolved by its definer's rights. `session_id` is set for temporary ones only,
    `role` is whose rights those are resolved by.
    """

    key: Key
    columns: tuple[Column, ...]
    text: str
    secure: bool
    created_on: datetime
    comment: str = ""
    session_id: str | None = None
    role: str = ""


def checked_name(name: str, what: str = "name") -> str:
    """`name` unchanged, if the catalog stores such names (1–255 characters, no control characters).

    Raises:
        InvalidName: it does not.
    """
    if not 0 < len(name) <= MAX_NAME:
        raise InvalidName(f"a {what} has 1 to {MAX_NAME} characters, this one has {len(name)}")
    if any(ord(character) < 32 or 0x7F <= ord(character) < 0xA0 for character in name) or not _encodable(name):
        raise InvalidName(f"a {what} holds no control characters: {name!r}")
    return name


def checked_key(key: Key) -> Key:
    """`key` unchanged, if each of its parts is a name. Raises InvalidName otherwise."""
    checked_name(key.account, "account")
    checked_name(key.database, "database")
    checked_name(key.schema, "schema")
    checked_name(key.name)
    return key


def folded_name(name: str, what: str) -> str:
    """`name` unchanged, if it is a folded, unquoted identifier, which accounts, users and roles must be.

    Raises:
        InvalidName: it is not.
    """
    if not _FOLDED.match(name):
        raise InvalidName(f"{what} {name!r} is not an upper-case identifier (letters, digits, _ and $)")
    return name


def checked_sha256(sha256: str) -> str:
    """`sha256` unchanged, if it is 64 lower-case hexadecimal digits. Raises InvalidHash otherwise."""
    if not isinstance(sha256, str) or not _SHA256.match(sha256):
        raise InvalidHash("an object is named by 64 lower-case hexadecimal digits")
    return sha256


def to_micros(moment: datetime) -> int:
    """Microseconds since the epoch: how the catalog stores a moment."""
    delta = moment - datetime(1970, 1, 1, tzinfo=UTC)
    return (delta.days * 86_400 + delta.seconds) * 1_000_000 + delta.microseconds


def from_micros(micros: int) -> datetime:
    """The moment that `to_micros` stored, in UTC."""
    seconds, rest = divmod(micros, 1_000_000)
    return datetime.fromtimestamp(seconds, UTC).replace(microsecond=rest)


def _encodable(name: str) -> bool:
    return not any(0xD800 <= ord(character) <= 0xDFFF for character in name)
