"""One training by XGBoost: in this process, or as a group of workers with XGBoost's own communicator.

Imports xgboost, and is imported when a training starts; a worker imports it again.
"""

from __future__ import annotations

import copy
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext, suppress
from dataclasses import dataclass, replace
from pathlib import Path

import xgboost as xgb
from xgboost.tracker import RabitTracker

from .. import workers
from ..values import Params
from ..workers import Placement
from .choice import Way
from .preparing import EvalsResult, Outcome, Prepared
from .progress import Progress, Stages, importance
from .rows import Rows
from .scaling import PATIENT
from .xgboost_data import matrix

TRAINER = "XGBEstimator"


@dataclass(frozen=True)
class Settings:
    """How to train: `params` are the library's own, the rest are arguments of `xgboost.train`."""

    params: Params
    rounds: int
    objective: Callable[..., object] | None = None
    metric: Callable[..., object] | None = None
    early_stopping_rounds: int | None = None
    callbacks: tuple[xgb.callback.TrainingCallback, ...] = ()
    verbose_eval: bool | int | None = None
    threads: int | None = None


@dataclass(frozen=True)
class Task:
    """What a worker is sent."""

    settings: Settings
    rows: Rows
    evals: tuple[tuple[Rows | None, str], ...]
    way: Way
    communicator: Mapping[str, int | str] | None = None


def train(prepared: Prepared, settings: Settings) -> Outcome:
    """Train on what was prepared; in this process if there is one worker.

    Raises:
        WorkerFailed: a worker died or raised; it says which.
    """
    task = Task(settings, prepared.rows, tuple(prepared.evals), prepared.choice.way)
    spread = prepared.spread
    if spread.in_process:
        return _train(task, rank=0)
    tracker = RabitTracker(n_workers=spread.workers, host_ip="127.0.0.1", sortby="task")
    tracker.start()
    world = spread.workers
    shared = replace(task, communicator=tracker.worker_args())
    tasks = [
        replace(
            shared,
            rows=task.rows.shard(rank, world),
            evals=tuple((None if rows is None else rows.shard(rank, world), name) for rows, name in task.evals),
        )
        for rank in range(world)
    ]
    try:
        outcomes = workers.run_workers(
            work,
            tasks,
            cpus_per_worker=spread.threads or 1,
            gpus_per_worker=1.0 if spread.gpu else 0.0,
            env=PATIENT,
        )
        tracker.wait_for(60)
    finally:
        # After a worker's death it waits for that worker still, and says so when it is taken down.
        with suppress(xgb.core.XGBoostError):
            tracker.free()
    return next(each for each in outcomes if each is not None)


def work(placement: Placement, task: Task) -> Outcome | None:
    """A worker: its shard, with the others. The first one returns the model, which all of them have."""
    outcome = _train(task, rank=placement.rank)
    return outcome if placement.rank == 0 else None


def _train(task: Task, *, rank: int) -> Outcome:
    settings = task.settings
    group = (
        nullcontext()
        if task.communicator is None
        else xgb.collective.CommunicatorContext(**task.communicator, dmlc_task_id=f"{rank:06d}")
    )
    params = dict(settings.params)
    missing = {"missing": params.pop("missing")} if "missing" in params else {}
    stages = Stages(silent=rank != 0)
    with tempfile.TemporaryDirectory(prefix="xgboost-") as directory, group:
        data = {**params, **missing}
        threads, cache = settings.threads, Path(directory)
        rows = matrix(task.rows, task.way, data, threads=threads, cache=cache)
        evals = [
            (rows if each is None else matrix(each, task.way, data, ref=rows, threads=threads, cache=cache), name)
            for each, name in task.evals
        ]
        stages.done("bin", rows=task.rows.table.num_rows)
        progress = Progress(TRAINER, settings.rounds, settings.verbose_eval)
        reported = [Reported(progress)] if rank == 0 else []
        result: EvalsResult = {}
        booster = xgb.train(
            params,
            rows,
            num_boost_round=settings.rounds,
            evals=evals,
            obj=settings.objective,
            custom_metric=settings.metric,
            early_stopping_rounds=settings.early_stopping_rounds,
            evals_result=result,
            verbose_eval=False,
            # A callback keeps what it has seen: the script's own are for the next `fit` again.
            callbacks=[*reported, *copy.deepcopy(settings.callbacks)],
        )
        progress.end()
        stages.done("train")
        if rank == 0:
            importance(TRAINER, gains(booster))
        del rows, evals  # before the directory: they have files in it open
    return Outcome(booster, result)


def gains(booster: xgb.Booster) -> dict[str, float]:
    """The total gain of each feature; empty for a linear model, which splits nothing."""
    try:
        return dict(booster.get_score(importance_type="total_gain"))
    except ValueError:  # "Feature importance is only supported for tree boosters"
        return {}


class Reported(xgb.callback.TrainingCallback):  # type: ignore[misc]
    """Passes each round on. It comes first: a callback that stops the training keeps later ones from its last round."""

    def __init__(self, progress: Progress) -> None:
        super().__init__()
        self._progress = progress

    def after_iteration(
        self,
        model: xgb.Booster,
        epoch: int,
        evals_log: Mapping[str, Mapping[str, Sequence[float | tuple[float, float]]]],
    ) -> bool:
        """Never stops the training."""
        last = {
            f"{name}-{metric}": values[-1][0] if isinstance(values[-1], tuple) else values[-1]
            for name, metrics in evals_log.items()
            for metric, values in metrics.items()
        }
        self._progress.round(epoch, "\t".join(f"{name}:{value:.5f}" for name, value in last.items()), last)
        return False
