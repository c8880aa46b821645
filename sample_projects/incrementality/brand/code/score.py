"""The uplift of every shopper, by the models that `train.py` left in the room.

    python score.py --args '{"shoppers": …}'

Leaves `cleanroom.incrementality_scores`. Returns counts.
"""

from __future__ import annotations

import argparse
import json

import pandas as pd
import uplift
import xgboost as xgb
from snowflake.snowpark.context import get_active_session

parser = argparse.ArgumentParser()
parser.add_argument("--args", type=json.loads)
args = parser.parse_args().args

session = get_active_session()
stored = session.table("cleanroom.incrementality_model").to_pandas().set_index("EXPOSED")["MODEL"]
models = [xgb.Booster() for _ in range(2)]
for exposed, model in enumerate(models):
    model.load_model(bytearray(stored[exposed], "utf-8"))

shoppers = session.table(args["shoppers"]).sort(uplift.SHOPPER).to_pandas()
scores = pd.DataFrame(
    {
        uplift.SHOPPER: shoppers[uplift.SHOPPER],
        "UPLIFT": uplift.TLearner((models[0], models[1])).uplift(shoppers).astype("float64"),
    }
)
scores["UPLIFT_SHARE"] = scores["UPLIFT"].rank(ascending=False, pct=True, method="first")
session.create_dataframe(scores).write.save_as_table("cleanroom.incrementality_scores", mode="overwrite")

__return__ = {
    "scored": len(scores),
    "mean_uplift": round(float(scores["UPLIFT"].mean()), 4),
    "put_off": int((scores["UPLIFT"] < -0.01).sum()),
}
print(f"scored {len(scores):,} shoppers; on average the campaign adds {__return__['mean_uplift']}")
