"""DESCRIBE …, of whatever a kind of object describes itself as."""

from __future__ import annotations

from typing import Final

from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.read.describe import Describe
from cleanroom_ml.engine.sql.types.sql_type import MAX_BINARY, MAX_LENGTH, SqlType
from cleanroom_ml.engine.statements.kind import Allowed, Kind
from cleanroom_ml.engine.statements.registry import object_kinds
from cleanroom_ml.engine.statements.results import DESCRIBE, Rows
from cleanroom_ml.engine.statements.work import Work


def describe(work: Work, statement: Describe) -> Rows:
    """DESCRIBE of a kind of object, with Snowflake's column names in the documented order."""
    kind = object_kinds().get(statement.kind)
    if kind is None or kind.describe is None:
        raise SqlError.unsupported(f"DESCRIBE {statement.kind}")
    return kind.describe(work, statement)


def type_text(kind: SqlType) -> str:
    """A type with the lengths that Snowflake says and our canonical text leaves out."""
    match kind.name:
        case "VARCHAR":
            return f"VARCHAR({kind.length or MAX_LENGTH})"
        case "BINARY":
            return f"BINARY({kind.length or MAX_BINARY})"
        case "TIME" | "TIMESTAMP_NTZ" | "TIMESTAMP_LTZ" | "TIMESTAMP_TZ":
            return f"{kind.name}(9)"
        case _:
            return str(kind)


def _in_room(statement: Describe) -> bool:
    kind = object_kinds().get(statement.kind)
    return kind is not None and kind.room_describes


KINDS: Final = (Kind(Describe, describe, DESCRIBE, Allowed.TEMPLATE, narrowed=_in_room, columns=describe),)
