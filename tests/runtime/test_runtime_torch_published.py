"""Shapes: the lines that published training functions take a batch apart with, on a shard, give what they expect."""

from __future__ import annotations

import pyarrow as pa
import pytest
import torch
from torch.utils.data import DataLoader

from cleanroom_ml.runtime.data import JobIngestor, RemoteTable
from cleanroom_ml.runtime.data.sharded import ShardedDataConnector

COLUMNS = ["A", "B", "C"]


@pytest.fixture
def shard():
    table = pa.table({**{name: [float(row) for row in range(20)] for name in COLUMNS}, "target": [1.0] * 20})
    return ShardedDataConnector(JobIngestor(RemoteTable.from_arrow(table))).shard_of(1, 2)


def test_batches_of_the_shard_as_distributed_training_takes_them(shard):
    (batch, _) = DataLoader(shard.to_torch_dataset(batch_size=5))
    features = torch.cat([batch[column].T for column in COLUMNS], dim=1).float()
    assert features.shape == (5, 3)
    assert features[0].tolist() == [10.0, 10.0, 10.0]
    assert batch["target"].T.squeeze(0).shape == (5, 1)


def test_rows_of_the_shard_as_load_data_takes_them(shard):
    for batch in DataLoader(shard.to_torch_dataset(), batch_size=5, drop_last=True):
        label = batch.pop("target").flatten().type(torch.LongTensor)
        rows = torch.concat([tensor.to(torch.float32) for tensor in batch.values()], dim=-1)
        assert (label.shape, rows.shape) == ((5,), (5, 3))


def test_rows_of_the_shard_as_the_benchmark_takes_its_labels(shard):
    for batch in DataLoader(shard.to_torch_dataset(), batch_size=5, num_workers=0):
        assert batch["target"].to(dtype=torch.long).squeeze(-1).shape == (5,)


def test_batches_without_a_second_batching_can_be_stacked(shard):
    for batch in DataLoader(shard.to_torch_dataset(batch_size=5), batch_size=None):
        assert torch.stack([batch[column].squeeze() for column in COLUMNS], dim=1).shape == (5, 3)


def test_who_says_so_gets_columns(shard):
    shard._kwargs["expand_dims"] = True
    assert next(iter(shard.to_torch_dataset(batch_size=5)))["A"].shape == (5, 1)
