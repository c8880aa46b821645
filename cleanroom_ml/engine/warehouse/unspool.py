"""A spooled result as a table again: what arrow_out.py made of each type, undone (runs inside the sandbox)."""

from __future__ import annotations

import os
from collections.abc import Sequence

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from cleanroom_ml.engine.sql.types.sql_type import SqlType, parse_type
from cleanroom_ml.engine.warehouse.arrow_types import fine_type, is_fine, stored_type

NAME = "_spooled"
"""What DuckDB knows it by."""
_DAY_OF_ZONES = 1440


def table(fd: int, batches: Sequence[Sequence[int]], types: Sequence[str]) -> pa.Table:
    """The rows of the streams at these offsets and lengths, in columns `_0`, `_1`, … of DuckDB's types."""
    kinds = [parse_type(text) for text in types]
    parts: list[list[pa.Array]] = []
    for offset, length in batches:
        with pa.ipc.open_stream(pa.py_buffer(os.pread(fd, length, offset))) as reader:
            for batch in reader:
                parts.append([_undone(array, kind) for array, kind in zip(batch.columns, kinds, strict=True)])
    columns = [_alike(list(column), kind) for column, kind in zip(zip(*parts, strict=True), kinds, strict=True)]
    return pa.table(columns, names=[f"_{number}" for number in range(len(columns))])


def _alike(chunks: list[pa.Array], kind: SqlType) -> pa.ChunkedArray:
    """A column's chunks, all with nanoseconds where one of them has some."""
    moment = kind.record.moment
    if moment is not None and any(is_fine(chunk.type) for chunk in chunks):
        chunks = [chunk if is_fine(chunk.type) else _with(chunk, None, fine_type(moment)) for chunk in chunks]
    return pa.chunked_array(chunks)


def _with(moments: pa.Array, nanos: pa.Array | None, target: pa.DataType) -> pa.StructArray:
    """Moments to the microsecond with their nanoseconds (sql/types/fine.py); None: they have none."""
    given = pa.array([0], pa.int16()).take(pa.repeat(0, len(moments))) if nanos is None else nanos.cast(pa.int16())
    parts = [moments, given]
    if pa.types.is_struct(moments.type):
        parts = [pc.struct_field(moments, "utc"), given, pc.struct_field(moments, "shift")]
    return pa.StructArray.from_arrays(parts, fields=list(target), mask=pc.is_null(moments))


def _exact(moments: pa.Array, nanos: pa.Array, kind: SqlType) -> pa.Array:
    """Moments with nanoseconds, if they have some."""
    moment = kind.record.moment
    if moment is None or not pc.any(pc.not_equal(nanos, 0)).as_py():
        return moments
    return _with(moments, nanos, fine_type(moment))


def put(connection: duckdb.DuckDBPyConnection, rows: pa.Table) -> None:
    """Makes them a table of DuckDB's: what is only registered, another cursor of the connection does not see."""
    connection.register(f"{NAME}_arrow", rows)
    connection.execute(f"CREATE TABLE {NAME} AS SELECT * FROM {NAME}_arrow")
    connection.unregister(f"{NAME}_arrow")


def _undone(array: pa.Array, kind: SqlType) -> pa.Array:
    given = array.type
    if kind.is_interval:
        stored = stored_type(kind)
        return pa.StructArray.from_arrays(
            [array.cast(stored.field(0).type)], fields=[stored.field(0)], mask=pc.is_null(array)
        )
    if pa.types.is_struct(given):
        made = _of_zone(array) if given.get_field_index("timezone") >= 0 else _of_two(array, kind)
        fraction = pc.struct_field(array, "fraction")
        return _exact(made, pc.subtract(fraction, pc.multiply(pc.divide(fraction, 1000), 1000)), kind)
    if given == pa.int64() and kind.record.moment in {"NTZ", "TIME"}:
        micros = _floored(array)
        target = pa.timestamp("us") if kind.record.moment == "NTZ" else pa.time64("us")
        return _exact(micros.view(target), pc.subtract(array, pc.multiply(micros, 1000)), kind)
    if given == pa.int64() and kind.scale:
        units = array.cast(pa.decimal128(38, 0))
        return pa.Array.from_buffers(pa.decimal128(38, kind.scale), len(units), units.buffers(), offset=units.offset)
    return array


def _floored(nanos: pa.Array) -> pa.Array:
    """Nanoseconds as whole microseconds, also before 1970."""
    micros = pc.divide(nanos, 1000)  # towards zero
    return pc.if_else(pc.less(nanos, pc.multiply(micros, 1000)), pc.subtract(micros, 1), micros)


def _micros(array: pa.StructArray) -> pa.Array:
    return pc.add(
        pc.multiply(pc.struct_field(array, "epoch"), 1_000_000),
        pc.divide(pc.struct_field(array, "fraction").cast(pa.int64()), 1000),
    )


def _of_two(array: pa.StructArray, kind: SqlType) -> pa.Array:
    """TIMESTAMP_LTZ, or a TIMESTAMP_NTZ that 64 bits of nanoseconds do not hold: of seconds and nanoseconds."""
    zone = "UTC" if kind.record.moment == "LTZ" else None
    return _only_there(_micros(array), array).view(pa.timestamp("us", tz=zone))


def _of_zone(array: pa.StructArray) -> pa.Array:
    """TIMESTAMP_TZ, of seconds, nanoseconds and an offset."""
    moments = _micros(array).view(pa.timestamp("us"))
    shift = pc.subtract(pc.struct_field(array, "timezone"), pa.scalar(_DAY_OF_ZONES, pa.int32())).cast(pa.int16())
    fields = [pa.field("utc", pa.timestamp("us")), pa.field("shift", pa.int16())]
    return pa.StructArray.from_arrays([moments, shift], fields=fields, mask=pc.is_null(array))


def _only_there(values: pa.Array, array: pa.StructArray) -> pa.Array:
    return pc.if_else(pc.is_null(array), pa.scalar(None, values.type), values)
