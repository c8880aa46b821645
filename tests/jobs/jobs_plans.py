"""A job's plan for tests that start none."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from cleanroom_ml.engine.contracts.job import JobFile, JobRequest
from cleanroom_ml.engine.contracts.plan import Bounds, Paths, Plan
from cleanroom_ml.evidence.pinned_job import PinnedJob

REQUEST = JobRequest(
    account="A",
    user="U",
    collaboration="C",
    runner="a",
    application="D",
    template_id="t_v1",
    code_spec_id="c_v1",
    job=PinnedJob("train", "train.py", "0" * 64, ("pandas>=2",), "local", allow_monitoring=True),
    files=(),
    args_json="{}",
    pool="P",
    nodes=1,
    warehouse="W",
    approval_digest="sha256:0",
    result_limit_bytes=1000,
    scope={"collaboration": "C", "views": [{"name": "V"}]},
    dependency_lock={"format": 1, "packages": []},
)
BOUNDS = Bounds(
    cpus=1,
    memory_bytes=600 << 20,
    node_cpus=1,
    wall_seconds=30,
    scratch_bytes=64 << 20,
    log_bytes=1000,
    processes=1024,
    relay_patience_seconds=600.0,
)


def a_plan(job_id: str, entrypoint: str, files: tuple[JobFile, ...], **bounds: Any) -> Plan:
    """The plan of a job of one node that runs this file."""
    request = replace(REQUEST, job=replace(REQUEST.job, entrypoint=entrypoint), files=files)
    return Plan(job_id, request, replace(BOUNDS, **bounds), Paths(home="", objects=""))
