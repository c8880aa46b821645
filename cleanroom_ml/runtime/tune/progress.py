"""What a search says while it runs: a line a trial in the job's log, and an event beside it."""

from __future__ import annotations

import sys
import time
from typing import TypeGuard

from .. import events
from .config import TunerConfig
from .messages import Outcome
from .results import better

_LONGEST_REASON = 300


class Progress:
    """The story of one search, told as its trials end."""

    def __init__(self, total: int, config: TunerConfig) -> None:
        self.total = total
        self.config = config
        self.best: Outcome | None = None
        self.failed = 0
        self._traced = False
        self.began = time.monotonic()

    def ended(self, outcome: Outcome) -> bool:
        """Tell of one trial. Whether it is the best so far."""
        is_best = not outcome.failed and better(outcome, self.best)
        if is_best:
            self.best = outcome
        if outcome.failed:
            self.failed += 1
        _say(self._line(outcome))
        if outcome.trace and not self._traced:
            self._traced = True
            _say(outcome.trace.rstrip())
        self._emit(outcome)
        return is_best

    def over(self) -> None:
        """Tell how the search went."""
        seconds = time.monotonic() - self.began
        failed = f", {self.failed} failed" if self.failed else ""
        best = ""
        if self.best is not None:
            params = ", ".join(f"{name}={_number(value)}" for name, value in self.best.params.items())
            best = f"; best: trial {self.best.number + 1}  {self._metric(self.best)}  ({params})"
        _say(f"{self.total} trials in {seconds:.1f} s{failed}{best}")

    def _line(self, outcome: Outcome) -> str:
        head = f"trial {outcome.number + 1}/{self.total}"
        if outcome.failed:
            return f"{head}  failed: {_cut(str(outcome.failure))}  ({outcome.seconds:.1f} s)"
        line = f"{head}  {self._metric(outcome)}  ({outcome.seconds:.1f} s)"
        if outcome.score is None:
            return f"{line}  not a finite number: counts as the worst"
        best = self.best if self.best is not None else outcome
        return f"{line}  best {_number(best.metrics[self.config.metric])}"

    def _metric(self, outcome: Outcome) -> str:
        return f"{self.config.metric} {_number(outcome.metrics[self.config.metric])}"

    def _emit(self, outcome: Outcome) -> None:
        fields: dict[str, object] = {
            "number": outcome.number + 1,
            "total": self.total,
            "state": "failed" if outcome.failed else "done",
            "params": outcome.params,
            "metrics": {name: value for name, value in outcome.metrics.items() if _is_number(value)},
            "seconds": round(outcome.seconds, 3),
            "metric": self.config.metric,
            "mode": self.config.mode,
        }
        if outcome.failed:
            fields["error"] = _cut(str(outcome.failure))
        events.emit("trial", **fields)


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def _number(value: object) -> str:
    if not _is_number(value):
        return _cut(str(value))
    if isinstance(value, int):
        return str(value)
    return f"{value:.4f}" if 1e-3 <= abs(value) < 1e4 or value == 0 else f"{value:.4g}"


def _is_number(value: object) -> TypeGuard[int | float]:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST_REASON else f"{text[: _LONGEST_REASON - 1]}…"
