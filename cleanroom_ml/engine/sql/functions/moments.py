"""Moments that are made: now, from parts, in another zone; and text, numbers and dates as one another."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from sqlglot import exp

from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.functions.entry import Builder, Function, Scalar, constant_int
from cleanroom_ml.engine.sql.numbers import whole_number
from cleanroom_ml.engine.sql.settings import keeps_nanoseconds
from cleanroom_ml.engine.sql.tree import fine, moments
from cleanroom_ml.engine.sql.tree.arithmetic import once
from cleanroom_ml.engine.sql.tree.dialect import Node, raw
from cleanroom_ml.engine.sql.tree.kinds import kind_of, literal_text
from cleanroom_ml.engine.sql.types import moment_casts as casts
from cleanroom_ml.engine.sql.types.checks import fails
from cleanroom_ml.engine.sql.types.kind import DATE, FINE_TZ, JSON, NUM, TEXT, TIME, TIMESTAMP, TZ, WHOLE
from cleanroom_ml.engine.sql.types.moment_casts import Moment

_FACTORS: Final = {0: "* 1000000", 3: "* 1000", 6: "* 1"}
_DIGITS_OF_MICROS: Final = 6


def _to(target: Moment, *, attempt: bool = False) -> Builder:
    """TO_DATE, TO_TIME, TO_TIMESTAMP…: of text, by a format or by the session's, of a number, or of another moment."""

    def build(args: Sequence[Node]) -> Node:
        if len(args) == 1:
            return moments.to(target, args[0], attempt=attempt)
        layout = literal_text(args[1])
        if layout is not None:
            return moments.to(target, args[0], layout=layout, attempt=attempt)
        if kind_of(args[1]) == TEXT and kind_of(args[0]) in {TEXT, JSON}:
            return moments.to(target, args[0], layout=args[1], attempt=attempt)
        scale = whole_number(args[1].this) if isinstance(args[1], exp.Literal) else None
        if scale is None:
            raise SqlError.unsupported("a date format that is not a constant")
        if target in {"DATE", "TIME"} or not 0 <= scale <= 9:
            raise SqlError.syntax(f"invalid scale {scale}.")
        if scale > _DIGITS_OF_MICROS:
            return _of_nanoseconds(target, scale, args[0])
        seconds = raw(f"(CAST({{0}} AS DECIMAL(38, 9)) / {10**scale})", args[0], kind=NUM)
        if scale in _FACTORS:
            count = raw(f"CAST(floor(CAST({{0}} AS DECIMAL(38, 3)) {_FACTORS[scale]}) AS BIGINT)", args[0], kind=WHOLE)
            moment = raw("(make_timestamp({0}) AT TIME ZONE 'UTC')", count, kind=TIMESTAMP)
            naive = raw("make_timestamp({0})", count, kind=TIMESTAMP)
            return naive if target == "NTZ" else moments.to(target, moment)
        return moments.to(target, seconds)

    return build


def _of_nanoseconds(target: Moment, scale: int, count: Node) -> Node:
    """A count of units of which a second has 10 to the `scale`, each of them less than a microsecond."""
    factor = 10 ** (9 - scale)
    nanos = f"CAST(floor(CAST({{0}} AS DECIMAL(38, 3)) * {factor}) AS HUGEINT)"
    if keeps_nanoseconds():
        return moments.of_nanoseconds(target, nanos, count)
    rest = "(({0} % 1000) + 1000) % 1000"
    micros = (
        f"CASE WHEN {{0}} % 1000 <> 0 THEN {fails('nanoseconds')} ELSE CAST(({{0}} - {rest}) // 1000 AS BIGINT) END"
    )
    whole = once(micros, raw(nanos, count, kind=WHOLE), kind=WHOLE)
    if target == "NTZ":
        return raw("make_timestamp({0})", whole, kind=TIMESTAMP)
    return moments.to(target, raw("(make_timestamp({0}) AT TIME ZONE 'UTC')", whole, kind=TIMESTAMP))


def _number(argument: Node) -> Node:
    return raw("CAST({0} AS BIGINT)", argument, kind=WHOLE)


