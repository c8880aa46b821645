"""Memory and CPU time of a job over its life, as a curve of bounded length beside its log.

It is our own measurement, so it is told like the status: no text of the script is in it.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cleanroom_ml.engine.contracts.plan import Plan
from cleanroom_ml.engine.jobs import files
from cleanroom_ml.engine.sandbox.usage import Usage

MAX_POINTS: Final = 600
FIRST_INTERVAL_SECONDS: Final = 1.0


@dataclass(frozen=True, slots=True)
class Point:
    """`t` is Unix time. `memory_bytes` is the most that was seen since the point before; `cpu_seconds` only grows."""

    t: float
    memory_bytes: int
    cpu_seconds: float

    def line(self) -> bytes:
        """The point as a JSON line."""
        value = {"t": round(self.t, 3), "memory_bytes": self.memory_bytes, "cpu_seconds": round(self.cpu_seconds, 3)}
        return json.dumps(value, separators=(",", ":")).encode("ascii") + b"\n"


class UsageCurve:
    """Written while it grows: a line with the limits, then a line a point. Its one user is the job's supervisor.

    At first a point a second. Whenever there are MAX_POINTS, two become one, and from then on they are twice as far
    apart: a job of any length has 300 to 600.
    """

    def __init__(self, directory: Path, plan: Plan) -> None:
        self._path = directory / files.USAGE
        head = {"memory_limit_bytes": plan.bounds.memory_bytes, "cpus": plan.bounds.cpus, "nodes": plan.request.nodes}
        self._head = json.dumps(head, separators=(",", ":")).encode("ascii") + b"\n"
        self._points: list[Point] = []
        self._interval = FIRST_INTERVAL_SECONDS
        self._waiting: Point | None = None

    def note(self, usage: Usage, *, now: float | None = None) -> None:
        """Count a sample; it makes a point where the time for one has come."""
        now = time.time() if now is None else now
        # The sum over living processes loses those that nobody waited for; the curve never goes down.
        before = self._waiting or Point(now, 0, self._points[-1].cpu_seconds if self._points else 0.0)
        sample = Point(now, max(before.memory_bytes, usage.memory_bytes), max(before.cpu_seconds, usage.cpu_seconds))
        if self._points and now < self._points[-1].t + self._interval:
            self._waiting = sample
        else:
            self._add(sample)

    def finish(self) -> None:
        """Make a point of what was seen since the last one."""
        if self._waiting is not None:
            self._add(self._waiting)

    def _add(self, point: Point) -> None:
        self._waiting = None
        self._points.append(point)
        if len(self._points) < MAX_POINTS:
            files.append(self._path, self._head + point.line() if len(self._points) == 1 else point.line())
            return
        self._interval *= 2
        self._points = [
            Point(second.t, max(first.memory_bytes, second.memory_bytes), second.cpu_seconds)
            for first, second in zip(self._points[::2], self._points[1::2], strict=True)
        ]
        files.write_atomically(self._path, self._head + b"".join(point.line() for point in self._points))


def read(directory: Path) -> dict[str, object]:
    """The limits of a job and its points; no points, and no limits, where it never ran."""
    lines = [json.loads(line) for line in files.whole_lines(directory / files.USAGE).splitlines()]
    return {**lines[0], "points": lines[1:]} if lines else {"points": []}
