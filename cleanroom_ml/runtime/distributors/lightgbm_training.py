"""One training by LightGBM: in this process, or as a group of workers that talk by LightGBM's own sockets.

Imports lightgbm, and is imported when a training starts; a worker imports it again.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import lightgbm as lgb

from .. import workers
from ..data import memory
from ..values import Params
from ..workers import Placement
from .choice import Way
from .lightgbm_data import categories, dataset
from .preparing import EvalsResult, Outcome, Prepared
from .progress import Progress, Stages, importance, tell
from .rows import Rows
from .scaling import PATIENT

if TYPE_CHECKING:
    from lightgbm.callback import CallbackEnv

TRAINER = "LightGBMEstimator"

_PEERS_MINUTES: Final = 120
"""How long a worker waits for the others to appear: the last may still read its rows."""

_ADDRESSES: Final = re.compile(r"^\[(machines|local_listen_port): .*\]$", re.MULTILINE)
_LAYOUTS: Final = ("force_row_wise", "force_col_wise", "deterministic")
_SEEDS: Final = ("seed", "random_seed", "random_state", "data_random_seed", "bagging_seed", "feature_fraction_seed")
_SAMPLES: Final = ("bin_construct_sample_cnt", "subsample_for_bin")
_SAMPLE: Final = 200_000
_LEAST_SAMPLE: Final = 20_000
_ROWS_BY_ROW: Final = 50_000
_FEATURES_BY_ROW: Final = 200


@dataclass(frozen=True)
class Settings:
    """How to train: `params` are the library's own, the rest are arguments of `lightgbm.train`."""

    params: Params
    rounds: int
    metric: Callable[..., object] | None = None
    callbacks: tuple[Callable[..., object], ...] = ()
    verbose_eval: bool | int | None = None


@dataclass(frozen=True)
class Task:
    """What a worker is sent."""

    settings: Settings
    rows: Rows
    evals: tuple[tuple[Rows | None, str], ...]
    way: Way


