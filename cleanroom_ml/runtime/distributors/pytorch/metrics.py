"""What a worker reports about its training: a line of the log, an event beside it, and rank 0's for the script."""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping
from typing import Final

from ... import events
from ...values import Values

_LONGEST: Final = 200


class MetricsReporter:
    """`get_context().get_metrics_reporter()`."""

    def __init__(self, rank: int) -> None:
        self._rank = rank
        self.latest: Values = {}
        """Every metric by its last value: what `get_metrics()` of the run's result tells of rank 0."""

    def log_metrics(self, metrics: Mapping[str, object]) -> None:
        """Report numbers (or anything that prints) by name, as often as wanted; each rank for itself.

        Raises TypeError where it is no mapping.
        """
        if not isinstance(metrics, Mapping):
            raise TypeError(f"log_metrics() takes a dictionary of metrics, not a {type(metrics).__name__}")
        plain = {str(name): _plain(value) for name, value in metrics.items()}
        self.latest.update(plain)
        # Where there are several workers, the log's lines are marked with theirs already.
        sys.stdout.write(f"metrics  {'  '.join(f'{name} {_displayed(value)}' for name, value in plain.items())}\n")
        sys.stdout.flush()
        # An event's metrics are numbers: what a curve can be drawn of.
        numbers = {name: value for name, value in plain.items() if type(value) in (int, float)}
        if numbers:
            events.emit("metrics", source=f"rank {self._rank}", metrics=numbers)


def _plain(value: object) -> object:
    """A tensor or NumPy value as Python's own: it leaves this process, and none of torch's memory goes along."""
    if hasattr(value, "tolist"):
        return value.tolist()
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value if value is None or isinstance(value, (bool, int, float, str)) else str(value)


def _displayed(value: object) -> str:
    if isinstance(value, float) and math.isfinite(value):
        return f"{value:.6g}"
    text = str(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
