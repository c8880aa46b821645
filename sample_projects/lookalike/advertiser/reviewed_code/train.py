"""Learn which households redeem the advertiser's coupons, from what they bought before.

    python train.py --args '{"transactions": "...", "products": "...", "redeemers": "..."}'

Reads three tables by the names it is given; writes `cleanroom.lookalike_model` (the booster and its feature names) and
`cleanroom.lookalike_seed` (who had redeemed already). Returns the out-of-fold metrics, never a row about a household.
"""

from __future__ import annotations

import argparse
import base64
import json

import numpy as np
import pandas as pd
import xgboost as xgb
from features import HOUSEHOLD, household_features
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedKFold
from snowflake.snowpark.context import get_active_session

SEED = 7
ROUNDS = 200
PARAMETERS = {
    "objective": "binary:logistic",
    "max_depth": 3,
    "eta": 0.05,
    "subsample": 0.8,
    "colsample_bytree": 0.8,
    "seed": SEED,
}
AUDIENCE_SHARE = 0.2


def out_of_fold_scores(features: pd.DataFrame, label: np.ndarray, folds: int = 5) -> np.ndarray:
    """The score of each household from a model that has not seen it."""
    scores = np.zeros(len(label))
    split = StratifiedKFold(folds, shuffle=True, random_state=SEED)
    for fold, (train, held_out) in enumerate(split.split(features, label), start=1):
        booster = xgb.train(PARAMETERS, xgb.DMatrix(features.iloc[train], label[train]), ROUNDS)
        scores[held_out] = booster.predict(xgb.DMatrix(features.iloc[held_out]))
        print(f"fold {fold}/{folds}: AUC {roc_auc_score(label[held_out], scores[held_out]):.3f}")
    return scores


def capture(label: np.ndarray, scores: np.ndarray, share: float = AUDIENCE_SHARE) -> float:
    """The part of all redeemers that is among the best-scored `share` of households."""
    best = np.argsort(-scores, kind="stable")[: int(np.ceil(share * len(label)))]
    return float(label[best].sum() / label.sum())


parser = argparse.ArgumentParser()
parser.add_argument("--args", type=json.loads, default={})
args = parser.parse_args().args

session = get_active_session()
features = household_features(session, args["transactions"], args["products"])
redeemers = set(session.table(args["redeemers"]).select(HOUSEHOLD).to_pandas()[HOUSEHOLD])
label = features.index.isin(redeemers).astype(int)
print(f"{len(label):,} households, {features.shape[1]} features, {label.sum():,} redeemed a coupon")

already_redeemed = pd.DataFrame({HOUSEHOLD: features.index[label == 1]})
if args.get("shuffle_labels"):
    label = np.random.default_rng(SEED).permutation(label)
    print("labels shuffled: what is left is chance")

scores = out_of_fold_scores(features, label)
booster = xgb.train(PARAMETERS, xgb.DMatrix(features, label), ROUNDS)
model = pd.DataFrame(
    {
        "FORMAT": ["xgboost-ubj-base64"],
        "FEATURES": [json.dumps(list(features.columns))],
        "MODEL": [base64.b64encode(bytes(booster.save_raw("ubj"))).decode()],
    }
)
session.create_dataframe(model).write.save_as_table("cleanroom.lookalike_model", mode="overwrite")
session.create_dataframe(already_redeemed).write.save_as_table("cleanroom.lookalike_seed", mode="overwrite")

importance = pd.Series(booster.get_score(importance_type="gain")).nlargest(5)
__return__ = {
    "auc": round(float(roc_auc_score(label, scores)), 4),
    "capture_at_20": round(capture(label, scores), 4),
    "households": len(label),
    "positives": int(label.sum()),
    "features": int(features.shape[1]),
    "top_features": [str(name) for name in importance.index],
}
print(f"5-fold AUC {__return__['auc']}, capture in the best 20 %: {__return__['capture_at_20']}")
