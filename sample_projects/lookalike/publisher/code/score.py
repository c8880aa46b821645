"""Score every household with the model that the training job left in the room.

    python score.py --args '{"transactions": "...", "products": "..."}'

Reads `cleanroom.lookalike_model` and `cleanroom.lookalike_seed`; writes `cleanroom.lookalike_scores`: the hashed id,
the score, its rank (1 is the best; those who have redeemed come last), and whether the household had redeemed.
"""

from __future__ import annotations

import argparse
import base64
import json

import pandas as pd
import xgboost as xgb
from features import HOUSEHOLD, household_features
from snowflake.snowpark.context import get_active_session

parser = argparse.ArgumentParser()
parser.add_argument("--args", type=json.loads, default={})
args = parser.parse_args().args

session = get_active_session()
stored = session.table("cleanroom.lookalike_model").to_pandas().iloc[0]
booster = xgb.Booster()
booster.load_model(bytearray(base64.b64decode(stored["MODEL"])))

features = household_features(session, args["transactions"], args["products"])
features = features.reindex(columns=json.loads(stored["FEATURES"]), fill_value=0.0)
seed = set(session.table("cleanroom.lookalike_seed").to_pandas()[HOUSEHOLD])

scores = pd.DataFrame({HOUSEHOLD: features.index, "SCORE": booster.predict(xgb.DMatrix(features)).astype("float64")})
scores["ALREADY_REDEEMED"] = scores[HOUSEHOLD].isin(seed)
scores = scores.sort_values(["ALREADY_REDEEMED", "SCORE", HOUSEHOLD], ascending=[True, False, True], ignore_index=True)
scores["AUDIENCE_RANK"] = range(1, len(scores) + 1)
session.create_dataframe(scores).write.save_as_table("cleanroom.lookalike_scores", mode="overwrite")

__return__ = {"scored": len(scores), "candidates": int((~scores["ALREADY_REDEEMED"]).sum())}
print(f"scored {__return__['scored']:,} households, {__return__['candidates']:,} of them have not redeemed yet")
