"""What a training function can ask, and what it reports."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from cleanroom_ml.runtime.distributors.pytorch import get_context
from cleanroom_ml.runtime.distributors.pytorch.context import Context
from cleanroom_ml.runtime.workers import Placement

PLACEMENT = Placement(
    rank=3, world_size=4, local_rank=1, local_world_size=2, node_rank=1, node_count=2, node_address="127.0.0.2"
)


@pytest.fixture
def context(monkeypatch):
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    return Context(PLACEMENT, ("127.0.0.1", 29500), {"train": "a connector"}, {"epochs": "3"}, "/scratch/model")


def test_every_getter(context):
    assert (context.get_rank(), context.get_world_rank(), context.get_world_size()) == (3, 3, 4)
    assert (context.get_local_rank(), context.get_local_world_size(), context.get_node_rank()) == (1, 2, 1)
    assert (context.get_master_addr(), context.get_master_port()) == ("127.0.0.1", 29500)
    assert context.get_dataset_map() == {"train": "a connector"}
    assert context.get_hyper_params() == {"epochs": "3"}
    assert context.get_model_dir() == "/scratch/model"


def test_what_a_function_does_to_its_maps_stays_with_it(context):
    context.get_hyper_params()["epochs"] = "0"
    context.get_dataset_map().clear()
    assert context.get_hyper_params() == {"epochs": "3"}
    assert context.get_dataset_map() == {"train": "a connector"}


def test_backends(context, monkeypatch):
    assert (context.get_default_backend(), context.get_supported_backends()) == ("gloo", ["gloo"])
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1")
    assert (context.get_default_backend(), context.get_supported_backends()) == ("nccl", ["nccl", "gloo"])


def test_outside_of_a_worker_there_is_no_context():
    with pytest.raises(RuntimeError, match=r"get_context\(\) is for the function that PyTorchDistributor"):
        get_context()


def test_metrics_are_a_line_and_an_event(context, capsys, monkeypatch, tmp_path):
    monkeypatch.setenv("CLEANROOM_ML_EVENTS", str(tmp_path / "events.jsonl"))
    reporter = context.get_metrics_reporter()
    reporter.log_metrics({"loss": torch.tensor(0.25), "epoch": 1})
    reporter.log_metrics({"loss": np.float32(0.125), "accuracy": [50.0, 75.5], "name": "resnet"})
    assert capsys.readouterr().out.splitlines() == [
        "metrics  loss 0.25  epoch 1",
        "metrics  loss 0.125  accuracy [50.0, 75.5]  name resnet",
    ]
    written = [json.loads(line) for line in (tmp_path / "events.jsonl").read_text().splitlines()]
    assert [(event["kind"], event["source"]) for event in written] == [("metrics", "rank 3")] * 2
    assert [event["metrics"] for event in written] == [{"loss": 0.25, "epoch": 1}, {"loss": 0.125}]
    assert reporter.latest == {"loss": 0.125, "epoch": 1, "accuracy": [50.0, 75.5], "name": "resnet"}


def test_metrics_are_a_dictionary(context):
    with pytest.raises(TypeError, match="not a float"):
        context.get_metrics_reporter().log_metrics(0.5)


def test_a_long_metric_does_not_flood_the_log(context, capsys):
    context.get_metrics_reporter().log_metrics({"all": list(range(10_000))})
    assert len(capsys.readouterr().out) < 300
