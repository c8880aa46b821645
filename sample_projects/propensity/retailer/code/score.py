"""The probability that each household buys the brand in the coming quarter, from the model that `train` left.

    python score.py --args '{"transactions": "…", …, "quarter": "2018-01-01"}'

Writes `cleanroom.propensity_scores`: the hashed id, the probability, whether it bought the brand in the last 90 days,
and its rank among those who did not (NULL for the others). Returns counts.
"""

from __future__ import annotations

import argparse
import json
from datetime import date

import pandas as pd
from features import HOUSEHOLD, snapshot
from model import Calibrated
from snowflake.snowpark.context import get_active_session

parser = argparse.ArgumentParser()
parser.add_argument("--args", type=json.loads, default={})
args = parser.parse_args().args

session = get_active_session()
model = Calibrated.restored(session.table("cleanroom.propensity_model").to_pandas().iloc[0])
frame = snapshot(session, args, date.fromisoformat(args["quarter"]))

scores = pd.DataFrame({HOUSEHOLD: frame.index, "PROBABILITY": model.probability(frame)})
scores["BOUGHT_LATELY"] = (frame["BRAND_TRIPS"] > 0).to_numpy()
scores = scores.sort_values(["PROBABILITY", HOUSEHOLD], ascending=[False, True], ignore_index=True)
scores["AUDIENCE_RANK"] = (~scores["BOUGHT_LATELY"]).cumsum().where(~scores["BOUGHT_LATELY"]).astype("Int64")
session.create_dataframe(scores).write.save_as_table("cleanroom.propensity_scores", mode="overwrite")

__return__ = {
    "scored": len(scores),
    "candidates": int((~scores["BOUGHT_LATELY"]).sum()),
    "expected_buyers": round(float(scores["PROBABILITY"].sum())),
}
print(f"scored {len(scores):,} households; {__return__['expected_buyers']:,} of them are expected to buy")
