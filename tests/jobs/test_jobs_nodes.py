"""Jobs with several nodes: a cluster before the script starts, workers on each node, and an end without leftovers."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from jobs_harness import MIB
from jobs_nodes import GIB, SETTINGS, machine, no_process_left, run, settings

from cleanroom_ml.engine.contracts.job import JobState

__all__ = ["machine", "run", "settings"]

pytestmark = [pytest.mark.sandbox, pytest.mark.runtime]

TWO_NODES = """
import os, time, ray
from cleanroom_runtime.workers import WorkerFailed, cluster_nodes, current, node_count, run_workers, total_cpus
from snowflake.ml.runtime_cluster import get_nodes, scale_cluster
from snowflake.ml.runtime_cluster.cluster_manager import get_available_cpu
import helper

# Ray, as scripts use it
assert os.environ["RAY_ADDRESS"] and not ray.is_initialized()
ray.init(address="auto", ignore_reinit_error=True)
ray.init(ignore_reinit_error=True)

@ray.remote(num_cpus=3)
def where(x):
    print(f"task {x} {helper.double(x)}")
    time.sleep(1)
    return ray.get_runtime_context().get_node_id()

placed = ray.get([where.options(scheduling_strategy="SPREAD").remote(x) for x in range(2)])
alive = [node for node in ray.nodes() if node["Alive"]]

# our workers
class Mine:
    pass

def work(placement, payload):
    print("hello\\nfrom", placement.rank)
    os.write(2, b"no end")
    assert current() == placement and node_count() == 2
    return {"payload": helper.double(payload), "threads": os.environ["OMP_NUM_THREADS"], "x": os.environ["X"],
            "index": os.environ["SNOWFLAKE_JOB_INDEX"], "count": os.environ["SNOWFLAKE_JOBS_COUNT"],
            "node": placement.node_rank, "local": placement.local_rank, "pid": os.getpid(), "mine": Mine()}

rows = run_workers(work, [1, 2, 3, 4], workers_per_node=2, env=lambda placement: {"X": str(placement.rank)})
assert all(isinstance(row.pop("mine"), Mine) for row in rows)
assert len({row.pop("pid") for row in rows}) == 4

def dies(placement, payload):
    if placement.rank == 3:
        os.kill(os.getpid(), 9)
    time.sleep(600)

def raises(placement, payload):
    if placement.rank == 2:
        raise KeyError("column")
    time.sleep(600)

failed = []
for function in (dies, raises):
    try:
        run_workers(function, [0] * 4, workers_per_node=2)
    except WorkerFailed as failure:
        failed.append([failure.rank, failure.message, type(failure.__cause__).__name__])

# leftovers
@ray.remote(num_cpus=0)
class Left:
    def stay(self):
        time.sleep(600)

left = Left.remote().stay.remote()
try:
    scale_cluster(3)
except RuntimeError as error:
    refused = str(error)
__return__ = {
    "nodes": len(alive), "cpus": ray.cluster_resources()["CPU"], "spread": len(set(placed)), "rows": rows,
    "failed": failed, "get_nodes": get_nodes(), "scaled": scale_cluster(2), "refused": refused,
    "total": total_cpus(), "available": get_available_cpu(), "names": [node.name for node in cluster_nodes()],
}
"""


@pytest.mark.slow
def test_two_nodes(run, pools):
    status, log = run(TWO_NODES, 2, more={"helper.py": "def double(x): return 2 * x", "token.py": "1/0"})
    assert status.status is JobState.DONE, (status, log)
    assert no_process_left(pools.directory(status.job_id))
    got = json.loads(pools.service.result(status.job_id))
    assert (got["nodes"], got["cpus"], got["spread"]) == (2, 6, 2)
    assert got["rows"] == [
        {
            "payload": 2 * (rank + 1),
            "threads": "1",
            "x": str(rank),
            "node": rank // 2,
            "local": rank % 2,
            "index": str(rank // 2),
            "count": "2",
        }
        for rank in range(4)
    ]
    killed, raised = got["failed"]
    assert killed[0] == 3
    assert "signal 9 (SIGKILL)" in killed[1]
    assert raised == [2, "KeyError: 'column'", "KeyError"]
    assert got["get_nodes"] == [{"name": f"node-{rank}", "cpus": 3, "gpus": 0} for rank in range(2)]
    assert (got["scaled"], got["total"], got["names"]) == (True, 6, ["node-0", "node-1"])
    assert "num_instances=3" in got["refused"]
    told = [json.loads(line) for line in pools.service.events(status.job_id).splitlines()]
    (formed,) = [event["nodes"] for event in told if event["kind"] == "nodes"]
    assert [node["cpus"] for node in formed] == [3, 3]
    assert sum(node["memory"] for node in formed) == 4 * GIB
    lines = log.splitlines()
    assert lines[0].startswith("cleanroom-ml: 2 nodes of 3 vCPU are up")
    for rank in range(4):
        assert f"[worker {rank}] from {rank}" in lines
        assert f"[worker {rank}] no end" in lines
    for task in range(2):
        assert any(line.startswith("(where pid=") and line.endswith(f"task {task} {2 * task}") for line in lines), log


@pytest.mark.slow
def test_a_node_that_is_lost_ends_the_job(run, pools):
    status, log = run(
        """