def train(prepared: Prepared, settings: Settings) -> Outcome:
    """Train on what was prepared; in this process if there is one worker.

    Raises:
        WorkerFailed: a worker died or raised; it says which.
    """
    spread = prepared.spread
    world = spread.workers
    table = prepared.rows.table
    params = dict(settings.params)
    seeded = any(name in params for name in _SEEDS)
    if (seeded or world > 1 or prepared.choice.way is not Way.MEMORY) and not any(name in params for name in _LAYOUTS):
        params |= _layout(table.num_rows // world, len(prepared.rows.encoding.features), prepared.choice.way)
    if prepared.choice.way is Way.BINS and not any(name in params for name in _SAMPLES):
        features = len(prepared.rows.encoding.features)
        params |= _sample(table.num_rows // world, features, memory.available_bytes() // world)
    task = Task(replace(settings, params=params), prepared.rows, tuple(prepared.evals), prepared.choice.way)
    if spread.in_process:
        return _train(task, rank=0)
    ports = [workers.free_port() for _ in range(world)]
    group = {
        "tree_learner": "data",
        **params,
        "num_machines": world,
        # All nodes of a job are in one sandbox, behind one address.
        "machines": ",".join(f"127.0.0.1:{port}" for port in ports),
        "time_out": _PEERS_MINUTES,
        "pre_partition": True,
    }
    tasks = [
        replace(
            task,
            settings=replace(settings, params={**group, "local_listen_port": port}),
            rows=task.rows.shard(rank, world),
            # LightGBM's workers do not add up metrics: each evaluates all rows, and all come to the same end.
            evals=tuple((task.rows if rows is None else rows, name) for rows, name in task.evals),
        )
        for rank, port in enumerate(ports)
    ]
    outcomes = workers.run_workers(work, tasks, cpus_per_worker=spread.threads or 1, env=PATIENT)
    return next(each for each in outcomes if each is not None)


def work(placement: Placement, task: Task) -> Outcome | None:
    """A worker: its shard, with the others. The first one returns the model, which all of them have."""
    lgb.register_logger(_Quiet())
    outcome = _train(task, rank=placement.rank)
    if placement.rank:
        return None
    # The model as text says where the workers were; the same training elsewhere is the same model.
    text = _ADDRESSES.sub(lambda line: f"[{line[1]}: {'' if line[1] == 'machines' else 12400}]", _text(outcome.booster))
    booster = lgb.Booster(model_str=text)
    booster.best_iteration, booster.best_score = outcome.booster.best_iteration, outcome.booster.best_score
    return Outcome(booster, outcome.evals_result)


def _train(task: Task, *, rank: int) -> Outcome:
    settings = task.settings
    params = dict(settings.params)
    stages = Stages(silent=rank != 0)
    rows = dataset(task.rows, task.way, params)
    evals = [
        (rows if each is None else dataset(each, task.way, params, reference=rows), name) for each, name in task.evals
    ]
    if "machines" not in params:
        # Workers must not: they agree on bins once they are connected, which `lightgbm.train` sees to before it bins.
        # Binned earlier, each would have bins of its own, and quietly a model of its own.
        for each in (rows, *(each for each, _ in evals)):
            each.construct()
        stages.done("bin", rows=task.rows.table.num_rows)
    progress = Progress(TRAINER, settings.rounds, settings.verbose_eval)
    result: EvalsResult = {}
    reported = [Reported(progress)] if rank == 0 else []
    booster = lgb.train(
        params,
        rows,
        num_boost_round=settings.rounds,
        valid_sets=[each for each, _ in evals] or None,
        valid_names=[name for _, name in evals] or None,
        feval=settings.metric,
        # A callback keeps what it has seen: the script's own are for the next `fit` again.
        callbacks=[*reported, lgb.record_evaluation(result), *copy.deepcopy(settings.callbacks)],
    )
    booster.pandas_categorical = categories(task.rows.encoding) or None
    progress.end()
    stages.done("train")
    if rank == 0:
        gains = booster.feature_importance(importance_type="gain")
        importance(TRAINER, dict(zip(booster.feature_name(), map(float, gains), strict=True)))
    return Outcome(booster, result)


def _layout(rows: int, features: int, way: Way) -> dict[str, bool]:
    """By rows or by columns: LightGBM tries both and takes the faster, so that two runs may differ in the last digits.

    By columns it holds its bins once, by rows twice; by rows it is faster on many rows of few columns.
    """
    by_row = way is Way.MEMORY and rows >= _ROWS_BY_ROW and features <= _FEATURES_BY_ROW
    return {"force_row_wise": True} if by_row else {"force_col_wise": True}


def _sample(rows: int, features: int, available: int) -> dict[str, int]:
    """How many rows LightGBM finds its bins by, where its default of 200,000 does not fit beside the bins.

    In pieces it holds them twice (`lightgbm.Sequence`): measured, 2.2 times their values.
    """
    spare = int(0.8 * available) - rows * features
    fits = max(_LEAST_SAMPLE, spare // int(8 * features * 2.2))
    if fits >= min(rows, _SAMPLE):
        return {}
    tell(f"{TRAINER}: finds its bins by {fits:,} rows, where its default of {_SAMPLE:,} would not fit beside the bins")
    return {"bin_construct_sample_cnt": fits}


def _text(booster: lgb.Booster) -> str:
    # All trees: without the argument, those after the best one are left out.
    return str(booster.model_to_string(num_iteration=-1))


class _Quiet:
    """LightGBM's log in a worker: without how it found the others, before it has read how much it is to say."""

    def info(self, text: str) -> None:
        """Nothing."""

    def warning(self, text: str) -> None:
        """A warning, but for a peer that is still reading its rows."""
        if "Connecting to rank" not in text:
            tell(text)


class Reported:
    """Passes each round on; a callback as LightGBM takes it. It comes before those that may stop the training."""

    order = -100
    before_iteration = False

    def __init__(self, progress: Progress) -> None:
        self._progress = progress

    def __call__(self, env: CallbackEnv) -> None:
        """After a round."""
        results = [tuple(each)[:3] for each in env.evaluation_result_list or ()]
        last = {f"{name}-{metric}": value for name, metric, value in results}
        text = "\t".join(f"{name}'s {metric}: {value:g}" for name, metric, value in results)
        self._progress.round(env.iteration, text, last)
