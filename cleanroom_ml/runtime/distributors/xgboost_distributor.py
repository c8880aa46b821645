"""`snowflake.ml.modeling.distributors.XGBoostDistributor`, as the clean room's page on ML jobs shows it.

Source: Snowflake's documentation, user-guide/cleanrooms/ml-jobs ("Scaling with distributed training").
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..values import Params
from .scaling import XGBScalingConfig

if TYPE_CHECKING:
    import xgboost as xgb
    from xgboost.callback import TrainingCallback


class XGBoostDistributor:
    """An XGBEstimator under the names of `xgboost.train`.

    Args:
        params: XGBoost's own; the objective is among them, else it is XGBoost's default.
        num_boost_round: boosting rounds.
        label_column: the column to learn.
        input_columns: the features; without, all other columns.
        weight_column, scaling_config, callbacks: as for XGBEstimator.
    """

    def __init__(
        self,
        params: Params | None = None,
        num_boost_round: int = 10,
        label_column: str | None = None,
        *,
        input_columns: Sequence[str] | None = None,
        weight_column: str | None = None,
        scaling_config: XGBScalingConfig | None = None,
        callbacks: Sequence[TrainingCallback] | None = None,
    ) -> None:
        self.params = params
        self.num_boost_round = num_boost_round
        self.label_column = label_column
        self.input_columns = input_columns
        self.weight_column = weight_column
        self.scaling_config = scaling_config
        self.callbacks = callbacks

    def train(self, dataset: object, eval_set: object = None, verbose_eval: bool | int | None = None) -> xgb.Booster:
        """Train on a dataset (see XGBEstimator.fit) and return the `xgboost.Booster`."""
        from .xgboost_estimator import XGBEstimator

        estimator = XGBEstimator(
            n_estimators=self.num_boost_round,
            params=self.params,
            scaling_config=self.scaling_config,
            callbacks=self.callbacks,
        )
        return estimator.fit(
            dataset,
            input_cols=self.input_columns,
            label_col=self.label_column,
            eval_set=eval_set,
            verbose_eval=verbose_eval,
            weight_col=self.weight_column,
        )
