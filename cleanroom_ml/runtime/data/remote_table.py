"""A table that is somewhere else: its rows are read by whichever process needs them, in pieces, each exactly once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import pyarrow as pa

from . import memory, sizes
from .columns import without_decimals
from .prefetch import ahead
from .sources import File, Memory, Source

if TYPE_CHECKING:
    import pandas as pd

_SAMPLE_ROWS: Final = 2048


@dataclass(frozen=True, slots=True)
class _Slice:
    source: Source
    offset: int
    rows: int

    @property
    def nbytes(self) -> int:
        return self.source.nbytes


class RemoteTable:
    """Rows and columns of a query's result, a file or memory. Immutable; picklable; needs no session to be read.

    Column names are written as Snowpark shows them (`FOO`, `"target"`), types as `columns` says.
    """

    def __init__(self, schema: pa.Schema, sources: Sequence[Source]) -> None:
        """`schema`: of all columns that the sources have."""
        self._all = schema
        self._columns = tuple(range(len(schema)))
        self._slices = tuple(_Slice(source, 0, source.rows) for source in sources if source.rows)

    @classmethod
    def from_arrow(cls, table: pa.Table) -> RemoteTable:
        """Rows that are in memory already. Fixed decimals become int64 or float64."""
        table = without_decimals(table)
        return cls(table.schema, [Memory(batch) for batch in table.to_batches()])

    @classmethod
    def concat(cls, tables: Sequence[RemoteTable]) -> RemoteTable:
        """One after the other. Raises ValueError where their columns differ."""
        first = tables[0]
        if any(table._all != first._all or table._columns != first._columns for table in tables):
            raise ValueError("these sources have different columns, so they cannot be read as one table")
        return first._with(tuple(each for table in tables for each in table._slices))

    @property
    def schema(self) -> pa.Schema:
        """Names and types of the columns."""
        return pa.schema([self._all.field(number) for number in self._columns])

    @property
    def column_names(self) -> list[str]:
        """Names of the columns, in order."""
        return [self._all.field(number).name for number in self._columns]

    @property
    def num_rows(self) -> int:
        """How many rows there are; known without reading any."""
        return sum(each.rows for each in self._slices)

    @property
    def nbytes(self) -> int:
        """About how many bytes `to_arrow()` takes."""
        wire = sum(each.source.nbytes * each.rows // each.source.rows for each in self._slices)
        return sizes.arrow_bytes(self._all, self.num_rows, wire, self._columns)

    def select(self, columns: Sequence[str]) -> RemoteTable:
        """These columns, in this order. Raises KeyError that names one that is not there."""
        places = {self._all.field(number).name: number for number in reversed(self._columns)}
        missing = [name for name in columns if name not in places]
        if missing:
            raise KeyError(f"no column {missing[0]!r}; the columns are: {', '.join(self.column_names)}")
        return self._with(self._slices, tuple(places[name] for name in columns))

    def slice(self, offset: int, rows: int) -> RemoteTable:
        """`rows` rows from `offset` on, as many as there are."""
        slices, begin, end = [], 0, offset + max(0, rows)
        for each in self._slices:
            low, high = max(offset, begin), min(end, begin + each.rows)
            if low < high:
                slices.append(_cut(each, low - begin, high - low))
            begin += each.rows
        return self._with(tuple(slices))

    def shard(self, rank: int, world_size: int, *, equal: bool = False) -> RemoteTable:
        """The rows of one of `world_size` workers: neighbours in the table, sizes that differ by one row at most.

        Every row is in exactly one shard. With `equal`, the last rows that would make sizes differ are in none.
        """
        if not 0 <= rank < world_size:
            raise ValueError(f"there is no rank {rank} among {world_size} workers")
        total = self.num_rows
        if equal:
            return self.slice(rank * (total // world_size), total // world_size)
        begin = rank * total // world_size
        return self.slice(begin, (rank + 1) * total // world_size - begin)

    def pieces(self) -> list[RemoteTable]:
        """One table for each piece that is read as a whole, to be read in any order and by anybody."""
        return [self._with((each,)) for each in self._slices]

    def reordered(self, permutation: Callable[[int], Sequence[int]]) -> RemoteTable:
        """The same rows with its pieces in the order that `permutation(number of pieces)` gives."""
        return self._with(tuple(self._slices[number] for number in permutation(len(self._slices))))

    def sources(self) -> list[Source]:
        """Where the pieces lie."""
        return [each.source for each in self._slices]

    def batches(self, max_rows: int | None = None) -> Iterator[pa.RecordBatch]:
        """All rows in order, read ahead on threads, of at most `max_rows` rows each (else as they lie)."""
        for batch in ahead(self._slices, self._read, lambda each: each.nbytes):
            if max_rows is None:
                yield batch
            else:
                yield from (batch.slice(begin, max_rows) for begin in range(0, batch.num_rows, max_rows))

    def to_arrow(self) -> pa.Table:
        """All of it as one table. What lies in files of this job is mapped, not read.

        Raises NotEnoughMemoryError before anything is fetched.
        """
        remote = self._with(tuple(each for each in self._slices if not isinstance(each.source, (Memory, File))))
        memory.require(remote.nbytes, self.described("to_arrow()"))
        return pa.Table.from_batches(self.batches(), self.schema)

    def pandas_bytes(self) -> int:
        """About how many bytes `to_pandas()` takes."""
        return sizes.pandas_bytes(self.schema, self.num_rows, self.nbytes, self._sample())

    def described(self, what: str) -> str:
        """`what` and its size, for error texts."""
        return f"{what} of {self.num_rows:,} rows × {len(self._columns)} columns"

    def to_pandas(self, limit: int | None = None) -> pd.DataFrame:
        """The first `limit` rows, or all, as a DataFrame. Raises NotEnoughMemoryError."""
        from .frames import to_pandas

        return to_pandas(self if limit is None else self.slice(0, limit))

    def __len__(self) -> int:
        return self.num_rows

    def __repr__(self) -> str:
        return f"RemoteTable({self.num_rows:,} rows × {len(self._columns)} columns in {len(self._slices)} pieces)"

    def _sample(self) -> pa.RecordBatch | None:
        """Some of the rows, if this process has any without fetching them: a result's first ones come with it."""
        for each in self._slices:
            if isinstance(each.source, Memory):
                return self._read(each).slice(0, _SAMPLE_ROWS)
        return None

    def _read(self, each: _Slice) -> pa.RecordBatch:
        batch = each.source.read(self._all, self._columns)
        return batch if each.rows == batch.num_rows else batch.slice(each.offset, each.rows)

    def _with(self, slices: tuple[_Slice, ...], columns: tuple[int, ...] | None = None) -> RemoteTable:
        other = object.__new__(RemoteTable)
        other._all, other._slices = self._all, slices
        other._columns = self._columns if columns is None else columns
        return other


def _cut(each: _Slice, offset: int, rows: int) -> _Slice:
    if isinstance(each.source, Memory):
        # Pickled, a shard of a table in memory is to take its own rows along only.
        return _Slice(Memory(each.source.batch.slice(each.offset + offset, rows)), 0, rows)
    return _Slice(each.source, each.offset + offset, rows)
