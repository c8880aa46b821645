"""DuckDB's Arrow as Snowflake's Arrow: what the connector's readers expect of each type (runs inside the sandbox).

Times are 64-bit numbers of nanoseconds, and so are the TIMESTAMP_NTZ of a chunk whose moments all fit; others, and the
other timestamps, are seconds since 1970 and nanoseconds. NULL stays NULL; VARIANT is pretty JSON; nested values
become JSON.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from cleanroom_ml.engine.sql.types.descriptions import characters
from cleanroom_ml.engine.sql.types.sql_type import SqlType
from cleanroom_ml.engine.sql.values.objects import pretty
from cleanroom_ml.engine.warehouse.arrow_types import TWO_PARTS, is_fine, nanoseconds, sent_type
from cleanroom_ml.engine.warehouse.depth import check

_STYLED: Final = r'^(?:[\[{]|"\\u0001)'
_STYLED_TEXT: Final = re.compile(_STYLED)
_DOCUMENTS: Final = frozenset({b"VARIANT", b"OBJECT", b"ARRAY"})


def wire_schema(names: Sequence[str], types: Sequence[SqlType], given: pa.Schema) -> pa.Schema:
    """Fields with the metadata by which the connector picks its converters."""
    fields = []
    for number, (name, sql_type) in enumerate(zip(names, types, strict=True)):
        metadata = {
            "logicalType": sql_type.logical,
            "precision": str(sql_type.precision if sql_type.precision is not None else 38),
            "scale": str(sql_type.record.seconds or sql_type.scale or 0),
            "charLength": str(characters(sql_type) or 0),
        }
        if sql_type.is_interval:
            entry = sql_type.wire(name)
            metadata |= {"precision": str(entry["precision"]), "scale": str(entry["scale"])}
        if sql_type.record.moment == "TZ":
            metadata["byteLength"] = "16"  # of the connector's two forms the one with nanoseconds
        fields.append(pa.field(name, sent_type(sql_type, given.field(number).type), metadata=metadata))
    return pa.schema(fields)


def convert(batch: pa.RecordBatch, schema: pa.Schema, indent: int | None = 2) -> pa.RecordBatch:
    """A batch of DuckDB's under the wire's schema; documents with so much of an indent, or on one line."""
    return pa.RecordBatch.from_arrays(
        [
            shown(column(array, field.type), indent)
            if (field.metadata or {}).get(b"logicalType") in _DOCUMENTS
            else column(array, field.type)
            for array, field in zip(batch.columns, schema, strict=True)
        ],
        schema=schema,
    )


def shown(array: pa.Array, indent: int | None = 2) -> pa.Array:
    """VARIANTs as clients see them: pretty, as Snowflake sends them. Plain values are sent as they are.

    Raises:
        TooDeep: one is nested more deeply than a client can read. It is counted before its text, which grows with the
            square of its depth, is made.
    """
    check(array)
    if not pc.any(pc.match_substring_regex(array, _STYLED)).as_py():
        return array
    return pa.array(
        [pretty(text, indent) if text is not None and _STYLED_TEXT.match(text) else text for text in array.to_pylist()],
        array.type,
    )


def column(array: pa.Array, target: pa.DataType) -> pa.Array:
    """One column as the wire's type."""
    given = array.type
    if given == target:
        return array
    if is_fine(given):
        return _fine(array, target)
    if pa.types.is_struct(target):
        return _with_offset(array, target) if pa.types.is_struct(given) else _of_two(array, target)
    if pa.types.is_struct(given) and given.num_fields == 1 and not pa.types.is_string(target):
        return pc.struct_field(array, 0).cast(target)  # an INTERVAL
    if pa.types.is_timestamp(given):
        return array.cast(pa.timestamp("us", tz=given.tz)).view(target)
    if pa.types.is_time(given):
        return array.cast(pa.time64("ns")).view(target)
    if pa.types.is_nested(given) or pa.types.is_interval(given) or pa.types.is_duration(given):
        return pa.array([None if value is None else _json(value) for value in array.to_pylist()], target)
    return array.cast(target)


def _fine(array: pa.StructArray, target: pa.DataType) -> pa.Array:
    """Moments with nanoseconds: as a time of day, or in two or three parts."""
    micros = pc.struct_field(array, "moment_us")
    nanos = nanoseconds(array)
    if not pa.types.is_struct(target):
        counted = pc.add(pc.multiply(micros.view(pa.int64()), 1000), nanos.cast(pa.int64()))
        return _only_there(counted, array).cast(target)
    seconds, rest = _parted(micros.view(pa.int64()))
    parts = [seconds, pc.add(rest, nanos.cast(pa.int32()))]
    if target.get_field_index("timezone") >= 0:
        parts.append(_offset(array))
    return pa.StructArray.from_arrays(parts, fields=list(target), mask=pc.is_null(array))


