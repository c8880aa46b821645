"""A search in a job's sandbox, by the names that scripts for the container runtime import."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from jobs_harness import MIB, Pools

from cleanroom_ml.engine.contracts.job import JobState
from cleanroom_ml.engine.jobs.families import Machine
from cleanroom_ml.engine.jobs.service import Settings

pytestmark = [pytest.mark.sandbox, pytest.mark.runtime]

# As the published examples write it, but for its data, which needs no engine here.
SCRIPT = """
import json
import os
import time
import pyarrow as pa
from cleanroom_runtime.data import JobIngestor, RemoteTable
from snowflake.ml.data.data_connector import DataConnector
from snowflake.ml.modeling import tune
from snowflake.ml.modeling.tune import Tuner, TunerConfig, TunerContext, TunerResults, get_tuner_context
from snowflake.ml.modeling.tune.search import BayesOpt, GridSearch, RandomSearch
from snowflake.ml.modeling.tune.tuner import Tuner as SameTuner
from snowflake.ml.runtime_cluster import get_nodes
from entities import search_algorithm, search_space, tuner_config
from helper import HELP

assert SameTuner is Tuner and search_algorithm.BayesOpt is BayesOpt
assert tuner_config.TunerConfig is TunerConfig and search_space.uniform is tune.uniform
ROWS = pa.table({"A": list(range(100)), '"target"': [0.3] * 100})
connector = DataConnector(JobIngestor(RemoteTable.from_arrow(ROWS)))


MARKS = os.path.join(os.environ["TMPDIR"], "marks")
os.mkdir(MARKS)
NODES = len(get_nodes())


def meet(node):
    # A trial waits until there has been one on every node.
    open(os.path.join(MARKS, node), "w").close()
    while len(os.listdir(MARKS)) < NODES:
        time.sleep(0.05)


class Model:
    def __init__(self, x):
        self.x = x


def train_func():
    context = get_tuner_context()
    params, data = context.get_hyper_params(), context.get_dataset_map()
    frame = data["train"].to_pandas()
    meet(json.loads(os.environ["CLEANROOM_ML_NODES"])[0]["name"] if len(get_nodes()) < NODES else "node-0")
    if params.get("crash"):
        os.abort()
    print(f"{HELP} {params['x']:.3f}")
    score = -((frame['"target"'].mean() - params["x"]) ** 2)
    context.report(metrics={"score": score, "early": False}, model=Model(params["x"]))


def run(search_alg, space, **config):
    made = TunerConfig(metric="score", mode="max", search_alg=search_alg, **config)
    return tune.Tuner(train_func, space, made).run(dataset_map={"train": connector})


utility = {"kind": "ucb", "kappa": 2.5, "xi": 0.0}
bayes = run(search_algorithm.BayesOpt(utility), {"x": tune.uniform(0, 1)}, num_trials=6)
found = run(GridSearch(), {"x": [0.1, 0.4, 0.9], "crash": [False, True]}, **GRID)
assert type(found.best_model) is Model
__return__ = {
    "bayes": bayes.best_result["score"][0],
    "best": found.best_model.x,
    "failures": found.results["failure"].fillna("").tolist(),
    "score": found.best_result["score"][0],
    "nodes": sorted(os.listdir(MARKS)),
}
"""
HELPER = {"helper.py": 'HELP = "tried"\n'}


@pytest.fixture
def machine() -> Machine:
    return Machine(cpus=2, memory_bytes=4096 * MIB)


@pytest.fixture
def pools(home: Path, settings: Settings, machine: Machine) -> Iterator[Pools]:
    pools = Pools(home, replace(settings, wall_seconds=400, scratch_bytes=512 * MIB, processes=1024), machine)
    pools.service.recover()
    yield pools
    pools.close()


def run(pools: Pools, grid: dict[str, object], **changes: object) -> tuple[dict[str, object], str, str]:
    """What the script returned, its log and its id."""
    job_id = pools.submit(SCRIPT.replace("**GRID", f"**{grid!r}"), more=HELPER, **changes)
    status = pools.wait(job_id, seconds=400)
    log = pools.service.logs(job_id)
    assert status.status is JobState.DONE, log
    return json.loads(pools.service.result(job_id)), log, job_id


@pytest.mark.slow
def test_a_search_goes_on_after_trials_that_crash(pools: Pools) -> None:
    result, log, job_id = run(pools, {})
    assert result["best"] == 0.4
    assert result["score"] == pytest.approx(-0.01)
    assert result["bayes"] > -0.01
    assert [bool(reason) for reason in result["failures"]] == [False, True] * 3
    assert all("SIGABRT" in reason for reason in result["failures"][1::2])
    assert "\ntried 0.400\ntrial 3/6  score -0.0100  (" in log
    assert "\ntrial 4/6  failed: its process was ended by signal 6 (SIGABRT)  (" in log
    trials = [json.loads(line) for line in pools.service.events(job_id).splitlines()]
    assert [
        (each["number"], each["state"]) for each in trials if each["kind"] == "trial" and "crash" in each["params"]
    ] == [(number, "failed" if number % 2 == 0 else "done") for number in range(1, 7)]


@pytest.mark.slow
def test_on_two_nodes_trials_run_on_both(pools: Pools) -> None:
    result, log, _ = run(pools, {"max_concurrent_trials": 2, "resource_per_trial": {"CPU": 1}}, nodes=2)
    assert result["best"] == 0.4
    assert result["bayes"] > -0.1
    assert [bool(reason) for reason in result["failures"]] == [False, True] * 3
    assert result["nodes"] == ["node-0", "node-1"]
    assert "[worker 1] tried" in log
