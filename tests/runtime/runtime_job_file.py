"""A job's file for tests of the runtime outside of a sandbox."""

from __future__ import annotations

from typing import Any

from cleanroom_ml.runtime.job_file import Job


def a_job(**changes: Any) -> Job:
    """A small job of one node."""
    fields: dict[str, Any] = {
        "image": "local",
        "account": "ACME",
        "user": "ANA",
        "token": "the-token",
        "host": "127.0.0.1",
        "port": 8099,
        "database": "SFDCR_COLLAB",
        "schema": "CLEANROOM",
        "warehouse": "COMPUTE_WH",
        "entrypoint": "train.py",
        "args": "{}",
        "result_limit_bytes": 10_000,
        "nodes": 1,
        "node_cpus": 1,
        "node_gpus": 0,
        "cpus": 1,
        "memory_bytes": 1 << 30,
        "scratch_bytes": 1 << 30,
    }
    return Job(**{**fields, **changes})
