"""INTERVAL as the type of a column: thirteen types, each a count of months or of nanoseconds
(`sql-reference/data-types-datetime`, "Interval data types").

They are kept, compared, ordered, grouped and given back, and added to dates, moments and each other
(resolve/interval_values.py). Nothing else is computed with them: every function and operator that is not DuckDB's own
of any type refuses them. In DuckDB each is a structure of its own, whose one field says which,
so that none is taken for a number.
"""

from __future__ import annotations

import re
from typing import Final

from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.types.checks import fails
from cleanroom_ml.engine.sql.types.kind import TEXT, Kept, Kind
from cleanroom_ml.engine.sql.types.record import Cast, Parameters, Sized, TypeRecord
from cleanroom_ml.engine.sql.values.durations import FIELDS, UNITS

DIGITS: Final = 9
"""Of the first field, and of a second, where nothing else is said."""
_WRITTEN: Final = re.compile(
    r"\s*+INTERVAL\s++(?P<first>[A-Z]++)\s*+(?:\(\s*+(?P<leading>\d{1,2})\s*+(?:,\s*+(?P<split>\d{1,2})\s*+)?\)\s*+)?"
    r"(?:TO\s++(?P<last>[A-Z]++)\s*+(?:\(\s*+(?P<fraction>\d{1,2})\s*+\)\s*+)?)?\Z",
    re.IGNORECASE,
)
_QUALIFIERS: Final = (
    "YEAR", "YEAR TO MONTH", "MONTH",
    "DAY", "DAY TO HOUR", "DAY TO MINUTE", "DAY TO SECOND", "HOUR", "HOUR TO MINUTE", "HOUR TO SECOND",
    "MINUTE", "MINUTE TO SECOND", "SECOND",
)  # fmt: skip
_OF_MONTHS: Final = {"YEAR TO MONTH": 0, "YEAR": 1, "MONTH": 2}
"""By which number clients know them (connector: `interval_util.interval_year_month_to_string`)."""
_OF_TIME: Final = {
    "DAY TO SECOND": 3, "DAY TO MINUTE": 4, "DAY TO HOUR": 5, "DAY": 6, "HOUR TO SECOND": 7, "HOUR TO MINUTE": 8,
    "HOUR": 9, "MINUTE TO SECOND": 10, "MINUTE": 11, "SECOND": 12,
}  # fmt: skip
"""The same of the others (snowpark: `_internal/type_utils.convert_sf_to_sp_type`)."""


def field_of(name: str) -> str:
    """The one field of a type's structure."""
    return name.lower().replace(" ", "_")


def read(text: str) -> tuple[str, int | None, int | None] | None:
    """`INTERVAL DAY(5) TO SECOND(3)` → its name, and the digits of its first field and of a second, None where they
    are the most; None: it is no such type.
    """
    found = _WRITTEN.match(text)
    if found is None:
        return None
    first, last = found["first"].upper(), (found["last"] or "").upper()
    qualifier = f"{first} TO {last}" if last else first
    split = found["split"] or found["fraction"]
    leading, fraction = (int(each) if each is not None else DIGITS for each in (found["leading"], split))
    fits = qualifier in _QUALIFIERS and 1 <= leading <= DIGITS and 0 <= fraction <= DIGITS
    if not fits or (split is not None and not qualifier.endswith("SECOND")) or (found["split"] and first != "SECOND"):
        return None
    return (
        f"INTERVAL {qualifier}",
        None if leading == DIGITS else leading,
        None if fraction == DIGITS else fraction,
    )


def written(name: str, leading: int | None, fraction: int | None) -> str:
    """What `read` reads."""
    first, _, last = name.removeprefix("INTERVAL ").partition(" TO ")
    if not last:
        digits = (
            f"({leading or DIGITS}, {fraction})" if fraction is not None else "" if leading is None else f"({leading})"
        )
        return f"INTERVAL {first}{digits}"
    before = "" if leading is None else f"({leading})"
    return f"INTERVAL {first}{before} TO {last}{'' if fraction is None else f'({fraction})'}"


def wire_digits(name: str, leading: int | None) -> tuple[int, int]:
    """Precision and scale of a rowtype entry, as the connector's converters read them."""
    qualifier = name.removeprefix("INTERVAL ")
    return leading or DIGITS, {**_OF_MONTHS, **_OF_TIME}[qualifier]


def _made(name: str, sized: Sized, text: str) -> str:
    digits = f"{sized.precision or DIGITS}, {DIGITS if sized.scale is None else sized.scale}"
    count = f"_sf_interval({text}, '{name.removeprefix('INTERVAL ')}', {digits})"
    return f"CASE WHEN {text} IS NOT NULL THEN CAST(struct_pack({field_of(name)} := {count}) AS {_duckdb(name)}) END"


def _duckdb(name: str) -> str:
    number = "BIGINT" if name.removeprefix("INTERVAL ") in _OF_MONTHS else "HUGEINT"
    return f"STRUCT({field_of(name)} {number})"


def _fitting(name: str, sized: Sized) -> str:
    """One of more digits: what does not fit fails, as its text would."""
    first = name.removeprefix("INTERVAL ").partition(" ")[0]
    count = f"struct_extract({{0}}, '{field_of(name)}')"
    most = 10 ** (sized.precision or DIGITS) * UNITS[first]
    lost = "" if sized.scale is None else f" OR {count} % {10 ** (DIGITS - sized.scale)} <> 0"
    return f"CASE WHEN abs({count}) >= {most}{lost} THEN {fails('notaninterval')} ELSE {{0}} END"


def _record(qualifier: str) -> TypeRecord:
    name = f"INTERVAL {qualifier}"
    of_months = qualifier in _OF_MONTHS
    arrow = "int64" if of_months else "decimal128(38, 0)"

    def cast(sized: Sized, value: Kind | None) -> Cast:
        if value == TEXT:
            return Cast("as it is", _made(name, sized, "{0}"), Kept(written(name, sized.precision, sized.scale)))
        made = Kept(written(name, sized.precision, sized.scale))
        if isinstance(value, Kept) and (read(value.text) or ("",))[0] == name:
            return Cast("as it is", "({0})" if value.text == made.text else _fitting(name, sized), made)
        raise SqlError.unsupported(f"{name} of anything but a text or another {name}")

    return TypeRecord(
        name=name,
        kind=Kept(name),
        parameters=Parameters.INTERVAL,
        duckdb=_duckdb(name),
        nested=(f"STRUCT({field_of(name).upper()} ",),
        logical="INTERVAL_YEAR_MONTH" if of_months else "INTERVAL_DAY_TIME",
        stored=f"struct<{field_of(name)}: {arrow}>",
        sent=arrow,
        cast=cast,
        copied=lambda sized: _made(
            name, sized, "(CASE WHEN typeof({value}) = 'JSON' THEN {member} ELSE CAST({value} AS VARCHAR) END)"
        ),
    )


_RECORDS: Final = {f"INTERVAL {qualifier}": _record(qualifier) for qualifier in _QUALIFIERS}
WORDS: Final = frozenset({*FIELDS, "TO"})
"""What a type's name is made of, but for its first word and its digits."""
globals().update({field_of(name).upper(): record for name, record in _RECORDS.items()})
