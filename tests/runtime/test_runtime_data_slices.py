"""Each row exactly once, however a table is cut: shards, slices, selections, batches."""

from __future__ import annotations

import pickle
from pathlib import Path

import cloudpickle
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from runtime_job_file import a_job

from cleanroom_ml.runtime.data import RemoteTable
from cleanroom_ml.runtime.data import spool as spooling
from cleanroom_ml.runtime.data.spool import NotEnoughDiskError, discard, spool


def made_of(sizes: list[int]) -> RemoteTable:
    """A table of pieces of these sizes; its rows are numbered from 0."""
    tables, begin = [], 0
    for size in sizes:
        rows = list(range(begin, begin + size))
        texts = pa.array([str(row) for row in rows], pa.string())
        tables.append(RemoteTable.from_arrow(pa.table({"N": pa.array(rows, pa.int64()), "S": texts})))
        begin += size
    return RemoteTable.concat(tables)


def numbers(table: RemoteTable) -> list[int]:
    return [number for batch in table.batches() for number in batch.column("N").to_pylist()]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 9), min_size=1, max_size=6), st.integers(1, 8))
def test_every_row_is_in_exactly_one_shard(sizes: list[int], workers: int) -> None:
    table = made_of(sizes)
    shards = [table.shard(rank, workers) for rank in range(workers)]
    assert [number for shard in shards for number in numbers(shard)] == list(range(sum(sizes)))
    rows = [shard.num_rows for shard in shards]
    assert max(rows) - min(rows) <= 1
    even = [table.shard(rank, workers, equal=True) for rank in range(workers)]
    assert {shard.num_rows for shard in even} == {sum(sizes) // workers}
    kept = [number for shard in even for number in numbers(shard)]
    assert kept == list(range(sum(sizes) // workers * workers))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 9), min_size=1, max_size=6), st.integers(0, 30), st.integers(0, 30), st.integers(1, 7))
def test_a_slice_is_what_a_list_gives(sizes: list[int], offset: int, rows: int, most: int) -> None:
    table = made_of(sizes).slice(offset, rows)
    assert numbers(table) == list(range(sum(sizes)))[offset : offset + rows]
    batches = list(table.batches(most))
    assert sum(batch.num_rows for batch in batches) == table.num_rows
    assert all(0 < batch.num_rows <= most for batch in batches)
    assert numbers(pickle.loads(pickle.dumps(table))) == numbers(table)


def test_columns_are_chosen_and_ordered() -> None:
    table = made_of([3, 4]).select(["S", "N"]).shard(1, 2)
    assert table.column_names == ["S", "N"]
    assert table.schema.types == [pa.string(), pa.int64()]
    assert table.to_arrow().to_pydict() == {"S": ["3", "4", "5", "6"], "N": [3, 4, 5, 6]}
    with pytest.raises(KeyError, match=r"no column 'X'; the columns are: S, N"):
        table.select(["X"])


def test_pickled_a_shard_takes_its_own_rows_only() -> None:
    whole = RemoteTable.from_arrow(pa.table({"N": pa.array(range(100_000), pa.int64())}))
    part = whole.shard(3, 10)
    assert len(pickle.dumps(part)) < 100_000
    assert numbers(pickle.loads(cloudpickle.dumps(part))) == list(range(30_000, 40_000))


def test_tables_of_different_columns_are_not_one() -> None:
    other = RemoteTable.from_arrow(pa.table({"N": ["a"]}))
    with pytest.raises(ValueError, match="different columns"):
        RemoteTable.concat([made_of([1]), other])


def test_no_such_rank() -> None:
    with pytest.raises(ValueError, match="no rank 2 among 2 workers"):
        made_of([3]).shard(2, 2)


def test_decimals_become_the_numbers_that_libraries_take() -> None:
    decimals = pa.table({"A": pa.array([1, None], pa.decimal128(38, 0)), "B": pa.array(["1.25", "2"]).cast("float64")})
    table = RemoteTable.from_arrow(decimals.set_column(1, "B", decimals["B"].cast(pa.decimal128(10, 2))))
    assert table.schema.types == [pa.int64(), pa.float64()]
    assert table.to_arrow().to_pydict() == {"A": [1, None], "B": [1.25, 2.0]}


def test_spooled_it_lies_in_files_that_any_process_maps(tmp_path: Path) -> None:
    table = made_of([5, 0, 7]).shard(0, 2).select(["N"])
    local = spool(table, tmp_path)
    files = sorted(tmp_path.rglob("*.arrow"))
    assert [numbers(local) for _ in range(3)] == [list(range(6))] * 3
    assert local.num_rows == 6
    assert len(files) == 2
    assert spool(local, tmp_path) is local
    assert numbers(pickle.loads(pickle.dumps(local)).shard(1, 2)) == [3, 4, 5]
    discard(local)
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_said_before_anything_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda _: type("Usage", (), {"free": 10}))
    with pytest.raises(NotEnoughDiskError, match=r"needs about 1 KiB, and the job has 10 bytes left"):
        spool(made_of([100]), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_what_the_job_may_leave_in_files_bounds_it_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "model").write_bytes(bytes(9000))
    monkeypatch.setattr(spooling, "_SCRATCH", tmp_path)
    monkeypatch.setattr(spooling, "this_job", lambda: a_job(scratch_bytes=12 << 10))
    with pytest.raises(NotEnoughDiskError, match=r"the job has 0 bytes left"):
        spool(made_of([1000]), tmp_path)
    monkeypatch.setattr(spooling, "this_job", lambda: a_job(scratch_bytes=1 << 20))
    assert spool(made_of([1000]), tmp_path).num_rows == 1000


def test_an_empty_table_has_columns_and_no_rows(tmp_path: Path) -> None:
    table = made_of([0])
    assert table.num_rows == len(table) == 0
    assert list(table.batches()) == []
    assert table.to_arrow().schema == table.schema
    assert list(table.to_pandas().columns) == ["N", "S"]
    assert spool(table, tmp_path).num_rows == 0
