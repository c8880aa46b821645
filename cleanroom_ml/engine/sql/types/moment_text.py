"""How dates, times and moments become text in DuckDB: templates of which `{0}` is the wall clock's TIMESTAMP and `{1}`
how many minutes it is ahead of UTC; of moments with nanoseconds `{2}` is how many those are.

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
}
_HOURS: Final = "CASE WHEN {1} < 0 THEN '-' ELSE '+' END || lpad(CAST(abs({1}) // 60 AS VARCHAR), 2, '0')"
_MINUTES: Final = "lpad(CAST(abs({1}) % 60 AS VARCHAR), 2, '0')"
_COMPUTED: Final = {
    "Y": "CAST(year({0}) % 100 AS VARCHAR)",
    "P": "left(strftime({0}, '%p'), 1)",
    # Never by `%n`: DuckDB 2.0 makes room for nine digits and writes six, so what is behind them is unwritten memory.
    **dict.fromkeys(("FF9", "FF"), "(strftime({0}, '%f') || '000')"),
    **{f"FF{digits}": f"left(strftime({{0}}, '%f') || '000', {digits})" for digits in (1, 2, 4, 5, 7, 8)},
    "TZH": _HOURS,
    "TZM": _MINUTES,
    "TZHTZM": f"{_HOURS} || {_MINUTES}",
    "TZH:TZM": f"{_HOURS} || ':' || {_MINUTES}",
}


_DIGITS: Final = "strftime({0}, '%f') || lpad(CAST({2} AS VARCHAR), 3, '0')"
_OF_NANOSECONDS: Final = {
    "FF": f"({_DIGITS})",
    "FF9": f"({_DIGITS})",
    "FF8": f"left({_DIGITS}, 8)",
    "FF7": f"left({_DIGITS}, 7)",
}


def text_template(layout: str, *, nanoseconds: bool = False) -> str:
    """The template of a format; with `nanoseconds`, of moments that have some. Raises ValueError: it is none."""
    computed = {**_COMPUTED, **_OF_NANOSECONDS} if nanoseconds else _COMPUTED
    pieces: list[str] = []
    native = ""
    for element, literal in elements(layout):
        if element in computed:
            if native:
                pieces.append(_strftime(native))
            native = ""
            pieces.append(computed[element])
        else:
            native += _NATIVE[element] if element else literal.replace("%", "%%")
    if native or not pieces:
        pieces.append(_strftime(native))
    return f"({' || '.join(pieces)})"


def _strftime(native: str) -> str:
    if "\0" in native or "{" in native:
        raise ValueError
    if not native:  # FF0 alone: DuckDB refuses a format of nothing
        return "CASE WHEN {0} IS NOT NULL THEN '' END"
    quoted = native.replace("'", "''")
    return f"strftime({{0}}, '{quoted}')"
