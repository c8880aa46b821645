"""A T-learner: one model of the purchase with the campaign, one without; uplift is the difference.

Künzel, Sekhon, Bickel, Yu: Metalearners for estimating heterogeneous treatment effects (2019).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import xgboost as xgb

SHOPPER = "HASHED_EMAIL_SHA256"
BOUGHT, EXPOSED = "BOUGHT", "EXPOSED"
FEATURES = [
    "TRIPS", "SPEND", "CATEGORY_SPEND", "BRAND_SPEND", "BRAND_TRIPS", "COUPON_DISCOUNT", "RETAIL_DISCOUNT",
    "DAYS_SINCE_VISIT",
]  # fmt: skip
SEED = 5


@dataclass(frozen=True)
class TLearner:
    """Probability of a purchase by group: index 0 without the campaign, 1 with it."""

    models: tuple[xgb.Booster, xgb.Booster]

    def uplift(self, frame: pd.DataFrame) -> np.ndarray:
        """What the campaign adds to the probability of each row's purchase."""
        rows = xgb.DMatrix(frame[FEATURES])
        without, with_campaign = (model.predict(rows) for model in self.models)
        return with_campaign - without


def fit(frame: pd.DataFrame, settings: Mapping[str, Any]) -> TLearner:
    """Train both models. `settings` are a search's floats: max_depth, eta, rounds, min_child_weight, subsample."""
    params = {
        "objective": "binary:logistic",
        "max_depth": round(settings["max_depth"]),
        "eta": settings["eta"],
        "min_child_weight": settings["min_child_weight"],
        "subsample": settings["subsample"],
        "seed": SEED,
    }
    models = []
    for exposed in (0, 1):
        group = frame[frame[EXPOSED] == exposed]
        rows = xgb.DMatrix(group[FEATURES], group[BOUGHT])
        models.append(xgb.train(params, rows, num_boost_round=round(settings["rounds"])))
    return TLearner((models[0], models[1]))


def auuc(frame: pd.DataFrame, uplift: np.ndarray) -> float:
    """Area between the uplift curve and that of sending at random: purchases added per shopper, 0 for no skill.

    At each share of the shoppers, the most promising first, the curve is the difference of the purchase rates of the
    exposed and the others among them, times the share.
    """
    order = np.argsort(-uplift, kind="stable")
    exposed = frame[EXPOSED].to_numpy()[order].astype(bool)
    bought = frame[BOUGHT].to_numpy()[order]
    share = np.arange(1, len(order) + 1) / len(order)

    def rate(group: np.ndarray) -> np.ndarray:
        return np.cumsum(bought * group) / np.maximum(np.cumsum(group), 1)

    gain = (rate(exposed) - rate(~exposed)) * share
    return float(np.mean(gain - gain[-1] * share))


def average_effect(frame: pd.DataFrame) -> tuple[float, float]:
    """The difference of the groups' purchase rates, and half of its 95 % confidence interval."""
    groups = frame.groupby(EXPOSED)[BOUGHT].agg(["mean", "var", "size"])
    effect = groups["mean"][1] - groups["mean"][0]
    return float(effect), float(1.96 * np.sqrt((groups["var"] / groups["size"]).sum()))