import os, signal, time
from pathlib import Path
print("started")
for process in Path("/proc").glob("[0-9]*"):
    command = process.joinpath("cmdline").read_bytes().split(b"\\0")
    if command[0].endswith(b"/raylet") and b"raylet-1" in command[1]:
        os.kill(int(process.name), signal.SIGKILL)
time.sleep(600)
""",
        2,
    )
    assert (status.status, status.reason, status.exit_code) == (JobState.FAILED, "script_failed", 75)
    assert "a node of the job is lost" in status.message
    assert "started\n" in log
    assert "node-1 was lost: raylet: its process was ended by signal 9 (SIGKILL)" in log
    assert no_process_left(pools.directory(status.job_id))


@pytest.mark.slow
@pytest.mark.parametrize("settings", [replace(SETTINGS, processes=45)])
def test_nodes_that_do_not_come_up_are_a_failure_that_says_so(run, pools, settings):
    """Here: Ray has more threads than the job may have."""
    status, log = run("print('never printed')", 2)
    assert (status.status, status.reason, status.exit_code) == (JobState.FAILED, "script_failed", 71)
    assert "the nodes of the job do not come up" in status.message
    assert "cleanroom-ml: the job's 2 nodes did not come up: " in log
    assert "never printed" not in log
    assert no_process_left(pools.directory(status.job_id))


ONE_NODE = """
import os, sys, time
assert "ray" not in sys.modules and "RAY_ADDRESS" not in os.environ
import ray
try:
    ray.init("auto", runtime_env={"env_vars": {"FROM_DRIVER": "yes"}}, num_cpus=NUM_CPUS)
    raise_again = False
    ray.init()
except RuntimeError:
    raise_again = True
ray.init(ignore_reinit_error=True)
import helper

@ray.remote
def work(x):
    print("task", x)
    return os.environ["FROM_DRIVER"], helper.double(x)

@ray.remote(num_cpus=0)
class Left:
    def stay(self):
        time.sleep(600)

left = Left.remote().stay.remote()
resources = ray.cluster_resources()
__return__ = {"got": ray.get([work.remote(x) for x in range(2)]), "cpus": resources["CPU"], "again": raise_again,
              "store": resources["object_store_memory"], "memory": resources["memory"]}
import atexit
atexit.register(print, "atexit ran")
"""


@pytest.mark.slow
def test_ray_on_one_node_has_what_the_job_has(run, pools):
    status, log = run(ONE_NODE.replace("NUM_CPUS", "None"), 1, more={"helper.py": "def double(x): return 2 * x"})
    assert status.status is JobState.DONE, (status, log)
    assert no_process_left(pools.directory(status.job_id))
    got = json.loads(pools.service.result(status.job_id))
    assert got["got"] == [["yes", 0], ["yes", 2]]
    assert (got["cpus"], got["again"]) == (3, True)
    assert 80 * MIB <= got["store"] <= 1 * GIB
    assert got["store"] + got["memory"] <= 4 * GIB
    lines = log.splitlines()
    assert {line.split(") ")[-1] for line in lines if line.startswith("(work pid=")} == {"task 0", "task 1"}
    assert "atexit ran" in lines
    assert "WARNING" not in log


@pytest.mark.slow
def test_a_script_that_fails_with_ray_running_ends_at_once(run, pools):
    began_to_fail = """
import time, ray
ray.init(num_cpus=1)
assert ray.cluster_resources()["CPU"] == 1

@ray.remote(num_cpus=0)
class Left:
    def stay(self):
        time.sleep(600)

left = Left.remote().stay.remote()
print("failing", time.time())
raise SystemExit(3)
"""
    status, log = run(began_to_fail, 1)
    assert (status.status, status.exit_code) == (JobState.FAILED, 3)
    assert status.ended_on.timestamp() - float(log.split("failing ")[1]) < 5
    assert no_process_left(pools.directory(status.job_id))
