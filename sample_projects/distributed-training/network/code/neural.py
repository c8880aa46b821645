"""A small neural network, trained by one worker a node with DistributedDataParallel."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pandas as pd
import torch
import torch.distributed as dist
from snowflake.ml.modeling.distributors.pytorch import get_context
from torch.nn.parallel import DistributedDataParallel
from torch.utils.data import DataLoader

WEIGHTS = "weights.pt"


def network(features: int) -> torch.nn.Module:
    """Logits from standardised features."""
    return torch.nn.Sequential(
        torch.nn.Linear(features, 48), torch.nn.ReLU(), torch.nn.Linear(48, 24), torch.nn.ReLU(), torch.nn.Linear(24, 1)
    )


def standardised(columns: dict[str, torch.Tensor], scales: dict[str, tuple[float, float]]) -> torch.Tensor:
    """A matrix of rows × features, each with mean 0 and spread 1 in training."""
    columns = [(columns[name].float().reshape(-1) - mean) / spread for name, (mean, spread) in scales.items()]
    return torch.stack(columns, dim=1)


def train() -> None:
    """What each worker does: its own share of the rows, gradients averaged over all workers after each batch."""
    context = get_context()
    dist.init_process_group(context.get_default_backend())
    settings = context.get_hyper_params()
    torch.manual_seed(settings["seed"])
    scales, label = settings["scales"], settings["label"]
    model = DistributedDataParallel(network(len(scales)))
    optimizer = torch.optim.Adam(model.parameters(), lr=settings["rate"])
    loss_of = torch.nn.BCEWithLogitsLoss()

    rows = context.get_dataset_map()["train"].get_shard()
    for epoch in range(settings["epochs"]):
        losses = []
        batches = rows.to_torch_dataset(batch_size=settings["batch_size"], shuffle=True)
        for batch in DataLoader(batches, batch_size=None):
            optimizer.zero_grad()
            loss = loss_of(model(standardised(batch, scales)).reshape(-1), batch[label].float().reshape(-1))
            loss.backward()
            optimizer.step()
            losses.append(float(loss.detach()))
        if context.get_rank() == 0:
            context.get_metrics_reporter().log_metrics({"epoch": epoch + 1, "loss": float(np.mean(losses))})
    if context.get_rank() == 0:
        torch.save(model.module.state_dict(), os.path.join(context.get_model_dir(), WEIGHTS))
    dist.destroy_process_group()


def predict(directory: str, frame: pd.DataFrame, scales: dict[str, tuple[float, float]]) -> np.ndarray:
    """Probabilities by the weights that a training left in its model directory."""
    model = network(len(scales))
    model.load_state_dict(torch.load(Path(directory) / WEIGHTS))
    model.eval()
    with torch.no_grad():
        rows = standardised({name: torch.tensor(frame[name].to_numpy()) for name in scales}, scales)
        return torch.sigmoid(model(rows)).reshape(-1).numpy()
