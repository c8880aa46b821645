"""VARIANT, OBJECT and ARRAY: JSON text in DuckDB, in Parquet and on the wire."""

from __future__ import annotations

from typing import Final

from cleanroom_ml.engine.sql.types.kind import JSON, Kind
from cleanroom_ml.engine.sql.types.record import Cast, Sized, TypeRecord


def _cast(_: Sized, value: Kind | None) -> Cast:
    return Cast("as it is", None if value == JSON else "to_json({0})", JSON)


def _semi_structured(name: str, *, given: tuple[str, ...] = (), nested: tuple[str, ...] = ()) -> TypeRecord:
    return TypeRecord(
        name=name,
        given=given,
        kind=JSON,
        duckdb="JSON",
        nested=nested,
        cast=_cast,
        copied="CAST({value} AS JSON)",
    )


VARIANT: Final = _semi_structured("VARIANT", given=("JSON",))
OBJECT: Final = _semi_structured("OBJECT", nested=("STRUCT", "MAP", "UNION"))
ARRAY: Final = _semi_structured("ARRAY")
