"""Functions of dates, times and moments. Of a TIMESTAMP_TZ they see its own clock, and give a moment of its offset."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from sqlglot import exp

from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.functions import dateparts, weeks
from cleanroom_ml.engine.sql.functions.entry import Builder, Function, Scalar, constant_int, constant_text
from cleanroom_ml.engine.sql.settings import keeps_nanoseconds
from cleanroom_ml.engine.sql.tree import fine, moments
from cleanroom_ml.engine.sql.tree.arithmetic import as_number, once
from cleanroom_ml.engine.sql.tree.dialect import Node, Raw, raw
from cleanroom_ml.engine.sql.tree.kinds import as_text, kind_of, literal_text
from cleanroom_ml.engine.sql.types import moment_casts as casts
from cleanroom_ml.engine.sql.types.checks import fails
from cleanroom_ml.engine.sql.types.kind import (
    COARSE,
    DATE,
    INTERVAL,
    TEXT,
    TIME,
    TIMESTAMP,
    TZ,
    WHOLE,
    Number,
    is_whole,
)

_DAYS: Final = {name: number for number, name in enumerate(("mo", "tu", "we", "th", "fr", "sa", "su"), 1)}
_BEGINNING: Final = "lower(left(trim({0}), 2))"
_DAY_NUMBERS: Final = " ".join(f"WHEN {_BEGINNING} = '{name}' THEN {number}" for name, number in _DAYS.items())
_DAY_NUMBER: Final = f"CASE {_DAY_NUMBERS} WHEN {{0}} IS NOT NULL THEN {fails('moment')} END"
_SLICES: Final = frozenset({"YEAR", "QUARTER", "MONTH", "WEEK", "DAY", "HOUR", "MINUTE", "SECOND"})
_EPOCHS: Final = {
    "EPOCH_SECOND": "CAST(floor(epoch({0})) AS BIGINT)",
    "EPOCH_MILLISECOND": "epoch_ms({0})",
    "EPOCH_MICROSECOND": "epoch_us({0})",
    "EPOCH_NANOSECOND": "(epoch_us({0}) * 1000)",
}
_PLAIN: Final = {
    "WEEKISO": "week",
    "YEAROFWEEKISO": "isoyear",
    "DAYOFWEEKISO": "isodow",
    "DAYOFYEAR": "doy",
}


def _weekday(later: bool) -> Builder:
    """NEXT_DAY and PREVIOUS_DAY: the nearest such day after or before, never the day itself."""

    def build(args: Sequence[Node]) -> Raw:
        name = "NEXT_DAY" if later else "PREVIOUS_DAY"
        day, written = moments.to("DATE", args[0]), literal_text(args[1])
        if written is not None:
            number = _DAYS.get(written.strip()[:2].lower())
            if number is None:
                raise SqlError.bad_value(f"Invalid day of week for {name}.")
            wanted: Node = exp.Literal.number(number)
        else:
            wanted = once(_DAY_NUMBER, as_text(args[1]), kind=WHOLE)
        steps = "({1} - isodow({0}) + 6) % 7 + 1" if later else "(isodow({0}) - {1} + 6) % 7 + 1"
        return raw(f"({{0}} {'+' if later else '-'} CAST({steps} AS INTEGER))", day, wanted, kind=DATE)

    return build


def _months_between(args: Sequence[Node]) -> Raw:
    """Whole months where both are the same day of their month, or both its last; else a day is 1/31 of a month."""
    first, second = (fine.whole(moments.to("NTZ", arg)) for arg in args)
    same = "(day({0}) = day({1}) OR (CAST({0} AS DATE) = last_day({0}) AND CAST({1} AS DATE) = last_day({1})))"
    rest = "(epoch({0} - date_trunc('month', {0})) - epoch({1} - date_trunc('month', {1}))) / 2678400.0"
    months = "((year({0}) - year({1})) * 12 + month({0}) - month({1}))"
    template = f"CAST(round({months} + CASE WHEN {same} THEN 0 ELSE {rest} END, 6) AS DECIMAL(18,6))"
    return raw(template, first, second, kind=Number(18, 6))


def _add_months(args: Sequence[Node]) -> Node:
    """The last day of a month stays one (`sql-reference/functions/add_months`). Part months are rounded."""
    count = raw("CAST(round(CAST({0} AS DOUBLE)) AS BIGINT)", as_number(args[1]), kind=WHOLE)
    known = kind_of(args[0]) in {DATE, TIMESTAMP, TZ, None, *COARSE}
    given = args[0] if known else moments.to("NTZ", args[0])
    clock = moments.wall(given)
    moved = "({0} + {1} * INTERVAL 1 MONTH)"
    ends = f"(last_day({moved}) - CAST({moved} AS DATE))"
    template = f"({moved} + CASE WHEN CAST({{0}} AS DATE) = last_day({{0}}) THEN {ends} ELSE 0 END * INTERVAL 1 DAY)"
    if kind_of(clock) == DATE:
        return raw(f"CAST({template} AS DATE)", clock, count, kind=DATE)
    return moments.rewound(given, raw(template, clock, count, kind=kind_of(clock)))


def _last_day(args: Sequence[Node]) -> Raw:
    part = dateparts.truncated(_unit(args[1])) if len(args) > 1 else "MONTH"
    day = moments.to("DATE", args[0]) if kind_of(args[0]) != DATE else args[0]
    if part == "DAY":
        return raw("{0}", day, kind=DATE)
    if part in {"WEEK", "WEEKISO"}:
        return raw("({0} + 6)", _truncate(part, day), kind=DATE)
    if part not in {"YEAR", "QUARTER", "MONTH"}:
        raise SqlError.syntax(f"LAST_DAY of a {part.lower()}.")
    template = f"CAST(date_trunc('{part}', {{0}}) + INTERVAL 1 {part} - INTERVAL 1 DAY AS DATE)"
    return raw(template, day, kind=DATE)


def _time_slice(args: Sequence[Node]) -> Node:
    """(moment, length, part, 'START' | 'END'): slices are counted from 1970, weeks from its Monday."""
    length, part = constant_int(args[1], "TIME_SLICE"), dateparts.step(constant_text(args[2], "TIME_SLICE"))
    edge = constant_text(args[3], "TIME_SLICE").upper() if len(args) > 3 else "START"
    if length < 1 or part not in _SLICES or edge not in {"START", "END"}:
        raise SqlError.bad_value("Invalid slice for TIME_SLICE.")
    if part == "QUARTER":
        length, part = length * 3, "MONTH"
    origin = "1969-12-29" if part == "WEEK" else "1970-01-01"
    end = f" + INTERVAL {length} {part}" if edge == "END" else ""
    template = f"(time_bucket(INTERVAL {length} {part}, CAST({{0}} AS TIMESTAMP), TIMESTAMP '{origin}'){end})"
    made = raw(template, moments.wall(args[0]), kind=TIMESTAMP)
    if kind_of(args[0]) == DATE:
        return raw("CAST({0} AS DATE)", made, kind=DATE)
    return moments.rewound(fine.whole(args[0]), made)


def _unit(node: Node) -> str:
    """A date part as written: a bare word (which parses as a column) or a string."""
    text = literal_text(node)
    if text is None and isinstance(node, exp.Column) and not node.args.get("table"):
        text = node.name
    if text is None:
        raise SqlError.syntax("a date/time component must be a constant.")
    return text


def _moment(node: Node) -> Node:
    """An argument as a date, time or moment: text is a TIMESTAMP_NTZ, or a TIME where it is only that."""
    return moments.to("NTZ", node) if kind_of(node) in {TEXT, "JSON"} or isinstance(node, exp.Null) else node


def interval(part: str, count: Node) -> Raw:
    """A number of parts as an INTERVAL: of nanoseconds, those that are whole microseconds, or it fails."""
    whole = "CAST(round(CAST({0} AS DOUBLE)) AS BIGINT)"
    if part in dateparts.MICROS:  # DuckDB multiplies an interval by 32 bits only: too few for an epoch's milliseconds
        return raw(f"to_microseconds({whole} * {dateparts.MICROS[part]})", as_number(count))
    if part != "NANOSECOND":
        return raw(f"({whole} * INTERVAL 1 {part})", as_number(count))
    template = f"to_microseconds(CASE WHEN {{0}} % 1000 <> 0 THEN {fails('nanoseconds')} ELSE {{0}} // 1000 END)"
    return once(template, _whole(count), kind=INTERVAL)


def _is_fine_count(count: Node) -> bool:
    """Whether it is written as a number of nanoseconds that are no whole microseconds."""
    literal = count.unnest()
    literal = literal.this if isinstance(literal, exp.Neg) else literal
    return isinstance(literal, exp.Literal) and not literal.is_string and not str(literal.this).endswith("000")


def _whole(count: Node) -> Node:
    """A number, rounded: a NUMBER without digits after the point keeps all of its own, a double has 15."""
    given = as_number(count)
    rounded = "{0}" if is_whole(kind_of(given)) else "round(CAST({0} AS DOUBLE))"
    return raw(f"CAST({rounded} AS BIGINT)", given, kind=WHOLE)


def _dateadd(args: Sequence[Node]) -> Node:
    return added(dateparts.step(_unit(args[0])), args[1], args[2])


def added(part: str, count: Node, moment: Node) -> Node:
    """A date, time or moment so many parts later."""
    given = _moment(moment)
    clock = moments.wall(given)
    if kind_of(clock) == TIME:
        dateparts.check_time(part, "DATEADD")
    if part == "NANOSECOND" and (keeps_nanoseconds() or fine.is_fine(given) or _is_fine_count(count)):
        return moments.later(moments.to("NTZ", given) if kind_of(given) == DATE else given, _whole(count))
    step = interval(part, count)
    if kind_of(clock) == DATE and part in dateparts.DATE_PARTS:
        return raw("CAST({0} + {1} AS DATE)", clock, step, kind=DATE)
    kind = TIMESTAMP if kind_of(clock) == DATE else kind_of(clock)
    return moments.rewound(given, raw("({0} + {1})", clock, step, kind=kind))


def _datediff(args: Sequence[Node]) -> Node:
    part = dateparts.step(_unit(args[0]))
    ends = [_moment(arg) for arg in args[1:]]
    first, second = map(_compared, ends)
    if TIME in {kind_of(first), kind_of(second)}:
        dateparts.check_time(part, "DATEDIFF")
    if part == "WEEK":  # DuckDB counts whole weeks, Snowflake the first days of weeks between
        starts = [raw(weeks.start_of_week(), value, kind=DATE) for value in (first, second)]
        return raw("(date_diff('day', {0}, {1}) // 7)", *starts, kind=WHOLE)
    if part == "NANOSECOND":
        nanos = [fine.nanos(end.copy()) for end in ends]
        return raw("(date_diff('microsecond', {0}, {1}) * 1000 + {3} - {2})", first, second, *nanos, kind=WHOLE)
    return raw(f"date_diff('{part}', {{0}}, {{1}})", first, second, kind=WHOLE)


def _compared(end: Node) -> Node:
    """The clock of a moment that is one end of a difference; those with an offset are taken in UTC."""
    given = fine.whole(end)
    if kind_of(given) == TZ:
        return raw("struct_extract({0}, 'utc')", given, kind=TIMESTAMP)
    return given if kind_of(given) == TIME else raw("CAST({0} AS TIMESTAMP)", given, kind=TIMESTAMP)


def date_trunc(args: Sequence[Node]) -> Node:
    """DATE_TRUNC(part, moment)."""
    part = dateparts.truncated(_unit(args[0]))
    given = _moment(args[1])
    if part == "NANOSECOND":
        return given
    given = fine.whole(given)
    clock = moments.wall(given)
    if kind_of(clock) == TIME:
        made = raw(f"date_trunc('{part}', CAST('1970-01-01' AS DATE) + {{0}})", clock)
        return raw("CAST({0} AS TIME)", made, kind=TIME)
    return moments.rewound(given, _truncate(part, clock))


def _truncate(part: str, clock: Node) -> Raw:
    """The start of a part, of the kind that the clock has."""
    if part == "WEEK":
        made = weeks.truncated_to_week()
    elif part == "WEEKISO":
        made = "date_trunc('week', {0})"
    elif part == "YEAROFWEEKISO":
        made = "(date_trunc('week', {0}) - (date_part('week', {0}) - 1) * INTERVAL 7 DAY)"
    else:
        made = f"date_trunc('{part}', {{0}})"
    if kind_of(clock) == DATE:
        made = f"CAST({made} AS DATE)"
    return raw(made, clock, kind=kind_of(clock))


def _date_part(args: Sequence[Node]) -> Node:
    return extract(_unit(args[0]), args[1])


def extract(unit: str, moment: Node) -> Raw:
    """EXTRACT(unit FROM moment)."""
    part = dateparts.part(unit)
    exact = _moment(moment)
    given = fine.whole(exact)
    if kind_of(given) == TIME:
        dateparts.check_time(part, "DATE_PART")
    if part in _EPOCHS:
        instant = raw("struct_extract({0}, 'utc')", given) if kind_of(given) == TZ else given
        count = raw(_EPOCHS[part], instant, kind=WHOLE)
        if part != "EPOCH_NANOSECOND" or not fine.is_fine(exact):
            return count
        return raw("({0} + {1})", count, fine.nanos(exact.copy()), kind=WHOLE)
    if part.startswith("TIMEZONE_"):
        shift = casts.TZ_SHIFT if kind_of(given) == TZ else casts.SHIFT
        return raw(f"({shift} // 60)" if part == "TIMEZONE_HOUR" else f"({shift} % 60)", given, kind=WHOLE)
    clock = moments.wall(given)
    match part:
        case "DAYOFWEEK":
            made = weeks.day_of_week()
        case "WEEK":
            made = weeks.week_of_year()
        case "YEAROFWEEK":
            made = weeks.year_of_week()
        case "NANOSECOND":
            nanos = fine.nanos(exact.copy())
            template = "((date_part('microsecond', {0}) % 1000000) * 1000 + {1})"
            return raw(f"CAST({template} AS BIGINT)", clock, nanos, kind=WHOLE)
        case "MILLISECOND" | "MICROSECOND":
            raise SqlError.syntax(f"'{unit[:40]}' is not a valid date/time component for this function.")
        case _:
            made = f"floor(date_part('{_PLAIN.get(part, part)}', {{0}}))"
    return raw(f"CAST({made} AS BIGINT)", clock, kind=WHOLE)


def _part_of(name: str) -> Scalar:
    return Scalar(name, sql=lambda args: extract(name, args[0]), fine=True)


def _part_first(given: list[Node]) -> list[Node]:
    """DATE_TRUNC(moment, 'part') is DATE_TRUNC('part', moment) too."""
    if len(given) == 2:
        text = literal_text(given[1])
        first = literal_text(given[0])
        if (
            text is not None
            and text.upper() in dateparts.STEP_NAMES
            and (first is None or first.upper() not in dateparts.STEP_NAMES)
        ):
            return given[::-1]
    return given


def _name(function: str) -> Builder:
    return lambda args: raw(f"left({function}({{0}}), 3)", moments.wall(args[0]), kind=TEXT)


_PARTS: Final = (
    "YEAR",
    "QUARTER",
    "MONTH",
    "WEEK",
    "WEEKOFYEAR",
    "WEEKISO",
    "DAY",
    "DAYOFMONTH",
    "DAYOFWEEK",
    "DAYOFWEEKISO",
    "DAYOFYEAR",
    "YEAROFWEEK",
    "YEAROFWEEKISO",
    "HOUR",
    "MINUTE",
    "SECOND",
)

FUNCTIONS: Final[tuple[Function, ...]] = (
    Scalar("DATEADD TIMEADD TIMESTAMPADD", arguments=3, sql=_dateadd, part=0, fine=True),
    Scalar("DATEDIFF TIMEDIFF TIMESTAMPDIFF", arguments=3, sql=_datediff, part=0, fine=True),
    Scalar("DATE_TRUNC", arguments=2, sql=date_trunc, part=0, arrange=_part_first, fine=True),
    Scalar("DATE_PART", arguments=2, sql=_date_part, part=0, fine=True),
    *(_part_of(name) for name in _PARTS),
    Scalar("DAYNAME", sql=_name("dayname"), fine=True),
    Scalar("MONTHNAME", sql=_name("monthname"), fine=True),
    Scalar("ADD_MONTHS", arguments=2, sql=_add_months, fine=True),
    Scalar("NEXT_DAY", arguments=2, sql=_weekday(True), fine=True),
    Scalar("PREVIOUS_DAY", arguments=2, sql=_weekday(False), fine=True),
    Scalar("MONTHS_BETWEEN", arguments=2, sql=_months_between, fine=True),
    Scalar("LAST_DAY", arguments=(1, 2), sql=_last_day, part=1, fine=True),
    Scalar("TIME_SLICE", arguments=(3, 4), sql=_time_slice, fine=True),
)
