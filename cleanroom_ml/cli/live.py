"""A running job in a few lines for a terminal, and what has changed in plain words where there is none.

Pure: from what was seen to text. Everything of the script's own is made harmless where it is drawn (render.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    from cleanroom_ml.services.jobs import JobStatus
    from cleanroom_ml.services.progress import Chart, Progress, Search
    from cleanroom_ml.services.telemetry import JobUsage
    from cleanroom_ml.services.watch import Moment

Look = Literal["", "bold", "dim", "good", "bad", "best"]

_BLOCKS = "▁▂▃▄▅▆▇█"
_BAR, _NAMES, _CURVE = 24, 16, 32
_MOST_CURVES = 4


class Piece(NamedTuple):
    """Some text and how it looks."""

    text: str
    look: Look = ""


Line = tuple[Piece, ...]


def picture(moment: Moment, *, log_lines: int, now: datetime | None = None) -> list[Line]:
    """The job as lines, the most important first, the end of its log last."""
    from cleanroom_ml.services.progress import Progress

    lines = [_head(moment.status, now or datetime.now(UTC))]
    if moment.waits:
        lines.append((Piece(f"  {moment.waits}", "dim"),))
    lines += _usage(moment)
    if isinstance(moment.progress, Progress):
        lines += _progress(moment.progress)
    if not isinstance(moment.log, str):
        lines.append((Piece(f"no log: {moment.log.why}", "dim"),))
    elif moment.log.strip() and log_lines > 0:
        lines.append((Piece("log", "dim"),))
        last = moment.log.rstrip("\n").split("\n")[-log_lines:]
        lines += [(Piece(f"  {line.rpartition(chr(13))[2]}", "dim"),) for line in last]
    return lines


def changes(before: Moment | None, after: Moment) -> list[str]:
    """What is new since a look before, a line each: the status, steps, trials, every tenth of the rounds."""
    from cleanroom_ml.services.progress import Progress
    from cleanroom_ml.services.reports.scales import duration, number

    lines = []
    changed = before is None or (before.status.status, before.waits) != (after.status.status, after.waits)
    if changed:
        lines.append(f"status: {after.status.status}" + (f"; {after.waits}" if after.waits else ""))
    if not isinstance(after.progress, Progress):
        return lines
    known = before.progress if before is not None and isinstance(before.progress, Progress) else Progress()
    now = after.progress
    for stage in now.stages[len(known.stages) :]:
        took = f"  {duration(float(stage['seconds']))}" if "seconds" in stage else ""
        lines.append(f"{stage['name']}{took}")
    if now.search is not None:
        seen = {trial.number for trial in known.search.trials} if known.search is not None else set()
        fresh = [trial for trial in now.search.trials if trial.number not in seen]
        for trial in fresh:
            value = now.search.value(trial)
            reached = trial.state if value is None else f"{now.search.metric} {number(value)}"
            best = _best_words(now.search) if trial is fresh[-1] else ""
            lines.append(f"trial {trial.number}/{now.search.total}  {reached}{best}")
    if now.step is not None and _tenth(now) != _tenth(known):
        metrics = "  ".join(f"{name} {number(value)}" for name, value in list(now.step.metrics.items())[:4])
        lines.append(f"{now.step.source}: round {_of_total(now.step.iteration, now.step.total)}  {metrics}")
    return lines


def bar(part: float, width: int = _BAR) -> str:
    """How full something is, from 0 to 1."""
    full = round(min(1.0, max(0.0, part)) * width)
    return "█" * full + "░" * (width - full)


def sparkline(values: Sequence[float], width: int = _CURVE) -> str:
    """A curve of one line's height; of more values than fit, the latest of each piece."""
    if len(values) > width:
        values = [values[(index + 1) * len(values) // width - 1] for index in range(width)]
    low, high = min(values), max(values)
    if high == low:
        return _BLOCKS[3] * len(values)
    top = len(_BLOCKS) - 1
    return "".join(_BLOCKS[round((value / 2 - low / 2) / (high / 2 - low / 2) * top)] for value in values)


def _head(status: JobStatus, now: datetime) -> Line:
    from cleanroom_ml.services.reports.scales import duration

    looks: dict[str, Look] = {"DONE": "good", "FAILED": "bad", "CANCELLED": "bad"}
    name = f"{status.details['job_name']}  " if status.details.get("job_name") else ""
    begun, ended = (status.details.get(key) for key in ("started_on", "ended_on"))
    since = begun or status.details.get("created_on")
    took = ""
    if since:
        until = datetime.fromisoformat(str(ended)) if ended else now
        seconds = max(0.0, (until - datetime.fromisoformat(str(since))).total_seconds())
        took = ("" if begun else "waiting ") + duration(float(int(seconds)))
    return (
        Piece(f"{name}{status.job_id}  ", "bold"),
        Piece(f"{status.status}  ", looks.get(status.status, "best")),
        Piece(took),
    )


def _usage(moment: Moment) -> list[Line]:
    from cleanroom_ml.services.absent import Absent
    from cleanroom_ml.services.reports.scales import size

    usage = moment.usage
    if isinstance(usage, Absent) or not usage.points:
        return []
    memory, limit = usage.points[-1].memory_bytes, usage.memory_limit_bytes
    peak = max(point.memory_bytes for point in usage.points)
    look: Look = "bad" if limit and memory > 0.9 * limit else ""
    full = bar(memory / limit) if limit else ""
    of = f" of {size(limit)}" if limit else ""
    lines: list[Line] = [(_name("memory"), Piece(full, look), Piece(f"  {size(memory)}{of}, at most {size(peak)}"))]
    return lines + _cores(usage)


def _cores(usage: JobUsage) -> list[Line]:
    if len(usage.points) < 2:
        return []
    before, after = usage.points[-2:]
    if after.t <= before.t:
        return []
    cores = max(0.0, after.cpu_seconds - before.cpu_seconds) / (after.t - before.t)
    full = bar(cores / usage.cpus) if usage.cpus else ""
    return [(_name("cores"), Piece(full), Piece(f"  {cores:.1f}" + (f" of {usage.cpus}" if usage.cpus else "")))]


def _progress(progress: Progress) -> list[Line]:
    lines: list[Line] = []
    step, search = progress.step, progress.search
    if step is not None and step.total:
        done = min(step.iteration + 1, step.total)
        lines.append(
            (_name("round"), Piece(bar(done / step.total)), Piece(f"  {_of_total(step.iteration, step.total)}"))
        )
    for chart in progress.charts:
        lines += _curves(chart)
    lines = lines[: _MOST_CURVES + 1]
    if search is not None:
        ended = len(search.trials)
        reported = f"  {ended}/{search.total}"
        best = Piece(_best_words(search), "best")
        lines.append((_name("trials"), Piece(bar(ended / max(1, search.total))), Piece(reported), best))
    return lines


def _curves(chart: Chart) -> list[Line]:
    from cleanroom_ml.services.reports.scales import number

    lines: list[Line] = []
    last = chart.curves[-1]
    for curve in [curve for curve in chart.curves if (curve.trial, curve.run) == (last.trial, last.run)][-2:]:
        values = [value for _, value in curve.points]
        name = f"{curve.side}-{chart.metric}" if curve.side else chart.metric
        lines.append((_name(name), Piece(f"{sparkline(values):<{_CURVE}}", "good"), Piece(f"  {number(values[-1])}")))
    return lines


def _best_words(search: Search) -> str:
    from cleanroom_ml.services.reports.scales import number

    best = search.best
    value = None if best is None else search.value(best)
    return "" if best is None or value is None else f"  best {search.metric} {number(value)} (trial {best.number})"


def _of_total(iteration: int, total: int) -> str:
    return f"{min(iteration + 1, total)}/{total}" if total else f"{iteration + 1}"


def _tenth(progress: Progress) -> tuple[str, int]:
    step = progress.step
    if step is None:
        return "", -1
    return step.source, (step.iteration + 1) * 10 // step.total if step.total else step.iteration // 10


def _name(text: str) -> Piece:
    displayed = text if len(text) < _NAMES else text[: _NAMES - 2] + "…"
    return Piece(f"  {displayed:<{_NAMES}}", "dim")
