"""Date parts and date formats of Snowflake in DuckDB's words."""

from __future__ import annotations

import re
from typing import Final

from cleanroom_ml.engine.sql.errors import SqlError

_PARTS: Final = {
    "YEAR": ("YEAR", "Y", "YY", "YYY", "YYYY", "YR", "YEARS", "YRS"),
    "QUARTER": ("QUARTER", "Q", "QTR", "QTRS", "QUARTERS"),
    "MONTH": ("MONTH", "MM", "MON", "MONS", "MONTHS"),
    "WEEK": (
        "WEEK",
        "W",
        "WK",
        "WEEKOFYEAR",
        "WOY",
        "WY",
        "WEEKS",
        "WEEKISO",
        "WEEK_ISO",
        "WEEKOFYEARISO",
        "WEEKOFYEAR_ISO",
    ),
    "DAY": ("DAY", "D", "DD", "DAYS", "DAYOFMONTH"),
    "HOUR": ("HOUR", "H", "HH", "HR", "HOURS", "HRS"),
    "MINUTE": ("MINUTE", "M", "MI", "MIN", "MINUTES", "MINS"),
    "SECOND": ("SECOND", "S", "SEC", "SECONDS", "SECS"),
    "MILLISECOND": ("MILLISECOND", "MS", "MSEC", "MILLISECONDS"),
    "MICROSECOND": ("MICROSECOND", "US", "USEC", "MICROSECONDS"),
}
_NAMES: Final = {alias: part for part, aliases in _PARTS.items() for alias in aliases}
_EXTRACTS: Final = {
    "DOW": ("DAYOFWEEK", "WEEKDAY", "DOW", "DW"),
    "ISODOW": ("DAYOFWEEKISO", "DAYOFWEEK_ISO", "DOW_ISO", "DW_ISO", "WEEKDAY_ISO"),
    "DOY": ("DAYOFYEAR", "YEARDAY", "DOY", "DY"),
    "ISOYEAR": ("YEAROFWEEK", "YEAROFWEEKISO"),
    "EPOCH": ("EPOCH_SECOND", "EPOCH", "EPOCH_SECONDS"),
}
_EXTRACT_NAMES: Final = {alias: part for part, aliases in _EXTRACTS.items() for alias in aliases} | _NAMES
EPOCHS: Final = {
    **dict.fromkeys(("EPOCH_MILLISECOND", "EPOCH_MILLISECONDS"), "epoch_ms"),
    **dict.fromkeys(("EPOCH_MICROSECOND", "EPOCH_MICROSECONDS"), "epoch_us"),
    **dict.fromkeys(("EPOCH_NANOSECOND", "EPOCH_NANOSECONDS"), "epoch_ns"),
}
"""Parts that are counts since 1970 → DuckDB's function."""
DATE_PARTS: Final = frozenset({"YEAR", "QUARTER", "MONTH", "WEEK", "DAY"})
"""Parts by which a DATE stays a DATE."""

_FORMATS: Final = {
    "YYYY": "%Y",
    "YY": "%y",
    "MMMM": "%B",
    "MON": "%b",
    "MM": "%m",
    "DD": "%d",
    "DY": "%a",
    "HH24": "%H",
    "HH12": "%I",
    "AM": "%p",
    "PM": "%p",
    "MI": "%M",
    "SS": "%S",
    "FF9": "%n",
    "FF6": "%f",
    "FF3": "%g",
    "FF": "%f",
    "TZHTZM": "%z",
    "TZH:TZM": "%z",
}
_FORMAT = re.compile(
    "|".join(sorted(map(re.escape, _FORMATS), key=len, reverse=True)) + r'|"[^"]*"|%|.', re.IGNORECASE | re.DOTALL
)


def part(name: str) -> str:
    """The part that DATEADD, DATEDIFF and DATE_TRUNC mean by `name`. Raises SqlError."""
    found = _NAMES.get(name.upper())
    if found is None:
        raise SqlError.syntax(f"'{name[:40]}' is not a valid date/time component for this function.")
    return found


def extract_part(name: str) -> str:
    """The part that DATE_PART and EXTRACT mean. Raises SqlError."""
    found = _EXTRACT_NAMES.get(name.upper())
    if found is None:
        raise SqlError.syntax(f"'{name[:40]}' is not a valid date/time component for this function.")
    return found


def strftime(text: str) -> str:
    """A Snowflake format (`YYYY-MM-DD HH24:MI:SS`) as strftime's. Raises SqlError on letters that are no format
    element.
    """
    pieces: list[str] = []
    for found in _FORMAT.findall(text):
        if found.upper() in _FORMATS:
            pieces.append(_FORMATS[found.upper()])
        elif found.startswith('"') and len(found) > 1:
            pieces.append(found[1:-1].replace("%", "%%"))
        elif found.isalpha() and found.upper() != "T":
            raise SqlError.unsupported(f"date format '{text[:60]}'")
        else:
            pieces.append("%%" if found == "%" else found)
    return "".join(pieces)
