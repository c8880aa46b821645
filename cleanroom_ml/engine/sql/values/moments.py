"""Text as dates, times and moments: by AUTO, by a format, or as a count since 1970.

`sql-reference/date-time-input-output` lists what AUTO reads; `sql-reference/functions/to_timestamp` says what a text of
digits means. Of the digits of a second nine are kept; what is asked for in microseconds alone is refused where there
are more of them, not cut.
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
    r"(?:(?:\s+|T)(?P<hour>\d{1,2})(?::(?P<minute>\d{1,2})(?::(?P<second>\d{1,2})(?:\.(?P<fraction>\d*))?)?)?)?"
    r"(?: ?(?P<zone>Z|[+-]\d{1,2}(?::?\d{2})?))?\Z",
    re.IGNORECASE,
)
_TIME: Final = re.compile(
    r"(?P<hour>\d{1,2}):(?P<minute>\d{1,2})(?::(?P<second>\d{1,2})(?:\.(?P<fraction>\d*))?)?"
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
    """A text with nanoseconds, where microseconds are asked for."""


class Moment(NamedTuple):
    """A wall clock's time in microseconds since 1970 with the nanoseconds after that, and how many minutes it is ahead
    of UTC, where that is said.
    """

    wall: int
    minutes: int | None
    nanos: int = 0


class Clock(NamedTuple):
    """A time of day, and the nanoseconds after it."""

    time: time
    nanos: int = 0


@lru_cache(maxsize=8192)
def moment(text: str, layout: str = AUTO, century: int = 1970) -> Moment:
    """The moment that a text means. Raises NotAMoment."""
    if len(text) > MAX_TEXT:
        raise NotAMoment
    try:
        if layout.upper() != AUTO:
            return _by_format(text.strip(), layout, century)
        return _automatic(text.strip(), century)
    except (OverflowError, ValueError) as error:
        if isinstance(error, NotAMoment):
            raise
        raise NotAMoment from None


def day(text: str, layout: str = AUTO, century: int = 1970) -> int:
    """The date that a text means, in days since 1970. Raises NotAMoment."""
    return moment(text, layout, century).wall // DAY


@lru_cache(maxsize=8192)
def clock(text: str, layout: str = AUTO, century: int = 1970) -> Clock:
    """The time of day that a text means. Raises NotAMoment."""
    if len(text) > MAX_TEXT:
        raise NotAMoment
    stripped = text.strip()
    if layout.upper() == AUTO:
        if _DIGITS.match(stripped):
            return _clock(*_counted(int(stripped)))
        found = _TIME.match(stripped)
        if found is None:
            given = moment(text)
            return _clock(given.wall, given.nanos)
        try:
            hour, minute, second, micro, nanos = _hours(found)
            return Clock(time(hour, minute, second, micro), nanos)
        except ValueError:
            raise NotAMoment from None
    given = moment(text, layout, century)
    return _clock(given.wall, given.nanos)


def _automatic(text: str, century: int) -> Moment:
    if _DIGITS.match(text):
        micros, nanos = _counted(int(text))
        return Moment(micros, 0, nanos)
    found = _ISO.match(text)
    if found is not None:
        *parts, nanos = _hours(found)
        wall = micros_of(int(found["year"]), int(found["month"]), int(found["day"]), *parts)
        return Moment(wall, _minutes(found["zone"]), nanos)
    for layout in _OTHER_FORMATS:
        pattern = _pattern(layout)
        other = pattern.match(text)
        if other is not None:
            return _of(other, century)
    raise NotAMoment


def _clock(wall: int, nanos: int) -> Clock:
    return Clock((_EPOCH + timedelta(microseconds=wall % DAY)).time(), nanos)


def _counted(number: int) -> tuple[int, int]:
    """Microseconds since 1970 and the nanoseconds after them, of a number that counts seconds, milliseconds,
    microseconds or nanoseconds, by how large it is.
    """
    size, nanos = abs(number), 0
    if size < _MILLISECONDS_OF_A_YEAR:
        micros = number * 1_000_000
    elif size < _MILLISECONDS_OF_A_YEAR * 1000:
        micros = number * 1000
    elif size < _MILLISECONDS_OF_A_YEAR * 1_000_000:
        micros = number
    else:
        micros, nanos = divmod(number, 1000)
    if abs(micros) > MOST:
        raise NotAMoment
    return micros, nanos


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
    *clock_parts, nanos = _hours(found)
    wall = micros_of(year, month, int(parts.get("day") or 1), *clock_parts)
    return Moment(wall, _minutes(parts.get("zone")), nanos)


def _hours(found: re.Match[str]) -> tuple[int, int, int, int, int]:
    """Hour, minute, second, microsecond, nanosecond. Raises ValueError: they are none."""
    parts = found.groupdict()
    hour = int(parts.get("hour") or 0)
    half = (parts.get("half") or "").upper()[:1]
    if parts.get("twelve"):
        hour = int(parts["twelve"])
    if half:
        if not 1 <= hour <= 12:
            raise NotAMoment
        hour = hour % 12 + (12 if half == "P" else 0)
    fraction = (parts.get("fraction") or "").ljust(9, "0")[:9]
    minute, second = int(parts.get("minute") or 0), int(parts.get("second") or 0)
    return hour, minute, second, int(fraction[:6]), int(fraction[6:])


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
    """A TIMESTAMP_NTZ: what the clock shows, wherever it is, in microseconds since 1970. Raises TooFine too."""
    return _to_the_microsecond(moment(text, layout, century)).wall


def zoned(text: str, layout: str = AUTO, century: int = 1970) -> dict[str, object]:
    """What a worker makes a TIMESTAMP_LTZ or TIMESTAMP_TZ of. Raises TooFine too."""
    found = _to_the_microsecond(moment(text, layout, century))
    return {"w": found.wall, "m": found.minutes}


def day_time(text: str, layout: str = AUTO, century: int = 1970) -> time:
    """A TIME. Raises TooFine too."""
    return _to_the_microsecond(clock(text, layout, century)).time


def fine_wall(text: str, layout: str = AUTO, century: int = 1970) -> dict[str, object]:
    """As `wall`, with nanoseconds (types/fine.py)."""
    found = moment(text, layout, century)
    return {"moment_us": found.wall, "moment_ns": found.nanos}


def fine_zoned(text: str, layout: str = AUTO, century: int = 1970) -> dict[str, object]:
    """As `zoned`, with nanoseconds."""
    found = moment(text, layout, century)
    return {"w": found.wall, "m": found.minutes, "n": found.nanos}


def fine_time(text: str, layout: str = AUTO, century: int = 1970) -> dict[str, object]:
    """As `day_time`, with nanoseconds."""
    found = clock(text, layout, century)
    return {"moment_us": found.time, "moment_ns": found.nanos}


_Found = TypeVar("_Found", Moment, Clock)


def _to_the_microsecond(found: _Found) -> _Found:
    if found.nanos:
        raise TooFine
    return found


_Given = TypeVar("_Given")


def tried(call: Callable[[str, str, int], _Given]) -> Callable[[str, str, int], _Given | None]:
    """The same function that gives None for what is no moment; what is one and too fine is still refused."""

    def attempt(text: str, layout: str = AUTO, century: int = 1970) -> _Given | None:
        try:
            return call(text, layout, century)
        except NotAMoment:
            return None

    return attempt
