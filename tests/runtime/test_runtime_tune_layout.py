from __future__ import annotations

import json

import pytest

from cleanroom_ml.runtime.tune.config import TunerConfig
from cleanroom_ml.runtime.tune.layout import slots
from cleanroom_ml.runtime.workers.job import ClusterNode


def nodes(count, cpus=4, gpus=0):
    return [ClusterNode(f"node-{rank}", "127.0.0.1", cpus, gpus, 1 << 30) for rank in range(count)]


def places(count, cpus=4, gpus=0, real_cpus=8, trials=20, **config):
    return slots(TunerConfig("score", "max", **config), trials, nodes(count, cpus, gpus), real_cpus)


def threads(found):
    return [slot.environment["OMP_NUM_THREADS"] for slot in found]


def test_one_trial_a_node_where_nothing_else_is_said():
    assert [slot.node.name for slot in places(1)] == ["node-0"]
    assert [slot.node.name for slot in places(3)] == ["node-0", "node-1", "node-2"]


def test_trials_are_spread_evenly_and_share_what_there_really_is():
    found = places(2, max_concurrent_trials=4)
    assert [slot.node.name for slot in found] == ["node-0", "node-0", "node-1", "node-1"]
    assert threads(found) == ["2"] * 4
    assert threads(places(1, real_cpus=2)) == ["2"]
    assert threads(places(4, real_cpus=2)) == ["1"] * 4


def test_there_are_no_more_slots_than_trials():
    assert len(places(2, max_concurrent_trials=8, trials=3)) == 3


def test_the_cpus_of_a_trial_are_its_threads_but_no_more_than_there_are():
    assert threads(places(1, cpus=28, real_cpus=8, resource_per_trial={"CPU": 3})) == ["3"]
    assert threads(places(1, cpus=28, real_cpus=2, resource_per_trial={"cpu": 16})) == ["2"]


def test_a_distributed_trainer_in_a_trial_gets_a_share_and_its_own_node():
    found = places(2, uses_snowflake_trainer=True)
    assert threads(found) == ["4", "4"]
    alone = [json.loads(slot.environment["CLEANROOM_ML_NODES"]) for slot in found]
    assert [[node["name"] for node in each] for each in alone] == [["node-0"], ["node-1"]]


@pytest.mark.parametrize(
    ("config", "says"),
    [
        (
            {"resource_per_trial": {"CPU": 16}},
            r"^Insufficient CPU resources\. Required: 16, Available: 4 on a node\. Reduce resource_per_trial",
        ),
        (
            {"resource_per_trial": {"CPU": 3}, "max_concurrent_trials": 4},
            r"Insufficient CPU resources\. Required: 6, Available: 4 .* or max_concurrent_trials \(2 on this node\)",
        ),
        ({"resource_per_trial": {"GPU": 1}}, r"Insufficient GPU resources\. Required: 1, Available: 0"),
    ],
)
def test_trials_that_do_not_fit_are_refused(config, says):
    with pytest.raises(ValueError, match=says):
        places(2, **config)


def test_trials_have_their_own_gpus_or_share_one(monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1,2,3")

    def devices(**config):
        found = places(2, gpus=2, max_concurrent_trials=4, **config)
        return [slot.environment["CUDA_VISIBLE_DEVICES"] for slot in found]

    assert devices(resource_per_trial={"GPU": 1}) == ["0", "1", "2", "3"]
    assert devices(resource_per_trial={"GPU": 0.5}) == ["0", "0", "2", "2"]


def test_lines_of_trials_that_run_together_can_be_told_apart():
    assert places(1)[0].mark is None
    assert [slot.mark for slot in places(2)] == ["[worker 0] ", "[worker 1] "]
