"""Functions of dates, times and moments."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from sqlglot import exp

from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.functions import dateparts
from cleanroom_ml.engine.sql.functions.entry import Builder, Function, Scalar, constant_int, constant_text
from cleanroom_ml.engine.sql.tree.dialect import Node, Raw, raw
from cleanroom_ml.engine.sql.tree.kinds import kind_of, literal_text
from cleanroom_ml.engine.sql.types.kind import DATE, TEXT, TIMESTAMP, WHOLE

_DAYS: Final = {name: number for number, name in enumerate(("mo", "tu", "we", "th", "fr", "sa", "su"), 1)}
_SLICES: Final = frozenset({"YEAR", "QUARTER", "MONTH", "WEEK", "DAY", "HOUR", "MINUTE", "SECOND"})


def _weekday(later: bool) -> Builder:
    """NEXT_DAY and PREVIOUS_DAY: the nearest such day after or before, never the day itself."""

    def build(args: Sequence[Node]) -> Raw:
        name = "NEXT_DAY" if later else "PREVIOUS_DAY"
        number = _DAYS.get(constant_text(args[1], name)[:2].lower())
        if number is None:
            raise SqlError.bad_value(f"Invalid day of week for {name}.")
        steps = f"({number} - isodow(CAST({{0}} AS DATE)) + 6) % 7 + 1"
        if not later:
            steps = f"(isodow(CAST({{0}} AS DATE)) - {number} + 6) % 7 + 1"
        return raw(f"(CAST({{0}} AS DATE) {'+' if later else '-'} CAST({steps} AS INTEGER))", args[0], kind=DATE)

    return build


def _months_between(args: Sequence[Node]) -> Raw:
    """Whole months where both are the same day of their month, or both its last; else a day is 1/31 of a month."""
    first, second = (raw("CAST({0} AS TIMESTAMP)", arg, kind=TIMESTAMP) for arg in args)
    same = "(day({0}) = day({1}) OR (CAST({0} AS DATE) = last_day({0}) AND CAST({1} AS DATE) = last_day({1})))"
    rest = "(epoch({0} - date_trunc('month', {0})) - epoch({1} - date_trunc('month', {1}))) / 2678400.0"
    months = "((year({0}) - year({1})) * 12 + month({0}) - month({1}))"
    template = f"CAST({months} + CASE WHEN {same} THEN 0 ELSE {rest} END AS DOUBLE)"
    return raw(template, first, second, kind=WHOLE)


def _last_day(args: Sequence[Node]) -> Raw:
    part = dateparts.part(_last_day_unit(args[1])) if len(args) > 1 else "MONTH"
    if part not in {"YEAR", "QUARTER", "MONTH", "WEEK"}:
        raise SqlError.syntax(f"LAST_DAY of a {part.lower()}.")
    template = f"CAST(date_trunc('{part}', CAST({{0}} AS DATE)) + INTERVAL 1 {part} - INTERVAL 1 DAY AS DATE)"
    return raw(template, args[0], kind=DATE)


def _last_day_unit(node: Node) -> str:
    return node.name if isinstance(node, exp.Column) else constant_text(node, "LAST_DAY")


def _time_slice(args: Sequence[Node]) -> Raw:
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


def _unit(node: Node) -> str:
    """A date part as written: a bare word (which parses as a column) or a string."""
    text = literal_text(node)
    if text is None and isinstance(node, exp.Column) and not node.args.get("table"):
        text = node.name
    if text is None:
        raise SqlError.syntax("a date/time component must be a constant.")
    return text


def _moment(node: Node) -> Node:
    return (
        raw("CAST({0} AS TIMESTAMP)", node, kind=TIMESTAMP)
        if kind_of(node) in {TEXT, None} and literal_text(node) is not None
        else node
    )


def _dateadd(args: Sequence[Node]) -> Node:
    part = dateparts.part(_unit(args[0]))
    moment = _moment(args[2])
    if kind_of(moment) == DATE and part in dateparts.DATE_PARTS:
        return raw(f"CAST({{0}} + CAST({{1}} AS BIGINT) * INTERVAL 1 {part} AS DATE)", moment, args[1], kind=DATE)
    return raw(f"({{0}} + CAST({{1}} AS BIGINT) * INTERVAL 1 {part})", moment, args[1], kind=kind_of(moment))


def _datediff(args: Sequence[Node]) -> Node:
    part = dateparts.part(_unit(args[0]))
    if part == "WEEK":  # DuckDB counts whole weeks, Snowflake the Mondays between
        moments = "date_trunc('week', CAST({0} AS TIMESTAMP)), date_trunc('week', CAST({1} AS TIMESTAMP))"
        return raw(f"(date_diff('day', {moments}) // 7)", args[1], args[2], kind=WHOLE)
    return raw(f"date_diff('{part}', CAST({{0}} AS TIMESTAMP), CAST({{1}} AS TIMESTAMP))", args[1], args[2], kind=WHOLE)


def _date_trunc(args: Sequence[Node]) -> Node:
    part = dateparts.part(_unit(args[0]))
    moment = _moment(args[1])
    if kind_of(moment) == DATE:
        return raw(f"CAST(date_trunc('{part}', {{0}}) AS DATE)", moment, kind=DATE)
    return raw(f"date_trunc('{part}', {{0}})", moment, kind=kind_of(moment))


def _date_part(args: Sequence[Node]) -> Node:
    return extract(_unit(args[0]), args[1])


def extract(unit: str, moment: Node) -> Raw:
    """EXTRACT(unit FROM moment)."""
    finer = dateparts.EPOCHS.get(unit.upper())
    if finer is not None:
        return raw(f"{finer}({{0}})", _moment(moment), kind=WHOLE)
    return raw(
        f"CAST(floor(date_part('{dateparts.extract_part(unit)}', {{0}})) AS BIGINT)", _moment(moment), kind=WHOLE
    )


def _part_of(name: str) -> Scalar:
    return Scalar(name, sql=lambda args: extract(name, args[0]))


def _part_first(given: list[Node]) -> list[Node]:
    """DATE_TRUNC(moment, 'part') is DATE_TRUNC('part', moment) too."""
    if len(given) == 2 and isinstance(given[0], exp.Column):
        text = literal_text(given[1])
        if text is not None and text.isalpha():
            return given[::-1]
    return given


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
    Scalar("DATEADD TIMEADD TIMESTAMPADD", arguments=3, sql=_dateadd, part=0),
    Scalar("DATEDIFF TIMEDIFF TIMESTAMPDIFF", arguments=3, sql=_datediff, part=0),
    Scalar("DATE_TRUNC", arguments=2, sql=_date_trunc, part=0, arrange=_part_first),
    Scalar("DATE_PART", arguments=2, sql=_date_part, part=0),
    *(_part_of(name) for name in _PARTS),
    Scalar("DAYNAME", sql="left(dayname({0}), 3)", gives=TEXT),
    Scalar("MONTHNAME", sql="left(monthname({0}), 3)", gives=TEXT),
    Scalar("ADD_MONTHS", arguments=2, sql=lambda args: _dateadd([exp.Literal.string("MONTH"), args[1], args[0]])),
    Scalar("NEXT_DAY", arguments=2, sql=_weekday(True)),
    Scalar("PREVIOUS_DAY", arguments=2, sql=_weekday(False)),
    Scalar("MONTHS_BETWEEN", arguments=2, sql=_months_between),
    Scalar("LAST_DAY", arguments=(1, 2), sql=_last_day, part=1),
    Scalar("TIME_SLICE", arguments=(3, 4), sql=_time_slice),
    Scalar("DATE_FROM_PARTS DATEFROMPARTS", arguments=3, sql="make_date({*})", gives=DATE),
    Scalar("TIMESTAMP_FROM_PARTS TIMESTAMP_NTZ_FROM_PARTS", arguments=6, sql="make_timestamp({*})", gives=TIMESTAMP),
    Scalar("TIME_FROM_PARTS", arguments=3, sql="make_time({*})"),
    Scalar(
        "CONVERT_TIMEZONE",
        arguments=(2, 3),
        sql=(
            "(CAST({1} AS TIMESTAMPTZ) AT TIME ZONE {0})",
            "((CAST({2} AS TIMESTAMP) AT TIME ZONE {0}) AT TIME ZONE {1})",
        ),
        gives=TIMESTAMP,
    ),
    Scalar(
        "CURRENT_TIMESTAMP LOCALTIMESTAMP GETDATE SYSTIMESTAMP",
        arguments=(0, 1),
        sql="now()",
        gives=TIMESTAMP,
        words=("CurrentTimestamp", "Localtimestamp"),
    ),
    Scalar("SYSDATE", arguments=0, sql="(now() AT TIME ZONE 'UTC')", gives=TIMESTAMP),
    Scalar("CURRENT_DATE", arguments=0, sql="current_date", gives=DATE, words=("CurrentDate",)),
    Scalar(
        "CURRENT_TIME LOCALTIME",
        arguments=(0, 1),
        sql="CAST(now() AT TIME ZONE 'UTC' AS TIME)",
        words=("CurrentTime", "Localtime"),
    ),
)
