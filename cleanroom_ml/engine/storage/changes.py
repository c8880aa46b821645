"""What one commit can do to tables. Each change names the table as its session sees it (`session_id`)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from cleanroom_ml.engine.storage.identities import Numbered
from cleanroom_ml.engine.storage.keys import Column, Constraint, Key, TableKind, TableObject
from cleanroom_ml.engine.storage.loads import LoadedFile


@dataclass(frozen=True, slots=True)
class CreateTable:
    """Makes a table, of kind TEMPORARY for `session_id` only.

    Where one is there already: `error` raises AlreadyExists, `replace` takes its place, `ignore` leaves it.
    """

    key: Key
    columns: tuple[Column, ...]
    kind: TableKind = "TABLE"
    session_id: str | None = None
    objects: tuple[TableObject, ...] = ()
    if_exists: Literal["error", "replace", "ignore"] = "error"
    comment: str = ""
    retention: int = 0
    """Days for which what it held can be read later, and itself be restored; negative: what its schema says."""
    constraints: tuple[Constraint, ...] = ()
    clustering: str = ""


@dataclass(frozen=True, slots=True)
class Append:
    """Adds objects. With `base_snapshot` None any number of appends can be made at once, with a number only the first.

    `columns`, where given, must be those that the table has at the commit: what was written fits no other table.
    `loaded` are the files that the rows are from; unless `again`, none of them may have been loaded as it is before.
    `numbered`: the numbers that IDENTITY columns got, which must still be free.
    """

    key: Key
    base_snapshot: int | None = None
    objects: tuple[TableObject, ...] = ()
    session_id: str | None = None
    columns: tuple[Column, ...] | None = None
    loaded: tuple[LoadedFile, ...] = ()
    again: bool = False
    numbered: tuple[Numbered, ...] = ()


@dataclass(frozen=True, slots=True)
class Replace:
    """Puts `objects` in place of all that the table held at `base_snapshot`, and `columns` in place of its columns.
    `forgets_loads`: also which files it was loaded from.
    """

    key: Key
    base_snapshot: int
    objects: tuple[TableObject, ...]
    columns: tuple[Column, ...] | None = None
    session_id: str | None = None
    forgets_loads: bool = False
    numbered: tuple[Numbered, ...] = ()


@dataclass(frozen=True, slots=True)
class AlterColumns:
    """Gives the table other columns; `objects`, where given, are its rows rewritten to them."""

    key: Key
    base_snapshot: int
    columns: tuple[Column, ...]
    objects: tuple[TableObject, ...] | None = None
    session_id: str | None = None


@dataclass(frozen=True, slots=True)
class RenameTable:
    """Moves the table to another name of the same account; its snapshot stays."""

    key: Key
    new_key: Key
    session_id: str | None = None


@dataclass(frozen=True, slots=True)
class DropTable:
    """Removes the table that the session sees: its temporary one first."""

    key: Key
    if_exists: bool = False
    session_id: str | None = None


Change = CreateTable | Append | Replace | AlterColumns | RenameTable | DropTable


@dataclass(frozen=True, slots=True)
class RequestRecord:
    """The statement that a commit belongs to, recorded SUCCESS with its response in the same transaction.

    `query_id` was started before (`Queries.start`). `response` is the JSON text that a retry of the request is answered
    with.
    """

    query_id: str
    response: str
