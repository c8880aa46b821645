"""What rows cost in memory, as Arrow and as pandas, before they are loaded.

Whatever has a fixed width is exact. Texts are known by their bytes on the wire and, for pandas, by a sample: a
DataFrame holds one Python object for each distinct value of a chunk, and 8 bytes a row to point at it (measured: see
tests/runtime/test_runtime_data_sizes.py).
"""

from __future__ import annotations

from typing import Final

import pyarrow as pa

from .tensors import fixed_bytes

STRING_OBJECT: Final = 64
"""A Python `str` or `bytes` besides its characters, rounded up to the allocator's step."""

DATE_OBJECT: Final = 32
"""A `datetime.date`; `datetime.time` takes 8 more."""

POINTER: Final = 8
_TELLING: Final = 8
"""So many values that come again in a sample say how many there are; fewer may be chance."""

CHUNK_ROWS: Final = 122_880
"""Rows of one chunk (engine: warehouse/worker.py); equal values of a chunk become one object."""


def arrow_bytes(schema: pa.Schema, rows: int, wire: int, columns: tuple[int, ...] | None = None) -> int:
    """Bytes of these columns (all, if None) as Arrow, where all of them take `wire` bytes on the wire."""
    fixed = [_fixed(field.type) for field in schema]
    chosen = range(len(fixed)) if columns is None else columns
    texts = sum(width is None for width in fixed)
    total = rows * sum(fixed[number] or 0.0 for number in chosen)
    if texts:
        # Each text column is taken for an equal part of what is not of a fixed width.
        variable = max(0.0, wire - rows * sum(width or 0.0 for width in fixed))
        total += variable * sum(fixed[number] is None for number in chosen) / texts
    return int(total)


def pandas_bytes(schema: pa.Schema, rows: int, arrow: int, sample: pa.RecordBatch | None = None) -> int:
    """Bytes of a DataFrame of `rows` rows that take `arrow` bytes as Arrow. `sample`: some of the rows."""
    texts = [number for number, field in enumerate(schema) if _fixed(field.type) is None]
    characters = max(0.0, arrow - rows * sum(_fixed(field.type) or 0.0 for field in schema))
    total = 0.0
    for number, field in enumerate(schema):
        kind = field.type
        if number in texts:
            objects = rows * _distinct_share(sample, number)
            length = characters / max(1, len(texts)) / max(1, rows)
            total += POINTER * rows + objects * (STRING_OBJECT + length)
        elif pa.types.is_date(kind) or pa.types.is_time(kind):
            total += rows * (POINTER + DATE_OBJECT * _distinct_share(sample, number))
        elif pa.types.is_dictionary(kind):
            total += rows * kind.index_type.bit_width / 8
        elif pa.types.is_boolean(kind):
            total += rows  # with NULLs in it, objects: 8 bytes a row, of two values
        else:
            total += rows * (_fixed(kind) or POINTER)
    return int(total)


def _fixed(kind: pa.DataType) -> float | None:
    """Bytes of one value; None where that depends on the value."""
    if pa.types.is_dictionary(kind):
        return float(kind.index_type.bit_width) / 8
    if isinstance(kind, pa.BaseExtensionType):
        return fixed_bytes(kind)
    try:
        return float(kind.bit_width) / 8
    except ValueError:
        return None


def _distinct_share(sample: pa.RecordBatch | None, column: int) -> float:
    """Distinct values of a chunk of this column over its rows, judged by a sample; 1.0 where nothing is known.

    A sample of s rows of D equally frequent values has about D (1 - (1 - 1/D)^s) distinct ones: D is found by halving.
    """
    if sample is None or not sample.num_rows:
        return 1.0
    drawn, seen = sample.num_rows, len(sample.column(column).unique())
    if drawn - seen < _TELLING:
        return 1.0
    low, high = float(seen), 64.0 * CHUNK_ROWS
    for _ in range(48):
        middle = (low + high) / 2
        low, high = (middle, high) if _expected(middle, drawn) < seen else (low, middle)
    return min(1.0, _expected(high, CHUNK_ROWS) / CHUNK_ROWS)


def _expected(values: float, drawn: int) -> float:
    return float(values * (1 - (1 - 1 / max(values, 1.0000001)) ** drawn))
