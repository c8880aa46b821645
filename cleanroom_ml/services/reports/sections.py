"""The parts of a report's page, each from what was gathered; what is absent says why."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import datetime

from cleanroom_ml.services.absent import Absent
from cleanroom_ml.services.jobs import JobStatus
from cleanroom_ml.services.progress import Chart, Progress, Search
from cleanroom_ml.services.reports.bars import bar_chart
from cleanroom_ml.services.reports.gathered import Approval, Log, Report, Result
from cleanroom_ml.services.reports.lines import Axis, Line, line_chart
from cleanroom_ml.services.reports.markup import Markup, join, short, tag
from cleanroom_ml.services.reports.parallel import parallel_coordinates
from cleanroom_ml.services.reports.scales import duration, number, padded, size, ticks

MOST_CHARTS = 24
MOST_CURVES = 6
MOST_ROWS = 200


def absent(what: str, reason: Absent) -> Markup:
    """A card that says why something is not shown."""
    return tag("p", f"{what} cannot be shown: {reason.why}.", class_="card absent")


def tiles(report: Report) -> Markup:
    """The few numbers that people look for first."""
    found = [*_times(report.status), *_most_used(report)]
    if isinstance(report.progress, Progress):
        found += _reached(report.progress)
    displayed = (
        tag("div", tag("span", label, class_="label"), tag("b", value), tag("span", note), class_="card tile")
        for label, value, note in found
    )
    return tag("div", *displayed, class_="tiles")


def training(progress: Progress) -> Markup:
    """A chart a metric, the training's and the evaluation's curves in it."""
    charts = [_curves(chart, progress.search) for chart in progress.charts[:MOST_CHARTS]]
    left = len(progress.charts) - MOST_CHARTS
    more = tag("p", f"and {left:,} more metrics", class_="quiet") if left > 0 else join()
    return join(tag("h2", "Training"), tag("div", *charts, class_="charts"), more) if charts else join()


def tuning(search: Search) -> Markup:
    """The trials as a picture and as a table, the best first."""
    best = search.best
    reported = f"{len(search.trials):,} of {search.total:,} trials"
    failed = sum(trial.state == "failed" for trial in search.trials)
    if failed:
        reported += f", {failed:,} failed"
    if best is not None and search.metric is not None:
        goal = "smallest" if search.mode == "min" else "largest"
        reported += (
            f"; the {goal} {short(search.metric, 60)} is {number(search.value(best) or 0.0)}, of trial {best.number}"
        )
    reported += ". The stronger a line's colour, the better"
    return join(
        tag("h2", "Trials"),
        tag("div", tag("p", f"{reported}.", class_="quiet"), parallel_coordinates(search), class_="card"),
        tag("div", _trial_table(search), class_="card scroll gap"),
    )


def importance(progress: Progress) -> Markup:
    """What the models make most of."""
    charts = [bar_chart(f"Importance · {trainer}", values) for trainer, values in progress.importances[:4] if values]
    return join(tag("h2", "Features"), tag("div", *charts, class_="charts")) if charts else join()


def facts(status: JobStatus) -> Markup:
    """What ran where; all that the target tells, the best known first."""
    reported = {key: value for key, value in status.details.items() if value not in (None, "", "none", [], {})}
    known = [(label, reported.pop(key)) for key, label in _LABELS.items() if key in reported]
    for key in (*_ELSEWHERE, *_TIMES):
        reported.pop(key, None)
    rest = [(key.replace("_", " "), value) for key, value in reported.items()]
    times = [(key.removesuffix("_on"), _moment(status.details.get(key))) for key in _TIMES if status.details.get(key)]
    return tag("div", _list([*known, *rest, *times]), class_="card")


def approval(found: Approval | Absent, status: JobStatus) -> Markup:
    """Under which approval it ran, and who gave it."""
    if isinstance(found, Absent):
        digest = status.details.get("approval_digest")
        return join(
            *([tag("div", _list([("digest", digest)]), class_="card")] if digest else []), absent("The approval", found)
        )
    rows = [
        (decision.collaborator, decision.decision, _moment(decision.decided_on), decision.reason)
        for decision in found.decisions
    ]
    table = _table(("who", "decision", "when", "reason"), rows)
    head = _list([("approval digest", found.digest), ("asked by", found.requester), ("request", found.request_id)])
    return tag("div", head, tag("div", table, class_="scroll gap"), class_="card")


def result(found: Result | Absent) -> Markup:
    """What the script returned."""
    if isinstance(found, Absent):
        return absent("The result", found)
    displayed = json.dumps(found.value, indent=2, ensure_ascii=False)
    return tag("pre", displayed, class_="card")


def log(found: Log | Absent) -> Markup:
    """The last lines of the log."""
    if isinstance(found, Absent):
        return absent("The log", found)
    if not found.lines:
        return tag("p", "The script has printed nothing.", class_="card absent")
    left = found.lines - len(found.last_lines)
    more = tag("p", f"{left:,} lines before these: cleanroom-ml logs", class_="quiet") if left else join()
    return join(more, tag("pre", "\n".join(found.last_lines), class_="card"))


def dropped(progress: Progress) -> Markup:
    """That not all events were kept, where it is so."""
    if not progress.dropped:
        return join()
    return tag("p", f"{progress.dropped:,} events of the script were left out: too many, or none.", class_="quiet gap")


_LABELS = {
    "job_name": "job",
    "template_id": "template",
    "code_spec_id": "code spec",
    "collaboration": "collaboration",
    "runner": "runner",
    "pool": "compute pool",
    "family": "instance family",
    "nodes": "nodes",
    "image": "image",
    "image_digest": "image digest",
    "packages": "packages",
    "layer": "dependency layer",
    "dependency_lock": "dependency lock",
    "isolation": "isolation",
    "memory_enforced_by": "memory limited by",
    "exit_code": "exit code",
}
_TIMES = ("created_on", "started_on", "ended_on")
_ELSEWHERE = ("job_id", "status", "reason", "message", "approval_digest", "peak_memory_bytes")


def _times(status: JobStatus) -> list[tuple[str, str, str]]:
    created, started, ended = (_time(status.details.get(key)) for key in _TIMES)
    found = []
    if started is not None and ended is not None:
        found.append(("ran for", duration((ended - started).total_seconds()), f"until {ended:%H:%M:%S} UTC"))
    elif started is not None:
        found.append(("running since", f"{started:%H:%M:%S}", "UTC"))
    if created is not None and started is not None:
        found.append(("waited", duration((started - created).total_seconds()), f"since {created:%H:%M:%S} UTC"))
    elif created is not None:
        found.append(("submitted", f"{created:%H:%M:%S}", "UTC"))
    return found


def _most_used(report: Report) -> list[tuple[str, str, str]]:
    found = []
    usage = report.usage
    limit = None if isinstance(usage, Absent) else usage.memory_limit_bytes
    points = () if isinstance(usage, Absent) else usage.points
    peak = max([point.memory_bytes for point in points], default=0)
    if peak:
        found.append(("most memory", size(peak), f"{100 * peak / limit:.0f} % of {size(limit)}" if limit else ""))
    if len(points) > 1 and points[-1].t > points[0].t and not isinstance(usage, Absent):
        cores = (points[-1].cpu_seconds - points[0].cpu_seconds) / (points[-1].t - points[0].t)
        found.append(("cores in use", number(round(cores, 2)), f"of {usage.cpus} on average" if usage.cpus else ""))
    return found


def _reached(progress: Progress) -> list[tuple[str, str, str]]:
    search = progress.search
    if search is not None:
        best = search.best
        if best is None or search.metric is None:
            return []
        note = f"trial {best.number} of {search.total:,}"
        return [(f"best {short(search.metric, 40)}", number(search.value(best) or 0.0), note)]
    for chart in progress.charts:
        curve = next((curve for curve in chart.curves if not curve.side.lower().startswith("train")), None)
        if curve is not None and curve.points:
            at, value = curve.points[-1]
            return [(short(f"{curve.side} {chart.metric}".strip(), 40), number(value), f"after {number(at)} rounds")]
    return []


def _curves(chart: Chart, search: Search | None) -> Markup:
    best = search.best.number if search is not None and search.best is not None else None
    curves = [curve for curve in chart.curves if curve.points]
    trials = len({curve.trial for curve in curves}) > 1
    ahead = curves
    if len(curves) > MOST_CURVES:
        # The best trial's, and what was trained outside of trials; of a trainer that began again and again, its last.
        front = [curve for curve in curves if curve.trial in (best, None)] or curves
        runs = {curve.trial: curve.run for curve in front}
        ahead = [curve for curve in front if curve.run == runs[curve.trial]][-MOST_CURVES:]
    # The crowd first: what is drawn later lies in front.
    lines = [Line("", curve.points) for curve in curves if curve not in ahead]
    for index, curve in enumerate(ahead):
        name = curve.side or chart.metric
        if trials and curve.trial is not None:
            name += f", trial {curve.trial}" + (" (best)" if curve.trial == best else "")
        if any(other.run > 1 for other in curves):
            name += f", run {curve.run}"
        lines.append(Line(name, curve.points, index, dashed=curve.side.lower().startswith("train")))
    places = [at for line in lines for at, _ in line.points]
    low, high = padded([value for line in lines for _, value in line.points])
    across = Axis(min(places), max(places), _whole(ticks(min(places), max(places), 6)), name="round")
    return line_chart(f"{chart.metric} · {chart.source}", lines, across, Axis(low, high, ticks(low, high)))


def _whole(places: Iterable[float]) -> list[float]:
    return [place for place in places if place == int(place)]


def _trial_table(search: Search) -> Markup:
    params = list(dict.fromkeys(name for trial in search.trials for name in trial.params))[:12]
    metric = search.metric or "metric"
    worst = float("inf")
    sign = 1 if search.mode == "min" else -1
    rows, best = [], search.best
    order = sorted(search.trials, key=lambda trial: worst if (value := search.value(trial)) is None else sign * value)
    for trial in order[:MOST_ROWS]:
        value = search.value(trial)
        reached = number(value) if value is not None else f"failed {short(trial.error, 120)}".strip()
        cells = [
            tag("td", f"{trial.number:,}"),
            tag("td", reached, class_=None if value is not None else "bad"),
            *(tag("td", short(_cell(trial.params.get(name)), 60)) for name in params),
            tag("td", "" if trial.seconds is None else duration(max(0.0, trial.seconds))),
        ]
        rows.append(tag("tr", *cells, class_="best" if trial is best else None))
    head = tag("tr", *(tag("th", short(name, 40)) for name in ("trial", metric, *params, "took")))
    return tag("table", tag("thead", head), tag("tbody", *rows))


def _table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> Markup:
    cells = (tag("tr", *(tag("td", _cell(cell)) for cell in row)) for row in rows)
    return tag("table", tag("thead", tag("tr", *(tag("th", name) for name in head))), tag("tbody", *cells))


def _list(items: Iterable[tuple[str, object]]) -> Markup:
    return tag("dl", *(join(tag("dt", short(name, 60)), tag("dd", short(_cell(value), 2000))) for name, value in items))


def _cell(value: object) -> str:
    match value:
        case None:
            return ""
        case bool():
            return str(value).lower()
        case float():
            return number(value)
        case str() | int():
            return str(value)
        case list() if all(isinstance(item, str | int) for item in value):
            return ", ".join(map(str, value))
        case dict() if all(isinstance(item, str | int) for item in value.values()):
            return ", ".join(f"{name} {item}" for name, item in value.items())
    return json.dumps(value, ensure_ascii=False)


def _time(value: object) -> datetime | None:
    try:
        return datetime.fromisoformat(str(value)) if value else None
    except ValueError:
        return None


def _moment(value: object) -> str:
    """A time to the second, in UTC as it was told."""
    moment = _time(value)
    return str(value or "") if moment is None else f"{moment:%Y-%m-%d %H:%M:%S} UTC"
