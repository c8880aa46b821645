"""Four nodes on this machine: the cluster forms every time, and a training on it leaves nothing behind."""

from __future__ import annotations

import json
import re

import pytest
from jobs_nodes import machine, no_process_left, run, settings

from cleanroom_ml.engine.contracts.job import JobState

__all__ = ["machine", "run", "settings"]

pytestmark = [pytest.mark.sandbox, pytest.mark.slow, pytest.mark.runtime]

TRAINING = """
import numpy, ray, xgboost
from cleanroom_runtime.workers import free_port, run_workers
from xgboost.tracker import RabitTracker

tracker = RabitTracker(host_ip="127.0.0.1", n_workers=4)
tracker.start()

def train(placement, arguments):
    rows = numpy.random.default_rng(placement.rank).normal(size=(500, 4))
    with xgboost.collective.CommunicatorContext(**arguments):
        data = xgboost.DMatrix(rows, (rows.sum(axis=1) > 0).astype(float))
        booster = xgboost.train({"objective": "binary:logistic", "nthread": 1}, data, 5)
        return placement.node_rank, booster.save_raw().hex()

results = run_workers(train, [tracker.worker_args()] * 4, workers_per_node=1)
assert len({model for _, model in results}) == 1
ray.init(ignore_reinit_error=True)
__return__ = [[node for node, _ in results], sum(node["Alive"] for node in ray.nodes())]
"""


@pytest.mark.parametrize("attempt", range(20))
def test_four_nodes_form_every_time(run, pools, attempt):
    status, log = run(TRAINING, 4)
    assert status.status is JobState.DONE, (attempt, status, log)
    assert json.loads(pools.service.result(status.job_id)) == [[0, 1, 2, 3], 4]
    formed = re.search(r"4 nodes of 3 vCPU are up \((.*) s\)", log)
    assert formed is not None
    print(f"\nattempt {attempt}: formed in {formed[1]} s, peak {status.peak_memory_bytes >> 20} MiB", end="")
    assert no_process_left(pools.directory(status.job_id))
