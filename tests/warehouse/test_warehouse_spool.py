"""Where a result is cut into the chunks that clients fetch: by rows, and by bytes where rows are wide."""

from __future__ import annotations

import io
from collections.abc import Iterator

import pyarrow as pa
import pytest

from cleanroom_ml.engine.warehouse import spool, worker


def batches(widths: list[int], rows: int) -> Iterator[pa.RecordBatch]:
    for width in widths:
        yield pa.record_batch({"T": ["x" * width] * rows})


def spooled(given: Iterator[pa.RecordBatch], *, first: int = 10, size: int = 100, most_bytes: int = 10_000):
    file = io.BytesIO()
    given = list(given)
    writer = spool.SpoolWriter(file, given[0].schema, first, size, most_bytes)
    for batch in given:
        writer.add(batch)
    writer.finish()
    streams = [
        pa.ipc.open_stream(file.getvalue()[offset : offset + length]).read_all() for offset, length, _ in writer.batches
    ]
    assert [stream.num_rows for stream in streams] == [rows for _, _, rows in writer.batches]
    assert pa.concat_tables(streams) == pa.Table.from_batches(given)
    assert writer.rows == sum(batch.num_rows for batch in given)
    return streams


def test_narrow_rows_are_cut_by_their_number() -> None:
    assert [stream.num_rows for stream in spooled(batches([1, 1, 1], 90))] == [10, 100, 100, 60]


def test_wide_rows_are_cut_by_their_bytes() -> None:
    streams = spooled(batches([1000, 10, 3000], 40))
    assert max(stream.nbytes for stream in streams) <= 10_000
    assert max(stream.num_rows for stream in streams) > 40  # the narrow ones, with some of the wide


def test_a_row_that_is_too_wide_has_a_chunk_of_its_own() -> None:
    assert [stream.num_rows for stream in spooled(batches([20_000, 1, 20_000], 2))] == [1, 1, 2, 1, 1]


@pytest.mark.parametrize(("columns", "rows"), [(1, 122_880), (30, 122_880), (100, 40_960), (1000, 4096), (9000, 2048)])
def test_rows_at_a_time_are_fewer_where_there_are_many_columns(columns: int, rows: int) -> None:
    types = [worker.from_duckdb("DOUBLE")] * columns
    assert worker._rows_at_a_time(types) == rows
    assert worker._rows_at_a_time([worker.from_duckdb("VARCHAR")] * columns) <= max(2048, 65_536 // columns)
