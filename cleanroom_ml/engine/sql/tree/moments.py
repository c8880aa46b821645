"""Rewritten expressions taken as dates, times and moments, and written as text.

A constant text is read here, by the function that workers have for those of columns, so that most statements need none.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from sqlglot import exp

from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.settings import current, keeps_nanoseconds
from cleanroom_ml.engine.sql.tree import fine
from cleanroom_ml.engine.sql.tree.arithmetic import once
from cleanroom_ml.engine.sql.tree.dialect import Node, Raw, raw
from cleanroom_ml.engine.sql.tree.kinds import as_text, kind_of, literal_text
from cleanroom_ml.engine.sql.types import fine as types
from cleanroom_ml.engine.sql.types import moment_casts as casts
from cleanroom_ml.engine.sql.types.kind import (
    COARSE,
    DATE,
    FINE,
    FINE_TIME,
    FINE_TIMESTAMP,
    JSON,
    NUM,
    TEXT,
    TIME,
    TIMESTAMP,
    TZ,
    Kind,
    Number,
    Seconds,
    of_any_digits,
)
from cleanroom_ml.engine.sql.types.moment_casts import Moment
from cleanroom_ml.engine.sql.values import calendar
from cleanroom_ml.engine.sql.values import moments as values

KINDS: Final[Mapping[Moment, Kind]] = {
    "DATE": DATE,
    "TIME": TIME,
    "NTZ": TIMESTAMP,
    "LTZ": TIMESTAMP,
    "TZ": TZ,
}
_BEYOND_MICROSECONDS: Final = r"(\.\d{6})\d{1,3}([^0-9]|$)"
_DIGITS_OF_MICROS: Final = 6
_INPUT: Final[Mapping[Moment, str]] = {"DATE": "DATE", "TIME": "TIME"}


def to(target: Moment, value: Node, *, layout: str | Node | None = None, attempt: bool = False) -> Node:
    """A value as a DATE, TIME or TIMESTAMP_…; `layout`: text is read by this format, or by that of each row. Raises
    SqlError.
    """
    if isinstance(value, exp.Null):
        return raw(f"CAST(NULL AS {casts.DUCKDB[target]})", kind=KINDS[target])
    kind = kind_of(value)
    if kind in COARSE:
        if kind == FINE_TIME and target != "TIME":
            raise SqlError.types(target)
        return once(types.converted(fine.SOURCES[kind], target), value, kind=_fine_kind(target))
    if kind == TZ:
        return raw(casts.from_tz(target), value, kind=KINDS[target])
    if kind == TIME:
        if target != "TIME":
            raise SqlError.types(target)
        return value
    if kind in {DATE, TIMESTAMP}:
        if target == "TIME" and kind == DATE:
            raise SqlError.types("TIME")
        return raw(casts.from_moment(target), value, kind=KINDS[target])
    if kind == NUM:
        template = casts.from_seconds(target)
        if template is None:
            raise SqlError.types(target)
        if isinstance(kind, Number) and (kind.scale or 0) > _DIGITS_OF_MICROS:
            return of_seconds(target, value)
        return raw(template, value, kind=KINDS[target])
    read = _read(target, value, layout, attempt)
    if kind != JSON or target != "NTZ" or layout is not None:
        return read
    # The number of a VARIANT is a moment, of which the session's clock is shown (functions/to_timestamp.md).
    seconds = raw("TRY_CAST(CAST({0} AS VARCHAR) AS DECIMAL(38, 9))", value, kind=NUM)
    moment: Node = raw(f"CAST({casts.from_seconds('LTZ')} AS TIMESTAMP)", seconds, kind=TIMESTAMP)
    if fine.is_fine(read):
        moment = to(target, of_seconds("LTZ", seconds))
    number = "regexp_full_match(CAST({0} AS VARCHAR), '-?[0-9]+(\\.[0-9]+)?')"
    template = f"CASE WHEN {number} THEN {{1}} ELSE {{2}} END"
    return raw(template, value, moment, read, kind=kind_of(read))


def _fine_kind(target: Moment) -> Kind:
    return FINE.get(KINDS[target], KINDS[target])


def of_seconds(target: Moment, seconds: Node) -> Node:
    """A number of seconds since 1970 as a TIMESTAMP_…, with nanoseconds."""
    return of_nanoseconds(target, types.SECONDS, seconds)


def of_nanoseconds(target: Moment, count: str, given: Node) -> Node:
    """A count of nanoseconds since 1970, a template of what is given, as a TIMESTAMP_…"""
    naive = target == "NTZ"
    micros = "make_timestamp({0})" if naive else "(make_timestamp({0}) AT TIME ZONE 'UTC')"
    made = fine.of_counts(micros, count, given, kind=FINE_TIMESTAMP)
    return to("TZ", made) if target == "TZ" else made


def _read(target: Moment, value: Node, layout: str | Node | None, attempt: bool) -> Node:
    settings = current()
    layout = layout or settings.input(_INPUT.get(target, "TIMESTAMP"))
    constant = literal_text(value)
    if constant is not None and isinstance(layout, str):
        return _constant(target, constant, layout, attempt)
    century = exp.Literal.number(settings.century)
    written = exp.Literal.string(layout) if isinstance(layout, str) else layout
    if keeps_nanoseconds():
        template = types.from_text(target, attempt=attempt)
        return once(template, as_text(value), written, century, kind=_fine_kind(target))
    template = casts.from_text(target, attempt=attempt)
    return raw(template, as_text(value), written, century, kind=KINDS[target])


def _constant(target: Moment, text: str, layout: str, attempt: bool) -> Node:
    century = current().century
    kind = KINDS[target]
    try:
        if target == "DATE":
            return _written_day(values.day(text, layout, century))
        if target == "TIME":
            time = values.clock(text, layout, century)
            return _with(_written(time.time.isoformat(), "TIME", kind), time.nanos)
        found = values.moment(text, layout, century)
    except values.NotAMoment:
        if attempt:
            return raw(f"CAST(NULL AS {casts.DUCKDB[target]})", kind=kind)
        names = {"DATE": (100040, "Date"), "TIME": (100108, "Time")}
        code, name = names.get(target, (100035, "Timestamp"))
        raise SqlError(code, "22007", f"{name} '{text[:100]}' is not recognized") from None
    wall = _written_wall(found.wall)
    if target == "NTZ":
        return _with(wall, found.nanos)
    if found.minutes is None:
        return _with(raw(casts.from_moment(target), wall, kind=kind), found.nanos)
    shift = exp.Literal.number(found.minutes)
    if target == "LTZ":
        made = raw("(({0} - to_minutes(CAST({1} AS BIGINT))) AT TIME ZONE 'UTC')", wall, shift, kind=kind)
        return _with(made, found.nanos)
    return _with(raw(casts.made_tz("{0}", "{1}"), wall, shift, kind=kind), found.nanos)


def _with(moment: Node, nanos: int) -> Node:
    """A constant with its nanoseconds, if it has some."""
    return fine.made(moment, exp.Literal.number(nanos)) if nanos else moment


def _written_day(days: int) -> Node:
    found = calendar.date_of(days)
    if found is None:  # of a year that has no text which DuckDB reads and Python writes
        return raw("(DATE '1970-01-01' + CAST({0} AS INTEGER))", exp.Literal.string(str(days)), kind=DATE)
    return _written(found.isoformat(), "DATE", DATE)


def _written_wall(micros: int) -> Node:
    found = calendar.clock_of(micros)
    if found is None:
        return raw("make_timestamp(CAST({0} AS BIGINT))", exp.Literal.string(str(micros)), kind=TIMESTAMP)
    return _written(found.isoformat(sep=" "), "TIMESTAMP", TIMESTAMP)


def _written(text: str, name: str, kind: Kind) -> Raw:
    return raw(f"CAST({{0}} AS {name})", exp.Literal.string(text), kind=kind)


def wall(value: Node) -> Node:
    """What a date's or a moment's clock shows to the microsecond, as a DATE or TIMESTAMP; text is read as a
    TIMESTAMP_NTZ.
    """
    value = fine.whole(value)
    kind = kind_of(value)
    if kind == TZ:
        return raw(casts.TZ_WALL, value, kind=TIMESTAMP)
    return to("NTZ", value) if kind in {TEXT, JSON} or isinstance(value, exp.Null) else value


def rewound(original: Node, clock: Node) -> Node:
    """A clock's new time as a moment with the offset of `original`, and its nanoseconds."""
    if fine.is_fine(original):
        return fine.made(rewound(fine.whole(original), clock), fine.nanos(original.copy()))
    if kind_of(original) != TZ:
        return undeclared(clock)
    return raw(casts.made_tz("{0}", casts.TZ_SHIFT.replace("{0}", "{1}")), clock, original, kind=TZ)


