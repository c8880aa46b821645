"""Requests and plans as JSON: by the fields of their types, whole, and of older catalogs too."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from cleanroom_ml.engine.contracts.job import JobFile, JobRequest, JobState
from cleanroom_ml.engine.contracts.plain import from_json, from_plain, to_json
from cleanroom_ml.engine.contracts.plan import Bounds, Paths, Plan
from cleanroom_ml.engine.jobs import record
from cleanroom_ml.engine.jobs.store import SCHEMA, JobStore
from cleanroom_ml.engine.storage.database import Database
from cleanroom_ml.evidence.pinned_job import PinnedJob

REQUEST = JobRequest(
    "ACME", "ANA", "C", "acme", "SFDCR_C", "t_v1", "c_v1",
    PinnedJob("train", "train.py", "ab" * 32, ("pandas>=2",), "local", allow_monitoring=True),
    (JobFile("train.py", 3, "cd" * 32), JobFile("lib/ü.py", 0, "ef" * 32)), '{"a": 1}', "POOL", 2, "WH", "sha256:1", 9,
    {"views": [{"name": "V"}]}, {"format": 1, "packages": [{"sha256": "00"}]}, {"python": "3.11"},
)  # fmt: skip
PLAN = Plan("J", REQUEST, Bounds(2, 1 << 30, 3, 1.5, 4, 5, 6, 7.5, (0, 2), "told so"), Paths("/h", "/h/objects"))


@dataclass(frozen=True, slots=True)
class _Told:
    state: JobState
    at: datetime | None
    inner: tuple[JobFile, ...] = ()


def test_a_plan_is_request_bounds_and_paths_and_comes_back_whole(tmp_path: Path) -> None:
    record.write_plan(PLAN, tmp_path)
    assert record.read_plan(tmp_path) == PLAN
    assert [one.name for one in fields(Plan)] == ["job_id", "request", "bounds", "paths"]


def test_states_moments_and_nested_values_come_back_as_what_they_were() -> None:
    for at in (None, datetime(2026, 11, 26, 17, 30, 1, 5, tzinfo=UTC)):
        told = _Told(JobState.DONE, at, (JobFile("a", 1, "x"),))
        back = from_json(_Told, to_json(told))
        assert back == told
        assert isinstance(back.state, JobState)


@pytest.mark.parametrize("wrong", [{"path": "a", "size": 1}, {"path": "a", "size": 1, "sha256": "x", "more": 1}, []])
def test_what_is_not_of_the_type_is_refused(wrong: object) -> None:
    with pytest.raises(ValueError, match="JobFile"):
        from_plain(JobFile, wrong)


def test_a_job_of_an_older_catalog_is_read_as_before(tmp_path: Path) -> None:
    """Catalogs of version 3 of the jobs' schema held what was approved of a job beside everything else."""
    path = tmp_path / "catalog.sqlite"
    database = Database.open(path, [SCHEMA])
    JobStore(database).add("J1", REQUEST)
    JobStore(database).add("J2", replace(REQUEST, job=replace(REQUEST.job, allow_monitoring=False)))
    database.close()
    with sqlite3.connect(path) as connection:
        for job_id, text in connection.execute("SELECT job_id, request FROM jobs").fetchall():
            flat = json.loads(text)
            job = flat.pop("job")
            flat |= {"job_name": job["name"], "entrypoint": job["entrypoint"], "image": job["image"]}
            flat |= {"requirements": job["pip_requirements"], "allow_monitoring": job["allow_monitoring"]}
            connection.execute("UPDATE jobs SET request = ? WHERE job_id = ?", (json.dumps(flat), job_id))
        connection.execute("UPDATE schema_versions SET version = 3 WHERE name = 'jobs'")
    database = Database.open(path, [SCHEMA])
    try:
        store = JobStore(database)
        expected = replace(REQUEST, job=replace(REQUEST.job, content_digest=""))
        assert store.get("J1").request == expected
        assert store.get("J2").request == replace(expected, job=replace(expected.job, allow_monitoring=False))
    finally:
        database.close()
