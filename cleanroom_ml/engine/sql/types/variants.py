"""VARIANT, OBJECT and ARRAY: JSON text in DuckDB and in Parquet, in the one form of sql/values/json_text.py; clients
are shown it pretty.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from cleanroom_ml.engine.sql.binds import Variant
from cleanroom_ml.engine.sql.types import fine
from cleanroom_ml.engine.sql.types.checks import fails
from cleanroom_ml.engine.sql.types.kind import ARRAY as ARRAY_KIND
from cleanroom_ml.engine.sql.types.kind import JSON, Kind
from cleanroom_ml.engine.sql.types.kind import OBJECT as OBJECT_KIND
from cleanroom_ml.engine.sql.types.record import Cast, InPython, Sized, TypeRecord, plain_text
from cleanroom_ml.engine.sql.values import json_text

_WHOLE: Final = "'TINYINT', 'SMALLINT', 'INTEGER', 'BIGINT', 'HUGEINT', 'UTINYINT', 'USMALLINT', 'UINTEGER', 'UBIGINT'"
TEXT_TO_VARIANT: Final = "to_json(CASE WHEN starts_with({0}, chr(1)) THEN concat(chr(1), 'S', {0}) ELSE {0} END)"
"""A text that looks like one of our marks is marked as a text."""
NO_INTERVAL: Final = (
    f"WHEN starts_with(typeof({{0}}), 'STRUCT(interval_') THEN {fails('interval')}"
    f" WHEN starts_with(typeof({{0}}), '{fine.BEGINS}') THEN {fails('nanoseconds')}"
)
"""Of a CASE for a value of any type: an INTERVAL fails, and a moment with nanoseconds that nobody knew to be one."""
TO_VARIANT: Final = (
    "CASE WHEN typeof({0}) = 'JSON' THEN CAST(CAST({0} AS VARCHAR) AS JSON)"
    f" WHEN typeof({{0}}) IN ({_WHOLE}, 'BOOLEAN') THEN CAST(CAST({{0}} AS VARCHAR) AS JSON)"
    f" WHEN typeof({{0}}) = 'VARCHAR' THEN {TEXT_TO_VARIANT.replace('{0}', 'CAST({0} AS VARCHAR)')}"
    f" {NO_INTERVAL}"
    " ELSE CAST(_sf_variant(typeof({0}), CAST({0} AS VARCHAR)) AS JSON) END"
)
"""Any value as a VARIANT; which of it is kept is known before it runs."""


def _fine_to_variant(shown: str, zone: str = "''") -> str:
    plain = f"_sf_variant(typeof({fine.MICROS}), CAST({fine.MICROS} AS VARCHAR))"
    digits = f"rtrim(concat(strftime({shown}, '%f'), lpad(CAST({fine.NANOS} AS VARCHAR), 3, '0')), '0')"
    form = "%H:%M:%S." if "1970" in shown else "%Y-%m-%d %H:%M:%S."
    exact = f"_sf_variant(typeof({fine.MICROS}), concat(strftime({shown}, '{form}'), {digits}, {zone}))"
    return (
        f"CASE WHEN {{0}} IS NOT NULL THEN CAST(CASE WHEN {fine.NANOS} = 0 THEN {plain} ELSE {exact} END AS JSON) END"
    )


_ZONE: Final = f"regexp_extract(CAST({fine.MICROS} AS VARCHAR), '[+-][0-9][0-9](:[0-9][0-9])*$')"
FINE_TO_VARIANT: Final = _fine_to_variant(
    f"CAST({fine.MICROS} AS TIMESTAMP)",
    f"CASE WHEN typeof({fine.MICROS}) = 'TIMESTAMP WITH TIME ZONE' THEN {_ZONE} ELSE '' END",
)
FINE_TIME_TO_VARIANT: Final = _fine_to_variant(f"(DATE '1970-01-01' + {fine.MICROS})")
"""Of moments and times with nanoseconds: the text that DuckDB has of others, with more digits where they have them."""
TZ_TO_VARIANT: Final = "to_json(chr(1) || 'Z' || {0})"
"""Of a TIMESTAMP_TZ's text."""
TO_ARRAY: Final = "CAST(_sf_to_array(CAST({0} AS VARCHAR)) AS JSON)"
TO_OBJECT: Final = "CAST(_sf_to_object(CAST({0} AS VARCHAR)) AS JSON)"


def _to(template: str, kind: Kind) -> Callable[[Sized, Kind | None], Cast]:
    def cast(_: Sized, value: Kind | None) -> Cast:
        if value == JSON:
            return Cast("as it is", None if template == "{0}" else template, kind)
        return Cast("as it is", template.replace("{0}", TO_VARIANT), kind)

    return cast


def _shown(value: object) -> str:
    """A value of a small result as clients see it."""
    return json_text.shown(json_text.read(value)) if isinstance(value, Variant) else plain_text(value)


def _semi_structured(
    name: str,
    python: InPython,
    *,
    kind: Kind = JSON,
    template: str = "{0}",
    given: tuple[str, ...] = (),
    nested: tuple[str, ...] = (),
) -> TypeRecord:
    return TypeRecord(
        name=name,
        given=given,
        kind=kind,
        python=python,
        duckdb="JSON",
        nested=nested,
        cast=_to(template, kind),
        write=_shown,
        read=lambda value, _: Variant(value),
        copied="CAST(_sf_parse_json_last(CAST({value} AS VARCHAR)) AS JSON)",
    )


VARIANT: Final = _semi_structured("VARIANT", "any", given=("JSON",))
OBJECT: Final = _semi_structured(
    "OBJECT", "dict", kind=OBJECT_KIND, template=TO_OBJECT, nested=("STRUCT", "MAP", "UNION")
)
ARRAY: Final = _semi_structured("ARRAY", "list", kind=ARRAY_KIND, template=TO_ARRAY)
