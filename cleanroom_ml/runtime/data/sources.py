"""Where the rows of a table lie, a piece at a time: a chunk at the engine, a file of the job, memory.

Sources are values: they can be pickled, and read in whatever process of the job has them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import pyarrow as pa

from .columns import decoded
from .fetch import ChunkUnavailableError, fetch


class Source(Protocol):
    """So many rows of the table, and about how many bytes they take as Arrow."""

    @property
    def rows(self) -> int: ...

    @property
    def nbytes(self) -> int: ...

    def read(self, schema: pa.Schema, columns: Sequence[int]) -> pa.RecordBatch:
        """These columns of all rows; `schema` is that of all columns."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """A chunk of a query's result, at the engine. `headers` open it (snowflake.connector.result_batch.ResultBatch)."""

    url: str
    headers: Mapping[str, str] = field(repr=False)
    rows: int
    nbytes: int

    def read(self, schema: pa.Schema, columns: Sequence[int]) -> pa.RecordBatch:
        batch = one_batch(pa.ipc.open_stream(fetch(self.url, self.headers)).read_all())
        if batch.num_rows != self.rows:
            raise ChunkUnavailableError(f"{batch.num_rows} rows arrived where {self.rows} were promised")
        return decoded(batch, schema, columns)


@dataclass(frozen=True, slots=True)
class File:
    """A file of one record batch, written by `spool`. It is mapped: the kernel drops its pages and reads them again."""

    path: Path
    rows: int
    nbytes: int

    def read(self, schema: pa.Schema, columns: Sequence[int]) -> pa.RecordBatch:
        batch = pa.ipc.open_file(pa.memory_map(str(self.path))).get_batch(0)
        return batch.select(list(columns))


@dataclass(frozen=True, slots=True)
class Memory:
    """Rows that this process has already. Pickled, they are copied, and only they: a slice takes nothing else along."""

    batch: pa.RecordBatch = field(repr=False)

    @property
    def rows(self) -> int:
        return int(self.batch.num_rows)

    @property
    def nbytes(self) -> int:
        return int(self.batch.nbytes)

    def read(self, schema: pa.Schema, columns: Sequence[int]) -> pa.RecordBatch:
        return self.batch.select(list(columns))

    def __reduce__(self) -> tuple[Callable[[bytes], Memory], tuple[bytes]]:
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, self.batch.schema) as writer:
            writer.write_batch(self.batch)
        return _memory, (sink.getvalue().to_pybytes(),)


def _memory(data: bytes) -> Memory:
    return Memory(one_batch(pa.ipc.open_stream(data).read_all()))


def one_batch(table: pa.Table) -> pa.RecordBatch:
    """A table's rows as one record batch, copied only where they are several."""
    batches = table.combine_chunks().to_batches()
    return batches[0] if batches else pa.RecordBatch.from_pylist([], schema=table.schema)
