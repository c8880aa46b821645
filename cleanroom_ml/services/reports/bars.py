"""Horizontal bars as SVG: the most important features, largest first."""

from __future__ import annotations

from collections.abc import Sequence

from cleanroom_ml.services.reports.markup import Markup, join, short, tag
from cleanroom_ml.services.reports.scales import Scale, number

MOST = 20
_WIDTH, _ROW, _NAMES, _VALUES = 480, 22, 170, 62


def bar_chart(title: str, values: Sequence[tuple[str, float]]) -> Markup:
    """The largest of the values with their names; says how many are not drawn."""
    drawn = values[:MOST]
    x = Scale(0.0, max([value for _, value in drawn] + [0.0]) or 1.0, _NAMES, _WIDTH - _VALUES)
    rows = [_row(index, name, value, x) for index, (name, value) in enumerate(drawn)]
    left = len(values) - len(drawn)
    more = tag("p", f"and {left:,} smaller", class_="quiet") if left else join()
    drawing = tag(
        "svg",
        *rows,
        viewBox=f"0 0 {_WIDTH} {_ROW * max(1, len(rows)) + 4}",
        role="img",
        aria_label=short(title, 200),
        class_="chart",
    )
    return tag("figure", tag("figcaption", short(title, 80)), drawing, more, class_="card")


def _row(index: int, name: str, value: float, x: Scale) -> Markup:
    top = index * _ROW + 2
    end = x(max(0.0, value))
    return tag(
        "g",
        tag("title", f"{name}: {number(value)}"),
        tag("text", short(name, 24), x=_NAMES - 8, y=top + 15, text_anchor="end", class_="strong"),
        tag("rect", x=_NAMES, y=top + 3, width=max(1.0, end - _NAMES), height=_ROW - 7, rx=3, class_="bar"),
        tag("text", number(value), x=end + 6, y=top + 15),
    )
