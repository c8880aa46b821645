"""Text as dates, times and moments: by AUTO, by a format, or as a count since 1970.

`sql-reference/date-time-input-output` lists what AUTO reads; `sql-reference/functions/to_timestamp` says what a text of
digits means. Moments have microseconds here: a text with more digits that are not zero is refused, not cut.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, time, timedelta
from functools import lru_cache
from typing import Final, NamedTuple, TypeVar

from cleanroom_ml.engine.sql.values.calendar import DAY, MOST, micros_of
from cleanroom_ml.engine.sql.values.moment_formats import elements

AUTO: Final = "AUTO"
MAX_TEXT: Final = 256
"""Of a text that may be a moment: what is kept of those that are is bounded by it."""
_EPOCH: Final = datetime(1970, 1, 1)
_ISO: Final = re.compile(
    r"(?P<year>[+-]?\d{1,6})-(?P<month>\d{1,2})-(?P<day>\d{1,2})"
    r"(?:(?:\s+|T)(?P<hour>\d{1,2})(?::(?P<minute>\d{1,2})(?::(?P<second>\d{1,2})(?:\.(?P<fraction>\d{0,9}))?)?)?)?"
    r"(?: ?(?P<zone>Z|[+-]\d{1,2}(?::?\d{2})?))?\Z",
    re.IGNORECASE,
)
_TIME: Final = re.compile(
    r"(?P<hour>\d{1,2}):(?P<minute>\d{1,2})(?::(?P<second>\d{1,2})(?:\.(?P<fraction>\d{0,9}))?)?"
    r"(?: ?(?P<half>AM|PM))?(?: ?(?P<zone>Z|[+-]\d{1,2}(?::?\d{2})?))?\Z",
    re.IGNORECASE,
)
_DIGITS: Final = re.compile(r"-?\d{1,21}\Z")
_OTHER_FORMATS: Final = (
    "DD-MON-YYYY",
    "MM/DD/YYYY",
    "MM/DD/YYYY HH24:MI:SS",
    "DY, DD MON YYYY HH24:MI:SS TZHTZM",
    "DY, DD MON YYYY HH24:MI:SS.FF TZHTZM",
    "DY, DD MON YYYY HH12:MI:SS AM TZHTZM",
    "DY, DD MON YYYY HH12:MI:SS.FF AM TZHTZM",
    "DY, DD MON YYYY HH24:MI:SS",
    "DY, DD MON YYYY HH24:MI:SS.FF",
    "DY, DD MON YYYY HH12:MI:SS AM",
    "DY, DD MON YYYY HH12:MI:SS.FF AM",
    "DY MON DD HH24:MI:SS TZHTZM YYYY",
)
_MONTHS: Final = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_LONG: Final = (
    "JANUARY",
    "FEBRUARY",
    "MARCH",
    "APRIL",
    "MAY",
    "JUNE",
    "JULY",
    "AUGUST",
    "SEPTEMBER",
    "OCTOBER",
    "NOVEMBER",
    "DECEMBER",
)
_DAYS: Final = ("MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN")
_MILLISECONDS_OF_A_YEAR: Final = 31_536_000_000
_ZONE: Final = r"(?P<zone>Z|[+-]?\d{1,2}(?::?\d{2})?)"
_PATTERNS: Final = {
    "YYYY": r"(?P<year>\d{1,4})",
    "UUUU": r"(?P<year>-?\d{1,4})",
    "YY": r"(?P<short>\d{1,2})",
    "Y": r"(?P<short>\d{1,2})",
    "MM": r"(?P<month>\d{1,2})",
    "MO": r"(?P<month>\d{1,2})",
    "MON": rf"(?P<name>{'|'.join([*_LONG, *_MONTHS])})",
    "MMMM": rf"(?P<name>{'|'.join([*_LONG, *_MONTHS])})",
    "DD": r"(?P<day>\d{1,2})",
    "D": r"(?P<day>\d{1,2})",
    "DY": rf"(?:{'|'.join(_DAYS)})",
    **dict.fromkeys(("HH24", "HH", "H24", "H"), r"(?P<hour>\d{1,2})"),
    **dict.fromkeys(("HH12", "H12"), r"(?P<twelve>\d{1,2})"),
    **dict.fromkeys(("AM", "PM"), r"(?P<half>AM|PM)"),
    "P": r"(?P<half>A|P)",
    **dict.fromkeys(("MI", "ME"), r"(?P<minute>\d{1,2})"),
    **dict.fromkeys(("SS", "S"), r"(?P<second>\d{1,2})"),
    **{f"FF{digits}": rf"(?P<fraction>\d{{0,{digits}}})" for digits in range(10)},
    "FF": r"(?P<fraction>\d{0,9})",
    **dict.fromkeys(("TZH:TZM", "TZHTZM", "TZH"), _ZONE),
    "TZM": r"\d{2}",
}


class NotAMoment(ValueError):
    """A text that is no date, time or timestamp, or none in that format."""


class TooFine(ValueError):
    """A text with nanoseconds, which are not kept here."""


class Moment(NamedTuple):
    """A wall clock's time in microseconds since 1970, and how many minutes it is ahead of UTC, where that is said."""

    wall: int
    minutes: int | None


@lru_cache(maxsize=8192)
def moment(text: str, layout: str = AUTO, century: int = 1970) -> Moment:
    """The moment that a text means. Raises NotAMoment or TooFine."""
    if len(text) > MAX_TEXT:
        raise NotAMoment
    try:
        if layout.upper() != AUTO:
            return _by_format(text.strip(), layout, century)
        return _automatic(text.strip(), century)
    except (OverflowError, ValueError) as error:
        if isinstance(error, NotAMoment | TooFine):
            raise
        raise NotAMoment from None


