"""A result as one file of several Arrow IPC streams, each of which the front can serve as it lies (runs inside the
sandbox).
"""

from __future__ import annotations

from typing import IO

import pyarrow as pa

from cleanroom_ml.engine.warehouse.arrow_out import narrowed


class SpoolWriter:
    """Cuts batches into streams: the first of at most `first` rows (to be inlined), the rest of at most `size`.

    No stream has more than `most_bytes` of Arrow, the first an eighth of it, but for a single row that has: whoever
    fetches one holds it whole, and so does this. `batches` is [offset, length, rows] of each.
    """

    def __init__(self, file: IO[bytes], schema: pa.Schema, first: int, size: int, most_bytes: int) -> None:
        self._file = file
        self._schema = schema
        self._limit = first
        self._size = size
        self._most_bytes = most_bytes
        self._limit_bytes = most_bytes // 8
        self._pending: list[pa.RecordBatch] = []
        self._waiting = 0
        self._waiting_bytes = 0
        self._offset = 0
        self.batches: list[list[int]] = []
        self.rows = 0

    def add(self, batch: pa.RecordBatch) -> None:
        while batch.num_rows:
            part = batch.slice(0, self._limit - self._waiting)
            full = part.num_rows + self._waiting == self._limit
            room = self._limit_bytes - self._waiting_bytes
            if part.nbytes > room:
                full = True
                rows = int(part.num_rows * room / part.nbytes)
                part = part.slice(0, rows if self._pending else max(1, rows))
            if part.num_rows:
                self._pending.append(part)
                self._waiting += part.num_rows
                self._waiting_bytes += part.nbytes
                batch = batch.slice(part.num_rows)
            if full:
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
        self._pending, self._waiting, self._waiting_bytes = [], 0, 0
        self._limit, self._limit_bytes = self._size, self._most_bytes
