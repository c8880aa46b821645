"""A job's events put together: curves that belong into one chart, trials and the best of them, importances.

Names and texts in it are the script's own: whoever shows them makes them harmless.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from cleanroom_ml.json_values import Document

Event = Document
"""A line that `engine/jobs/event_shapes.py` has checked."""

_SIDES = re.compile(r"(train(?:ing)?|eval(?:uation)?|val(?:id(?:ation)?)?(?:_\d+)?|test)[-_/ .:](.+)", re.IGNORECASE)
_LESS_IS_BETTER = re.compile(r"loss|err|mae|mse|rmse|mape|deviance|perplexity", re.IGNORECASE)
REPORTED = "reported"
_STEPS = ("iteration", "epoch", "step", "round")


@dataclass(frozen=True, slots=True)
class Curve:
    """One line: which data it is of (`train`, `eval`, …), of which trial if of one, and its points in order.

    A trainer that begins again at its first round is in its next `run`.
    """

    side: str
    trial: int | None
    run: int
    points: tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class Chart:
    """The curves of one metric of one trainer; or of everybody who reported it, with their names as sides."""

    source: str
    metric: str
    curves: tuple[Curve, ...]


@dataclass(frozen=True, slots=True)
class Trial:
    """One try of a search; `state` is `done` or `failed`."""

    number: int
    state: str
    params: Mapping[str, object]
    metrics: Mapping[str, float]
    seconds: float | None
    error: str


@dataclass(frozen=True, slots=True)
class Search:
    """The trials so far. `metric` is what the search is for, `mode` whether `max` or `min` of it is best."""

    trials: tuple[Trial, ...]
    total: int
    metric: str | None
    mode: str

    def value(self, trial: Trial) -> float | None:
        """What a trial reached."""
        return trial.metrics.get(self.metric) if self.metric is not None and trial.state == "done" else None

    @property
    def best(self) -> Trial | None:
        """The best trial so far; the earlier of two that are equal."""
        done = [(value, trial) for trial in self.trials if (value := self.value(trial)) is not None]
        if not done:
            return None
        sign = -1 if self.mode == "min" else 1
        return max(done, key=lambda pair: sign * pair[0])[1]


@dataclass(frozen=True, slots=True)
class Step:
    """The last round that was told: `iteration` of `total` (0: unknown)."""

    source: str
    iteration: int
    total: int
    metrics: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Progress:
    """Everything that the events of a job say. `dropped` counts what was left out as too much, or as no event."""

    charts: tuple[Chart, ...] = ()
    search: Search | None = None
    importances: tuple[tuple[str, tuple[tuple[str, float], ...]], ...] = ()
    stages: tuple[Event, ...] = ()
    nodes: tuple[Event, ...] = ()
    step: Step | None = None
    dropped: int = 0

    @classmethod
    def of(cls, events: Iterable[Event]) -> Progress:
        """Put events together, in the order in which they came."""
        found = list(events)
        kinds: dict[str, list[Event]] = {}
        for event in found:
            kinds.setdefault(str(event["kind"]), []).append(event)
        curved = [event for event in found if event["kind"] in ("round", "metrics")]
        importances = {str(event["trainer"]): _largest_first(event["values"]) for event in kinds.get("importance", ())}
        return cls(
            charts=_charts(curved),
            search=_search(kinds.get("trial", [])),
            importances=tuple(importances.items()),
            stages=tuple(kinds.get("stage", ())),
            nodes=tuple(kinds["nodes"][-1]["nodes"]) if "nodes" in kinds else (),
            step=_step(curved[-1]) if curved else None,
            dropped=sum(int(event["count"]) for event in kinds.get("dropped", ())),
        )


def side_and_metric(name: str) -> tuple[str, str]:
    """Which data a metric is of, and which metric it is: `eval-auc` → (`eval`, `auc`), `loss` → (``, `loss`)."""
    named = _SIDES.fullmatch(name)
    if named is not None:
        return named[1], named[2]
    side, dash, metric = name.partition("-")  # XGBoost's own: <name of the evaluation set>-<metric>
    return (side, metric) if dash and side and metric else ("", name)


def less_is_better(metric: str) -> bool:
    """A guess by the metric's name, for where nobody has said."""
    return _LESS_IS_BETTER.search(metric) is not None


def _charts(events: list[Event]) -> tuple[Chart, ...]:
    points: dict[tuple[str, str], dict[tuple[str, int | None, int], list[tuple[float, float]]]] = {}
    counted: dict[tuple[str, int | None], int] = {}
    runs: dict[tuple[str, int | None], tuple[int, float]] = {}
    for event in events:
        who = (_source(event), event.get("trial"))
        metrics = dict(event["metrics"])
        at = event.get("iteration")
        if at is None:
            counted[who] = counted.get(who, 0) + 1
            at = next((metrics.pop(step) for step in _STEPS if step in metrics), counted[who])
        run, before = runs.get(who, (1, -math.inf))
        # The same place again: a second report of the same step, as the validation's after the training's.
        runs[who] = (run + (at < before), at)
        for name, value in metrics.items():
            side, metric = side_and_metric(name)
            source = who[0]
            if event["kind"] == "metrics":  # several workers report the same: their curves belong together
                source, side = REPORTED, f"{source} {side}".strip()
            curves = points.setdefault((source, metric), {})
            curves.setdefault((side, who[1], runs[who][0]), []).append((at, value))
    return tuple(
        Chart(source, metric, tuple(Curve(*of, tuple(line)) for of, line in curves.items()))
        for (source, metric), curves in points.items()
    )


def _search(events: list[Event]) -> Search | None:
    if not events:
        return None
    by_number = {int(event["number"]): _trial(event) for event in events}
    trials = tuple(sorted(by_number.values(), key=lambda trial: trial.number))
    names = [name for trial in trials for name in trial.metrics]
    metric = next((str(event["metric"]) for event in events if "metric" in event), next(iter(names), None))
    guess = "min" if metric is not None and less_is_better(metric) else "max"
    mode = next((str(event["mode"]) for event in events if "mode" in event), guess)
    total = max([len(trials), *(int(event.get("total", 0)) for event in events)])
    return Search(trials, total, metric, mode)


def _trial(event: Event) -> Trial:
    seconds = event.get("seconds")
    return Trial(
        int(event["number"]), event["state"], event["params"], event["metrics"], seconds, str(event.get("error", ""))
    )


def _step(event: Event) -> Step:
    iteration, total = int(event.get("iteration", 0)), int(event.get("total", 0))
    return Step(_source(event), iteration, total, event["metrics"])


def _source(event: Event) -> str:
    return str(event.get("trainer", event.get("source", "")))


def _largest_first(values: Mapping[str, float]) -> tuple[tuple[str, float], ...]:
    return tuple(sorted(values.items(), key=lambda item: (-item[1], item[0])))
