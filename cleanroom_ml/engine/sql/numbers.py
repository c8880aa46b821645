"""Whole numbers out of a client's text: the one place where they are read, so that none is too long or only looks like
one. `str.isdigit` takes `²` for a digit and `int` does not; Python reads no number of more than 4,300 digits.
"""

from __future__ import annotations

import math
import re
from decimal import Decimal
from typing import Final

from cleanroom_ml.engine.sql.errors import SqlError

MAX_DIGITS: Final = 38
"""Snowflake's widest NUMBER."""
_EXACT: Final = re.compile(r"[0-9]{1,38}(?:\.[0-9]{0,37})?\Z|\.[0-9]{1,37}\Z")


def is_whole(text: str) -> bool:
    """Whether a text is a whole number without a sign, as `whole_number` reads it."""
    return text.isascii() and text.isdigit() and len(text) <= MAX_DIGITS


def whole_number(text: str) -> int | None:
    """The number that a text is; None where it has anything but the digits 0 to 9, or more than a NUMBER holds."""
    return int(text) if is_whole(text) else None


def exact_number(text: str) -> Decimal | None:
    """The NUMBER that a text without a sign is; None: it is none, or has an exponent."""
    return Decimal(text) if _EXACT.match(text) else None


def number_of(text: str) -> int | float:
    """The number that a token of digits is. Raises SqlError for what is larger than any NUMBER or FLOAT."""
    try:
        number = whole_number(text)
        found = float(text) if number is None else number
    except ValueError:
        found = math.inf
    if not math.isfinite(found):
        raise SqlError.bad_value(f"Numeric value '{text[:40]}' is out of range.")
    return found
