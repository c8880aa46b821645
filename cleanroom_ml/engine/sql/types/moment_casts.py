"""Dates, times and moments as one another: DuckDB templates by what DuckDB has a value as and what it is to become.

A TIMESTAMP_TZ is a struct of its moment in UTC and how many minutes its clock was ahead of UTC (`shift`), so it is
ordered by the moment, and keeps its offset. A TIMESTAMP_LTZ is DuckDB's TIMESTAMPTZ, a worker's time zone the session's
(`Compiled.zone`): so `CAST(… AS TIMESTAMP)` is the session's wall clock.

`sql-reference/data-types-datetime`, `sql-reference/data-type-conversion`.
"""

from __future__ import annotations

from typing import Final, Literal

from cleanroom_ml.engine.sql.types.checks import fails

Moment = Literal["DATE", "TIME", "NTZ", "LTZ", "TZ"]
TZ_TYPE: Final = "STRUCT(utc TIMESTAMP, shift SMALLINT)"
TZ_WALL: Final = (
    "(CAST(struct_extract({0}, 'utc') AS TIMESTAMP) + to_minutes(CAST(struct_extract({0}, 'shift') AS BIGINT)))"
)
TZ_INSTANT: Final = "(CAST(struct_extract({0}, 'utc') AS TIMESTAMP) AT TIME ZONE 'UTC')"
TZ_SHIFT: Final = "CAST(struct_extract({0}, 'shift') AS BIGINT)"
SHIFT: Final = "date_diff('minute', CAST({0} AS TIMESTAMPTZ) AT TIME ZONE 'UTC', CAST({0} AS TIMESTAMP))"
"""How many minutes the session's clock is ahead of UTC at that moment."""
DUCKDB: Final[dict[Moment, str]] = {
    "DATE": "DATE",
    "TIME": "TIME",
    "NTZ": "TIMESTAMP",
    "LTZ": "TIMESTAMPTZ",
    "TZ": TZ_TYPE,
}


def made_tz(wall: str, shift: str) -> str:
    """A TIMESTAMP_TZ of a wall clock and its shift: templates, or pieces of SQL."""
    made = f"struct_pack(utc := ({wall}) - to_minutes(CAST({shift} AS BIGINT)), shift := {shift})"
    return f"CASE WHEN ({wall}) IS NULL THEN NULL ELSE CAST({made} AS {TZ_TYPE}) END"


WITHOUT_OFFSET: Final = (
    "CASE WHEN typeof({column}) = 'TIMESTAMP WITH TIME ZONE' THEN CASE WHEN {column} IS NOT NULL THEN CAST(struct_pack("
    "utc := CAST(CAST({column} AS VARCHAR) AS TIMESTAMPTZ) AT TIME ZONE 'UTC', shift := 0)"
    f" AS {TZ_TYPE}) END ELSE {{made}} END"
)
"""A stored `{column}` as a TIMESTAMP_TZ: `{made}`, unless it is a moment without an offset."""


LOCAL_TZ: Final = made_tz("CAST({0} AS TIMESTAMP)", SHIFT)
"""A TIMESTAMP_TZ of a moment in the session's zone."""
SECONDS: Final = "make_timestamp(CAST(round(CAST({0} AS DECIMAL(38, 9)) * 1000000) AS BIGINT))"
"""A count of seconds since 1970, in UTC."""


_FINE: Final = (
    "typeof({0}) IN ('TIMESTAMP_NS', 'TIMESTAMPTZ_NS', 'TIME_NS')"
    r" AND regexp_matches(CAST({0} AS VARCHAR), '\.\d\d\d\d\d\d0*[1-9]')"
)
NOT_FINER: Final = f"CASE WHEN {_FINE} THEN {fails('nanoseconds')} ELSE {{0}} END"
"""A value of any type; a moment with nanoseconds, which are not kept, fails."""


