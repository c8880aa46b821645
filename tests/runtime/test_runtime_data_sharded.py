"""ShardedDataConnector: in a worker its own rows, outside of one an error that says where to call it."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest
from snowflake.ml.data.data_connector import DataConnector

from cleanroom_ml.runtime.data import JobIngestor, RemoteTable, table_of
from cleanroom_ml.runtime.data.sharded import ShardedDataConnector
from cleanroom_ml.runtime.workers import Placement, run_workers

pytestmark = pytest.mark.slow


def connector(rows: int, **given: Any) -> ShardedDataConnector:
    return ShardedDataConnector(JobIngestor(RemoteTable.from_arrow(pa.table({"N": range(rows)}))), **given)


def my_rows(placement: Placement, dataset: ShardedDataConnector) -> tuple[bool, list[int]]:
    shard = dataset.get_shard()
    batches = shard.to_torch_dataset(batch_size=4, drop_last_batch=False)
    return isinstance(shard, DataConnector), [number for batch in batches for number in batch["N"].ravel().tolist()]


@pytest.mark.parametrize(("equal", "expected"), [(False, [[0, 1, 2], [3, 4, 5, 6]]), (True, [[0, 1, 2], [3, 4, 5]])])
def test_each_worker_reads_its_own_rows(equal: bool, expected: list[list[int]]) -> None:
    dataset = connector(7, equal=equal)
    assert run_workers(my_rows, [dataset, dataset]) == [(True, rows) for rows in expected]


def test_outside_of_a_worker_it_is_said_where_to_call_it() -> None:
    dataset = connector(5)
    with pytest.raises(RuntimeError, match=r"inside the function that PyTorchDistributor runs"):
        dataset.get_shard()
    assert dataset.to_pandas()["N"].tolist() == [0, 1, 2, 3, 4]
    assert isinstance(dataset, DataConnector)
    assert table_of(dataset).num_rows == 5


def test_options_of_the_connector_hold_for_its_shards() -> None:
    shard = connector(4, expand_dims=False).shard_of(0, 2)
    (batch,) = shard.to_torch_dataset(batch_size=2)
    assert batch["N"].shape == (2,)
