"""Text as an interval: months or nanoseconds (`sql-reference/data-types-datetime`, "Interval formats")."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

_SECOND: Final = 1_000_000_000
UNITS: Final = {
    "YEAR": 12,
    "MONTH": 1,
    "DAY": 86_400 * _SECOND,
    "HOUR": 3_600 * _SECOND,
    "MINUTE": 60 * _SECOND,
    "SECOND": _SECOND,
}
FIELDS: Final = tuple(UNITS)
_MOST: Final = {"MONTH": 11, "HOUR": 23, "MINUTE": 59, "SECOND": 59}
"""Of a field behind another one."""
_BEFORE: Final = {"MONTH": "-", "HOUR": r"\s+", "MINUTE": ":", "SECOND": ":"}
_MAX_TEXT: Final = 100


class NotAnInterval(ValueError):
    """A text that is no interval of that type."""


@lru_cache(maxsize=64)
def _pattern(fields: tuple[str, ...], leading: int, fraction: int) -> re.Pattern[str]:
    pieces = [rf"(?P<{fields[0]}>\d{{1,{leading}}})"]
    pieces += [rf"{_BEFORE[field]}(?P<{field}>\d{{1,2}})" for field in fields[1:]]
    rest = rf"(?:\.(?P<FRACTION>\d{{0,{fraction}}})0*)?" if fields[-1] == "SECOND" else ""
    return re.compile(rf"\s*(?P<SIGN>[+-]?)\s*{''.join(pieces)}{rest}\s*", re.ASCII)


def fields_of(qualifier: str) -> tuple[str, ...]:
    """`DAY TO SECOND` → the fields from the first to the last."""
    first, _, last = qualifier.partition(" TO ")
    return FIELDS[FIELDS.index(first) : FIELDS.index(last or first) + 1]


def count(text: str, qualifier: str, leading: int = 9, fraction: int = 9) -> int:
    """The months or nanoseconds that a text means. Raises NotAnInterval: also for digits that would be lost."""
    fields = fields_of(qualifier)
    found = _pattern(fields, leading, fraction).fullmatch(text) if len(text) <= _MAX_TEXT else None
    if found is None:
        raise NotAnInterval
    total = 0
    for field in fields:
        number = int(found[field])
        if field != fields[0] and number > _MOST[field]:
            raise NotAnInterval
        total += number * UNITS[field]
    if fields[-1] == "SECOND":
        total += int((found["FRACTION"] or "").ljust(9, "0"))
    return -total if found["SIGN"] == "-" else total


def counted(text: str, qualifier: str, leading: int, fraction: int) -> str:
    """The same as a worker gives it."""
    return str(count(text, qualifier, leading, fraction))
