"""`snowflake.ml.modeling.distributors.xgboost.XGBEstimator`.

Source: Snowflake's documentation, developer-guide/snowflake-ml/distributed-training, and the API reference of the
container runtime's XGBoost distributor.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow as pa

from ..values import Array, Params
from .choice import Costs, on_gpu
from .estimator import BoostEstimator
from .names import for_xgboost
from .preparing import Outcome, Prepared
from .scaling import Spread, XGBScalingConfig

if TYPE_CHECKING:
    import xgboost as xgb
    from xgboost.callback import TrainingCallback

# Measured with XGBoost 3.2: a byte of bins in the order that it trains by, and one in another order; four where values
# are missing.
XGBOOST: Final = Costs(whole_value=2.2, bins_value=2.2, missing_value=3.0, row=48, copies=1.0, disk=True)
# A GPU is given the values as they are: XGBoost keeps each with its column's number.
XGBOOST_ON_GPU: Final = replace(
    XGBOOST,
    whole_value=8.2,
    disk=False,
    hint='; on the processors ({"device": "cpu"}) its bins can be left on disk, on a GPU they cannot',
)


class XGBEstimator(BoostEstimator):
    """Trains an `xgboost.Booster` on a table of any size, with all that the job has.

    Args:
        n_estimators: boosting rounds.
        objective: the library's name of it, or a function (predictions, DMatrix) → (gradient, hessian).
        params: XGBoost's own. `n_estimators` and `objective` in them win over the arguments; `early_stopping_rounds`,
            `custom_metric` (also a function as `eval_metric`) and `missing` are passed on to where XGBoost takes them.
        scaling_config: workers and their threads; None is one worker a node with all of its cores.
        callbacks: `xgboost.callback.TrainingCallback`s; with several workers, each has its own copy.
    """

    _trainer = "XGBEstimator"
    _costs = XGBOOST

    def __init__(
        self,
        n_estimators: int | None = 100,
        objective: str | Callable[..., object] = "reg:squarederror",
        params: Params | None = None,
        scaling_config: XGBScalingConfig | None = None,
        callbacks: Sequence[TrainingCallback] | None = None,
    ) -> None:
        self.n_estimators = n_estimators
        self.objective = objective
        self.params = params
        self.scaling_config = scaling_config
        self.callbacks = callbacks

    def _train(self, prepared: Prepared, verbose_eval: bool | int | None) -> Outcome:
        from .xgboost_training import Settings, train

        params = dict(self.params or {})
        rounds = next(
            (params.pop(name) for name in ("n_estimators", "num_boost_round") if name in params), self.n_estimators
        )
        params.pop("num_boost_round", None)
        metric = params.pop("custom_metric", None)
        if callable(params.get("eval_metric")):
            metric = params.pop("eval_metric")
        params.setdefault("objective", self.objective)
        custom = params.pop("objective") if callable(params["objective"]) else None
        threads = next((params[name] for name in ("nthread", "n_jobs") if name in params), prepared.spread.threads)
        if threads is not None:
            params.pop("n_jobs", None)
            params["nthread"] = threads
        if prepared.spread.gpu:
            params.setdefault("device", "cuda")
        settings = Settings(
            params,
            rounds=_rounds(rounds),
            objective=custom,
            metric=metric,
            early_stopping_rounds=params.pop("early_stopping_rounds", None),
            callbacks=tuple(self.callbacks or ()),
            verbose_eval=verbose_eval,
            threads=threads,
        )
        return train(prepared, settings)

    def _predict(self, booster: xgb.Booster, data: pa.Table, options: dict[str, object]) -> Array:
        import xgboost as xgb

        from .xgboost_data import features

        best = booster.attr("best_iteration")
        if best is not None:
            options = {"iteration_range": (0, int(best) + 1), **options}
        categorical = bool(self._encoding.categories)
        missing = (self.params or {}).get("missing", np.nan)
        matrix = xgb.DMatrix(features(self._encoding, data), enable_categorical=categorical, missing=missing)
        result: Array = booster.predict(matrix, **options)
        return result

    def _costs_on(self, spread: Spread) -> Costs:
        return XGBOOST_ON_GPU if spread.gpu or on_gpu(self.params or {}) else XGBOOST

    def _names(self, columns: Sequence[str]) -> list[str]:
        return for_xgboost(columns)

    def _built_for_gpu(self) -> bool:
        import xgboost as xgb

        return bool(xgb.build_info()["USE_CUDA"])


def _rounds(value: object) -> int:
    if not isinstance(value, (int, np.integer)) or isinstance(value, bool) or value < 1:
        raise ValueError(f"n_estimators is {value!r}; it is the number of boosting rounds, at least 1")
    return int(value)