def day(text: str, layout: str = AUTO, century: int = 1970) -> int:
    """The date that a text means, in days since 1970. Raises NotAMoment or TooFine."""
    return moment(text, layout, century).wall // DAY


@lru_cache(maxsize=8192)
def clock(text: str, layout: str = AUTO, century: int = 1970) -> time:
    """The time of day that a text means. Raises NotAMoment or TooFine."""
    if len(text) > MAX_TEXT:
        raise NotAMoment
    stripped = text.strip()
    if layout.upper() == AUTO:
        if _DIGITS.match(stripped):
            return _time(_counted(int(stripped)))
        found = _TIME.match(stripped)
        if found is None:
            return _time(moment(text).wall)
        try:
            return time(*_hours(found))
        except ValueError as error:
            if isinstance(error, TooFine):
                raise
            raise NotAMoment from None
    return _time(moment(text, layout, century).wall)


def _automatic(text: str, century: int) -> Moment:
    if _DIGITS.match(text):
        return Moment(_counted(int(text)), 0)
    found = _ISO.match(text)
    if found is not None:
        wall = micros_of(int(found["year"]), int(found["month"]), int(found["day"]), *_hours(found))
        return Moment(wall, _minutes(found["zone"]))
    for layout in _OTHER_FORMATS:
        pattern = _pattern(layout)
        other = pattern.match(text)
        if other is not None:
            return _of(other, century)
    raise NotAMoment


def _time(wall: int) -> time:
    return (_EPOCH + timedelta(microseconds=wall % DAY)).time()


def _counted(number: int) -> int:
    """Microseconds since 1970, of a number that counts seconds, milliseconds, microseconds or nanoseconds, by how large
    it is.
    """
    size = abs(number)
    if size < _MILLISECONDS_OF_A_YEAR:
        micros = number * 1_000_000
    elif size < _MILLISECONDS_OF_A_YEAR * 1000:
        micros = number * 1000
    elif size < _MILLISECONDS_OF_A_YEAR * 1_000_000:
        micros = number
    else:
        micros, rest = divmod(number, 1000)
        if rest:
            raise TooFine
    if abs(micros) > MOST:
        raise NotAMoment
    return micros


@lru_cache(maxsize=256)
def _pattern(layout: str) -> re.Pattern[str]:
    """Raises NotAMoment: the format names a part twice, or is none."""
    pieces = [_PATTERNS[element] if element else _literal(text) for element, text in elements(layout)]
    try:
        return re.compile("".join(pieces) + r"\Z", re.IGNORECASE)
    except re.error:
        raise NotAMoment from None


def _literal(text: str) -> str:
    return re.sub(r"(?:\\ )+", " +", re.escape(text))


def _by_format(text: str, layout: str, century: int) -> Moment:
    found = _pattern(layout).match(text)
    if found is None:
        raise NotAMoment
    return _of(found, century)


def _of(found: re.Match[str], century: int) -> Moment:
    parts = found.groupdict()
    year = int(parts["year"]) if parts.get("year") else 1970
    if parts.get("short"):
        year = century - century % 100 + int(parts["short"])
        year += 100 if year < century else 0
    month = int(parts.get("month") or 1)
    if parts.get("name"):
        month = _MONTHS.index(parts["name"][:3].upper()) + 1
    wall = micros_of(year, month, int(parts.get("day") or 1), *_hours(found))
    return Moment(wall, _minutes(parts.get("zone")))


def _hours(found: re.Match[str]) -> tuple[int, int, int, int]:
    """Hour, minute, second, microsecond. Raises TooFine, and ValueError: they are none."""
    parts = found.groupdict()
    hour = int(parts.get("hour") or 0)
    half = (parts.get("half") or "").upper()[:1]
    if parts.get("twelve"):
        hour = int(parts["twelve"])
    if half:
        if not 1 <= hour <= 12:
            raise NotAMoment
        hour = hour % 12 + (12 if half == "P" else 0)
    fraction = (parts.get("fraction") or "").ljust(9, "0")
    if fraction[6:] != "000":
        raise TooFine
    return hour, int(parts.get("minute") or 0), int(parts.get("second") or 0), int(fraction[:6])


def _minutes(zone: str | None) -> int | None:
    if not zone:
        return None
    if zone in {"Z", "z"}:
        return 0
    sign = -1 if zone.startswith("-") else 1
    digits = zone.lstrip("+-").replace(":", "")
    hours, minutes = (int(digits), 0) if len(digits) <= 2 else (int(digits[:-2]), int(digits[-2:]))
    if hours > 15 or minutes > 59:
        raise NotAMoment
    return sign * (hours * 60 + minutes)


def wall(text: str, layout: str = AUTO, century: int = 1970) -> int:
    """A TIMESTAMP_NTZ: what the clock shows, wherever it is, in microseconds since 1970."""
    return moment(text, layout, century).wall


def zoned(text: str, layout: str = AUTO, century: int = 1970) -> dict[str, object]:
    """What a worker makes a TIMESTAMP_LTZ or TIMESTAMP_TZ of."""
    found = moment(text, layout, century)
    return {"w": found.wall, "m": found.minutes}


_Given = TypeVar("_Given")


def _tried(call: Callable[[str, str, int], _Given]) -> Callable[[str, str, int], _Given | None]:
    """The same function that gives None for what is no moment; what is one and too fine is still refused."""

    def attempt(text: str, layout: str = AUTO, century: int = 1970) -> _Given | None:
        try:
            return call(text, layout, century)
        except NotAMoment:
            return None

    return attempt


try_day = _tried(day)
try_clock = _tried(clock)
try_wall = _tried(wall)
try_zoned = _tried(zoned)
