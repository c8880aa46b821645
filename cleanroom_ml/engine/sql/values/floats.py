"""The digits that a FLOAT has, which is a fraction of a power of two."""

from __future__ import annotations

import math
from decimal import ROUND_HALF_UP, Context, Decimal
from typing import Final

_CONTEXT: Final = Context(prec=400)
"""A double has 309 digits before the point at most."""


def digits(value: float, scale: int) -> str:
    """A FLOAT with so many digits after the point, rounded half away from zero. What is no number stays its word."""
    if not math.isfinite(value):
        return repr(value)
    return format(Decimal(value).quantize(Decimal(1).scaleb(-scale), ROUND_HALF_UP, _CONTEXT), "f")
