"""NUMBER, FLOAT and BOOLEAN."""

from __future__ import annotations

import math
from decimal import Decimal
from typing import Any, Final

from cleanroom_ml.engine.sql.binds import Scalar, Value
from cleanroom_ml.engine.sql.types import exact_texts
from cleanroom_ml.engine.sql.types.checks import fails
from cleanroom_ml.engine.sql.types.kind import FLOAT as FLOAT_NUMBER
from cleanroom_ml.engine.sql.types.kind import JSON, MAX_PRECISION, NUM, OTHER, TEXT, Kind, Number
from cleanroom_ml.engine.sql.types.record import (
    AS_COMPUTED,
    Cast,
    Parameters,
    Sized,
    Taken,
    TypeRecord,
    plain_cast,
    plain_text,
)
from cleanroom_ml.engine.sql.values.marks import IN_JSON

_DIGITS_OF_BIGINT: Final = 19
_IN_NO_NUMBER: Final = "_xXbB"
_INSTEAD: Final = "\ue000\ue001\ue002\ue003\ue004"
"""Of those that mean nothing: what failed is told as it was written (`as_written`)."""
PLAIN_NUMBER: Final = f"translate({{0}}, '{_IN_NO_NUMBER}', '{_INSTEAD}')"
"""A text that is to be a number: DuckDB would read 1_000, 0x10 and 0b11 as some."""
_MAX_NUMBER: Final = 100
"""Characters of a bound number."""
_WHOLE: Final = ("INT", "INTEGER", "BIGINT", "SMALLINT", "TINYINT", "BYTEINT")
_WHOLE_IN_DUCKDB: Final = ("HUGEINT", "UBIGINT", "UINTEGER", "USMALLINT", "UTINYINT", "UHUGEINT")
_STAGED_TEXT: Final = (
    "CASE typeof({value})"
    f" WHEN 'JSON' THEN CAST({PLAIN_NUMBER.replace('{0}', '{member}')} AS {{type}})"
    f" WHEN 'VARCHAR' THEN CAST({PLAIN_NUMBER.replace('{0}', 'CAST({value} AS VARCHAR)')} AS {{type}})"
)
_TRUTH: Final = (
    "regexp_replace(regexp_replace(lower({0}), '^(true|t|yes|y|on|1)$', 'true'), '^(false|f|no|n|off|0)$', 'false')"
)
"""A text that is to be a BOOLEAN, as one that DuckDB reads."""
_MEMBER_TEXT: Final = "json_extract_string(CAST({0} AS JSON), '$')"
IS_MARKED_NUMBER: Final = (
    f"(starts_with(CAST({{0}} AS VARCHAR), '\"{IN_JSON}F') OR starts_with(CAST({{0}} AS VARCHAR), '\"{IN_JSON}M'))"
)
"""Whether a VARIANT is a number that the engine writes with its type (values/marks.py)."""
MARKED_NUMBER: Final = "substr(CAST({0} AS VARCHAR), 9, length(CAST({0} AS VARCHAR)) - 9)"
"""The text of such a number, with all of its digits."""
_VARIANT_TRUTH: Final = (
    "CASE WHEN regexp_matches(CAST({0} AS VARCHAR), '^[-0-9]') THEN CAST(CAST({0} AS VARCHAR) AS DOUBLE) <> 0"
    f" WHEN {IS_MARKED_NUMBER} THEN {{word}}({MARKED_NUMBER} AS DOUBLE) <> 0"
    f" ELSE {{word}}({_TRUTH.replace('{0}', _MEMBER_TEXT)} AS BOOLEAN) END"
)
"""A VARIANT that is to be a BOOLEAN: a number is not 0, a text is one of the words."""
_COPIED_TRUTH: Final = (
    "CASE typeof({value})"
    f" WHEN 'JSON' THEN CAST({_TRUTH.replace('{0}', '{member}')} AS {{type}})"
    f" WHEN 'VARCHAR' THEN CAST({_TRUTH.replace('{0}', 'CAST({value} AS VARCHAR)')} AS {{type}})"
    " ELSE CAST({value} AS {type}) END"
)
_COPIED: Final = f"{_STAGED_TEXT} ELSE CAST({{value}} AS {{type}}) END"
_COPIED_WHOLE: Final = (
    # DuckDB rounds 2.5 as a DOUBLE to the even number, as text or as a decimal away from zero, as Snowflake does.
    f"{_STAGED_TEXT}"
    " WHEN 'DOUBLE' THEN CAST(round(CAST({value} AS DOUBLE)) AS {type})"
    " WHEN 'FLOAT' THEN CAST(round(CAST({value} AS DOUBLE)) AS {type})"
    " ELSE CAST({value} AS {type}) END"
)


def as_written(text: str) -> str:
    """A text that PLAIN_NUMBER gave, as it was before."""
    return text.translate(str.maketrans(_INSTEAD, _IN_NO_NUMBER))


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
    return _COPIED if sized.scale else _COPIED_WHOLE


def _number_read(value: Any, sized: Sized) -> Value:  # Any: see TypeRecord.read
    return Decimal(str(value)) if sized.scale else int(value)


def float_as_decimal(precision: int, scale: int) -> str:
    """A template of a FLOAT as a NUMBER: of the digits that the double has (sql-reference/functions/to_double:
    `TO_DOUBLE(1.1)::NUMBER(38, 18)` is 1.100000000000000089). DuckDB multiplies it by a power of ten, which is as exact
    where that is below 2^52 and not about a half.
    """
    units = f"(CAST({{0}} AS DOUBLE) * 1e{scale})"
    quick = f"abs({units}) < 4e15 AND abs(abs({units} - trunc({units})) - 0.5) > 1e-3"
    decimal = f"DECIMAL({precision},{scale})"
    return (
        f"CASE WHEN {quick} THEN {{word}}({{0}} AS {decimal})"
        f" ELSE {{word}}(_sf_float_digits({{0}}, {scale}) AS {decimal}) END"
    )


def _number_cast(sized: Sized, value: Kind | None) -> Cast:
    """To a NUMBER: rounded to its scale half away from zero; what has more digits before the point fails."""
    precision, scale = sized.precision or MAX_PRECISION, sized.scale or 0
    made = Number(precision, scale)
    given: Taken = "as digits" if value in {TEXT, JSON} else "as it is"
    number = PLAIN_NUMBER if given == "as digits" else "{0}"
    if scale and isinstance(value, Number) and value.scale is None:
        return Cast(given, float_as_decimal(precision, scale), made)
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
        return Cast("as it is", f"{finite} WHEN {{0}} IS NOT NULL THEN {fails('floating')} END", OTHER)
    if value == JSON:
        return Cast("as it is", _VARIANT_TRUTH, OTHER)
    if value != TEXT:
        return plain_cast(OTHER, value)
    return Cast("as text", f"{{word}}({_TRUTH} AS BOOLEAN)", OTHER)


NUMBER: Final = TypeRecord(
    name="NUMBER",
    python="decimal",
    exact=exact_texts.NUMBER,
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
    copied=_COPIED,
)
BOOLEAN: Final = TypeRecord(
    name="BOOLEAN",
    python="bool",
    exact=exact_texts.BOOLEAN,
    synonyms=("BOOL",),
    kind=OTHER,
    duckdb="BOOLEAN",
    write=lambda value: ("1" if value else "0") if isinstance(value, bool) else plain_text(value),
    bind=_bound_boolean,
    stored="bool",
    sent="bool",
    read=lambda value, _: bool(value),
    cast=_boolean_cast,
    copied=_COPIED_TRUTH,
)
