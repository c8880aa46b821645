"""What DataConnector reads in a job: batches across chunk borders, shuffled or not, and torch on top of them."""

from __future__ import annotations

import itertools

import numpy as np
import pyarrow as pa
import pytest
from snowflake.ml.data.data_connector import DataConnector
from torch.utils.data import DataLoader

from cleanroom_ml.runtime.data import JobIngestor, RemoteTable, batching


def ingestor(*sizes: int) -> JobIngestor:
    starts = itertools.accumulate(sizes, initial=0)
    tables = [
        RemoteTable.from_arrow(
            pa.table({"N": pa.array(range(begin, begin + size), pa.int64()), "X": [0.5] * size, "S": ["t"] * size})
        )
        for begin, size in zip(starts, sizes, strict=False)
    ]
    return JobIngestor(RemoteTable.concat(tables))


@pytest.mark.parametrize("batch_size", [1, 3, 4, 10, 25, 100])
@pytest.mark.parametrize("drop_last", [True, False])
def test_batches_cross_the_borders_of_chunks(batch_size: int, drop_last: bool) -> None:
    batches = list(ingestor(7, 1, 12, 5).to_batches(batch_size, shuffle=False, drop_last_batch=drop_last))
    rows = 25 // batch_size * batch_size if drop_last else 25
    assert [n for batch in batches for n in batch["N"]] == list(range(rows))
    assert all(len(batch["N"]) == batch_size for batch in (batches if drop_last else batches[:-1]))


def test_types_of_arrays() -> None:
    table = pa.table(
        {
            "I": pa.array([1, 2], pa.int64()),
            "NULLS": pa.array([1, None], pa.int64()),
            "F": pa.array([0.5, None]),
            "B": [True, False],
            "S": ["a", None],
        }
    )
    (batch,) = JobIngestor(RemoteTable.from_arrow(table)).to_batches(2, shuffle=False)
    assert {name: array.dtype.kind for name, array in batch.items()} == {
        "I": "i",
        "NULLS": "f",
        "F": "f",
        "B": "b",
        "S": "O",
    }
    assert np.isnan(batch["NULLS"][1])
    assert batch["S"].tolist() == ["a", None]
    assert all(array.flags.writeable for array in batch.values())


def test_shuffled_every_row_comes_once_and_a_seed_repeats_the_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batching, "SHUFFLE_ROWS", 120)
    orders = []
    for seed in (1, 1, 2):
        np.random.seed(seed)
        batches = ingestor(50, 50, 50, 50, 50).to_batches(32, shuffle=True, drop_last_batch=False)
        orders.append([n for batch in batches for n in batch["N"]])
    assert sorted(orders[0]) == list(range(250))
    assert orders[0] == orders[1] != orders[2]
    # Rows of more than one chunk are mixed with each other.
    assert len({n // 50 for n in orders[0][:60]}) > 1


def test_torch_reads_it_in_its_own_processes_too() -> None:
    connector = DataConnector(ingestor(40, 41, 19))
    for workers in (0, 2):
        loader = DataLoader(connector.to_torch_dataset(batch_size=8, drop_last_batch=False), None, num_workers=workers)
        batches = list(loader)
        assert sorted(int(n) for batch in batches for n in batch["N"]) == list(range(100))
        assert batches[0]["X"].shape == (8, 1)
        assert batches[0]["S"] == ["t"] * 8
    one = next(iter(connector.to_torch_dataset()))
    assert one["N"].shape == (1,)


def test_a_batch_has_rows() -> None:
    with pytest.raises(ValueError, match="batch_size"):
        next(ingestor(3).to_batches(0))
