"""DESCRIBE …, of whatever a kind of object describes itself as."""

from __future__ import annotations

from typing import Final

from cleanroom_ml.engine.contracts.table import DESCRIBE, Rows
from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.read.describe import Describe
from cleanroom_ml.engine.statements.kind import Allowed, Kind, Roles
from cleanroom_ml.engine.statements.registry import object_kinds
from cleanroom_ml.engine.statements.resources import described
from cleanroom_ml.engine.statements.work import Work


def describe(work: Work, statement: Describe) -> Rows:
    """DESCRIBE of a kind of object, with Snowflake's column names in the documented order."""
    kind = object_kinds().get(statement.kind)
    if kind is None or kind.describe is None:
        raise SqlError.unsupported(f"DESCRIBE {statement.kind}")
    if statement.as_resource:
        return described(work, statement)
    return kind.describe(work, statement)


def _in_room(statement: Describe) -> bool:
    kind = object_kinds().get(statement.kind)
    return kind is not None and kind.room_describes


KINDS: Final = (Kind(Describe, describe, DESCRIBE, Allowed.TEMPLATE, Roles.NAMES, narrowed=_in_room, columns=describe),)
