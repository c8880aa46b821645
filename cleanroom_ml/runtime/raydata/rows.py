"""Blocks of Ray Data as rows that a table can hold: plain Arrow types, and the column types that fit them.

Lists, dictionaries and arrays are JSON text on their way, marked in the metadata of their field: what becomes of it in
the table is told there.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import pyarrow as pa

from ..data import tensors

if TYPE_CHECKING:
    from ray.data.block import Block

_MICROSECONDS: Final = "us"
_DECIMAL_DIGITS: Final = 38
_JSON: Final = b"cleanroom_json"


class UnwritableColumnError(TypeError):
    """A column's values are none that a table holds; the text names it."""


def plain(table: pa.Table) -> pa.Table:
    """The same rows without extension types: what is nested as JSON, categories as their values, times in microseconds.

    Raises UnwritableColumnError.
    """
    columns, fields = [], []
    for field, column in zip(table.schema, table.columns, strict=True):
        kind = _nested(column.type)
        array = _json_texts(column) if kind else _flat(field.name, column)
        columns.append(array)
        fields.append(pa.field(field.name, array.type, metadata={_JSON: kind.encode()} if kind else None))
    return pa.table(columns, schema=pa.schema(fields))


def together(schemas: Sequence[pa.Schema]) -> pa.Schema:
    """One schema for all of them: a column that is missing in some is there, whole numbers next to fractions are
    fractions. Raises UnwritableColumnError where types do not go together.
    """
    try:
        unified = pa.unify_schemas([schema.remove_metadata() for schema in schemas], promote_options="permissive")
    except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
        raise UnwritableColumnError(f"the parts of the dataset have columns of different types: {error}") from error
    marks = {field.name: field.metadata for schema in schemas for field in schema if json_type(field)}
    return pa.schema([field.with_metadata(marks.get(field.name)) for field in unified])


def json_type(field: pa.Field) -> str | None:
    """ARRAY or OBJECT, where the field's texts are JSON."""
    kind = (field.metadata or {}).get(_JSON)
    return None if kind is None else kind.decode()


def sql_type(field: pa.Field) -> str:
    """The type of a column that holds this field's values. Raises UnwritableColumnError."""
    kind, types = field.type, pa.types
    if types.is_boolean(kind):
        return "BOOLEAN"
    if types.is_integer(kind):
        return "NUMBER(38, 0)"
    if types.is_floating(kind):
        return "FLOAT"
    if types.is_decimal(kind) and kind.precision <= _DECIMAL_DIGITS:
        return f"NUMBER({kind.precision}, {max(0, kind.scale)})"
    if types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind) or types.is_null(kind):
        return "VARCHAR"
    if types.is_binary(kind) or types.is_large_binary(kind) or types.is_fixed_size_binary(kind):
        return "BINARY"
    if types.is_date(kind):
        return "DATE"
    if types.is_time(kind):
        return "TIME"
    if types.is_timestamp(kind):
        return "TIMESTAMP_NTZ" if kind.tz is None else "TIMESTAMP_LTZ"
    raise UnwritableColumnError(f"column {field.name} holds values of type {kind}, which no column of a table holds")


def _nested(kind: pa.DataType) -> str | None:
    types = pa.types
    if tensors.is_tensor(kind) or types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind):
        return "ARRAY"
    return "OBJECT" if types.is_struct(kind) else None


def _json_texts(column: pa.ChunkedArray) -> pa.ChunkedArray:
    values = tensors.to_lists(column) if tensors.is_tensor(column.type) else column.to_pylist()
    texts = [None if value is None else json.dumps(_finite(value), default=str) for value in values]
    return pa.chunked_array([pa.array(texts, pa.string())])


def _finite(value: object) -> object:
    """JSON has no NaN and no infinities: they become null."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, list):
        return [_finite(item) for item in value]
    if isinstance(value, dict):
        return {name: _finite(item) for name, item in value.items()}
    return value.hex() if isinstance(value, bytes) else value


def _flat(name: str, column: pa.ChunkedArray) -> pa.ChunkedArray:
    kind = column.type
    if isinstance(kind, pa.ExtensionType):
        if "object" in kind.extension_name:
            raise UnwritableColumnError(
                f"column {name} holds Python objects, which a table does not; make numbers, texts, lists or "
                "dictionaries of them with map_batches, or drop it with drop_columns"
            )
        return _flat(name, pa.chunked_array([chunk.storage for chunk in column.chunks], kind.storage_type))
    if pa.types.is_dictionary(kind):
        return _flat(name, column.cast(kind.value_type))
    if pa.types.is_float16(kind):
        return column.cast(pa.float32())
    if pa.types.is_null(kind):
        return column.cast(pa.string())
    if pa.types.is_timestamp(kind) and kind.unit != _MICROSECONDS:
        return _micros(name, column, pa.timestamp(_MICROSECONDS, kind.tz))
    if pa.types.is_time(kind) and kind != pa.time64(_MICROSECONDS):
        return _micros(name, column, pa.time64(_MICROSECONDS))
    return column


def _micros(name: str, column: pa.ChunkedArray, target: pa.DataType) -> pa.ChunkedArray:
    """Moments in microseconds. Raises UnwritableColumnError: one of them has nanoseconds, which would be cut off, or is
    beyond what microseconds count.
    """
    try:
        return column.cast(target)
    except pa.ArrowInvalid as error:
        raise UnwritableColumnError(
            f"column {name} holds a moment with nanoseconds, or one beyond what microseconds count, and a dataset is"
            " written in microseconds; round it with map_batches (pandas: .dt.floor('us')), or write it as text"
        ) from error


def arrow_of(block: Block) -> pa.Table:
    """A block of Ray Data, whatever it is made of, as rows for a table. Raises UnwritableColumnError."""
    from ray.data.block import BlockAccessor

    return plain(BlockAccessor.for_block(block).to_arrow())
