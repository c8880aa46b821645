"""What a waiting job waits for, from the columns of SHOW COMPUTE POOLS (sql-reference/sql/show-compute-pools,
"Output"): state, num_jobs, active_nodes, max_nodes.
"""

from __future__ import annotations

from typing import Any

import pytest
from services_targets import Account, unknown

from cleanroom_ml.errors import CommunicationError
from cleanroom_ml.services.jobs import JobStatus
from cleanroom_ml.services.pending import waits_for

POOL = {"name": "P", "instance_family": "CPU_X64_S", "min_nodes": 1, "max_nodes": 2}


def account(**columns: Any) -> Account:
    return Account({"SHOW": [{**POOL, **columns}]})


@pytest.mark.parametrize(
    ("columns", "told"),
    [
        ({"state": "STARTING"}, "compute pool P is STARTING"),
        (
            {"state": "ACTIVE", "num_jobs": 3, "active_nodes": 2},
            "compute pool P is ACTIVE, 3 other job(s) on it, 2 of 2 node(s) in use",
        ),
        ({"state": "SUSPENDED"}, "compute pool P is SUSPENDED; cleanroom-ml pool resume P"),
    ],
)
def test_a_pending_job_waits_for_its_pool(columns: dict[str, Any], told: str) -> None:
    assert waits_for(account(**columns), JobStatus("J", "PENDING", {}), "p") == told
    assert waits_for(account(**columns), JobStatus("J", "RUNNING", {}), "p") == ""


@pytest.mark.parametrize("refusal", [unknown("COMPUTE POOLS"), CommunicationError("broken"), []])
def test_a_pool_that_is_not_shown_is_not_told_of(refusal: Any) -> None:
    assert waits_for(Account({"SHOW": refusal}), JobStatus("J", "PENDING", {}), "p") == ""


def test_a_suspended_pool_is_all_that_is_waited_for() -> None:
    pool = account(state="SUSPENDED", num_jobs=1, active_nodes=0)
    told = waits_for(pool, JobStatus("J", "PENDING", {"pool": "P"}), None)
    assert told == "compute pool P is SUSPENDED, no other job on it; cleanroom-ml pool resume P"


@pytest.mark.parametrize(
    ("jobs", "active", "told"),
    [
        (1, 1, "no other job on it, the job is starting"),
        (
            1,
            0,
            "no other job on it, it begins in a moment, or once jobs of other pools have given back memory or GPUs "
            "of this machine",
        ),
        (2, 1, "1 other job(s) on it, 1 of 2 node(s) in use"),
    ],
)
def test_the_job_itself_is_not_among_those_that_it_waits_for(jobs: int, active: int, told: str) -> None:
    """The engine counts a job that waits (engine/jobs/store.py); it was told of itself as of somebody else."""
    pool = account(state="ACTIVE", num_jobs=jobs, active_nodes=active)
    assert waits_for(pool, JobStatus("J", "PENDING", {"pool": "P"}), None) == f"compute pool P is ACTIVE, {told}"
