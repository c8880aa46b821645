"""NUMBER, FLOAT and BOOLEAN."""

from __future__ import annotations

import math
from decimal import Decimal
from typing import Any, Final

from cleanroom_ml.engine.sql.binds import Scalar, Value
from cleanroom_ml.engine.sql.types.checks import fails
from cleanroom_ml.engine.sql.types.kind import FLOAT as FLOAT_NUMBER
from cleanroom_ml.engine.sql.types.kind import JSON, MAX_PRECISION, NUM, OTHER, TEXT, Kind, Number
from cleanroom_ml.engine.sql.types.record import (
    AS_COMPUTED,
    MEMBER,
    Cast,
    Parameters,
    Sized,
    Taken,
    TypeRecord,
    plain_cast,
    plain_text,
)

_DIGITS_OF_BIGINT: Final = 19
PLAIN_NUMBER: Final = "replace({0}, '_', '?')"
"""A text that is to be a number: DuckDB would read 1_000 as one."""
_MAX_NUMBER: Final = 100
"""Characters of a bound number."""
_WHOLE: Final = ("INT", "INTEGER", "BIGINT", "SMALLINT", "TINYINT", "BYTEINT")
_WHOLE_IN_DUCKDB: Final = ("HUGEINT", "UBIGINT", "UINTEGER", "USMALLINT", "UTINYINT", "UHUGEINT")
_COPIED_WHOLE: Final = (
    # DuckDB rounds 2.5 as a DOUBLE to the even number, as text or as a decimal away from zero, as Snowflake does.
    "CASE typeof({value}) WHEN 'JSON' THEN CAST({member} AS {type})"
    " WHEN 'DOUBLE' THEN CAST(round(CAST({value} AS DOUBLE)) AS {type})"
    " WHEN 'FLOAT' THEN CAST(round(CAST({value} AS DOUBLE)) AS {type})"
    " ELSE CAST({value} AS {type}) END"
)


def bound_integer(value: str) -> int:
    """A whole number as the text of a bound value. Raises ValueError."""
    if len(value) > _MAX_NUMBER:
        raise ValueError
    number = float(value)
    if not math.isfinite(number):
        raise ValueError
    try:
        return int(value)
    except ValueError:
        return int(Decimal(value))


def _bound_number(value: str) -> Scalar:
    if len(value) > _MAX_NUMBER:
        raise ValueError
    try:
        return int(value)
    except ValueError:
        number = Decimal(value)
        if not number.is_finite():
            raise ValueError from None
        return number


def _bound_float(value: str) -> Scalar:
    if len(value) > _MAX_NUMBER * 4:
        raise ValueError
    return float(value)


def _bound_boolean(value: str) -> Scalar:
    lowered = value.lower()
    if lowered in ("true", "1"):
        return True
    if lowered in ("false", "0"):
        return False
    raise ValueError


def _number_in_duckdb(sized: Sized) -> str:
    if sized.scale:
        return f"DECIMAL({sized.precision},{sized.scale})"
    return "BIGINT" if (sized.precision or MAX_PRECISION) < _DIGITS_OF_BIGINT else "HUGEINT"


def _number_stored(sized: Sized) -> str:
    return f"decimal128({sized.precision}, {sized.scale})" if sized.scale else "int64"


def _number_copied(sized: Sized) -> str:
    return MEMBER if sized.scale else _COPIED_WHOLE


def _number_read(value: Any, sized: Sized) -> Value:  # Any: see TypeRecord.read
    return Decimal(str(value)) if sized.scale else int(value)


def _number_cast(sized: Sized, value: Kind | None) -> Cast:
    """To a NUMBER: rounded to its scale half away from zero; what has more digits before the point fails."""
    precision, scale = sized.precision or MAX_PRECISION, sized.scale or 0
    made = Number(precision, scale)
    given: Taken = "as text" if value in {TEXT, JSON} else "as it is"
    number = PLAIN_NUMBER if given == "as text" else "{0}"
    if scale:
        return Cast(given, f"{{word}}({number} AS DECIMAL({precision},{scale}))", made)
    if isinstance(value, Number) and value.scale == 0 and value.precision <= precision:
        return Cast(given, "({0})", made)
    whole = "BIGINT" if precision < _DIGITS_OF_BIGINT else "HUGEINT"
    return Cast(given, f"CAST({{word}}({number} AS DECIMAL({precision},0)) AS {whole})", made)


def _float_cast(_: Sized, value: Kind | None) -> Cast:
    if value in {TEXT, JSON}:
        return Cast("as digits", f"{{word}}({PLAIN_NUMBER} AS DOUBLE)", FLOAT_NUMBER)
    return plain_cast(FLOAT_NUMBER, value)


def _boolean_cast(_: Sized, value: Kind | None) -> Cast:
    """To a BOOLEAN: of texts these, of FLOATs all that are numbers (sql-reference/functions/to_boolean)."""
    if isinstance(value, Number) and value.scale is None:
        finite = "CASE WHEN isfinite({0}) THEN {word}({0} AS BOOLEAN)"
        return Cast("as it is", f"{finite} WHEN {fails('floating', '{0} IS NOT NULL')} THEN NULL END", OTHER)
    if value not in {TEXT, JSON}:
        return plain_cast(OTHER, value)
    true, false = "'^(true|t|yes|y|on|1)$'", "'^(false|f|no|n|off|0)$'"
    words = f"regexp_replace(regexp_replace(lower({{0}}), {true}, 'true'), {false}, 'false')"
    return Cast("as text", f"{{word}}({words} AS BOOLEAN)", OTHER)


NUMBER: Final = TypeRecord(
    name="NUMBER",
    python="decimal",
    synonyms=("NUMERIC", "DECIMAL", "DEC", "FIXED", *_WHOLE),
    given=_WHOLE_IN_DUCKDB,
    kind=NUM,
    parameters=Parameters.NUMBER,
    whole=frozenset({*_WHOLE, *_WHOLE_IN_DUCKDB}),
    duckdb=_number_in_duckdb,
    internal=("INT64", "INT32", "INT16", "INT8"),
    logical="FIXED",
    bind=_bound_number,
    stored=_number_stored,
    sent=AS_COMPUTED,
    read=_number_read,
    cast=_number_cast,
    copied=_number_copied,
)
FLOAT: Final = TypeRecord(
    name="FLOAT",
    python="float",
    synonyms=("FLOAT4", "FLOAT8", "DOUBLE", "DOUBLE PRECISION", "REAL"),
    parameters=Parameters.IGNORED,  # FLOAT(67) is one of 64 bits: its clients' own suites declare it
    kind=FLOAT_NUMBER,
    duckdb="DOUBLE",
    logical="REAL",
    bind=_bound_float,
    stored="double",
    sent="double",
    read=lambda value, _: float(value),
    cast=_float_cast,
)
BOOLEAN: Final = TypeRecord(
    name="BOOLEAN",
    python="bool",
    synonyms=("BOOL",),
    kind=OTHER,
    duckdb="BOOLEAN",
    write=lambda value: ("1" if value else "0") if isinstance(value, bool) else plain_text(value),
    bind=_bound_boolean,
    stored="bool",
    sent="bool",
    read=lambda value, _: bool(value),
    cast=_boolean_cast,
)
