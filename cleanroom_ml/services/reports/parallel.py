"""Trials in parallel coordinates as SVG: an axis a parameter, the metric last, a line a trial, coloured by it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeGuard

from cleanroom_ml.services.progress import Search, Trial
from cleanroom_ml.services.reports.markup import Markup, join, short, tag
from cleanroom_ml.services.reports.scales import Scale, number

SHADES = 7
"""Classes `q0` (worst) … `q6` (best) of the style sheet."""

MOST_AXES = 9
MOST_LINES = 500
_TOP, _HEIGHT, _BOTTOM, _SIDE, _WIDTH = 36, 210, 30, 60, 980


@dataclass(frozen=True, slots=True)
class _Axis:
    """One column: its name, how a value is placed, and the words at its places."""

    name: str
    places: Mapping[str, float] | Scale
    words: tuple[tuple[str, float], ...]

    def place(self, value: object) -> float | None:
        if isinstance(self.places, Scale):
            return self.places(float(value)) if _is_number(value) else None
        return self.places.get(_word(value))


def parallel_coordinates(search: Search) -> Markup:
    """The chart, wide: a narrow screen scrolls it. Parameters that are the same in every trial have no axis."""
    trials = search.trials[:MOST_LINES]
    axes = [_axis(name, [trial.params[name] for trial in trials if name in trial.params]) for name in _varied(trials)]
    values = [value for trial in trials if (value := search.value(trial)) is not None]
    if values and search.metric is not None:
        axes.append(_axis(search.metric, values))
    between = (_WIDTH - 2 * _SIDE) / max(1, len(axes) - 1)
    columns = [_SIDE + between * index for index in range(len(axes))]
    drawn = [
        _column(axis, left, last=axis is axes[-1] and bool(values)) for axis, left in zip(axes, columns, strict=True)
    ]
    best = search.best
    others = [_trial(trial, search, axes, columns, values) for trial in trials if trial is not best]
    ahead = [_trial(best, search, axes, columns, values, best=True)] if best is not None else []
    drawing = tag(
        "svg",
        *drawn,
        *others,
        *ahead,
        viewBox=f"0 0 {_WIDTH} {_TOP + _HEIGHT + _BOTTOM}",
        role="img",
        aria_label="trials in parallel coordinates",
        class_="chart wide",
    )
    return tag("div", drawing, class_="scroll")


def shade(value: float, values: Sequence[float], mode: str) -> int:
    """Which of the shades a value has among all values: the best has the strongest."""
    low, high = min(values), max(values)
    scale = Scale(low, high, 0.0, SHADES - 0.001) if mode == "max" else Scale(low, high, SHADES - 0.001, 0.0)
    return int(scale(value))


def _varied(trials: Sequence[Trial]) -> list[str]:
    names = dict.fromkeys(name for trial in trials for name in trial.params)
    several = [name for name in names if len({_word(trial.params.get(name)) for trial in trials}) > 1]
    return (several or list(names))[:MOST_AXES]


def _axis(name: str, values: Sequence[object]) -> _Axis:
    bottom = _TOP + _HEIGHT
    numbers = [value for value in values if _is_number(value)]
    if values and len(numbers) == len(values):
        low, high = min(numbers), max(numbers)
        scale = Scale(float(low), float(high), bottom, _TOP, logarithmic=low > 0 and high / low >= 100)
        words = [(number(high), scale(high)), (number(low), scale(low))] if low != high else [(number(low), scale(low))]
        return _Axis(name, scale, tuple(words))
    words_of = sorted({_word(value) for value in values})
    scale = Scale(0, max(1, len(words_of) - 1), bottom, _TOP)
    middle = len(words_of) == 1
    places = {word: (_TOP + _HEIGHT / 2 if middle else scale(index)) for index, word in enumerate(words_of)}
    return _Axis(name, places, tuple(places.items())[:8])


def _column(axis: _Axis, left: float, *, last: bool) -> Markup:
    bottom = _TOP + _HEIGHT
    parts: list[str] = [
        tag("title", axis.name),
        tag("line", x1=left, x2=left, y1=_TOP, y2=bottom, class_="axis"),
        tag(
            "text", short(axis.name, 17), x=left, y=14, text_anchor="middle", class_="strong" if not last else "metric"
        ),
    ]
    for word, place in axis.words:
        below = place >= bottom - 1
        top = place + 15 if below else place - 6 if place <= _TOP + 1 else place + 4
        anchor, at = ("middle", left) if below or place <= _TOP + 1 else ("start", left + 6)
        parts.append(tag("text", short(word, 14), x=at, y=top, text_anchor=anchor, class_="tick"))
    return tag("g", *parts)


def _trial(
    trial: Trial,
    search: Search,
    axes: Sequence[_Axis],
    columns: Sequence[float],
    values: Sequence[float],
    *,
    best: bool = False,
) -> Markup:
    value = search.value(trial)
    points = []
    for axis, left in zip(axes, columns, strict=True):
        given = value if axis is axes[-1] and values else trial.params.get(axis.name)
        place = axis.place(given) if given is not None else None
        if place is not None:
            points.append(f"{left:.1f},{place:.1f}")
    colour = "best" if best else "failed" if value is None else f"q{shade(value, values, search.mode)}"
    params = ", ".join(f"{name} {_word(item)}" for name, item in trial.params.items())
    reached = f"{search.metric} {number(value)}" if value is not None else trial.state
    reported = tag("title", f"trial {trial.number}: {reached} ({short(params, 300)})")
    return tag("polyline", reported, points=" ".join(points), class_=f"trial {colour}") if points else join()


def _is_number(value: object) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _word(value: object) -> str:
    return number(float(value)) if _is_number(value) else str(value)
