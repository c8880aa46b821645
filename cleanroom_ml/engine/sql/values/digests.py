"""States of APPROX_PERCENTILE: those of a t-digest (user-guide/querying-approximate-percentile-values; the form of the
state: snowpark-python, tests/integ/scala/test_function_suite.py::test_approx_percentile_accumulate).

Up to `MOST` values each is one of its own, so that what is estimated is exact. Of more, neighbours are one: fewer at
both ends than in the middle, where one stands for 1 of 2,000 values at most.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Final

from cleanroom_ml.engine.sql.values.json_text import Json, Marked, double, read, write
from cleanroom_ml.engine.sql.values.marks import DOUBLE
from cleanroom_ml.engine.sql.values.sketches import NotAState

MOST: Final = 20_000
_COMPRESSION: Final = 2_000
Centroid = tuple[float, float]
"""A value, and how many it stands for."""


def gathered(values: Sequence[float]) -> str:
    """APPROX_PERCENTILE_ACCUMULATE."""
    return _state([(value, 1.0) for value in values])


def combined(states: Iterable[str]) -> str:
    """APPROX_PERCENTILE_COMBINE. Raises NotAState."""
    return _state([each for state in states for each in _centroids(state)])


def estimate(state: str, fraction: float) -> float | None:
    """APPROX_PERCENTILE_ESTIMATE: between the two values around a fraction of all of them. Raises NotAState."""
    centroids = _centroids(state)
    if not centroids:
        return None
    wanted = fraction * (sum(weight for _, weight in centroids) - 1)
    before = 0.0
    place, last = -1.0, centroids[0][0]
    for value, weight in centroids:
        here = before + (weight - 1) / 2
        if here >= wanted:
            if place < 0 or here == wanted or value == last:
                return value
            return last + (value - last) * (wanted - place) / (here - place)
        before += weight
        place, last = here, value
    return last


def _state(centroids: list[Centroid]) -> str:
    kept = _compressed(sorted(centroids, key=lambda each: (math.isnan(each[0]), each[0])))
    listed: list[Json] = [double(number) for each in kept for number in each]
    return write({"state": listed, "type": "tdigest", "version": 1})


def _compressed(centroids: list[Centroid]) -> list[Centroid]:
    if len(centroids) <= MOST:
        return centroids
    total = sum(weight for _, weight in centroids)
    made: list[Centroid] = []
    value, size = centroids[0]
    before = 0.0
    for other, weight in centroids[1:]:
        part = (before + (size + weight) / 2) / total
        if size + weight <= max(1.0, 4 * total * part * (1 - part) / _COMPRESSION) and math.isfinite(other - value):
            size += weight
            value += (other - value) * weight / size
        else:
            made.append((value, size))
            before += size
            value, size = other, weight
    return [*made, (value, size)]


def _centroids(state: str) -> list[Centroid]:
    found = read(state)
    listed = found.get("state") if isinstance(found, dict) and found.get("type") == "tdigest" else None
    if not isinstance(listed, list) or len(listed) % 2:
        raise NotAState
    numbers = [_number(each) for each in listed]
    if any(not 1 <= weight < math.inf for weight in numbers[1::2]):
        raise NotAState
    return list(zip(numbers[::2], numbers[1::2], strict=True))


def _number(value: Json) -> float:
    if isinstance(value, Marked) and value.startswith(DOUBLE):
        return float(value[2:])
    if isinstance(value, int | Decimal) and not isinstance(value, bool):
        return float(value)
    raise NotAState
