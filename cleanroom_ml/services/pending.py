"""What a job that is PENDING waits for, as far as its compute pool tells (SHOW COMPUTE POOLS, on either target)."""

from __future__ import annotations

from cleanroom_ml.connection import Connection
from cleanroom_ml.errors import CleanroomError
from cleanroom_ml.services.jobs import JobStatus
from cleanroom_ml.services.pools import Pool, show_pool


def waits_for(connection: Connection, status: JobStatus, pool: str | None) -> str:
    """A few words; empty where the job does not wait, or nothing is known of its pool.

    Args:
        pool: the job's, where the target does not tell it with the status.
    """
    name = str(status.details.get("pool") or pool or "")
    if status.status != "PENDING" or not name:
        return ""
    try:
        return _told(show_pool(connection, name))
    except CleanroomError:  # nothing depends on it: a role may not be shown the pool, and a broken connection is told
        return ""


def _told(pool: Pool) -> str:
    jobs, active = pool.details.get("num_jobs"), pool.details.get("active_nodes")
    parts = [f"compute pool {pool.name} is {pool.state}"]
    if jobs is not None:
        parts.append(f"{jobs} job(s) on it")
    if active is not None:
        parts.append(f"{active} of {pool.max_nodes} node(s) in use")
    resume = f"; cleanroom-ml pool resume {pool.name}" if pool.state.upper() == "SUSPENDED" else ""
    return ", ".join(parts) + resume
