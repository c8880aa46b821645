"""What both boosting estimators have in common: scikit-learn's habits around one `fit`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np
import pyarrow as pa
from sklearn.base import BaseEstimator

from .. import workers
from ..data import table_of
from ..values import Array
from .choice import BATCH_BYTES, Costs
from .names import find
from .preparing import Booster, Outcome, Prepared, Wanted, prepare
from .scaling import BaseScalingConfig, Spread, spread


class NotFittedError(ValueError, AttributeError):
    """The estimator has no model yet (as scikit-learn's error of that name)."""


class BoostEstimator(BaseEstimator):  # type: ignore[misc]
    """The constructor only stores its parameters, so that `get_params`, `set_params` and `clone` work.

    After `fit`: `booster_`, `evals_result_` ({evaluation set: {metric: [a value a round]}}), `feature_names_in_`.
    """

    _trainer: ClassVar[str]
    _costs: ClassVar[Costs]

    scaling_config: BaseScalingConfig | None

    def fit(
        self,
        dataset: object,
        input_cols: Sequence[str] | str | None = None,
        label_col: str | None = None,
        eval_set: object = None,
        verbose_eval: bool | int | None = None,
        *,
        weight_col: str | None = None,
    ) -> Booster:
        """Train, and return the library's own booster.

        Args:
            dataset: a DataConnector or ShardedDataConnector, a Snowpark or pandas DataFrame, or a pyarrow Table. It
                may be larger than the job's memory.
            input_cols: the features; without, all columns but label and weight. Texts and pandas categories are
                categorical features; NULL and NaN are missing values.
            label_col: the column to learn, a number (classes from 0).
            eval_set: what to evaluate each round on: a dataset, a list of them, or of (dataset, name). `dataset` again
                is the training's own rows.
            verbose_eval: True: a line every round; n: every n rounds; False: none; None: about ten in all.
            weight_col: a column with each row's weight, in `eval_set` too.

        Raises:
            ColumnError, TypeError, ValueError, NoGpuError, NotEnoughMemoryError: before the training starts.
            WorkerFailed: one of several workers died or raised.
        """
        spread = self._spread()
        wanted = Wanted(dataset, input_cols, label_col, weight_col, eval_set)
        costs = self._costs_on(spread)
        prepared = prepare(wanted, trainer=self._trainer, spread=spread, costs=costs, naming=self._names)
        try:
            outcome = self._train(prepared, verbose_eval)
        finally:
            prepared.close()
        self._encoding = prepared.rows.encoding
        self.booster_ = outcome.booster
        self.evals_result_ = outcome.evals_result
        self.feature_names_in_ = np.array(self._encoding.names, dtype=object)
        self.n_features_in_ = len(self.feature_names_in_)
        return self.booster_

    def get_booster(self) -> Booster:
        """The booster that `fit` returned. Raises NotFittedError before it."""
        if not hasattr(self, "booster_"):
            raise NotFittedError(f"this {type(self).__name__} has no booster yet: call fit first")
        return self.booster_

    def predict(self, dataset: object, **options: object) -> Array:
        """Predictions for each row, in order; in this process, a piece at a time. `options`: of `Booster.predict`.

        With early stopping, by the best round. The dataset has the columns that the features had in training.
        """
        booster = self.get_booster()
        table = table_of(dataset)
        names = [feature.column for feature in self._encoding.features]
        columns = [find(name, table.column_names, what="the data to predict") for name in names]
        batches = table.select(columns).batches(max(1, BATCH_BYTES // (8 * len(columns))))
        pieces = (pa.Table.from_batches([batch]).rename_columns(names) for batch in batches)
        parts = [self._predict(booster, piece, options) for piece in pieces]
        if not parts:
            return np.empty(0, np.float32)
        return np.concatenate(parts)

    def _spread(self) -> Spread:
        return spread(
            self.scaling_config,
            nodes=workers.node_count(),
            cpus=workers.real_cpus(),
            built_for_gpu=self._built_for_gpu(),
        )

    def _train(self, prepared: Prepared, verbose_eval: bool | int | None) -> Outcome:
        raise NotImplementedError

    def _predict(self, booster: Booster, data: pa.Table, options: dict[str, object]) -> Array:
        raise NotImplementedError

    def _costs_on(self, spread: Spread) -> Costs:
        """What a training that is spread like this needs."""
        return self._costs

    def _names(self, columns: Sequence[str]) -> list[str]:
        raise NotImplementedError

    def _built_for_gpu(self) -> bool:
        raise NotImplementedError
