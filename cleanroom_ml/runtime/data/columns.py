"""Columns as Snowflake sends them, and as scripts get them: names, types, and the decoding of one chunk.

Types are those that the connector's own reader gives, but one type a column, known before the first row has arrived,
and the same in every chunk: NUMBER(p, 0) is int64, NUMBER(p, s) and FLOAT are float64 (Snowflake's ingestor makes the
same of them); timestamps have microseconds: one with nanoseconds is refused. NULL stays NULL.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import pyarrow as pa
import pyarrow.compute as pc

if TYPE_CHECKING:
    from snowflake.connector.cursor import ResultMetadata

_PLAIN_NAME: Final = re.compile(r"[A-Z_][A-Z0-9_$]*\Z")
_TOO_FINE: Final = (
    "a moment has nanoseconds, and the frames of a job have microseconds; select it as TIMESTAMP_NTZ(6), as TIME(6) or"
    " as VARCHAR"
)
_UNITS: Final = {0: "s", 3: "ms", 6: "us", 9: "ns"}
_INT64_DIGITS: Final = 18


class ColumnValueError(ValueError):
    """A value of the table is none of its column's type as jobs read it."""


def displayed_name(name: str) -> str:
    """A column's name as `DataFrame.columns` of Snowpark writes it: `FOO` stays, `target` is `"target"`."""
    return name if _PLAIN_NAME.match(name) else '"' + name.replace('"', '""') + '"'


def schema_of(description: Sequence[ResultMetadata], timezone: str) -> pa.Schema:
    """The schema of a result from the cursor's description (ResultMetadata, PEP 249).

    `timezone`: the session's, in which TIMESTAMP_LTZ is shown.
    """
    from snowflake.connector.constants import FIELD_ID_TO_NAME

    return pa.schema(
        [
            pa.field(displayed_name(each.name), _type(FIELD_ID_TO_NAME[each.type_code], each.scale, timezone))
            for each in description
        ]
    )


def decoded(chunk: pa.RecordBatch, schema: pa.Schema, columns: Sequence[int]) -> pa.RecordBatch:
    """These columns of a chunk as it came, under the names and types that `schema` has for the whole chunk."""
    fields = [schema.field(number) for number in columns]
    arrays = [
        _column(chunk.column(number), chunk.schema.field(number), field)
        for number, field in zip(columns, fields, strict=True)
    ]
    return pa.RecordBatch.from_arrays(arrays, schema=pa.schema(fields))


def without_decimals(table: pa.Table) -> pa.Table:
    """A table from elsewhere, its fixed decimals as int64 (scale 0) or float64."""
    for number, field in enumerate(table.schema):
        if pa.types.is_decimal(field.type):
            kind = pa.float64() if field.type.scale > 0 else pa.int64()
            column = table.column(number)
            cast = [_column(chunk, field, pa.field(field.name, kind)) for chunk in column.chunks]
            table = table.set_column(number, field.with_type(kind), pa.chunked_array(cast, kind))
    return table


def _type(kind: str, scale: int | None, timezone: str) -> pa.DataType:
    match kind:
        case "FIXED":
            return pa.float64() if scale else pa.int64()
        case "REAL":
            return pa.float64()
        case "BOOLEAN":
            return pa.bool_()
        case "DATE":
            return pa.date32()
        case "TIME":
            return pa.time64("us")
        case "TIMESTAMP" | "TIMESTAMP_NTZ":
            return pa.timestamp("us")
        case "TIMESTAMP_LTZ" | "TIMESTAMP_TZ":
            return pa.timestamp("us", tz=timezone)
        case "BINARY":
            return pa.binary()
        case "INTERVAL_YEAR_MONTH" | "INTERVAL_DAY_TIME":
            raise ColumnValueError("a column of an INTERVAL type, which jobs do not read: leave it out")
    return pa.string()


def _column(array: pa.Array, wire: pa.Field, field: pa.Field) -> pa.Array:
    """One column of a chunk as the type of `field`. The wire's scale is in the metadata of its field."""
    target, given = field.type, array.type
    if given == target:
        return array
    scale = int((wire.metadata or {}).get(b"scale", 0))
    if pa.types.is_temporal(target):
        if pa.types.is_integer(given):
            return _moments(array, target, scale)
        if pa.types.is_struct(given):
            return _of_parts(array, target, scale)
        return array.cast(target)
    if pa.types.is_floating(target) and pa.types.is_integer(given):
        # Units of the last digit. Both are exact in float64, so their quotient is the nearest number there is.
        return pc.divide(array.cast(target, safe=False), float(10**scale))
    try:
        return array.cast(target)
    except pa.ArrowInvalid as error:
        raise ColumnValueError(
            f"column {field.name} has whole numbers of more than {_INT64_DIGITS} digits, which int64 does not hold; "
            "select it as FLOAT or as VARCHAR"
        ) from error


def _of_parts(array: pa.Array, target: pa.DataType, scale: int) -> pa.Array:
    """A moment of several numbers: seconds and nanoseconds, or one count, and for a TIMESTAMP_TZ its offset, which a
    column of one zone does not keep.
    """
    epoch = pc.struct_field(array, "epoch")
    if array.type.get_field_index("fraction") < 0:
        return _moments(epoch, target, scale)
    fraction = pc.struct_field(array, "fraction").cast(pa.int64())
    micros = pc.divide(fraction, 1000)
    if pc.any(pc.not_equal(pc.multiply(micros, 1000), fraction)).as_py():
        raise ColumnValueError(_TOO_FINE)
    return _moments(pc.add(pc.multiply(epoch, 1_000_000), micros), target, 6)


def _moments(array: pa.Array, target: pa.DataType, scale: int) -> pa.Array:
    if scale not in _UNITS:
        raise ColumnValueError(f"a time with {scale} decimal places")
    if pa.types.is_time(target):
        kind = pa.time32(_UNITS[scale]) if scale < 6 else pa.time64(_UNITS[scale])
        whole = array.cast(pa.int32()) if scale < 6 else array
        return _to_the_microsecond(whole.view(kind), target)
    return _to_the_microsecond(array.cast(pa.int64()).view(pa.timestamp(_UNITS[scale], tz=target.tz)), target)


def _to_the_microsecond(moments: pa.Array, target: pa.DataType) -> pa.Array:
    try:
        return moments.cast(target)
    except pa.ArrowInvalid as error:
        raise ColumnValueError(_TOO_FINE) from error
