"""A result as one file of several Arrow IPC streams, each of which the front can serve as it lies (runs inside the
sandbox).
"""

from __future__ import annotations

from typing import IO

import pyarrow as pa

from cleanroom_ml.engine.warehouse.arrow_out import narrowed


class SpoolWriter:
    """Cuts batches into streams: the first of at most `first` rows (to be inlined), the rest of at most `size`.

    At most one stream's rows are held in memory. `batches` is [offset, length, rows] of each.
    """

    def __init__(self, file: IO[bytes], schema: pa.Schema, first: int, size: int) -> None:
        self._file = file
        self._schema = schema
        self._limit = first
        self._size = size
        self._pending: list[pa.RecordBatch] = []
        self._waiting = 0
        self._offset = 0
        self.batches: list[list[int]] = []
        self.rows = 0

    def add(self, batch: pa.RecordBatch) -> None:
        while batch.num_rows:
            room = self._limit - self._waiting
            part = batch.slice(0, room)
            self._pending.append(part)
            self._waiting += part.num_rows
            batch = batch.slice(part.num_rows)
            if self._waiting == self._limit:
                self._flush()

    def finish(self) -> None:
        if self._pending:
            self._flush()

    def _flush(self) -> None:
        table = narrowed(pa.Table.from_batches(self._pending, self._schema))
        begin = self._file.tell()
        with pa.ipc.new_stream(pa.PythonFile(self._file, "w"), table.schema) as writer:
            writer.write_table(table)
        length = self._file.tell() - begin
        self.batches.append([self._offset, length, self._waiting])
        self.rows += self._waiting
        self._offset += length
        self._pending, self._waiting, self._limit = [], 0, self._size
