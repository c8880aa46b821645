"""Training in real worker processes on this machine: DDP over gloo, the run's files, and how failures are told."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import torch
from snowflake.ml.data.data_connector import DataConnector

from cleanroom_ml.runtime.data import JobIngestor, RemoteTable
from cleanroom_ml.runtime.data.sharded import ShardedDataConnector
from cleanroom_ml.runtime.distributors.pytorch import PyTorchDistributor, PyTorchScalingConfig, WorkerResourceConfig

pytestmark = pytest.mark.slow

ROWS = 4000
FEATURES = ["A", "B", "C"]
TWO = PyTorchScalingConfig(1, 2, WorkerResourceConfig(num_cpus=1))


@pytest.fixture(autouse=True)
def place(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)


def table(rows: int = ROWS, seed: int = 0) -> pa.Table:
    """A label that two of three features tell, with noise: a linear model reaches an AUC of about 0.9."""
    random = np.random.default_rng(seed)
    columns = {name: random.normal(size=rows) for name in FEATURES}
    score = 2 * columns["A"] - columns["B"] + random.normal(size=rows)
    return pa.table({**columns, "Y": (score > 0).astype(np.float64)})


def sharded(data: pa.Table, **options) -> ShardedDataConnector:
    return ShardedDataConnector(JobIngestor(RemoteTable.from_arrow(data)), **options)


def train_linear():
    import os

    import torch
    import torch.distributed as dist
    from torch.nn.parallel import DistributedDataParallel as DDP
    from torch.utils.data import DataLoader

    from cleanroom_ml.runtime.distributors.pytorch import get_context

    context = get_context()
    torch.manual_seed(int(context.get_hyper_params()["seed"]))
    dist.init_process_group(backend=context.get_default_backend())
    model = DDP(torch.nn.Linear(3, 1))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.05)
    shard = context.get_dataset_map()["train"].get_shard().to_torch_dataset(batch_size=200)
    rows = 0
    for _ in range(int(context.get_hyper_params()["epochs"])):
        rows = 0
        for batch in DataLoader(shard, batch_size=None):
            features = torch.stack([batch[name] for name in ("A", "B", "C")], dim=1).float()
            loss = torch.nn.functional.binary_cross_entropy_with_logits(model(features)[:, 0], batch["Y"].float())
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            rows += len(features)
    whole = context.get_dataset_map().get("whole")
    everything = sum(len(batch["Y"]) for batch in whole.to_torch_dataset(batch_size=100)) if whole else 0
    context.get_metrics_reporter().log_metrics({"loss": loss, "rows": rows, "whole": everything})
    context.get_metrics_reporter().log_metrics({"threads": torch.get_num_threads()})
    if context.get_rank() == 0:
        torch.save(model.module.state_dict(), os.path.join(context.get_model_dir(), "model.pt"))


def auc(model_dir: str) -> float:
    weights = torch.load(Path(model_dir, "model.pt"))
    test = table(seed=1)
    features = torch.tensor(np.stack([test[name].to_numpy() for name in FEATURES], axis=1)).float()
    scores = (features @ weights["weight"].T + weights["bias"]).squeeze(1).numpy()
    ranks = scores.argsort().argsort() + 1
    positive = test["Y"].to_numpy() == 1
    count = positive.sum()
    return float((ranks[positive].sum() - count * (count + 1) / 2) / (count * (len(positive) - count)))


def test_two_workers_train_one_model_each_on_its_rows_and_the_same_again(capfd):
    whole = DataConnector(JobIngestor(RemoteTable.from_arrow(table(300))))
    runs = [
        PyTorchDistributor(train_linear, TWO).run(
            dataset_map={"train": sharded(table()), "whole": whole}, hyper_params={"epochs": "3", "seed": "7"}
        )
        for _ in range(2)
    ]
    told = runs[0].get_metrics()
    assert (told["rows"], told["whole"], told["threads"]) == (ROWS // 2, 300, 1)
    assert auc(runs[0].get_model_dir()) > 0.88
    assert runs[0].get_model_dir() != runs[1].get_model_dir()
    first, second = (torch.load(Path(run.get_model_dir(), "model.pt")) for run in runs)
    assert all(torch.equal(first[name], second[name]) for name in first)
    log = capfd.readouterr().out
    assert "pytorch: training with 2 workers (1 node × 2), 1 thread each" in log
    assert "in the model directory: model.pt" in log
    assert "[worker 1] metrics  loss" in log


def test_a_worker_has_its_environment_before_its_function_runs():
    def look():
        import os

        from cleanroom_ml.runtime.distributors.pytorch import get_context

        names = ("RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE", "GROUP_RANK", "MASTER_ADDR", "MASTER_PORT")
        context = get_context()
        told = {name: os.environ[name] for name in names}
        told["same"] = told["MASTER_PORT"] == str(context.get_master_port())
        context.get_metrics_reporter().log_metrics({"told": told, "hyper": context.get_hyper_params()})

    metrics = PyTorchDistributor(look, TWO).run(hyper_params={"lr": "0.1", "layers": 3}).get_metrics()
    told = metrics["told"]
    assert {name: value for name, value in told.items() if name != "MASTER_PORT"} == {
        "RANK": "0",
        "WORLD_SIZE": "2",
        "LOCAL_RANK": "0",
        "LOCAL_WORLD_SIZE": "2",
        "GROUP_RANK": "0",
        "MASTER_ADDR": "127.0.0.1",
        "same": True,
    }
    assert metrics["hyper"] == {"lr": "0.1", "layers": 3}


def test_a_worker_that_raises_is_named_with_its_traceback():
    def fails():
        from cleanroom_ml.runtime.distributors.pytorch import get_context

        if get_context().get_rank() == 1:
            raise LookupError("no such layer")
        import time

        time.sleep(60)

    with pytest.raises(RuntimeError, match="worker 1 failed: LookupError: no such layer") as failed:
        PyTorchDistributor(fails, TWO).run()
    assert "in fails" in str(failed.value)


def test_a_worker_that_dies_is_named():
    def dies():
        import os

        from cleanroom_ml.runtime.distributors.pytorch import get_context

        if get_context().get_rank() == 1:
            os.kill(os.getpid(), 9)
        import time

        time.sleep(60)

    with pytest.raises(RuntimeError, match=r"worker 1 failed: .*SIGKILL"):
        PyTorchDistributor(dies, TWO).run()


def test_uneven_shards_fail_with_what_helps_instead_of_hanging():
    """799 rows are 399 and 400: with batches of 200 one worker has one batch, the other waits for it in its second."""
    with pytest.raises(RuntimeError, match="equal=True"):
        PyTorchDistributor(train_linear, TWO).run(
            dataset_map={"train": sharded(table(799))}, hyper_params={"epochs": "1", "seed": "1"}
        )


def test_what_cannot_be_sent_is_named():
    lock = threading.Lock()
    with pytest.raises(TypeError, match=r"train_func cannot be sent to the workers: .*lock.*must not hold the session"):
        PyTorchDistributor(lambda: lock.acquire()).run()
    with pytest.raises(TypeError, match=r"dataset_map\['train'\] is a Table; give a DataConnector"):
        PyTorchDistributor(print).run(dataset_map={"train": table(1)})
    with pytest.raises(TypeError, match="must be a function, not a str"):
        PyTorchDistributor("train")


def test_nothing_saved_is_an_empty_directory_that_is_there(capfd):
    result = PyTorchDistributor(lambda: None).run()
    assert os.listdir(result.get_model_dir()) == []
    assert "no files in the model directory" in capfd.readouterr().out
