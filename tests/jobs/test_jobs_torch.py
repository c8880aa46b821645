"""PyTorchDistributor in a job's sandbox, by the names that scripts for the container runtime import."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from jobs_harness import MIB, Pools

from cleanroom_ml.engine.contracts.job import JobState
from cleanroom_ml.engine.jobs.families import Machine
from cleanroom_ml.engine.jobs.service import Settings

pytestmark = [pytest.mark.sandbox, pytest.mark.runtime]

# Written as the documentation of distributed training writes it, but for its data, which needs no engine here.
SCRIPT = """
import os
import numpy as np
import pyarrow as pa
from snowflake.ml.data.sharded_data_connector import ShardedDataConnector
from snowflake.ml.modeling.distributors.pytorch import PyTorchDistributor, PyTorchScalingConfig, WorkerResourceConfig
from snowflake.ml.modeling.distributors.pytorch.pytorch_trainer import PyTorchDistributor as SameDistributor
from snowflake.ml.modeling.distributors.pytorch.scaling_config import PyTorchScalingConfig as SameConfig
from cleanroom_runtime.data import JobIngestor, RemoteTable

assert SameDistributor is PyTorchDistributor and SameConfig is PyTorchScalingConfig
input_cols, label_col = ["F1", "F2"], "LABEL"
random = np.random.default_rng(1)
columns = {name: random.normal(size=2000) for name in input_cols}
columns[label_col] = 3 * columns["F1"] - columns["F2"] + 1
data_connector = ShardedDataConnector(JobIngestor(RemoteTable.from_arrow(pa.table(columns))))


def train_func():
    import torch
    import torch.distributed as dist
    from torch.nn.parallel import DistributedDataParallel as DDP
    from torch.utils.data import DataLoader
    from snowflake.ml.modeling.distributors.pytorch import get_context
    from net import SimpleNet

    context = get_context()
    rank = context.get_rank()
    dist.init_process_group(backend="gloo")
    device = torch.device(f"cuda:{context.get_local_rank()}" if torch.cuda.is_available() else "cpu")
    torch.manual_seed(3)
    model = DDP(SimpleNet(len(input_cols)).to(device))
    criterion = torch.nn.MSELoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.1)
    torch_dataset = context.get_dataset_map()["train"].get_shard().to_torch_dataset(batch_size=100)
    for epoch in range(10):
        for batch_dict in DataLoader(torch_dataset):
            features = torch.cat([batch_dict[col].T for col in input_cols], dim=1).float().to(device)
            labels = batch_dict[label_col].T.float().to(device)
            loss = criterion(model(features), labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        print(f"Epoch [{epoch + 1}/10], Loss: {loss.item():.4f}")
    context.get_metrics_reporter().log_metrics({"loss": loss.item(), "world": context.get_world_size()})
    if rank == 0:
        torch.save(model.module.state_dict(), os.path.join(context.get_model_dir(), "model.pt"))


pytorch_trainer = PyTorchDistributor(
    train_func=train_func,
    scaling_config=PyTorchScalingConfig(
        num_nodes=1,
        num_workers_per_node=2,
        resource_requirements_per_worker=WorkerResourceConfig(num_cpus=0),
    ),
)
response = pytorch_trainer.run(dataset_map={"train": data_connector})

import torch
state = torch.load(os.path.join(response.get_model_dir(), "model.pt"))
__return__ = {
    "weights": state["only.weight"].flatten().tolist(),
    "bias": state["only.bias"].item(),
    "metrics": response.get_metrics(),
    "directory": response.get_model_dir(),
}
"""
NET = """
import torch


class SimpleNet(torch.nn.Module):
    def __init__(self, inputs):
        super().__init__()
        self.only = torch.nn.Linear(inputs, 1)

    def forward(self, rows):
        return self.only(rows)
"""
FAILS = """
from snowflake.ml.modeling.distributors.pytorch import PyTorchDistributor, PyTorchScalingConfig, WorkerResourceConfig

def train_func():
    from snowflake.ml.modeling.distributors.pytorch import get_context
    raise ValueError(f"nothing to learn for rank {get_context().get_rank()}")

scaling = PyTorchScalingConfig(NODES, 1, WorkerResourceConfig(num_cpus=0))
PyTorchDistributor(train_func, scaling).run()
"""


@pytest.fixture
def machine() -> Machine:
    return Machine(cpus=2, memory_bytes=4096 * MIB)


@pytest.fixture
def pools(home: Path, settings: Settings, machine: Machine) -> Iterator[Pools]:
    pools = Pools(home, replace(settings, wall_seconds=400, processes=2048, scratch_bytes=1024 * MIB), machine)
    pools.service.recover()
    yield pools
    pools.close()


@pytest.mark.slow
def test_two_workers_train_and_the_script_reads_the_model(pools: Pools) -> None:
    status = pools.wait(pools.submit(SCRIPT, more={"net.py": NET}), seconds=240)
    log = pools.service.logs(status.job_id)
    assert status.status is JobState.DONE, log
    result = json.loads(pools.service.result(status.job_id))
    assert result["weights"] == pytest.approx([3, -1], abs=0.05)
    assert result["bias"] == pytest.approx(1, abs=0.05)
    assert result["metrics"]["world"] == 2
    assert result["directory"].startswith("/scratch/")
    assert "[worker 1] Epoch [10/10], Loss: 0.00" in log
    events = [json.loads(line) for line in pools.service.events(status.job_id).splitlines()]
    told = {event["source"] for event in events if event["kind"] == "metrics"}
    assert told == {"rank 0", "rank 1"}
    assert [event["name"] for event in events if event["kind"] == "stage"] == ["train"]


def test_a_failing_worker_fails_the_job_with_its_rank_and_traceback_in_the_log(pools: Pools) -> None:
    status = pools.run(FAILS.replace("NODES", "1"))
    log = pools.service.logs(status.job_id)
    assert status.reason == "script_failed"
    assert "worker 0 failed: ValueError: nothing to learn for rank 0" in log
    assert 'train.py", line 6, in train_func' in log


@pytest.mark.slow
def test_two_nodes_train_one_model(pools: Pools) -> None:
    script = SCRIPT.replace("num_nodes=1", "num_nodes=2").replace("num_workers_per_node=2", "num_workers_per_node=1")
    script = script.replace(
        '"world": ', '"node": context.get_node_rank(), "local": context.get_local_rank(), "world": '
    )
    status = pools.wait(pools.submit(script, more={"net.py": NET}, nodes=2), seconds=400)
    log = pools.service.logs(status.job_id)
    assert status.status is JobState.DONE, log
    assert "pytorch: training with 2 workers (2 nodes × 1)" in log
    result = json.loads(pools.service.result(status.job_id))
    assert result["weights"] == pytest.approx([3, -1], abs=0.05)
    events = [json.loads(line) for line in pools.service.events(status.job_id).splitlines()]
    told = {event["source"]: event["metrics"] for event in events if event["kind"] == "metrics"}
    assert [(told[f"rank {rank}"]["node"], told[f"rank {rank}"]["local"]) for rank in range(2)] == [(0, 0), (1, 0)]


@pytest.mark.slow
def test_a_failing_worker_of_two_nodes_is_named(pools: Pools) -> None:
    status = pools.wait(pools.submit(FAILS.replace("NODES", "2"), nodes=2), seconds=400)
    log = pools.service.logs(status.job_id)
    assert status.reason == "script_failed", log
    assert "failed: ValueError: nothing to learn for rank" in log
