"""A line chart as SVG: a few lines with their names, many as a crowd with one in front of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from cleanroom_ml.services.reports.markup import Markup, join, short, tag
from cleanroom_ml.services.reports.scales import Scale, number

WIDTH, HEIGHT = 480, 230
_LEFT, _RIGHT, _TOP, _BOTTOM = 56, 14, 12, 34
_MOST_POINTS = 400
_FEW, _VERY_FEW = 60, 30
COLOURS = 6
"""Classes `c0` … of the style sheet; further lines begin again."""

Points = Sequence[tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Line:
    """A line: its name for the legend (empty: one of the crowd), points from left to right, the colour's number."""

    name: str
    points: Points
    colour: int = 0
    filled: bool = False
    dashed: bool = False


@dataclass(frozen=True, slots=True)
class Axis:
    """One side of the chart: its extent, where its ticks are, and how their values are told."""

    low: float
    high: float
    ticks: Sequence[float]
    reported: Callable[[float], str] = number
    name: str = ""


def line_chart(
    title: str, lines: Sequence[Line], across: Axis, up: Axis, limit: tuple[float, str] | None = None
) -> Markup:
    """The chart with its title and legend; `limit` is a value that is drawn as a line of its own, with its name."""
    x = Scale(across.low, across.high, _LEFT, WIDTH - _RIGHT)
    y = Scale(up.low, up.high, HEIGHT - _BOTTOM, _TOP)
    inside = [_grid(across, up, x, y)]
    inside += [_line(line, x, y, across, up) for line in lines]
    if limit is not None:
        inside.append(_limit(*limit, y(limit[0])))
    named = [line for line in lines if line.name]
    legend = tag("p", *(join(_swatch(line), tag("span", short(line.name, 40))) for line in named), class_="legend")
    drawing = tag(
        "svg", *inside, viewBox=f"0 0 {WIDTH} {HEIGHT}", role="img", aria_label=short(title, 200), class_="chart"
    )
    return tag(
        "figure",
        tag("figcaption", short(title, 80)),
        legend if named and len(lines) > 1 else join(),
        drawing,
        class_="card",
    )


def thinned(points: Points) -> Points:
    """At most so many points as a chart has room for; the first and the last are always among them."""
    if len(points) <= _MOST_POINTS:
        return points
    step = (len(points) - 1) / (_MOST_POINTS - 1)
    return [points[round(index * step)] for index in range(_MOST_POINTS)]


def _grid(across: Axis, up: Axis, x: Scale, y: Scale) -> Markup:
    parts: list[str] = []
    for value in up.ticks:
        parts.append(tag("line", x1=_LEFT, x2=WIDTH - _RIGHT, y1=y(value), y2=y(value), class_="grid"))
        parts.append(tag("text", up.reported(value), x=_LEFT - 7, y=y(value) + 4, text_anchor="end"))
    base = HEIGHT - _BOTTOM
    parts.append(tag("line", x1=_LEFT, x2=WIDTH - _RIGHT, y1=base, y2=base, class_="axis"))
    for value in across.ticks:
        parts.append(tag("line", x1=x(value), x2=x(value), y1=base, y2=base + 4, class_="axis"))
        parts.append(tag("text", across.reported(value), x=x(value), y=base + 16, text_anchor=_anchor(x(value))))
    if across.name:
        parts.append(tag("text", across.name, x=WIDTH - _RIGHT, y=HEIGHT - 4, text_anchor="end", class_="name"))
    return join(*parts)


def _anchor(place: float) -> str:
    """Words near an edge stay inside of it."""
    return "end" if place > WIDTH - _RIGHT - 14 else "middle"


def _line(line: Line, x: Scale, y: Scale, across: Axis, up: Axis) -> Markup:
    points = thinned(line.points)
    places = [(x(at), y(value)) for at, value in points]
    colour = f"c{line.colour % COLOURS}" if line.name else "crowd"
    path = " ".join(f"{left:.1f},{top:.1f}" for left, top in places)
    parts: list[str] = []
    if line.filled and len(places) > 1:
        base = HEIGHT - _BOTTOM
        area = f"{places[0][0]:.1f},{base} {path} {places[-1][0]:.1f},{base}"
        parts.append(tag("polygon", points=area, class_=f"area {colour}"))
    dashes = "5 4" if line.dashed else None
    parts.append(tag("polyline", points=path, class_=f"line {colour}", stroke_dasharray=dashes))
    if line.name:
        parts += _spots(line, points, places, colour, across, up)
    return tag("g", *parts)


def _spots(
    line: Line, points: Points, places: Sequence[tuple[float, float]], colour: str, across: Axis, up: Axis
) -> list[Markup]:
    """The last point, and where there are few, every point: seen where they are very few, else under the mouse."""
    found = []
    first = 0 if len(points) <= _FEW else len(points) - 1
    for (at, value), (left, top) in list(zip(points, places, strict=True))[first:]:
        reported = tag("title", f"{line.name}: {up.reported(value)} ({across.name or 'at'} {across.reported(at)})")
        last = (left, top) == places[-1]
        seen = last or (len(points) <= _VERY_FEW and not line.dashed)
        radius = 3 if last else 2 if seen else 5
        found.append(tag("circle", reported, cx=left, cy=top, r=radius, class_=f"{'dot' if seen else 'spot'} {colour}"))
    return found


def _limit(value: float, name: str, top: float) -> Markup:
    line = tag("line", x1=_LEFT, x2=WIDTH - _RIGHT, y1=top, y2=top, class_="limit")
    return join(line, tag("text", name, x=WIDTH - _RIGHT - 2, y=top - 5, text_anchor="end", class_="limit-name"))


def _swatch(line: Line) -> Markup:
    mark = tag(
        "line",
        x1=0,
        x2=18,
        y1=5,
        y2=5,
        class_=f"line c{line.colour % COLOURS}",
        stroke_dasharray="5 4" if line.dashed else None,
    )
    return tag("svg", mark, viewBox="0 0 18 10", class_="swatch", aria_hidden="true")
