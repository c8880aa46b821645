"""What one SHOW lists, as a record: Snowflake's column names, in the documented order, with what storage knows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final, Protocol, TypeVar

from cleanroom_ml.engine.contracts.table import Rows
from cleanroom_ml.engine.sql.binds import Value
from cleanroom_ml.engine.sql.read.show import Show
from cleanroom_ml.engine.sql.types.sql_type import SqlType
from cleanroom_ml.engine.statements.results import VARCHAR
from cleanroom_ml.engine.statements.work import Work
from cleanroom_ml.engine.storage.grants import Thing
from cleanroom_ml.engine.storage.keys import Key
from cleanroom_ml.engine.storage.roles import ADMIN

OWNER: Final = ADMIN
TIME: Final = SqlType("TIMESTAMP_LTZ")
NUMBER: Final = SqlType("NUMBER", 38, 0)

DROPPED: Final = "dropped_on"

Listed = Iterable[Mapping[str, Value]]


class HasKey(Protocol):
    """An object of a schema."""

    @property
    def key(self) -> Key:
        """Its name."""


InSchema = TypeVar("InSchema", bound=HasKey)


@dataclass(frozen=True, slots=True)
class Listing:
    """One SHOW.

    Args:
        name: its words: FILE FORMATS.
        columns: their names; `times` and `numbers` are those that are no text.
        rows: each a mapping of column names, what is left out is NULL. None: there are none of these here, ever.
        in_room: jobs and templates may send it.
        named: the column that LIKE, STARTS WITH and FROM look at.
        dropped: the rows that HISTORY adds, of what was dropped and can be had back, with `dropped_on`.
        answer: gives the whole answer instead, of a list that somebody else keeps.
    """

    name: str
    columns: tuple[str, ...] = ()
    rows: Callable[[Work, Show], Listed] | None = None
    in_room: bool = False
    named: str = "name"
    times: frozenset[str] = frozenset({"created_on"})
    numbers: frozenset[str] = frozenset()
    answer: Callable[[Work, Show], Rows] | None = None
    dropped: Callable[[Work, Show], Listed] | None = None

    def type_of(self, column: str) -> SqlType:
        """A column's type."""
        return TIME if column in self.times or column == DROPPED else NUMBER if column in self.numbers else VARCHAR


def place(key: Key, owner: str = OWNER) -> dict[str, Value]:
    """The columns that say where an object of a schema is, and whose."""
    return {"name": key.name, "database_name": key.database, "schema_name": key.schema, "owner": owner,
            "owner_role_type": "ROLE"}  # fmt: skip


def visible(work: Work, kind: str, objects: Iterable[InSchema]) -> Iterator[tuple[InSchema, str]]:
    """What is there for the session's roles of the objects of a kind that have a place in a schema, and its owner."""
    owners = work.storage.grants.owners(work.session.account, kind)
    for each in objects:
        temporary = getattr(each, "session_id", None) is not None
        thing = Thing.of(kind, each.key)
        if temporary or work.rights.finds(thing):
            yield each, work.session.role if temporary else owners.get(thing, OWNER)


def texts(*names: str) -> tuple[tuple[str, SqlType], ...]:
    """Columns of text."""
    return tuple((name, VARCHAR) for name in names)
