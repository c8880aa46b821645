"""Days and microseconds since 1970 of dates of any year: Python's own end with the year 9999, Snowflake's and DuckDB's
do not (sql-reference/data-types-datetime).
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Final

DAY: Final = 86_400_000_000
"""Microseconds."""
_EPOCH: Final = date(1970, 1, 1)
_EPOCH_CLOCK: Final = datetime(1970, 1, 1)
_CYCLE_YEARS: Final = 400
_CYCLE_DAYS: Final = 146_097
MOST: Final = 9_200_000_000_000_000_000
"""Microseconds, of 64 bits: the year 293,500 or so."""


def micros_of(year: int, month: int, day: int, hour: int, minute: int, second: int, micro: int) -> int:
    """Microseconds since 1970. Raises ValueError: there is no such date or time, or 64 bits do not hold it."""
    cycles, rest = divmod(year - 2000, _CYCLE_YEARS)
    moment = datetime(rest + 2000, month, day, hour, minute, second, micro)
    found = (moment - _EPOCH_CLOCK) // timedelta(microseconds=1) + cycles * _CYCLE_DAYS * DAY
    if abs(found) > MOST:
        raise ValueError
    return found


def date_of(days: int) -> date | None:
    """The date so many days since 1970; None where Python has none."""
    try:
        return _EPOCH + timedelta(days=days)
    except OverflowError:
        return None


def clock_of(micros: int) -> datetime | None:
    """The wall clock's time so many microseconds since 1970; None where Python has none."""
    try:
        return _EPOCH_CLOCK + timedelta(microseconds=micros)
    except OverflowError:
        return None
