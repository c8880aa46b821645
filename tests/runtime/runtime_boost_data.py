"""Small tables to boost on, and functions that workers import from here."""

from __future__ import annotations

import os

import numpy as np
import pyarrow as pa

# As in a job (jobs/sandbox_spec.py), before the libraries read it: on few cores, spinning threads take seconds a model.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
import xgboost as xgb

ROWS = 4000


def numeric(seed: int = 0, rows: int = ROWS) -> pa.Table:
    """Every kind of number, missing ones among them, in several chunks; `Y` is 0 or 1, `W` a weight."""
    rng = np.random.default_rng(seed)
    a, b, c = rng.normal(size=(3, rows))
    y = (a + b * c + rng.normal(scale=0.5, size=rows) > 0).astype(np.int64)
    table = pa.table(
        {
            "A": a,
            "B": pa.array(np.where(rng.random(rows) < 0.1, np.nan, b)),
            "C": pa.array(c, mask=rng.random(rows) < 0.1),
            "INTEGER": pa.array(rng.integers(0, 9, size=rows), mask=rng.random(rows) < 0.1),
            "FLAG": pa.array(rng.random(rows) < 0.5, mask=rng.random(rows) < 0.1),
            "SINGLE": pa.array(rng.normal(size=rows).astype(np.float32)),
            "Y": y,
            "W": rng.random(rows) + 0.5,
        }
    )
    return pa.concat_tables([table.slice(0, rows // 3), table.slice(rows // 3)])


def with_texts(seed: int = 0, rows: int = ROWS) -> pa.Table:
    """A text that decides about half of the label."""
    rng = np.random.default_rng(seed)
    a, b = rng.normal(size=(2, rows))
    towns = rng.choice(["Ulm", "Aachen", "Bonn", "Jena"], size=rows)
    y = (a + b * (towns == "Jena") + rng.normal(scale=0.5, size=rows) > 0).astype(np.int64)
    return pa.table({"A": a, "TOWN": pa.array(towns, mask=rng.random(rows) < 0.05), "B": b, "Y": y})


class DiesInRound(xgb.callback.TrainingCallback):
    """Kills the process of one worker."""

    def __init__(self, rank: int, iteration: int) -> None:
        super().__init__()
        self.rank, self.iteration = rank, iteration

    def after_iteration(self, model, epoch, evals_log):
        if epoch == self.iteration and xgb.collective.get_rank() == self.rank:
            os.kill(os.getpid(), 9)
        return False
