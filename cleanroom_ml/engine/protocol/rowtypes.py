"""Values of small results as the texts of a JSON rowset (the connector turns them back.

`converter.py`, `_*_to_python`).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

_EPOCH = datetime(1970, 1, 1)
_EPOCH_DATE = date(1970, 1, 1)


def rowset(kinds: Sequence[str], rows: Iterable[Sequence[Any]]) -> list[list[str | None]]:
    """The rows as texts. `kinds` are the `type` entries of the rowtype, one a column."""
    return [[wire_text(kind, value) for kind, value in zip(kinds, row, strict=True)] for row in rows]


def wire_text(kind: str, value: Any) -> str | None:
    """One value as text; None for NULL."""
    if value is None:
        return None
    if isinstance(value, bool):
        return ("1" if value else "0") if kind == "boolean" else ("true" if value else "false")
    if isinstance(value, bytes | bytearray):
        return value.hex().upper()
    if isinstance(value, datetime):
        return _moment(kind, value)
    if isinstance(value, date):
        return str((value - _EPOCH_DATE).days) if kind == "date" else value.isoformat()
    if isinstance(value, time):
        return _time(value) if kind == "time" else value.isoformat()
    if isinstance(value, dict | list | tuple):
        return json.dumps(value, ensure_ascii=False, default=str)
    return str(value)


def _moment(kind: str, value: datetime) -> str:
    if not kind.startswith("timestamp"):
        return value.isoformat(sep=" ")
    offset = value.utcoffset() or timedelta()
    naive = value.astimezone(UTC).replace(tzinfo=None) if value.tzinfo else value
    micros = (naive - _EPOCH) // timedelta(microseconds=1)
    text = _seconds(micros)
    return f"{text} {offset // timedelta(minutes=1) + 1440}" if kind == "timestamp_tz" else text


def _time(value: time) -> str:
    seconds = value.hour * 3600 + value.minute * 60 + value.second
    return f"{seconds}.{value.microsecond:06d}"


def _seconds(micros: int) -> str:
    """Decimal seconds with six digits; exact, also before 1970."""
    sign = "-" if micros < 0 else ""
    whole, rest = divmod(abs(micros), 1_000_000)
    return f"{sign}{whole}.{rest:06d}"
