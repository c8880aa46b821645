"""What a job that is PENDING waits for, as far as its compute pool tells (SHOW COMPUTE POOLS, on either target)."""

from __future__ import annotations

from typing import Final

from cleanroom_ml.connection import Connection
from cleanroom_ml.connection.session import whole_number
from cleanroom_ml.errors import CleanroomError
from cleanroom_ml.services.jobs import JobStatus
from cleanroom_ml.services.pools import Pool, show_pool

_STARTING: Final = "the job is starting"
# Of the engine's pools, which share one machine (engine/jobs/scheduler.py).
_MACHINE: Final = "it begins in a moment, or once jobs of other pools have given back memory or GPUs of this machine"


def waits_for(connection: Connection, status: JobStatus, pool: str | None) -> str:
    """A few words; empty where the job does not wait, or nothing is known of its pool.

    Args:
        pool: the job's, where the target does not tell it with the status.
    """
    told = status.details.get("pool")
    name = str(told or pool or "")
    if status.status != "PENDING" or not name:
        return ""
    try:
        # The engine, which tells the pool, counts a job that waits for it; the service counts those that run.
        return _told(show_pool(connection, name), own=1 if told else 0)
    except CleanroomError:  # nothing depends on it: a role may not be shown the pool, and a broken connection is told
        return ""


def _told(pool: Pool, *, own: int) -> str:
    jobs, active = pool.details.get("num_jobs"), pool.details.get("active_nodes")
    parts = [f"compute pool {pool.name} is {pool.state}"]
    others = None if jobs is None else max(0, whole_number(jobs) - own)
    if others is not None:
        parts.append(f"{others} other job(s) on it" if others else "no other job on it")
    suspended = pool.state.upper() == "SUSPENDED"
    if others == 0:
        # Whose the nodes are that are in use: this job's own, which is about to begin.
        told = own and active is not None and not suspended
        parts += [_STARTING if whole_number(active) else _MACHINE] if told else []
    elif active is not None:
        parts.append(f"{active} of {pool.max_nodes} node(s) in use")
    resume = f"; cleanroom-ml pool resume {pool.name}" if suspended else ""
    return ", ".join(parts) + resume
