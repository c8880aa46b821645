"""Bound values as they come over the wire: a type and a text each, or a type and a list of texts for a whole column.

What a text means each type's record says (sql/types).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import InvalidOperation

from cleanroom_ml.engine.sql.binds import Scalar, StagedRows
from cleanroom_ml.engine.sql.types.table import BY_BIND_NAME

from .errors import bad_request

MAX_BINDINGS = 65_536
_PIECE = 4000


@dataclass(frozen=True, slots=True)
class Bindings:
    """`values` by position for one execution.

    Or `rows`, one tuple an execution, for a batch (`values` is then empty); or `staged`, where the client has put them.
    """

    values: tuple[Scalar, ...] = ()
    rows: tuple[tuple[Scalar, ...], ...] | None = None
    staged: StagedRows | None = None


def parse_bindings(wire: dict[str, object] | None) -> Bindings | None:
    """The Python values of a query request's `bindings`; None where it has none.

    Raises:
        WireError: positions are missing, a type is unknown, a text is no value of its type, columns differ in length.
    """
    if not wire:
        return None
    if len(wire) > MAX_BINDINGS:
        raise bad_request("Too many bound values.")
    columns: list[Scalar | list[Scalar]] = []
    for position in range(1, len(wire) + 1):
        entry = wire.get(str(position))
        if not isinstance(entry, dict):
            raise bad_request("The bound values are not numbered from 1.")
        kind, value = entry.get("type"), entry.get("value")
        record = BY_BIND_NAME.get(kind.upper()) if isinstance(kind, str) else None
        decode = record.bind if record is not None else None
        if decode is None:
            raise bad_request(f"Bound value {position} has a type that is not supported.")
        try:
            columns.append([_one(decode, item) for item in value] if isinstance(value, list) else _one(decode, value))
        except (ValueError, OverflowError, InvalidOperation, TypeError) as error:
            raise bad_request(f"Bound value {position} is not a value of its type.") from error
    if not any(isinstance(column, list) for column in columns):
        return Bindings(values=tuple(column for column in columns if not isinstance(column, list)))
    whole = [column if isinstance(column, list) else [column] for column in columns]
    if len({len(column) for column in whole}) != 1:
        raise bad_request("The bound columns differ in length.")
    rows: list[tuple[Scalar, ...]] = []
    for start in range(0, len(whole[0]), _PIECE):  # in steps: one zip of millions would hold up everybody
        rows += zip(*(column[start : start + _PIECE] for column in whole), strict=True)
    return Bindings(rows=tuple(rows))


def _one(decode: Callable[[str], Scalar], value: object) -> Scalar:
    if value is None:
        return None
    if not isinstance(value, str):
        raise TypeError
    return decode(value)
