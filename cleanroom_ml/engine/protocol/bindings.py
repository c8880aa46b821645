"""Bound values as they come over the wire: a type and a text each, or a type and a list of texts for a whole column.

Source: snowflake-connector-python `converter.py`, `*_to_snowflake_bindings`: dates are milliseconds and times and
timestamps
nanoseconds since the epoch, TIMESTAMP_TZ adds its offset in minutes + 1440, binary is hexadecimal.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal, InvalidOperation
from typing import Any

from .errors import bad_request

Scalar = None | bool | int | float | str | bytes | Decimal | date | time | datetime

MAX_BINDINGS = 65_536
_MAX_NUMBER = 100
_PIECE = 4000
_EPOCH = datetime(1970, 1, 1)


@dataclass(frozen=True, slots=True)
class Bindings:
    """`values` by position for one execution.

    Or `rows`, one tuple an execution, for a batch (`values` is then empty).
    """

    values: tuple[Scalar, ...] = ()
    rows: tuple[tuple[Scalar, ...], ...] | None = None


def parse_bindings(wire: dict[str, Any] | None) -> Bindings | None:
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
        decode = _DECODERS.get(kind.upper()) if isinstance(kind, str) else None
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


def _one(decode: Callable[[str], Scalar], value: Any) -> Scalar:
    if value is None:
        return None
    if not isinstance(value, str):
        raise TypeError
    return decode(value)


def _fixed(value: str) -> Scalar:
    if len(value) > _MAX_NUMBER:
        raise ValueError
    try:
        return int(value)
    except ValueError:
        number = Decimal(value)
        if not number.is_finite():
            raise ValueError from None
        return number


def _real(value: str) -> Scalar:
    if len(value) > _MAX_NUMBER * 4:
        raise ValueError
    return float(value)


def _boolean(value: str) -> Scalar:
    lowered = value.lower()
    if lowered in ("true", "1"):
        return True
    if lowered in ("false", "0"):
        return False
    raise ValueError


def _date(value: str) -> Scalar:
    return (_EPOCH + timedelta(milliseconds=_integer(value))).date()


def _time(value: str) -> Scalar:
    micros = _integer(value) // 1000
    if not 0 <= micros < 86_400_000_000:
        raise ValueError
    return (_EPOCH + timedelta(microseconds=micros)).time()


def _naive(value: str) -> datetime:
    return _EPOCH + timedelta(microseconds=_integer(value) // 1000)


def _zoned(value: str) -> Scalar:
    moment, _, offset = value.partition(" ")
    zone = timezone(timedelta(minutes=_integer(offset) - 1440))
    return _naive(moment).replace(tzinfo=UTC).astimezone(zone)


def _integer(value: str) -> int:
    if len(value) > _MAX_NUMBER:
        raise ValueError
    number = float(value)
    if not math.isfinite(number):
        raise ValueError
    try:
        return int(value)
    except ValueError:
        return int(Decimal(value))


_DECODERS: dict[str, Callable[[str], Scalar]] = {
    "FIXED": _fixed,
    "REAL": _real,
    "TEXT": str,
    "ANY": str,
    "BOOLEAN": _boolean,
    "BINARY": bytes.fromhex,
    "DATE": _date,
    "TIME": _time,
    "TIMESTAMP_NTZ": _naive,
    "TIMESTAMP_LTZ": lambda value: _naive(value).replace(tzinfo=UTC),
    "TIMESTAMP_TZ": _zoned,
}
