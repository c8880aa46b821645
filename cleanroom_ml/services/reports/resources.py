"""Memory and CPU of a job over its life against their limits, and when it waited and ran."""

from __future__ import annotations

from itertools import pairwise

from cleanroom_ml.services.reports.lines import Axis, Line, line_chart
from cleanroom_ml.services.reports.markup import Markup, tag
from cleanroom_ml.services.reports.scales import byte_ticks, duration, number, size, ticks, time_ticks
from cleanroom_ml.services.telemetry import JobUsage

_IN_SIGHT = 0.2
"""A limit is drawn where at least this part of it was used; else it would press the curve flat, and is only named."""


def resource_charts(usage: JobUsage) -> Markup:
    """Two charts; a job that ended at once has one point, and is told so."""
    points = usage.points
    if len(points) < 2 or points[-1].t <= points[0].t:
        return tag("p", "It ended before its usage could be measured twice.", class_="card absent")
    begin = points[0].t
    span = points[-1].t - begin
    across = Axis(0.0, span, time_ticks(span), duration, "since its start")
    memory = [(point.t - begin, float(point.memory_bytes)) for point in points]
    cores = [
        ((before.t + after.t) / 2 - begin, max(0.0, after.cpu_seconds - before.cpu_seconds) / (after.t - before.t))
        for before, after in pairwise(points)
        if after.t > before.t
    ]
    return tag(
        "div",
        _chart("Memory", memory, across, usage.memory_limit_bytes, 0, is_memory=True),
        _chart("Cores in use", cores, across, usage.cpus, 2, is_memory=False),
        class_="charts",
    )


def _chart(
    title: str, points: list[tuple[float, float]], across: Axis, limit: int | None, colour: int, *, is_memory: bool
) -> Markup:
    most = max(value for _, value in points)
    seen = limit is not None and most >= limit * _IN_SIGHT
    high = max(most, limit or 0.0) * 1.12 if seen else most * 1.25 or 1.0
    reported = size if is_memory else number
    up = Axis(0.0, high, byte_ticks(high) if is_memory else ticks(0.0, high), reported)
    if limit is not None and not seen:
        title += f" (of {reported(limit)})"
    drawn = (float(limit), f"limit {reported(limit)}") if limit is not None and seen else None
    return line_chart(title, [Line(title.partition(" (")[0], points, colour, filled=True)], across, up, drawn)
