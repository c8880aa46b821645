"""Train XGBoost, LightGBM and a neural network on every node of the job; score everybody with the best of them.

    python train.py --args '{"readers": …, "orders": …, "epochs": 4}'

Leaves `cleanroom.distributed_examples` and `cleanroom.distributed_scores` in the room. Returns what each model is worth
on people that it has not seen, and counts.
"""

from __future__ import annotations

import argparse
import json

import examples
import neural
import pandas as pd
from sklearn.metrics import roc_auc_score
from snowflake.ml.data.data_connector import DataConnector
from snowflake.ml.data.sharded_data_connector import ShardedDataConnector
from snowflake.ml.modeling.distributors.lightgbm import LightGBMEstimator
from snowflake.ml.modeling.distributors.pytorch import (
    PyTorchDistributor,
    PyTorchScalingConfig,
    WorkerResourceConfig,
)
from snowflake.ml.modeling.distributors.xgboost import XGBEstimator
from snowflake.ml.runtime_cluster import get_nodes
from snowflake.snowpark.context import get_active_session

ROUNDS = 120
SEED = 17

parser = argparse.ArgumentParser()
parser.add_argument("--args", type=json.loads)
args = parser.parse_args().args

session = get_active_session()
features = examples.build(session, args)
columns = [*features, examples.LABEL]
training = examples.part(session, examples.TRAINING, columns)
stopping = DataConnector.from_dataframe(examples.part(session, examples.STOPPING, columns))
everybody = session.table(examples.TABLE).to_pandas()
test = everybody[everybody[examples.PART].isin(examples.TESTING)]
nodes = len(get_nodes())
print(f"{len(everybody):,} readers, {int(everybody[examples.LABEL].sum()):,} of them ordered; {nodes} node(s)")

boosters = {
    "xgboost": XGBEstimator(
        n_estimators=ROUNDS,
        objective="binary:logistic",
        params={"eta": 0.1, "max_depth": 5, "eval_metric": "auc", "early_stopping_rounds": 15, "seed": SEED},
    ),
    "lightgbm": LightGBMEstimator(
        n_estimators=ROUNDS,
        objective="binary",
        params={"learning_rate": 0.1, "num_leaves": 31, "metric": "auc", "early_stopping_round": 15, "seed": SEED},
    ),
}
scores: dict[str, pd.Series] = {}
for name, estimator in boosters.items():
    estimator.fit(DataConnector.from_dataframe(training), features, examples.LABEL, eval_set=stopping)
    scores[name] = pd.Series(estimator.predict(everybody), index=everybody.index)

scales = examples.scales(session, features)
trained = PyTorchDistributor(
    neural.train,
    PyTorchScalingConfig(
        num_nodes=nodes, num_workers_per_node=1, resource_requirements_per_worker=WorkerResourceConfig(num_cpus=1)
    ),
).run(
    dataset_map={"train": ShardedDataConnector.from_dataframe(training, equal=True)},
    hyper_params={
        "scales": scales, "label": examples.LABEL, "epochs": int(args["epochs"]), "batch_size": 256, "rate": 2e-3,
        "seed": SEED,
    },
)  # fmt: skip
scores["pytorch"] = pd.Series(neural.predict(trained.get_model_dir(), everybody, scales), index=everybody.index)

auc = {name: round(float(roc_auc_score(test[examples.LABEL], score[test.index])), 4) for name, score in scores.items()}
best = max(auc, key=auc.__getitem__)
for name, value in auc.items():
    print(f"{name}: AUC {value} on {len(test):,} readers that it has not seen")

scored = pd.DataFrame(
    {
        examples.READER: everybody[examples.READER],
        "SCORE": scores[best].astype("float64"),
        "ORDERED": everybody[examples.LABEL] > 0,
    }
).sort_values("SCORE", ascending=False, ignore_index=True)
scored["AUDIENCE_RANK"] = (~scored["ORDERED"]).cumsum()
session.create_dataframe(scored).write.save_as_table("cleanroom.distributed_scores", mode="overwrite")
__return__ = {"readers": len(everybody), "tested": len(test), "nodes": nodes, "auc": auc, "best": best}
