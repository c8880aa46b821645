"""Date functions whose meaning needs more than a name in DuckDB."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from sqlglot import exp

from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.functions import dateparts
from cleanroom_ml.engine.sql.functions.entry import Builder, Entry, built, constant_int, constant_text
from cleanroom_ml.engine.sql.tree.dialect import Raw, raw
from cleanroom_ml.engine.sql.tree.kinds import kind_of
from cleanroom_ml.engine.sql.types.kind import DATE, NUM, TIMESTAMP

_DAYS: Final = {name: number for number, name in enumerate(("mo", "tu", "we", "th", "fr", "sa", "su"), 1)}
_SLICES: Final = frozenset({"YEAR", "QUARTER", "MONTH", "WEEK", "DAY", "HOUR", "MINUTE", "SECOND"})


def _weekday(later: bool) -> Builder:
    """NEXT_DAY and PREVIOUS_DAY: the nearest such day after or before, never the day itself."""

    def build(args: Sequence[Any]) -> Raw:
        name = "NEXT_DAY" if later else "PREVIOUS_DAY"
        number = _DAYS.get(constant_text(args[1], name)[:2].lower())
        if number is None:
            raise SqlError.bad_value(f"Invalid day of week for {name}.")
        steps = f"({number} - isodow(CAST({{0}} AS DATE)) + 6) % 7 + 1"
        if not later:
            steps = f"(isodow(CAST({{0}} AS DATE)) - {number} + 6) % 7 + 1"
        return raw(f"(CAST({{0}} AS DATE) {'+' if later else '-'} CAST({steps} AS INTEGER))", args[0], kind=DATE)

    return build


def _months_between(args: Sequence[Any]) -> Raw:
    """Whole months where both are the same day of their month, or both its last; else a day is 1/31 of a month."""
    first, second = (raw("CAST({0} AS TIMESTAMP)", arg, kind=TIMESTAMP) for arg in args)
    same = "(day({0}) = day({1}) OR (CAST({0} AS DATE) = last_day({0}) AND CAST({1} AS DATE) = last_day({1})))"
    rest = "(epoch({0} - date_trunc('month', {0})) - epoch({1} - date_trunc('month', {1}))) / 2678400.0"
    months = "((year({0}) - year({1})) * 12 + month({0}) - month({1}))"
    template = f"CAST({months} + CASE WHEN {same} THEN 0 ELSE {rest} END AS DOUBLE)"
    return raw(template, first, second, kind=NUM)


def _last_day(args: Sequence[Any]) -> Raw:
    part = dateparts.part(_unit(args[1])) if len(args) > 1 else "MONTH"
    if part not in {"YEAR", "QUARTER", "MONTH", "WEEK"}:
        raise SqlError.syntax(f"LAST_DAY of a {part.lower()}.")
    template = f"CAST(date_trunc('{part}', CAST({{0}} AS DATE)) + INTERVAL 1 {part} - INTERVAL 1 DAY AS DATE)"
    return raw(template, args[0], kind=DATE)


def _unit(node: Any) -> str:
    return node.name if isinstance(node, exp.Column) else constant_text(node, "LAST_DAY")


def _time_slice(args: Sequence[Any]) -> Raw:
    """(moment, length, part, 'START' | 'END'): slices are counted from 1970, weeks from its Monday."""
    length, part = constant_int(args[1], "TIME_SLICE"), dateparts.part(constant_text(args[2], "TIME_SLICE"))
    edge = constant_text(args[3], "TIME_SLICE").upper() if len(args) > 3 else "START"
    if length < 1 or part not in _SLICES or edge not in {"START", "END"}:
        raise SqlError.bad_value("Invalid slice for TIME_SLICE.")
    if part == "QUARTER":
        length, part = length * 3, "MONTH"
    origin = "1969-12-29" if part == "WEEK" else "1970-01-01"
    end = f" + INTERVAL {length} {part}" if edge == "END" else ""
    template = f"(time_bucket(INTERVAL {length} {part}, CAST({{0}} AS TIMESTAMP), TIMESTAMP '{origin}'){end})"
    made = raw(template, args[0], kind=TIMESTAMP)
    return raw("CAST({0} AS DATE)", made, kind=DATE) if kind_of(args[0]) == DATE else made


SCALARS: Final[dict[str, Entry]] = {
    "NEXT_DAY": built(_weekday(True), 2),
    "PREVIOUS_DAY": built(_weekday(False), 2),
    "MONTHS_BETWEEN": built(_months_between, 2),
    "LAST_DAY": built(_last_day, 1, 2),
    "TIME_SLICE": built(_time_slice, 3, 4),
}
