"""Learn who buys the brand in the next quarter, and test it on a quarter that the model has not seen.

    python train.py --args '{"transactions": "…", "products": "…", "assortment": "…", "members": "…", "contacts": "…",
                             "test_quarter": "2017-10-01"}'

Trained on the two quarters before the test quarter; the model that stays in the room (`cleanroom.propensity_model`) is
trained again with the test quarter. Returns metrics of the test quarter; no row about a household, and no rate of a
group of fewer than 25 households.
"""

from __future__ import annotations

import argparse
import json
from datetime import date, timedelta

import numpy as np
import pandas as pd
from features import BRAND_FEATURES, QUARTER_DAYS, buyers, snapshot
from model import fit
from sklearn.metrics import brier_score_loss, roc_auc_score
from snowflake.snowpark.context import get_active_session

TRAINING_QUARTERS = 2
GROUPS = 5
SMALLEST_GROUP = 25


def labelled(day: date) -> tuple[pd.DataFrame, np.ndarray]:
    """The snapshot of a day, and who of it bought the brand in the quarter after."""
    frame = snapshot(session, args, day)
    label = frame.index.isin(buyers(session, args, day)).astype(int)
    print(f"{day}: {len(label):,} households, {frame.shape[1]} features, {label.mean():.1%} bought the brand")
    return frame, label


def reliability(probability: np.ndarray, label: np.ndarray) -> list[dict[str, object]]:
    """Promised and real share of buyers by fifths of the households, the least probable first."""
    groups = np.array_split(np.argsort(probability, kind="stable"), GROUPS)
    return [
        {
            "promised": round(float(probability[group].mean()), 3),
            "real": round(float(label[group].mean()), 3) if len(group) >= SMALLEST_GROUP else None,
        }
        for group in groups
    ]


parser = argparse.ArgumentParser()
parser.add_argument("--args", type=json.loads, default={})
args = parser.parse_args().args

session = get_active_session()
test_day = date.fromisoformat(args["test_quarter"])
days = [test_day - timedelta(QUARTER_DAYS) * back for back in range(TRAINING_QUARTERS, 0, -1)]
frames, labels = zip(*(labelled(day) for day in days), strict=True)
train, train_label = pd.concat(frames), np.concatenate(labels)
test, label = labelled(test_day)

probability = fit(train, train_label).probability(test)
baskets_only = fit(train.drop(columns=list(BRAND_FEATURES)), train_label).probability(test)
auc, auc_baskets_only = float(roc_auc_score(label, probability)), float(roc_auc_score(label, baskets_only))
print(f"test quarter: AUC {auc:.3f}; with the retailer's baskets alone {auc_baskets_only:.3f}")
new = (test["BRAND_TRIPS"] == 0).to_numpy()

final = fit(pd.concat([train, test]), np.concatenate([train_label, label]))
session.create_dataframe(final.stored()).write.save_as_table("cleanroom.propensity_model", mode="overwrite")

gain = pd.Series(final.trees.feature_importance("gain"), index=final.features).nlargest(5)
groups = reliability(probability, label)
__return__ = {
    "households": len(label),
    "base_rate": round(float(label.mean()), 4),
    "mean_probability": round(float(probability.mean()), 4),
    "auc": round(auc, 4),
    "auc_baskets_only": round(auc_baskets_only, 4),
    "auc_new_buyers": round(float(roc_auc_score(label[new], probability[new])), 4),
    "brier": round(float(brier_score_loss(label, probability)), 4),
    "brier_of_base_rate": round(float(label.mean() * (1 - label.mean())), 4),
    "reliability": groups,
    "top_features": [str(name) for name in gain.index],
}
for number, group in enumerate(groups, start=1):
    print(f"fifth {number}: promised {group['promised']}, real {group['real']}")
