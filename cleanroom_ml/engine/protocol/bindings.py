"""Bound values as they come over the wire: a type and a text each, or a type and a list of texts for a whole column.

What a text means each type's record says (sql/types).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import InvalidOperation

from cleanroom_ml.engine.sql.binds import Scalar, StagedRows
from cleanroom_ml.engine.sql.types.table import BY_BIND_NAME

from .errors import WireError, bad_request

MAX_BINDINGS = 65_536
_PIECE = 4000
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_$]{0,254}")


@dataclass(frozen=True, slots=True)
class Bindings:
    """`values` by position for one execution.

    Or `rows`, one tuple an execution, for a batch (`values` is then empty); or `staged`, where the client has put them;
    or `named`, by names in upper case.
    """

    values: tuple[Scalar, ...] = ()
    rows: tuple[tuple[Scalar, ...], ...] | None = None
    named: Mapping[str, Scalar] = field(default_factory=dict)
    staged: StagedRows | None = None


def parse_bindings(wire: dict[str, object] | None) -> Bindings | None:
    """The Python values of a query request's `bindings`; None where it has none.

    Raises:
        WireError: positions are missing, a type is unknown, a text is no value of its type, columns differ in length.
    """
    if not wire:
        return None
    if len(wire) > MAX_BINDINGS:
        raise _refused("Too many bound values.")
    if all(_NAME.fullmatch(name) for name in wire):
        return Bindings(named=_by_name(wire))
    columns: list[Scalar | list[Scalar]] = []
    for position in range(1, len(wire) + 1):
        entry = wire.get(str(position))
        if not isinstance(entry, dict):
            raise bad_request("The bound values are neither numbered from 1 nor all named.")
        columns.append(_decoded(str(position), entry))
    if not any(isinstance(column, list) for column in columns):
        return Bindings(values=tuple(column for column in columns if not isinstance(column, list)))
    whole = [column if isinstance(column, list) else [column] for column in columns]
    if len({len(column) for column in whole}) != 1:
        raise _refused("The bound columns differ in length.")
    rows: list[tuple[Scalar, ...]] = []
    for start in range(0, len(whole[0]), _PIECE):  # in steps: one zip of millions would hold up everybody
        rows += zip(*(column[start : start + _PIECE] for column in whole), strict=True)
    return Bindings(rows=tuple(rows))


def _refused(message: str, *, code: int = 100038, sqlstate: str = "22018") -> WireError:
    """What a program may well bind, and cannot: an error of its statement. A status of 400 the connector takes for a
    bad moment (`network.is_retryable_http_code`), and sends the same again for minutes.
    """
    return WireError(code, message, sqlstate=sqlstate)


def _by_name(wire: Mapping[str, object]) -> dict[str, Scalar]:
    """Values that a statement's `:name` stands for (the .NET client). A batch has none."""
    named: dict[str, Scalar] = {}
    for name, entry in wire.items():
        value: Scalar | list[Scalar] = _decoded(name[:40], entry) if isinstance(entry, dict) else []
        if isinstance(value, list) or name.upper() in named:
            raise bad_request("A bound value with a name is one value, and has its name alone.")
        named[name.upper()] = value
    return named


def _decoded(which: str, entry: Mapping[str, object]) -> Scalar | list[Scalar]:
    kind, value = entry.get("type"), entry.get("value")
    record = BY_BIND_NAME.get(kind.upper()) if isinstance(kind, str) else None
    decode = record.bind if record is not None else None
    if decode is None:
        raise _refused(f"Bound value {which} has a type that is not supported.", code=2, sqlstate="0A000")
    try:
        return [_one(decode, item) for item in value] if isinstance(value, list) else _one(decode, value)
    except (ValueError, OverflowError, InvalidOperation, TypeError) as error:
        raise _refused(f"Bound value {which} is not a value of its type.") from error


def _one(decode: Callable[[str], Scalar], value: object) -> Scalar:
    if value is None:
        return None
    if not isinstance(value, str):
        raise TypeError
    return decode(value)
