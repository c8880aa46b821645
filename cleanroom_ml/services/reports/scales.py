"""From values to places on a chart, and to the words beside it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

_STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)
MIB = 1 << 20


@dataclass(frozen=True, slots=True)
class Scale:
    """A linear (or logarithmic) way from [low, high] to [start, end] of a drawing."""

    low: float
    high: float
    start: float
    end: float
    logarithmic: bool = False

    def __call__(self, value: float) -> float:
        """The place of a value. A scale without extent has everything in its middle."""
        low, high, at = (_log(each) if self.logarithmic else each for each in (self.low, self.high, value))
        if high == low:
            return (self.start + self.end) / 2
        # Halved, so that the distance of two large numbers is still one.
        part = (at / 2 - low / 2) / (high / 2 - low / 2)
        return self.start + min(1.0, max(0.0, part)) * (self.end - self.start)


def ticks(low: float, high: float, wanted: int = 4) -> list[float]:
    """Round numbers from `low` to `high`: about as many as wanted, none where there is no distance."""
    span = high - low
    if not math.isfinite(span) or span <= 0 or span < abs(high) * 1e-12:
        return []
    magnitude = 10.0 ** math.floor(math.log10(span / wanted))
    if magnitude == 0.0:
        return []
    step = next(factor * magnitude for factor in _STEPS if factor * magnitude * wanted >= span * 0.999)
    first = math.ceil(low / step - 1e-9)
    return [0.0 if index == 0 else index * step for index in range(first, math.floor(high / step + 1e-9) + 1)]


def padded(values: Sequence[float]) -> tuple[float, float]:
    """The extent of values with a little room on both sides."""
    low, high = min(values), max(values)
    room = (high / 2 - low / 2) * 0.12 or abs(high) * 0.05 or 0.5
    return max(low - room, -1.7e308), min(high + room, 1.7e308)


def number(value: float) -> str:
    """Four digits that count: `0.8715`, `12.5`, `1,234,567`, `3.2e-07`."""
    if value == int(value) and abs(value) < 1e15:
        return f"{int(value):,}"
    if 1e-4 <= abs(value) < 1e6:
        reported = f"{value:,.{max(0, 3 - math.floor(math.log10(abs(value))))}f}"
        return reported.rstrip("0").rstrip(".") if "." in reported else reported
    return f"{value:.3g}"


def size(count: float) -> str:
    """Bytes: `512 MiB`, `1.5 GiB`."""
    for unit, each in (("TiB", 1 << 40), ("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)):
        if count >= each:
            return f"{count / each:.3g} {unit}" if count < 1000 * each else f"{count / each:,.0f} {unit}"
    return f"{count:.0f} B"


def duration(seconds: float) -> str:
    """`0.8 s`, `42 s`, `3 min 20 s`, `2 h 5 min`."""
    if seconds < 10:
        return f"{seconds:.1f}".rstrip("0").rstrip(".") + " s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min" + (f" {whole % 60} s" if whole % 60 else "")
    return f"{whole // 3600:,} h" + (f" {whole % 3600 // 60} min" if whole % 3600 // 60 else "")


def byte_ticks(high: float, wanted: int = 4) -> list[float]:
    """Round numbers of bytes from 0 to `high`: in powers of 1024, as memory is sold."""
    unit = float(1 << (10 * max(0, int(math.log2(max(high, 1)) // 10))))
    return [tick * unit for tick in ticks(0.0, high / unit, wanted)]


def time_ticks(high: float, wanted: int = 5) -> list[float]:
    """Round numbers of seconds from 0 to `high`."""
    steps = (0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 43200, 86400)
    step = next((step for step in steps if high / step <= wanted), 86400.0 * math.ceil(high / 86400 / wanted))
    return [index * step for index in range(int(high / step) + 1)]


def _log(value: float) -> float:
    return math.log10(value) if value > 0 else -330.0
