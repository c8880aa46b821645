"""Date and time parts by all of their names (`sql-reference/functions-date-time`, "Supported date and time parts")."""

from __future__ import annotations

from typing import Final

from cleanroom_ml.engine.sql.errors import SqlError

_STEPS: Final = {
    "YEAR": "YEAR Y YY YYY YYYY YR YEARS YRS",
    "QUARTER": "QUARTER Q QTR QTRS QUARTERS",
    "MONTH": "MONTH MM MON MONS MONTHS",
    "WEEK": "WEEK W WK WEEKOFYEAR WOY WY WEEKS",
    "DAY": "DAY D DD DAYS DAYOFMONTH",
    "HOUR": "HOUR H HH HR HOURS HRS",
    "MINUTE": "MINUTE M MI MIN MINUTES MINS",
    "SECOND": "SECOND S SEC SECONDS SECS",
    "MILLISECOND": "MILLISECOND MS MSEC MILLISECONDS",
    "MICROSECOND": "MICROSECOND US USEC MICROSECONDS",
    "NANOSECOND": "NANOSECOND NS NSEC NANOSEC NSECOND NANOSECONDS NANOSECS NSECONDS",
}
_ISO: Final = {"WEEKISO": "WEEK_ISO WEEKISO WEEKOFYEARISO WEEKOFYEAR_ISO", "YEAROFWEEKISO": "YEAROFWEEKISO"}
_EXTRACTED: Final = {
    "DAYOFWEEK": "DAYOFWEEK WEEKDAY DOW DW",
    "DAYOFWEEKISO": "DAYOFWEEK_ISO DAYOFWEEKISO WEEKDAY_ISO DOW_ISO DW_ISO",
    "DAYOFYEAR": "DAYOFYEAR YEARDAY DOY DY",
    "YEAROFWEEK": "YEAROFWEEK",
    "EPOCH_SECOND": "EPOCH_SECOND EPOCH EPOCH_SECONDS",
    "EPOCH_MILLISECOND": "EPOCH_MILLISECOND EPOCH_MILLISECONDS",
    "EPOCH_MICROSECOND": "EPOCH_MICROSECOND EPOCH_MICROSECONDS",
    "EPOCH_NANOSECOND": "EPOCH_NANOSECOND EPOCH_NANOSECONDS",
    "TIMEZONE_HOUR": "TIMEZONE_HOUR TZH",
    "TIMEZONE_MINUTE": "TIMEZONE_MINUTE TZM",
}


def _by_alias(*families: dict[str, str]) -> dict[str, str]:
    return {alias: part for family in families for part, names in family.items() for alias in names.split()}


STEP_NAMES: Final = _by_alias(_STEPS)
_TRUNCATED: Final = _by_alias(_STEPS, _ISO)
_PARTS: Final = _by_alias(_STEPS, _ISO, _EXTRACTED)
DATE_PARTS: Final = frozenset({"YEAR", "QUARTER", "MONTH", "WEEK", "DAY", "WEEKISO", "YEAROFWEEKISO"})
"""Parts by which a DATE stays a DATE."""
MICROS: Final = {"MICROSECOND": 1, "MILLISECOND": 1000, "SECOND": 10**6, "MINUTE": 60 * 10**6, "HOUR": 3600 * 10**6}
"""How many microseconds a part of fixed length below a day has."""


_OF_TIMES: Final = frozenset({"HOUR", "MINUTE", "SECOND", "MILLISECOND", "MICROSECOND", "NANOSECOND"})
"""Parts that a TIME has."""


def check_time(part: str, name: str) -> None:
    """Raises SqlError: a TIME has no such part."""
    if part not in _OF_TIMES:
        raise SqlError.arguments(name, f"a TIME has no {part.lower()}")


def step(name: str) -> str:
    """The part that DATEADD and DATEDIFF mean by `name`. Raises SqlError."""
    return _found(STEP_NAMES, name)


def truncated(name: str) -> str:
    """The part that DATE_TRUNC and LAST_DAY mean. Raises SqlError."""
    return _found(_TRUNCATED, name)


def part(name: str) -> str:
    """The part that DATE_PART and EXTRACT mean. Raises SqlError."""
    return _found(_PARTS, name)


def _found(names: dict[str, str], name: str) -> str:
    found = names.get(name.upper())
    if found is None:
        raise SqlError.syntax(f"'{name[:40]}' is not a valid date/time component for this function.")
    return found
