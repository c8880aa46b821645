"""How a type is written where a table is described."""

from __future__ import annotations

from cleanroom_ml.engine.sql.types.record import Parameters
from cleanroom_ml.engine.sql.types.sql_type import SqlType


def described(kind: SqlType) -> str:
    """In DESCRIBE: with the lengths that Snowflake says and our canonical text leaves out."""
    match kind.record.parameters:
        case Parameters.LENGTH:
            return f"{kind.name}({kind.longest})"
        case Parameters.SECONDS:
            return f"{kind.name}({9 if kind.scale is None else kind.scale})"
        case _:
            return str(kind)


def inferred(kind: SqlType) -> str:
    """In the answer of INFER_SCHEMA."""
    if kind.record.parameters is Parameters.NUMBER:
        return f"{kind.name}({kind.precision}, {kind.scale})"
    return kind.logical


def standard(kind: SqlType) -> str:
    """As DATA_TYPE of INFORMATION_SCHEMA."""
    return kind.record.standard or kind.name


def characters(kind: SqlType) -> int | None:
    """The length of its longest text, where it is one."""
    return kind.longest if kind.record.characters else None


def column_json(kind: SqlType, *, nullable: bool) -> dict[str, object]:
    """As `data_type` of SHOW COLUMNS."""
    displayed: dict[str, object] = {"type": kind.logical}
    if kind.record.parameters is Parameters.NUMBER:
        displayed |= {"precision": kind.precision, "scale": kind.scale}
    if kind.record.characters:
        displayed |= {"length": kind.longest, "byteLength": kind.record.longest}
    displayed["nullable"] = nullable
    if kind.record.characters:
        displayed["fixed"] = False
    return displayed
