"""Match payments to orders on a Ray cluster.

    python match.py --args '{"minimum_probability": 0.7}'

Reads `cleanroom.matching_candidates`, writes `cleanroom.matching_matches`: both references and the probability. The
session is in this process only: it reads and writes, the workers are handed frames. Returns counts.
"""

from __future__ import annotations

import argparse
import json

import linkage
import numpy as np
import pandas as pd
import ray
from snowflake.snowpark.context import get_active_session

TASKS_PER_CPU = 2

# By value, so that a node needs no copy of this directory.
ray.cloudpickle.register_pickle_by_value(linkage)


@ray.remote
def agreement(pairs: pd.DataFrame) -> np.ndarray:
    return linkage.agreement(pairs)


@ray.remote
def decide(pairs: pd.DataFrame, levels: np.ndarray, model: linkage.Linkage, least: float) -> pd.DataFrame:
    return linkage.decide(pairs, model.log_odds(levels), least)


parser = argparse.ArgumentParser()
parser.add_argument("--args", type=json.loads, default={})
args = parser.parse_args().args
least = float(args.get("minimum_probability", 0.7))

session = get_active_session()
candidates = session.table("cleanroom.matching_candidates").sort("PAYMENT_REFERENCE", "ORDER_ID").to_pandas()
candidates["GROUP"] = linkage.groups(candidates)

ray.init(address="auto", ignore_reinit_error=True)
nodes = sum(node["Alive"] for node in ray.nodes())
tasks = max(1, TASKS_PER_CPU * int(ray.cluster_resources()["CPU"]))
print(f"{len(candidates):,} candidate pairs; {nodes} node(s), {tasks} tasks")

# Blocks are put into the cluster's store once; both rounds of tasks read them there.
blocks = [ray.put(block) for _, block in candidates.groupby(candidates["GROUP"] % tasks)]
levels = [agreement.remote(block) for block in blocks]
model = linkage.learn(np.concatenate(ray.get(levels)))
decided = [decide.remote(block, level, model, least) for block, level in zip(blocks, levels, strict=True)]
matches = pd.concat(ray.get(decided)).sort_values("ORDER_ID", ignore_index=True)
ray.shutdown()
session.create_dataframe(matches).write.save_as_table("cleanroom.matching_matches", mode="overwrite")

for name, weight in zip(linkage.COMPARISONS, model.weights, strict=True):
    print(f"{name}: evidence for a match by level, in bits {(weight / np.log(2)).round(1).tolist()}")
__return__ = {
    "candidates": len(candidates),
    "orders_with_candidates": int(candidates["ORDER_ID"].nunique()),
    "matched": len(matches),
    "expected_precision": round(float(matches["PROBABILITY"].mean()), 4) if len(matches) else None,
    "nodes": nodes,
}
print(f"matched {len(matches):,} orders, expected precision {__return__['expected_precision']}")
