"""What happens in a job, as JSON lines beside its log: rounds, trials, metrics, importances.

The file is written by the job's own processes, so whoever reads it (engine/jobs/events.py) treats it as hostile. It is
seen under the same gates as the log. Outside of a job nothing is written.

Every event has `t` (Unix time, seconds) and `kind`; the fields of each kind:

    stage       name, seconds?, rows?, bytes?              a step of a trainer is done (`read`, `bin`, `train`, …)
    round       trainer, iteration, total?, metrics, trial?
                                                           one boosting round, epoch or step, of which trial if of one;
                                                           metrics {name: number}, `train-auc` and `eval-auc` are drawn
                                                           together
    metrics     source, metrics, trial?                    what a script or a worker reported (`log_metrics`)
    trial       number, total?, state, params, metrics, seconds?, error?, metric?, mode?
                                                           a trial of a search ended; state `done` or `failed`; what the
                                                           search is for, and whether `max` or `min` of it is best
    importance  trainer, values                            gain a feature, {name: number}; the largest only
    nodes       nodes                                      the cluster has formed; a list of {address, cpus, memory}
"""

from __future__ import annotations

import json
import math
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from .values import Json

FILE_VARIABLE: Final = "CLEANROOM_ML_EVENTS"
"""Environment variable with the path of the file; unset where there is nobody to read it."""

TRIAL_VARIABLE: Final = "CLEANROOM_ML_TRIAL"
"""Environment variable with the number of the trial that this process works for; unset outside of a search."""

MAX_LINE_BYTES: Final = 16 << 10
"""A longer event is dropped by its reader; trainers keep theirs below it."""


@contextmanager
def of_trial(number: int) -> Iterator[None]:
    """What this process tells meanwhile (rounds, metrics), and the processes that it starts, is of this trial."""
    os.environ[TRIAL_VARIABLE] = str(number)
    try:
        yield
    finally:
        del os.environ[TRIAL_VARIABLE]


def emit(kind: str, **fields: object) -> None:
    """Append one event. Numbers that JSON does not have become null; a file that cannot be written is not the job's
    trouble.
    """
    path = os.environ.get(FILE_VARIABLE)
    if not path:
        return
    trial = os.environ.get(TRIAL_VARIABLE, "")
    if kind in ("round", "metrics") and trial.isdecimal():
        fields = {"trial": int(trial), **fields}
    event = {"t": round(time.time(), 3), "kind": kind, **{name: _plain(value) for name, value in fields.items()}}
    line = json.dumps(event, separators=(",", ":"), ensure_ascii=False).encode("utf-8", "replace") + b"\n"
    try:
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    except OSError:
        return
    try:
        os.write(fd, line)  # one write: lines of several processes do not mix
    finally:
        os.close(fd)


def _plain(value: object) -> Json:
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if value is None or isinstance(value, (str, bool)):
        return value
    try:
        number: Any = value.item() if hasattr(value, "item") else value  # what is none raises below
        if isinstance(number, int):
            return number
        return float(number) if math.isfinite(number) else None
    except (TypeError, ValueError):
        return str(value)
