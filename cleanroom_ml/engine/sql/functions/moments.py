"""Moments that are made: now, from parts, in another zone; and text, numbers and dates as one another."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from sqlglot import exp

from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.functions.entry import Builder, Function, Scalar, constant_int
from cleanroom_ml.engine.sql.numbers import whole_number
from cleanroom_ml.engine.sql.tree import moments
from cleanroom_ml.engine.sql.tree.dialect import Node, raw
from cleanroom_ml.engine.sql.tree.kinds import kind_of, literal_text
from cleanroom_ml.engine.sql.types import moment_casts as casts
from cleanroom_ml.engine.sql.types.checks import fails
from cleanroom_ml.engine.sql.types.kind import DATE, JSON, NUM, TEXT, TIME, TIMESTAMP, TZ, WHOLE
from cleanroom_ml.engine.sql.types.moment_casts import Moment

_FACTORS: Final = {0: "* 1000000", 3: "* 1000", 6: "* 1", 9: "/ 1000"}


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
        seconds = raw(f"(CAST({{0}} AS DECIMAL(38, 9)) / {10**scale})", args[0], kind=NUM)
        if scale in _FACTORS:
            count = raw(f"CAST(floor(CAST({{0}} AS DECIMAL(38, 3)) {_FACTORS[scale]}) AS BIGINT)", args[0], kind=WHOLE)
            moment = raw("(make_timestamp({0}) AT TIME ZONE 'UTC')", count, kind=TIMESTAMP)
            naive = raw("make_timestamp({0})", count, kind=TIMESTAMP)
            return naive if target == "NTZ" else moments.to(target, moment)
        return moments.to(target, seconds)

    return build


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
    if len(args) > 3:
        template += (
            f" + CASE WHEN {{3}} % 1000 <> 0 THEN {fails('nanoseconds')} ELSE {{3}} // 1000 END"
            " * INTERVAL 1 MICROSECOND"
        )
    return raw(f"({template})", *[_number(argument) for argument in args[:4]])


def _time(args: Sequence[Node]) -> Node:
    return raw("CAST(CAST('1970-01-01' AS TIMESTAMP) + {0} AS TIME)", _clock(args), kind=TIME)


def _timestamp(target: Moment) -> Builder:
    def build(args: Sequence[Node]) -> Node:
        zone = None
        if len(args) == 2:
            wall = raw("({0} + {1})", moments.to("DATE", args[0]), moments.to("TIME", args[1]), kind=TIMESTAMP)
        elif len(args) in {6, 7, 8}:
            if len(args) == 8:
                zone = args[7]
                if target != "TZ":
                    raise SqlError.syntax("a time zone is no part of this timestamp.")
            wall = raw("(CAST({0} AS TIMESTAMP) + {1})", _date(args[:3]), _clock(args[3:7]), kind=TIMESTAMP)
        else:
            raise SqlError.syntax("a timestamp has six parts, or a date and a time.")
        if zone is not None:
            return _tz_of(raw("({0} AT TIME ZONE {1})", wall, zone), zone)
        return wall if target == "NTZ" else moments.to(target, wall)

    return build


def _tz_of(instant: Node, zone: Node) -> Node:
    """A TIMESTAMPTZ as a TIMESTAMP_TZ of a named zone."""
    wall = "({0} AT TIME ZONE {1})"
    shift = f"date_diff('minute', {{0}} AT TIME ZONE 'UTC', {wall})"
    return raw(casts.made_tz(wall, shift), instant, zone, kind=TZ)


def _convert_timezone(args: Sequence[Node]) -> Node:
    """(from, to, ntz) gives an NTZ; (to, moment) a TIMESTAMP_TZ (`sql-reference/functions/convert_timezone`)."""
    if len(args) == 3:
        if kind_of(args[2]) == TZ:
            raise SqlError(
                1044, "42P13", "SQL compilation error:\nInvalid argument types for function 'CONVERT_TIMEZONE'"
            )
        wall = moments.to("NTZ", args[2])
        return raw("(({2} AT TIME ZONE {0}) AT TIME ZONE {1})", args[0], args[1], wall, kind=TIMESTAMP)
    given = args[1]
    if kind_of(given) in {"TEXT", "JSON"}:
        given = moments.to("TZ", given)
    return _tz_of(moments.to("LTZ", given), args[0])


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
    Scalar("TO_DATE DATE", arguments=(1, 2), sql=_to("DATE")),
    Scalar("TRY_TO_DATE", arguments=(1, 2), sql=_to("DATE", attempt=True)),
    Scalar("TO_TIME TIME", arguments=(1, 2), sql=_to("TIME")),
    Scalar("TRY_TO_TIME", arguments=(1, 2), sql=_to("TIME", attempt=True)),
    Scalar("TO_TIMESTAMP TO_TIMESTAMP_NTZ", arguments=(1, 2), sql=_to("NTZ")),
    Scalar("TO_TIMESTAMP_LTZ", arguments=(1, 2), sql=_to("LTZ")),
    Scalar("TO_TIMESTAMP_TZ", arguments=(1, 2), sql=_to("TZ")),
    Scalar("TRY_TO_TIMESTAMP TRY_TO_TIMESTAMP_NTZ", arguments=(1, 2), sql=_to("NTZ", attempt=True)),
    Scalar("TRY_TO_TIMESTAMP_LTZ", arguments=(1, 2), sql=_to("LTZ", attempt=True)),
    Scalar("TRY_TO_TIMESTAMP_TZ", arguments=(1, 2), sql=_to("TZ", attempt=True)),
    Scalar("DATE_FROM_PARTS DATEFROMPARTS", arguments=3, sql=_date),
    Scalar("TIME_FROM_PARTS TIMEFROMPARTS", arguments=(3, 4), sql=_time),
    Scalar(
        "TIMESTAMP_FROM_PARTS TIMESTAMPFROMPARTS TIMESTAMP_NTZ_FROM_PARTS TIMESTAMPNTZFROMPARTS",
        arguments=(2, 8),
        sql=_timestamp("NTZ"),
    ),
    Scalar("TIMESTAMP_LTZ_FROM_PARTS TIMESTAMPLTZFROMPARTS", arguments=(6, 7), sql=_timestamp("LTZ")),
    Scalar("TIMESTAMP_TZ_FROM_PARTS TIMESTAMPTZFROMPARTS", arguments=(6, 8), sql=_timestamp("TZ")),
    Scalar("CONVERT_TIMEZONE", arguments=(2, 3), sql=_convert_timezone),
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
