"""What tests of jobs with several nodes share: a pool of four nodes, patience, a look at what is left afterwards."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from jobs_harness import MIB

from cleanroom_ml.engine.jobs.families import Machine
from cleanroom_ml.engine.jobs.service import Settings

GIB = 1 << 30
PATIENCE = 300


@pytest.fixture
def machine():
    return Machine(cpus=2, memory_bytes=8 * GIB)  # four nodes in the pool, of 2 GiB each


SETTINGS = Settings(
    wall_seconds=PATIENCE,
    scratch_bytes=2 * GIB,
    log_bytes=MIB,
    processes=2048,
    tick_seconds=0.05,
    relay_patience_seconds=30,
)


@pytest.fixture
def settings():
    return SETTINGS


@pytest.fixture
def run(pools):
    options = {"MIN_NODES": 1, "MAX_NODES": 4, "INSTANCE_FAMILY": "CPU_X64_S"}
    pools.service.pools.create("ACME", "NODES", options, if_not_exists=True)

    def run(script, nodes, **changes):
        status = pools.wait(pools.submit(script, pool="NODES", nodes=nodes, **changes), seconds=PATIENCE)
        return status, pools.service.logs(status.job_id)

    return run


def processes_of(job: Path) -> list[str]:
    """Names of all processes on this machine that see the job's directory: those of its sandbox."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if f"{job}/scratch" in process.joinpath("mountinfo").read_text():
                found.append(process.joinpath("comm").read_text().strip())
        except OSError:
            continue
    return found


def no_process_left(job: Path) -> bool:
    deadline = time.monotonic() + 5
    while left := processes_of(job):
        if time.monotonic() > deadline:
            raise AssertionError(f"still there: {left}")
        time.sleep(0.1)
    return True