def _only_there(values: pa.Array, array: pa.Array) -> pa.Array:
    return pc.if_else(pc.is_null(array), pa.scalar(None, values.type), values)


def _offset(array: pa.StructArray) -> pa.Array:
    return pc.add(pc.struct_field(array, "shift").cast(pa.int32()), pa.scalar(1440, pa.int32()))


def _of_two(array: pa.Array, target: pa.DataType) -> pa.Array:
    """TIMESTAMP_LTZ: seconds since 1970 and nanoseconds. Of one count the connector takes 1970's offset for all."""
    if array.type.unit == "ns":
        parts = _parted(array.view(pa.int64()), 1_000_000_000)
    else:
        parts = _parted(array.cast(pa.timestamp("us", tz=array.type.tz)).view(pa.int64()))
    return pa.StructArray.from_arrays(parts, fields=list(target), mask=pc.is_null(array))


def _with_offset(array: pa.StructArray, target: pa.DataType) -> pa.Array:
    """TIMESTAMP_TZ: seconds since 1970, nanoseconds, and its offset in minutes + 1440, as the connector reads it."""
    micros = pc.struct_field(array, "utc").cast(pa.timestamp("us")).view(pa.int64())
    return pa.StructArray.from_arrays([*_parted(micros), _offset(array)], fields=list(target), mask=pc.is_null(array))


def _parted(count: pa.Array, of_a_second: int = 1_000_000) -> list[pa.Array]:
    """Microseconds, or what there are so many of in a second, as whole seconds, also before 1970, and nanoseconds."""
    seconds = pc.divide(count, of_a_second)  # towards zero
    rest = pc.subtract(count, pc.multiply(seconds, of_a_second))
    before = pc.less(rest, 0)
    seconds = pc.if_else(before, pc.subtract(seconds, 1), seconds)
    rest = pc.if_else(before, pc.add(rest, of_a_second), rest)
    return [seconds, pc.multiply(rest, 1_000_000_000 // of_a_second).cast(pa.int32())]


def narrowed(table: pa.Table) -> pa.Table:
    """One stream's rows with every decimal column that fits into 64 bits as whole numbers of its last digit, and every
    TIMESTAMP_NTZ as nanoseconds where 64 bits hold them, else as seconds and nanoseconds.

    Snowflake sends the narrowest form that holds a chunk's values, and the connector's pandas reader makes `float64` of
    it, as scripts expect; of 128-bit decimals it makes Python objects, at ten times the memory.
    """
    for number, field in enumerate(table.schema):
        if (field.metadata or {}).get(b"logicalType") == b"TIMESTAMP_NTZ":
            if pa.types.is_struct(field.type):  # with nanoseconds: of one number the connector makes no microseconds
                continue
            moments = _nanoseconds(table.column(number))
            table = table.set_column(number, field.with_type(moments.type), moments)
        elif pa.types.is_decimal(field.type) and not _is_interval(field):
            whole = _whole_numbers(table.column(number))
            if whole is not None:
                table = table.set_column(number, field.with_type(pa.int64()), whole)
    return table


def _is_interval(field: pa.Field) -> bool:
    """Of which the connector's pandas reader takes nothing but 128 bits (`convertIntervalDayTimeColumn`)."""
    return bool((field.metadata or {}).get(b"logicalType") == b"INTERVAL_DAY_TIME")


def _nanoseconds(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Microseconds as nanoseconds; 64 bits of those end with the years 1677 and 2262."""
    try:
        return pc.multiply_checked(column, 1000)
    except pa.ArrowInvalid:
        parted = [
            pa.StructArray.from_arrays(_parted(chunk), fields=list(TWO_PARTS), mask=pc.is_null(chunk))
            for chunk in column.chunks
        ]
        return pa.chunked_array(parted, TWO_PARTS)


def _whole_numbers(column: pa.ChunkedArray) -> pa.ChunkedArray | None:
    units = pa.decimal128(38, 0)
    try:
        return pa.chunked_array(
            [
                pa.Array.from_buffers(units, len(chunk), chunk.buffers(), offset=chunk.offset).cast(pa.int64())
                for chunk in column.chunks
            ],
            pa.int64(),
        )
    except pa.ArrowInvalid:
        return None


def _json(value: object) -> str:
    return json.dumps(value, default=str, separators=(",", ":"))
