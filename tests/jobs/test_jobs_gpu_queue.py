"""GPUs are counted against the machine: no two jobs share one, whoever must waits, and a restart forgets nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from jobs_gpu_harness import MINORS, GpuPools, nodes

from cleanroom_ml.engine.contracts.job import JobState
from cleanroom_ml.engine.jobs.families import Machine
from cleanroom_ml.engine.jobs.gpu import Gpus
from cleanroom_ml.engine.jobs.service import Settings

pytestmark = [pytest.mark.sandbox, pytest.mark.root_only]

LOOK = """
import json, os, sys
sys.path.insert(0, "/run/cleanroom/lib")
from cleanroom_runtime import gpus
seen = sorted(name for name in os.listdir("/dev") if name.startswith("nvidia"))
for name in seen:
    os.close(os.open("/dev/" + name, os.O_RDWR))
about = json.load(open(os.environ["CLEANROOM_ML_JOB_FILE"]))
print(json.dumps({
    "seen": seen,
    "cuda": os.environ.get("CUDA_VISIBLE_DEVICES"),
    "nvidia": os.environ.get("NVIDIA_VISIBLE_DEVICES"),
    "count": gpus.count(),
    "node_gpus": about["node_gpus"],
}))
"""
SLEEP = "import time\nprint('begun')\ntime.sleep(60)"
RUNNING, PENDING = JobState.RUNNING, JobState.PENDING
SHARED = ["nvidia-uvm", "nvidiactl"]


@pytest.fixture
def pools(home: Path, settings: Settings, machine: Machine) -> Iterator[GpuPools]:
    with nodes():
        pools = GpuPools(home, settings, machine)
        pools.service.recover()
        yield pools
        pools.close()


def looked(pools: GpuPools, job_id: str) -> dict:
    assert pools.wait(job_id).status is JobState.DONE, pools.service.logs(job_id)
    return json.loads(pools.service.logs(job_id).splitlines()[-1])


def states(pools: GpuPools, *jobs: str) -> list[JobState]:
    return [pools.service.status(job).status for job in jobs]


def test_a_job_sees_its_own_gpus_only_and_counts_them_from_0(pools: GpuPools) -> None:
    first = pools.submit(SLEEP, pool="ONE")
    pools.wait_log(first, "begun")
    second = looked(pools, pools.submit(LOOK, pool="ALSO_ONE"))
    assert second["seen"] == sorted([*SHARED, f"nvidia{MINORS[1]}"])
    assert (second["cuda"], second["nvidia"], second["count"]) == ("0", str(MINORS[1]), 1)
    pools.service.cancel(first)
    pools.wait(first)
    both = looked(pools, pools.submit(LOOK, pool="TWO"))
    assert both["seen"] == sorted([*SHARED, *(f"nvidia{minor}" for minor in MINORS)])
    assert (both["cuda"], both["count"], both["node_gpus"]) == ("0,1", 2, 2)


def test_every_node_of_a_job_has_its_gpus(pools: GpuPools) -> None:
    job_id = pools.submit(SLEEP, pool="ONE", nodes=2)
    pools.until(lambda: pools.gpus(job_id), lambda seen: seen == MINORS, seconds=10)
    waiting = pools.submit(SLEEP, pool="ALSO_ONE")
    pools.service.cancel(job_id)
    pools.until(lambda: pools.gpus(waiting), lambda seen: seen == MINORS[:1], seconds=20)


@pytest.mark.attack
def test_a_job_of_a_cpu_pool_has_none_of_them(pools: GpuPools) -> None:
    running = pools.submit(SLEEP, pool="TWO")
    pools.wait_log(running, "begun")
    attack = f"try:\n    os.open('/dev/nvidia{MINORS[0]}', os.O_RDWR)\nexcept FileNotFoundError:\n    seen = ['no']"
    script = LOOK.replace("about =", f"{attack}\nabout =")
    assert looked(pools, pools.submit(script)) == {
        "seen": ["no"],
        "cuda": None,
        "nvidia": None,
        "count": 0,
        "node_gpus": 0,
    }


@pytest.mark.slow
def test_a_job_waits_until_enough_are_free_and_nobody_overtakes_it(pools: GpuPools) -> None:
    first = pools.submit(SLEEP, pool="ONE")
    pools.wait_log(first, "begun")
    both = pools.submit(SLEEP, pool="TWO")
    later = pools.submit(SLEEP, pool="ALSO_ONE")
    without = pools.submit("pass")
    # A job that needs no GPU does not wait for those that do; one GPU is free, but the pair came before.
    assert pools.wait(without).status is JobState.DONE
    assert states(pools, first, both, later) == [RUNNING, PENDING, PENDING]
    pools.service.cancel(first)
    pools.until(lambda: states(pools, both, later), lambda seen: seen == [RUNNING, PENDING], seconds=20)
    assert pools.gpus(both) == MINORS
    pools.service.cancel(both)
    pools.until(lambda: states(pools, later), lambda seen: seen == [RUNNING], seconds=20)
    assert pools.gpus(later) == (MINORS[0],)


@pytest.mark.slow
def test_what_a_job_holds_outlives_the_engine(pools: GpuPools) -> None:
    first, second = pools.submit(SLEEP, pool="ONE"), pools.submit(SLEEP, pool="ONE")
    pools.wait_log(second, "begun")
    pools.restart()
    third = pools.submit(LOOK, pool="ONE")
    pools.service.cancel(second)
    assert looked(pools, third)["nvidia"] == str(MINORS[1])
    assert pools.gpus(first) == (MINORS[0],)


def test_gpus_that_went_away_end_the_job_that_waits_for_them(pools: GpuPools) -> None:
    first = pools.submit(SLEEP, pool="TWO")
    pools.wait_log(first, "begun")
    waiting = pools.submit(SLEEP, pool="TWO")
    pools.there = Gpus((), "their driver is not loaded")
    status = pools.wait(waiting, seconds=10)
    assert (status.status, status.reason) == (JobState.FAILED, "not_started")
    assert "in compute pool TWO it needs 2 GPU(s)" in status.message
    assert "came to have 0 (their driver is not loaded)" in status.message


def test_a_node_that_is_gone_when_the_job_starts_is_named(pools: GpuPools) -> None:
    Path(f"/dev/nvidia{MINORS[0]}").unlink()
    status = pools.wait(pools.submit("pass", pool="ONE"))
    assert (status.status, status.reason) == (JobState.FAILED, "not_started")
    assert f"/dev/nvidia{MINORS[0]}, which it was given a GPU through, is gone" in status.message
