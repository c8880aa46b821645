"""Batches of a fixed size out of a table that streams by, in order or shuffled."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow as pa

from ..values import Array
from .memory import limit_bytes
from .tensors import is_tensor, to_numpy

if TYPE_CHECKING:
    from .remote_table import RemoteTable

SHUFFLE_ROWS: Final = 500_000
SHUFFLE_BYTES: Final = 128 << 20
SHUFFLE_SHARE: Final = 24
"""Rows that are mixed with each other at a time, at most that part of the job's memory (mixing holds them three times):
whichever bound is met first, and always one piece of the table.
"""


def batches(table: RemoteTable, batch_size: int, *, shuffle: bool, drop_last: bool) -> Iterator[dict[str, Array]]:
    """Each row once, in arrays of `batch_size` values by column name; NULL among numbers is NaN. Values that are arrays
    themselves (`tensors`) are further dimensions.

    Shuffled, the pieces of the table come in a random order, and the rows of as many neighbours as the bounds allow
    are mixed. The order is NumPy's global generator's: `numpy.random.seed` repeats it.
    """
    if batch_size < 1:
        raise ValueError("batch_size must be at least 1")
    rows = _shuffled(table) if shuffle else table.batches()
    rest: list[pa.RecordBatch] = []
    have = 0
    for batch in rows:
        begin = 0
        if have:
            begin = min(batch_size - have, batch.num_rows)
            rest.append(batch.slice(0, begin))
            have += begin
            if have < batch_size:
                continue
            yield _arrays(rest)
        last = begin + (batch.num_rows - begin) // batch_size * batch_size
        for start in range(begin, last, batch_size):
            yield _arrays([batch.slice(start, batch_size)])
        rest, have = ([batch.slice(last)], batch.num_rows - last) if last < batch.num_rows else ([], 0)
    if have and not drop_last:
        yield _arrays(rest)


def _shuffled(table: RemoteTable) -> Iterator[pa.RecordBatch]:
    most = min(SHUFFLE_BYTES, limit_bytes() // SHUFFLE_SHARE)
    pending: list[pa.RecordBatch] = []
    rows = size = 0
    for batch in table.reordered(lambda count: np.random.permutation(count).tolist()).batches():
        if pending and (rows + batch.num_rows > SHUFFLE_ROWS or size + batch.nbytes > most):
            yield _mixed(pending)
            pending, rows, size = [], 0, 0
        pending.append(batch)
        rows += batch.num_rows
        size += batch.nbytes
    if pending:
        yield _mixed(pending)


def _mixed(pending: list[pa.RecordBatch]) -> pa.RecordBatch:
    (batch,) = pa.Table.from_batches(pending).combine_chunks().to_batches() or [pending[0]]
    return batch.take(pa.array(np.random.permutation(batch.num_rows)))


def _arrays(parts: list[pa.RecordBatch]) -> dict[str, Array]:
    columns = parts[0].columns if len(parts) == 1 else pa.Table.from_batches(parts).columns
    return {name: _array(column) for name, column in zip(parts[0].schema.names, columns, strict=True)}


def _array(column: pa.Array | pa.ChunkedArray) -> Array:
    array: Array
    if is_tensor(column.type):
        array = to_numpy(column)
    else:
        array = column.to_numpy() if isinstance(column, pa.ChunkedArray) else column.to_numpy(zero_copy_only=False)
    # A view of Arrow's memory is read-only; torch wants to be allowed to write, and warns.
    return array if array.flags.writeable else array.copy()
