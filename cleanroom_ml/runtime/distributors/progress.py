"""Tells how a boosting goes on: readable lines in the log, and beside them the events that the report draws."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from typing import Final

from .. import events

_LINES: Final = 10
"""About so many lines where `verbose_eval` was not given."""

_EVENTS: Final = 500
_FEATURES: Final = 50
_NAME_LENGTH: Final = 100


def tell(line: str) -> None:
    """A line in the job's log, at once."""
    print(line, flush=True)  # noqa: T201 - what a job prints is its log


class Progress:
    """One training. The worker of rank 0 has one; the others are silent.

    `verbose_eval` means what it means to the libraries: True is a line every round, a number n one every n rounds,
    False or 0 none. None, the default here, is about ten lines in all. The last round has a line either way.
    """

    def __init__(self, trainer: str, rounds: int, verbose_eval: bool | int | None) -> None:
        self._trainer = trainer
        self._rounds = rounds
        if verbose_eval is None:
            self._period = max(1, rounds // _LINES)
        else:
            self._period = int(verbose_eval)
        self._every_event = math.ceil(rounds / _EVENTS) or 1
        self._began = time.monotonic()
        self._last: tuple[int, str, Mapping[str, float]] | None = None
        self._printed = self._emitted = True

    def round(self, iteration: int, text: str, metrics: Mapping[str, float]) -> None:
        """Round `iteration` (from 0) is done. `text`: its metrics as the library prints them, empty without any."""
        self._last = iteration, text, metrics
        self._printed = self._emitted = False
        if self._period and iteration % self._period == 0:
            self._print()
        if iteration % self._every_event == 0:
            self._emit()

    def end(self) -> None:
        """The last round was the last, planned or not."""
        if self._period and not self._printed:
            self._print()
        if not self._emitted:
            self._emit()

    def _print(self) -> None:
        if self._last is None:
            return
        iteration, text, _ = self._last
        if text:
            tell(f"[{iteration}]\t{text}")
        else:
            tell(f"[{iteration}]\tof {self._rounds} rounds  ({time.monotonic() - self._began:.1f} s)")
        self._printed = True

    def _emit(self) -> None:
        if self._last is None:
            return
        iteration, _, metrics = self._last
        events.emit(
            "round", trainer=self._trainer, iteration=iteration, total=self._rounds, metrics=dict(list(metrics.items()))
        )
        self._emitted = True


class Stages:
    """Times the steps of a training: each `done` is an event, and a step of some length a line."""

    def __init__(self, *, silent: bool = False) -> None:
        self._silent = silent
        self._began = time.monotonic()

    def done(self, name: str, **fields: int) -> None:
        """The step that began when the one before it was done."""
        seconds = time.monotonic() - self._began
        self._began = time.monotonic()
        if not self._silent:
            events.emit("stage", name=name, seconds=round(seconds, 3), **fields)


def importance(trainer: str, gains: Mapping[str, float]) -> None:
    """The gain of each feature, the largest only."""
    largest = sorted(gains.items(), key=lambda each: -each[1])[:_FEATURES]
    events.emit("importance", trainer=trainer, values={name[:_NAME_LENGTH]: gain for name, gain in largest if gain > 0})