def as_fine_as_kept(value: Node, digits: int | None) -> Node:
    """A text that becomes a moment of at most six digits of a second, without those beyond: they would be cut anyway,
    and no moment has them here.
    """
    if digits is None or digits > 6 or kind_of(value) != TEXT:
        return value
    constant = literal_text(value)
    if constant is not None:
        return exp.Literal.string(re.sub(_BEYOND_MICROSECONDS, r"\1\2", constant))
    pattern, kept = exp.Literal.string(_BEYOND_MICROSECONDS), exp.Literal.string(r"\1\2")
    return raw("regexp_replace({0}, {1}, {2})", value, pattern, kept, kind=TEXT)


def undeclared(value: Node) -> Node:
    """A moment of which nothing says how many digits of a second it has."""
    kind = kind_of(value)
    return raw("{0}", value, kind=of_any_digits(kind)) if isinstance(kind, Seconds) else value


def scaled(value: Node, digits: int | None) -> Node:
    """A TIME or TIMESTAMP_… with so many digits of a second: what is beyond them is cut."""
    if digits is None:
        return undeclared(value)
    made = _cut(value, digits)
    kind = kind_of(made)
    return made if kind is None else raw("{0}", made, kind=Seconds(kind, digits))


def _cut(value: Node, digits: int) -> Node:
    kind = kind_of(value)
    if kind in COARSE:
        if types.holds(digits):
            return once(types.cut(fine.SOURCES[kind], digits), value, kind=of_any_digits(kind))
        return _cut(fine.whole(value), digits)
    if digits >= 6:
        return value
    unit = 10 ** (6 - digits)
    cut = f"date_part('microsecond', {{0}}) % {unit} * INTERVAL 1 MICROSECOND"
    if kind_of(value) == TZ:
        return rewound(value, raw(f"({{0}} - {cut})", wall(value), kind=TIMESTAMP))
    return raw(f"({{0}} - {cut})", value, kind=kind_of(value))


def later(value: Node, count: Node) -> Node:
    """A moment or time so many nanoseconds later: with nanoseconds."""
    clock, rest = fine.counted(wall(value), fine.nanos(value.copy()), count)
    return fine.made(rewound(fine.whole(value), clock), rest)


def instant(value: Node) -> Node:
    """A value as the moment that it is, to be compared."""
    return to("LTZ", value)
