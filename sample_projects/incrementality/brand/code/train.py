"""Measure a campaign, and learn whom it moves: Bayesian search over T-learners, then the final one.

    python train.py --args '{"shoppers": …, "campaign": …, "trials": 12}'

Leaves both models of the best setting in `cleanroom.incrementality_model`. Returns the average effect, the area under
the uplift curve on shoppers that no trial has seen, and the chosen setting.
"""

from __future__ import annotations

import argparse
import json

import pandas as pd
import uplift
from sklearn.model_selection import train_test_split
from snowflake.ml.data.data_connector import DataConnector
from snowflake.ml.modeling import tune
from snowflake.ml.modeling.tune import get_tuner_context
from snowflake.ml.modeling.tune.search import BayesOpt
from snowflake.snowpark.context import get_active_session

SPLIT_SEED = 3


def trial() -> None:
    context = get_tuner_context()
    data = context.get_dataset_map()
    learner = uplift.fit(data["train"].to_pandas(), context.get_hyper_params())
    validation = data["validation"].to_pandas()
    context.report(metrics={"auuc": uplift.auuc(validation, learner.uplift(validation))})


parser = argparse.ArgumentParser()
parser.add_argument("--args", type=json.loads)
args = parser.parse_args().args

session = get_active_session()
shoppers = session.table(args["shoppers"]).join(session.table(args["campaign"]), on=uplift.SHOPPER)
everybody = shoppers.sort(uplift.SHOPPER).to_pandas()
fitting, test = train_test_split(everybody, test_size=0.3, random_state=SPLIT_SEED, stratify=everybody[uplift.EXPOSED])
train, validation = train_test_split(fitting, test_size=0.35, random_state=SPLIT_SEED, stratify=fitting[uplift.EXPOSED])
effect, half_interval = uplift.average_effect(everybody)
print(f"{len(everybody):,} shoppers; the campaign added {effect:.4f} ± {half_interval:.4f} to the purchase rate")

for name, part in (("TRAIN", train), ("VALIDATION", validation)):
    rows = session.create_dataframe(part.drop(columns=uplift.SHOPPER).reset_index(drop=True))
    rows.write.save_as_table(f"cleanroom.incrementality_{name}", mode="overwrite")
search = tune.Tuner(
    train_func=trial,
    search_space={
        "max_depth": tune.uniform(1.6, 5.4),
        "eta": tune.uniform(0.02, 0.2),
        "rounds": tune.uniform(30, 150),
        "min_child_weight": tune.uniform(5, 60),
        "subsample": tune.uniform(0.6, 1.0),
    },
    tuner_config=tune.TunerConfig(metric="auuc", mode="max", search_alg=BayesOpt(), num_trials=int(args["trials"])),
)
found = search.run(
    dataset_map={
        name: DataConnector.from_dataframe(session.table(f"cleanroom.incrementality_{name}"))
        for name in ("train", "validation")
    }
)
best = found.best_result.iloc[0]
setting = {name.removeprefix("config/"): float(best[name]) for name in best.index if name.startswith("config/")}

learner = uplift.fit(fitting, setting)
predicted = learner.uplift(test)
top = test[predicted >= pd.Series(predicted).quantile(0.8)]
effect_top, _ = uplift.average_effect(top)
stored = pd.DataFrame(
    {"EXPOSED": [0, 1], "MODEL": [bytes(model.save_raw("json")).decode() for model in learner.models]}
)
session.create_dataframe(stored).write.save_as_table("cleanroom.incrementality_model", mode="overwrite")

__return__ = {
    "shoppers": len(everybody),
    "effect": round(effect, 4),
    "effect_interval": round(half_interval, 4),
    "auuc_validation": round(float(best["auuc"]), 4),
    "auuc_test": round(uplift.auuc(test, predicted), 4),
    "effect_in_top_fifth": round(effect_top, 4),
    "trials": len(found.results),
    "setting": {name: round(value, 3) for name, value in setting.items()},
}
print(f"uplift curve on unseen shoppers: {__return__['auuc_test']} above chance")
print(f"in the fifth that the model picks, the campaign added {effect_top:.4f}")
