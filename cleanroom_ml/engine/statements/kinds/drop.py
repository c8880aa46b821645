"""DROP of every kind of object, and ALTER of those that are suspended and resumed."""

from __future__ import annotations

from typing import Final

from cleanroom_ml.engine.contracts.table import Rows
from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.read.alter import AlterObject
from cleanroom_ml.engine.sql.read.drop import Drop
from cleanroom_ml.engine.statements.kind import Allowed, Kind, Roles
from cleanroom_ml.engine.statements.registry import object_kinds
from cleanroom_ml.engine.statements.work import Work


def drop(work: Work, statement: Drop) -> Rows:
    """DROP, as the kind of object does it."""
    kind = object_kinds().get(statement.kind)
    if kind is None or kind.drop is None:
        raise SqlError.unsupported(f"DROP {statement.kind}")
    return kind.drop(work, statement)


def alter_object(work: Work, statement: AlterObject) -> Rows:
    """ALTER … SUSPEND | RESUME | STOP ALL | SET, as the kind of object does it."""
    kind = object_kinds().get(statement.kind)
    if kind is None or kind.alter is None:
        raise SqlError.unsupported(f"ALTER {statement.kind}")
    return kind.alter(work, statement)


def _in_room(statement: Drop) -> bool:
    kind = object_kinds().get(statement.kind)
    return kind is not None and kind.room_drops


KINDS: Final = (
    Kind(Drop, drop, allowed=Allowed.TEMPLATE, roles=Roles.NAMES, narrowed=_in_room, commits=True),
    Kind(AlterObject, alter_object, roles=Roles.NAMES),
)