def _date(args: Sequence[Node]) -> Node:
    """DATE_FROM_PARTS: months and days that are none of the year's or the month's are counted on
    (`sql-reference/functions/date_from_parts`).
    """
    template = (
        "CAST(make_date(CAST({0} AS BIGINT), 1, 1) + (CAST({1} AS BIGINT) - 1) * INTERVAL 1 MONTH"
        " + (CAST({2} AS BIGINT) - 1) * INTERVAL 1 DAY AS DATE)"
    )
    return raw(template, *args, kind=DATE)


def _clock(args: Sequence[Node]) -> Node:
    """Seconds since midnight of hour, minute, second and nanosecond, as an INTERVAL. Raises SqlError."""
    template = "{0} * INTERVAL 1 HOUR + {1} * INTERVAL 1 MINUTE + {2} * INTERVAL 1 SECOND"
    if len(args) > 3 and not keeps_nanoseconds():
        template += (
            f" + CASE WHEN {{3}} % 1000 <> 0 THEN {fails('nanoseconds')} ELSE {{3}} // 1000 END"
            " * INTERVAL 1 MICROSECOND"
        )
    given = args[: 3 if keeps_nanoseconds() else 4]
    return raw(f"({template})", *[_number(argument) for argument in given])


def _exactly(moment: Node, args: Sequence[Node]) -> Node:
    """A moment of hour, minute, second and the nanoseconds that are its fourth part, if it has one."""
    return moments.later(moment, _number(args[3])) if len(args) > 3 and keeps_nanoseconds() else moment


def _time(args: Sequence[Node]) -> Node:
    made = raw("CAST(CAST('1970-01-01' AS TIMESTAMP) + {0} AS TIME)", _clock(args), kind=TIME)
    return _exactly(made, args)


def _timestamp(target: Moment) -> Builder:
    def build(args: Sequence[Node]) -> Node:
        zone = None
        if len(args) == 2:
            time = moments.to("TIME", args[1])
            whole = raw("({0} + {1})", moments.to("DATE", args[0]), fine.whole(time), kind=TIMESTAMP)
            wall = fine.made(whole, fine.nanos(time.copy())) if fine.is_fine(time) else whole
        elif len(args) in {6, 7, 8}:
            if len(args) == 8:
                zone = args[7]
                if target != "TZ":
                    raise SqlError.syntax("a time zone is no part of this timestamp.")
            made = raw("(CAST({0} AS TIMESTAMP) + {1})", _date(args[:3]), _clock(args[3:7]), kind=TIMESTAMP)
            wall = _exactly(made, args[3:7])
        else:
            raise SqlError.syntax("a timestamp has six parts, or a date and a time.")
        if zone is not None:
            return _in_zone(wall, zone, "({0} AT TIME ZONE {1})")
        return wall if target == "NTZ" else moments.to(target, wall)

    return build


def _in_zone(given: Node, zone: Node, template: str = "{0}") -> Node:
    """A moment, of which a template makes a TIMESTAMPTZ, as a TIMESTAMP_TZ of a named zone."""
    made = _tz_of(raw(template, fine.whole(given), zone) if "{1}" in template else fine.whole(given), zone.copy())
    return fine.made(made, fine.nanos(given.copy())) if fine.is_fine(given) else made


def _tz_of(instant: Node, zone: Node) -> Node:
    """A TIMESTAMPTZ as a TIMESTAMP_TZ of a named zone."""
    wall = "({0} AT TIME ZONE {1})"
    shift = f"date_diff('minute', {{0}} AT TIME ZONE 'UTC', {wall})"
    return raw(casts.made_tz(wall, shift), instant, zone, kind=TZ)


def _convert_timezone(args: Sequence[Node]) -> Node:
    """(from, to, ntz) gives an NTZ; (to, moment) a TIMESTAMP_TZ (`sql-reference/functions/convert_timezone`)."""
    if len(args) == 3:
        if kind_of(args[2]) in {TZ, FINE_TZ}:
            raise SqlError(
                1044, "42P13", "SQL compilation error:\nInvalid argument types for function 'CONVERT_TIMEZONE'"
            )
        wall = moments.to("NTZ", args[2])
        template = "(({2} AT TIME ZONE {0}) AT TIME ZONE {1})"
        made = raw(template, args[0], args[1], fine.whole(wall), kind=TIMESTAMP)
        return fine.made(made, fine.nanos(wall.copy())) if fine.is_fine(wall) else made
    given = args[1]
    if kind_of(given) in {"TEXT", "JSON"}:
        given = moments.to("TZ", given)
    return _in_zone(moments.to("LTZ", given), args[0])


