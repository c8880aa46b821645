"""`snowflake.ml.modeling.distributors.lightgbm.LightGBMEstimator`.

Source: Snowflake's documentation, developer-guide/snowflake-ml/distributed-training, and the API reference of the
container runtime's LightGBM distributor.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import pyarrow as pa

from ..values import Array, Params
from .choice import Costs
from .estimator import BoostEstimator
from .names import for_lightgbm
from .preparing import Outcome, Prepared
from .scaling import BaseScalingConfig

if TYPE_CHECKING:
    import lightgbm as lgb

_OBJECTIVES: Final = ("objective", "objective_type", "app", "application", "loss")
_THREADS: Final = ("num_threads", "num_thread", "nthread", "nthreads", "n_jobs")
_ROUNDS: Final = (
    "num_iterations",
    "num_iteration",
    "n_iter",
    "num_tree",
    "num_trees",
    "num_round",
    "num_rounds",
    "nrounds",
    "num_boost_round",
    "n_estimators",
    "max_iter",
)
_DEVICES: Final = ("device_type", "device")

# Measured with LightGBM 4.7: a byte of bins in the order that it trains by, and another one where it holds all.
LIGHTGBM: Final = Costs(whole_value=2.0, bins_value=1.0, missing_value=0.0, row=48, copies=0.0, disk=False)


@dataclass
class LightGBMScalingConfig(BaseScalingConfig):
    """Resources of a LightGBMEstimator."""


class LightGBMEstimator(BoostEstimator):
    """Trains a `lightgbm.Booster` on a table of any size, with all that the job has.

    Args:
        n_estimators: boosting rounds.
        objective: the library's name of it, or a function (predictions, Dataset) → (gradient, hessian).
        params: LightGBM's own, under any of its names. Rounds and objective in them win over the arguments; `feval`
            (also a function as `metric`) is passed on to `lightgbm.train`.
        scaling_config: workers and their threads; None is one worker a node with all of its cores.
        callbacks: functions as `lightgbm.train` takes them; with several workers, each has its own copy.
    """

    _trainer = "LightGBMEstimator"
    _costs = LIGHTGBM

    def __init__(
        self,
        n_estimators: int = 100,
        objective: str | Callable[..., object] = "regression",
        params: Params | None = None,
        scaling_config: LightGBMScalingConfig | None = None,
        callbacks: Sequence[Callable[..., object]] | None = None,
    ) -> None:
        self.n_estimators = n_estimators
        self.objective = objective
        self.params = params
        self.scaling_config = scaling_config
        self.callbacks = callbacks

    def _train(self, prepared: Prepared, verbose_eval: bool | int | None) -> Outcome:
        from .lightgbm_training import Settings, train

        params = dict(self.params or {})
        rounds = next((params[name] for name in _ROUNDS if name in params), self.n_estimators)
        metric = params.pop("feval", None)
        if callable(params.get("metric")):
            metric = params.pop("metric")
        if not any(name in params for name in _OBJECTIVES):
            params["objective"] = self.objective
        if prepared.spread.threads is not None and not any(name in params for name in _THREADS):
            params["num_threads"] = prepared.spread.threads
        if prepared.spread.gpu and not any(name in params for name in _DEVICES):
            params["device_type"] = "gpu"
        settings = Settings(
            params,
            rounds=int(rounds),
            metric=metric,
            callbacks=tuple(self.callbacks or ()),
            verbose_eval=verbose_eval,
        )
        return train(prepared, settings)

    def _predict(self, booster: lgb.Booster, data: pa.Table, options: dict[str, object]) -> Array:
        result: Array = booster.predict(self._encoding.codes(data), **options)
        return result

    def _names(self, columns: Sequence[str]) -> list[str]:
        return for_lightgbm(columns)

    def _built_for_gpu(self) -> bool:
        # The published wheels have OpenCL in them; where it finds no device, LightGBM says so.
        return bool(self.scaling_config is not None and self.scaling_config.use_gpu)
