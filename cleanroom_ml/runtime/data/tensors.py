"""Columns whose values are arrays (pixels, embeddings): Ray's own types, and the plain one that every process reads.

Ray's types are known only where Ray has been imported, Arrow's `fixed_shape_tensor` everywhere: what goes to files of
the job is that. All rows of such a column have one shape.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np
import pyarrow as pa

from ..values import Array

_ARROWS: Final = "arrow.fixed_shape_tensor"
_RAYS_FIXED: Final = ("ray.data.arrow_tensor", "ray.data.arrow_tensor_v2")
_RAYS_VARIABLE: Final = "ray.data.arrow_variable_shaped_tensor"


class TensorShapeError(ValueError):
    """The arrays of a column have no shape in common; the text names it."""


def is_tensor(kind: pa.DataType) -> bool:
    """Whether values of this type are arrays with a shape."""
    return isinstance(kind, pa.BaseExtensionType) and kind.extension_name in (_ARROWS, *_RAYS_FIXED, _RAYS_VARIABLE)


def fixed_bytes(kind: pa.DataType) -> float | None:
    """Bytes of one value; None where that depends on the value, and for other types."""
    if not is_tensor(kind) or kind.extension_name == _RAYS_VARIABLE:
        return None
    return float(math.prod(kind.shape) * _value_type(kind).bit_width) / 8


def with_plain_tensors(table: pa.Table) -> pa.Table:
    """The same rows, Ray's arrays in Arrow's own type. Raises TensorShapeError for a column of several shapes."""
    for number, field in enumerate(table.schema):
        if not is_tensor(field.type):
            continue
        column = table.column(number)
        if field.type.extension_name == _RAYS_VARIABLE or column.null_count:
            raise several_shapes(field.name)
        shape = tuple(field.type.shape)
        kind = pa.fixed_shape_tensor(_value_type(field.type), shape)
        chunks = [_plain(chunk, shape, kind) for chunk in column.chunks]
        table = table.set_column(number, pa.field(field.name, kind), pa.chunked_array(chunks, kind))
    return table


def to_numpy(column: pa.Array | pa.ChunkedArray) -> Array:
    """The values of a column of one shape as one array, rows first."""
    chunks = column.chunks if isinstance(column, pa.ChunkedArray) else [column]
    shape = tuple(column.type.shape)
    arrays = [_flat(chunk).to_numpy(zero_copy_only=False).reshape((len(chunk), *shape)) for chunk in chunks]
    return arrays[0] if len(arrays) == 1 else np.concatenate(arrays)


def to_lists(column: pa.ChunkedArray) -> list[object]:
    """The values of a column as lists of lists, as deep as they have dimensions, whatever their shapes."""
    if column.type.extension_name == _RAYS_VARIABLE:
        stored = [value.as_py() for chunk in column.chunks for value in chunk.storage]
        return [None if each is None else np.asarray(each["data"]).reshape(each["shape"]).tolist() for each in stored]
    shape = tuple(column.type.shape)
    rows = [value.as_py() for chunk in column.chunks for value in chunk.storage]
    return [None if row is None else np.asarray(row).reshape(shape).tolist() for row in rows]


def several_shapes(name: str) -> TensorShapeError:
    """What to raise for a column whose arrays cannot be read in batches."""
    return TensorShapeError(
        f"the arrays of column {name} have different shapes, which cannot be read in batches; give "
        'SFStageImageDataSource(image_size=(height, width), image_mode="RGB"), or bring them to one shape with '
        "map_batches"
    )


def _plain(chunk: pa.ExtensionArray, shape: tuple[int, ...], kind: pa.DataType) -> pa.Array:
    return pa.ExtensionArray.from_storage(kind, pa.FixedSizeListArray.from_arrays(_flat(chunk), math.prod(shape)))


def _flat(chunk: pa.ExtensionArray) -> pa.Array:
    permutation = getattr(chunk.type, "permutation", None)
    if permutation is not None and list(permutation) != sorted(permutation):
        return pa.array(chunk.to_numpy_ndarray().ravel())
    return chunk.storage.flatten()


def _value_type(kind: pa.BaseExtensionType) -> pa.DataType:
    return kind.storage_type.value_type
