"""Moments and times with nanoseconds: DuckDB templates.

DuckDB's own types of nanoseconds end with the years 1677 and 2262, and become microseconds without a word wherever a
function takes no others. So a value that has digits beyond the microsecond is a struct of what it is to the microsecond
and of the nanoseconds after that, 0 to 999: it is compared, ordered and grouped as the moment that it is, and DuckDB
takes it for nothing else. A TIMESTAMP_TZ has its `shift` last, behind all that orders it.

`sql-reference/data-types-datetime`: nine digits of a second are kept, of every moment and of TIME.
"""

from __future__ import annotations

from typing import Final

from cleanroom_ml.engine.sql.types import moment_casts as casts
from cleanroom_ml.engine.sql.types.moment_casts import Moment

BEGINS: Final = "STRUCT(moment_us "
"""How DuckDB's names of their types begin."""
MICROS: Final = "struct_extract({0}, 'moment_us')"
"""What it is to the microsecond; of a TIMESTAMP_TZ in UTC."""
NANOS: Final = "struct_extract({0}, 'moment_ns')"
TYPES: Final[dict[Moment, str]] = {
    "TIME": "STRUCT(moment_us TIME, moment_ns SMALLINT)",
    "NTZ": "STRUCT(moment_us TIMESTAMP, moment_ns SMALLINT)",
    "LTZ": "STRUCT(moment_us TIMESTAMP WITH TIME ZONE, moment_ns SMALLINT)",
    "TZ": "STRUCT(moment_us TIMESTAMP, moment_ns SMALLINT, shift SMALLINT)",
}
_TZ: Final = f"CAST(struct_pack(utc := {MICROS}, shift := struct_extract({{0}}, 'shift')) AS {casts.TZ_TYPE})"
WHOLE_TZ: Final = f"CASE WHEN {{0}} IS NOT NULL THEN {_TZ} END"
_MOST_DIGITS: Final = 9
_KEPT_IN_MICROS: Final = 6


def whole(moment: Moment) -> str:
    """A value without its nanoseconds."""
    return WHOLE_TZ if moment == "TZ" else MICROS


def made(whole: str, nanos: str, *, shifted: bool = False) -> str:
    """A value of what it is to the microsecond and its nanoseconds: templates, or pieces of SQL. `shifted`: it is a
    TIMESTAMP_TZ.
    """
    parts = f"moment_us := {whole}, moment_ns := CAST({nanos} AS SMALLINT)"
    if shifted:
        utc, shift = (f"struct_extract({whole}, '{part}')" for part in ("utc", "shift"))
        parts = f"moment_us := {utc}, moment_ns := CAST({nanos} AS SMALLINT), shift := {shift}"
    return f"CASE WHEN {whole} IS NULL THEN NULL ELSE struct_pack({parts}) END"


def source_of(duckdb: str) -> Moment | None:
    """Which of them a column of DuckDB's type is; None: it is none."""
    return next((moment for moment, name in TYPES.items() if name == duckdb), None)


def cut(moment: Moment, digits: int | None) -> str:
    """A value with so many digits of a second, which are 7 or more: what is beyond them is cut off."""
    if digits is None or digits >= _MOST_DIGITS:
        return "{0}"
    nanos = f"{NANOS} - {NANOS} % {10 ** (_MOST_DIGITS - digits)}"
    return made(whole(moment), nanos, shifted=moment == "TZ")


def holds(digits: int | None) -> bool:
    """Whether a column of so many digits of a second may have nanoseconds."""
    return digits is None or digits > _KEPT_IN_MICROS


def converted(source: Moment, target: Moment) -> str:
    """A value that is `source` as `target`, with its nanoseconds; a DATE has none."""
    given = whole(source)
    if source == "TZ":
        plain = casts.from_tz(target)
    elif source == "TIME":
        plain = "{0}"
    else:
        plain = casts.from_moment(target)
    plain = plain.replace("{0}", given)
    return plain if target == "DATE" else made(plain, NANOS, shifted=target == "TZ")


def of_native(source: str) -> tuple[Moment, str] | None:
    """What a value of DuckDB's own types of nanoseconds is, and the template that makes one of ours of it; None: it is
    none. They come out of files that others wrote.
    """
    moments: dict[str, Moment] = {"TIMESTAMP_NS": "NTZ", "TIMESTAMPTZ_NS": "LTZ", "TIME_NS": "TIME"}
    if source not in moments:
        return None
    return moments[source], applied(_of_count(moments[source], "{0}"), "epoch_ns({0})", "_count")


def of_any(value: str, moment: Moment) -> str:
    """The same of a value of any type, of which that one is meant: DuckDB looks at all branches of a CASE."""
    types: dict[Moment, str] = {"NTZ": "TIMESTAMP_NS", "LTZ": "TIMESTAMPTZ_NS", "TIME": "TIME_NS"}
    count = f"epoch_ns(TRY_CAST(CAST({value} AS VARCHAR) AS {types[moment]}))"
    return applied(_of_count(moment, "{0}"), count, "_count")


def applied(template: str, value: str, name: str) -> str:
    """A template in which a value stands several times, and is computed once all the same."""
    return f"list_transform([{value}], lambda {name}: {template.replace('{0}', name)})[1]"


def _of_count(moment: Moment, count: str) -> str:
    rest = f"(({count} % 1000) + 1000) % 1000"
    micros = f"(({count} - {rest}) // 1000)"
    match moment:
        case "TIME":
            whole = f"CAST(make_timestamp({micros}) AS TIME)"
        case "LTZ":
            whole = f"(make_timestamp({micros}) AT TIME ZONE 'UTC')"
        case _:
            whole = f"make_timestamp({micros})"
    return made(whole, rest)


def from_text(target: Moment, *, attempt: bool = False) -> str:
    """As `moment_casts.from_text`, with nanoseconds. A DATE has none."""
    word = "try_parse" if attempt else "parse"
    if target == "DATE":
        return casts.from_text(target, attempt=attempt)
    if target in {"TIME", "NTZ"}:
        return f"_sf_{word}_fine_{target.lower()}({{0}}, {{1}}, {{2}})"
    moment = made(casts.from_zoned(target, "{0}"), "struct_extract({0}, 'n')", shifted=target == "TZ")
    return applied(moment, f"_sf_{word}_fine_zoned({{0}}, {{1}}, {{2}})", "_zoned")


SECONDS: Final = "CAST(floor(CAST({0} AS DECIMAL(38, 9)) * 1000000000) AS HUGEINT)"
"""A count of seconds since 1970 in nanoseconds."""


def stored(target: Moment, source: str, digits: int | None) -> str | None:
    """What a worker makes of a column that DuckDB has as `source` before it writes it into one of `target`; None: it
    has no nanoseconds.
    """
    native = of_native(source)
    given = source_of(source) if native is None else native[0]
    if given is None:
        return None
    if target == "DATE":
        made_of = converted(given, target)
    elif not holds(digits):
        plain = casts.from_tz(target) if given == "TZ" else "{0}" if given == "TIME" else casts.from_moment(target)
        made_of = casts.cut(target, digits).replace("{0}", plain.replace("{0}", whole(given)))
    else:
        made_of = cut(target, digits).replace("{0}", converted(given, target))
    return made_of if native is None else applied(made_of, native[1], "_moment")
