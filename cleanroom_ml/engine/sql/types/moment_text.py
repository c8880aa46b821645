"""How dates, times and moments become text in DuckDB: templates of which `{0}` is the wall clock's TIMESTAMP and `{1}`
how many minutes it is ahead of UTC.

`sql-reference/date-time-input-output`: the elements, and how many digits each has in text.
"""

from __future__ import annotations

from typing import Final

from cleanroom_ml.engine.sql.values.moment_formats import elements

_NATIVE: Final = {
    "YYYY": "%Y",
    "UUUU": "%Y",
    "YY": "%y",
    "MM": "%m",
    "MO": "%-m",
    "MON": "%b",
    "MMMM": "%B",
    "DD": "%d",
    "D": "%-d",
    "DY": "%a",
    "HH24": "%H",
    "HH": "%H",
    "H24": "%-H",
    "H": "%-H",
    "HH12": "%I",
    "H12": "%-I",
    "AM": "%p",
    "PM": "%p",
    "MI": "%M",
    "ME": "%-M",
    "SS": "%S",
    "S": "%-S",
    "FF0": "",
    "FF3": "%g",
    "FF6": "%f",
    "FF9": "%n",
    "FF": "%n",
}
_HOURS: Final = "CASE WHEN {1} < 0 THEN '-' ELSE '+' END || lpad(CAST(abs({1}) // 60 AS VARCHAR), 2, '0')"
_MINUTES: Final = "lpad(CAST(abs({1}) % 60 AS VARCHAR), 2, '0')"
_COMPUTED: Final = {
    "Y": "CAST(year({0}) % 100 AS VARCHAR)",
    "P": "left(strftime({0}, '%p'), 1)",
    **{f"FF{digits}": f"left(strftime({{0}}, '%n'), {digits})" for digits in (1, 2, 4, 5, 7, 8)},
    "TZH": _HOURS,
    "TZM": _MINUTES,
    "TZHTZM": f"{_HOURS} || {_MINUTES}",
    "TZH:TZM": f"{_HOURS} || ':' || {_MINUTES}",
}


def text_template(layout: str) -> str:
    """The template of a format. Raises ValueError: it is none."""
    pieces: list[str] = []
    native = ""
    for element, literal in elements(layout):
        if element in _COMPUTED:
            if native:
                pieces.append(_strftime(native))
            native = ""
            pieces.append(_COMPUTED[element])
        else:
            native += _NATIVE[element] if element else literal.replace("%", "%%")
    if native or not pieces:
        pieces.append(_strftime(native))
    return f"({' || '.join(pieces)})"


def _strftime(native: str) -> str:
    if "\0" in native or "{" in native:
        raise ValueError
    quoted = native.replace("'", "''")
    return f"strftime({{0}}, '{quoted}')"