def _now(args: Sequence[Node]) -> Node:
    """CURRENT_TIMESTAMP(digits of a second): 9 of them are asked for, and 6 are kept."""
    digits = constant_int(args[0], "CURRENT_TIMESTAMP") if args else 6
    if not 0 <= digits <= 9:
        raise SqlError.syntax("a timestamp has 0 to 9 digits of a second.")
    if digits >= 6:
        return raw("now()", kind=TIMESTAMP)
    unit = 10 ** (6 - digits)
    return raw(f"(make_timestamp(epoch_us(now()) // {unit} * {unit}) AT TIME ZONE 'UTC')", kind=TIMESTAMP)


def _time_now(args: Sequence[Node]) -> Node:
    return raw("CAST(CAST({0} AS TIMESTAMP) AS TIME)", _now(args), kind=TIME)


FUNCTIONS: Final[tuple[Function, ...]] = (
    Scalar("TO_DATE DATE", arguments=(1, 2), sql=_to("DATE"), fine=True),
    Scalar("TRY_TO_DATE", arguments=(1, 2), sql=_to("DATE", attempt=True), fine=True),
    Scalar("TO_TIME TIME", arguments=(1, 2), sql=_to("TIME"), fine=True),
    Scalar("TRY_TO_TIME", arguments=(1, 2), sql=_to("TIME", attempt=True), fine=True),
    Scalar("TO_TIMESTAMP TO_TIMESTAMP_NTZ", arguments=(1, 2), sql=_to("NTZ"), fine=True),
    Scalar("TO_TIMESTAMP_LTZ", arguments=(1, 2), sql=_to("LTZ"), fine=True),
    Scalar("TO_TIMESTAMP_TZ", arguments=(1, 2), sql=_to("TZ"), fine=True),
    Scalar("TRY_TO_TIMESTAMP TRY_TO_TIMESTAMP_NTZ", arguments=(1, 2), sql=_to("NTZ", attempt=True), fine=True),
    Scalar("TRY_TO_TIMESTAMP_LTZ", arguments=(1, 2), sql=_to("LTZ", attempt=True), fine=True),
    Scalar("TRY_TO_TIMESTAMP_TZ", arguments=(1, 2), sql=_to("TZ", attempt=True), fine=True),
    Scalar("DATE_FROM_PARTS DATEFROMPARTS", arguments=3, sql=_date),
    Scalar("TIME_FROM_PARTS TIMEFROMPARTS", arguments=(3, 4), sql=_time),
    Scalar(
        "TIMESTAMP_FROM_PARTS TIMESTAMPFROMPARTS TIMESTAMP_NTZ_FROM_PARTS TIMESTAMPNTZFROMPARTS",
        arguments=(2, 8),
        sql=_timestamp("NTZ"),
        fine=True,
    ),
    Scalar("TIMESTAMP_LTZ_FROM_PARTS TIMESTAMPLTZFROMPARTS", arguments=(6, 7), sql=_timestamp("LTZ"), fine=True),
    Scalar("TIMESTAMP_TZ_FROM_PARTS TIMESTAMPTZFROMPARTS", arguments=(6, 8), sql=_timestamp("TZ"), fine=True),
    Scalar("CONVERT_TIMEZONE", arguments=(2, 3), sql=_convert_timezone, fine=True),
    Scalar(
        "CURRENT_TIMESTAMP LOCALTIMESTAMP GETDATE SYSTIMESTAMP",
        arguments=(0, 1),
        sql=_now,
        words=("CurrentTimestamp", "Localtimestamp"),
    ),
    Scalar("SYSDATE", arguments=0, sql="(now() AT TIME ZONE 'UTC')", gives=TIMESTAMP),
    Scalar("CURRENT_DATE", arguments=0, sql="CAST(now() AS DATE)", gives=DATE, words=("CurrentDate",)),
    Scalar(
        "CURRENT_TIME LOCALTIME",
        arguments=(0, 1),
        sql=_time_now,
        words=("CurrentTime", "Localtime"),
    ),
)
