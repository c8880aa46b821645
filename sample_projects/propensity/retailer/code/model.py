"""The model: boosted trees, and Platt's two numbers that turn their scores into probabilities.

Trees trained for a good ranking are often too sure or not sure enough. The correction is learned from out-of-fold
scores, where each household is scored by trees that have not seen any of its quarters.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

import lightgbm as lgb
import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold

ROUNDS = 150
FOLDS = 5
PARAMETERS = {
    "objective": "binary",
    "learning_rate": 0.04,
    "num_leaves": 7,
    "min_data_in_leaf": 40,
    "bagging_fraction": 0.8,
    "bagging_freq": 1,
    "feature_fraction": 0.6,
    "seed": 7,
    "deterministic": True,
    "force_row_wise": True,
    "num_threads": 1,  # a few thousand rows: more threads would wait for each other longer than they work
    "verbosity": -1,
}


@dataclass(frozen=True)
class Calibrated:
    """Trees over named features; `slope` and `intercept` apply to their log odds."""

    trees: lgb.Booster
    features: list[str]
    slope: float
    intercept: float

    def probability(self, frame: pd.DataFrame) -> np.ndarray:
        """The probability of each row; columns that the frame lacks are missing values."""
        log_odds = self.trees.predict(_plain(frame.reindex(columns=self.features)), raw_score=True)
        return 1 / (1 + np.exp(-(self.slope * np.asarray(log_odds) + self.intercept)))

    def stored(self) -> pd.DataFrame:
        """The model as one row of a table."""
        about = {"features": self.features, "slope": self.slope, "intercept": self.intercept}
        return pd.DataFrame({"ABOUT": [json.dumps(about)], "TREES": [self.trees.model_to_string()]})

    @classmethod
    def restored(cls, row: pd.Series) -> Calibrated:
        """The model of a row that `stored` made."""
        return cls(lgb.Booster(model_str=row["TREES"]), **json.loads(row["ABOUT"]))


def fit(frame: pd.DataFrame, label: np.ndarray) -> Calibrated:
    """Train on snapshots of households; the index of `frame` says whose each row is."""
    log_odds = np.zeros(len(label))
    for seen, held_out in GroupKFold(FOLDS).split(frame, label, groups=frame.index):
        trees = _trees(frame.iloc[seen], label[seen])
        log_odds[held_out] = trees.predict(_plain(frame.iloc[held_out]), raw_score=True)
    platt = LogisticRegression(C=1e6).fit(log_odds.reshape(-1, 1), label)
    slope, intercept = float(platt.coef_[0, 0]), float(platt.intercept_[0])
    return Calibrated(_trees(frame, label), list(frame.columns), slope, intercept)


def _trees(frame: pd.DataFrame, label: np.ndarray) -> lgb.Booster:
    return lgb.train(PARAMETERS, lgb.Dataset(_plain(frame), label), ROUNDS)


def _plain(frame: pd.DataFrame) -> np.ndarray:
    """Numbers without names: LightGBM takes no `:` in the name of a feature."""
    return frame.to_numpy(dtype="float64")