def cut(target: Moment, digits: int | None) -> str:
    """A TIME or TIMESTAMP_… with so many digits of a second: what is beyond them is cut off."""
    if digits is None or digits >= 6 or target == "DATE":
        return "{0}"
    inside = f"date_part('microsecond', {{0}}) % {10 ** (6 - digits)} * INTERVAL 1 MICROSECOND"
    if target != "TZ":
        return f"({{0}} - {inside})"
    moment = "CAST(struct_extract({0}, 'utc') AS TIMESTAMP)"
    made = f"struct_pack(utc := {moment} - {inside.replace('{0}', moment)}, shift := struct_extract({{0}}, 'shift'))"
    return f"CASE WHEN {{0}} IS NOT NULL THEN CAST({made} AS {TZ_TYPE}) END"


def from_moment(target: Moment) -> str:
    """A DATE, TIMESTAMP or TIMESTAMPTZ as `target`."""
    match target:
        case "TZ":
            return LOCAL_TZ
        case "TIME":
            return "CAST({0} AS TIME)"
        case "DATE":
            return "CAST(CAST({0} AS TIMESTAMP) AS DATE)"
        case _:
            return f"CAST({{0}} AS {DUCKDB[target]})"


def from_tz(target: Moment) -> str:
    """A TIMESTAMP_TZ as `target`: its own clock, but for an LTZ, which is the same moment."""
    match target:
        case "TZ":
            return "{0}"
        case "LTZ":
            return TZ_INSTANT
        case "NTZ":
            return TZ_WALL
        case _:
            return f"CAST({TZ_WALL} AS {DUCKDB[target]})"


def from_seconds(target: Moment) -> str | None:
    """A number as `target`; None: it is none."""
    match target:
        case "NTZ":
            return SECONDS
        case "LTZ":
            return f"({SECONDS} AT TIME ZONE 'UTC')"
        case "TZ":
            return LOCAL_TZ.replace("{0}", f"({SECONDS} AT TIME ZONE 'UTC')")
        case _:
            return None


def from_text(target: Moment, *, attempt: bool = False) -> str:
    """A text `{0}` as `target`, read by the format `{1}` and the century `{2}`."""
    word = "try_parse" if attempt else "parse"
    if target in {"DATE", "TIME", "NTZ"}:
        return f"_sf_{word}_{target.lower()}({{0}}, {{1}}, {{2}})"
    return from_zoned(target, f"_sf_{word}_zoned({{0}}, {{1}}, {{2}})")


def from_zoned(target: Moment, zoned: str) -> str:
    """A struct of a wall clock `w` and minutes `m`, which are NULL where the session's zone is meant."""
    # With their types: of a constant NULL DuckDB knows none.
    wall, minutes = f"CAST(struct_extract({zoned}, 'w') AS TIMESTAMP)", f"CAST(struct_extract({zoned}, 'm') AS BIGINT)"
    if target == "LTZ":
        return (
            f"CASE WHEN {minutes} IS NULL THEN CAST({wall} AS TIMESTAMPTZ)"
            f" ELSE ({wall} - to_minutes({minutes})) AT TIME ZONE 'UTC' END"
        )
    return made_tz(wall, f"coalesce({minutes}, {SHIFT.replace('{0}', wall)})")


def stored(target: Moment, source: str) -> str:
    """What a worker makes of a column that DuckDB has as `source`, before it writes it."""
    if source == TZ_TYPE:
        return from_tz(target)
    if source.endswith("_NS"):
        return from_moment(target).replace("{0}", NOT_FINER)
    if source in {"DATE", "TIMESTAMP", "TIMESTAMP WITH TIME ZONE", "TIMESTAMP_S", "TIMESTAMP_MS"}:
        return from_moment(target)
    if source == "VARCHAR":
        return from_text(target).replace("{1}", "'AUTO'").replace("{2}", "1970")
    if source == '"NULL"':
        return f"CAST({{0}} AS {DUCKDB[target]})"
    return from_moment(target) if target != "TZ" else LOCAL_TZ
