"""A job as rooms and pools know it: what was asked for, where it is, and who runs it.

The rooms decide *whether* a job may run and with what: pinned code, pool, warehouse, the views that it may read. The
pools decide *when and where*. Nothing that a launcher is given has to be checked again for permission.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from cleanroom_ml.evidence.pinned_job import PinnedJob
from cleanroom_ml.json_values import Document


class JobState(StrEnum):
    """Where a job is. The first four are Snowflake's; CANCELLED exists in the embedded engine only."""

    PENDING = "PENDING"
    RUNNING = "RUNNING"
    DONE = "DONE"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"

    @property
    def terminal(self) -> bool:
        """Whether a job never leaves this state."""
        return self in (JobState.DONE, JobState.FAILED, JobState.CANCELLED)


class JobNotFoundError(LookupError):
    """No job has this id."""


@dataclass(frozen=True, slots=True)
class JobFile:
    """One pinned file of a job's code: `path` relative to the code directory, with '/'; `size` in bytes.

    Whoever lays it out does not trust the path.
    """

    path: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class JobRequest:
    """One run of an ML job, already authorised.

    `job` is what was approved of it, and `files` its code. `pool` and `warehouse` are folded names of the runner's
    account, granted to `application`. `scope` is the JSON form of the job's `RoomScope`: what its session may see; it
    is handed back unchanged to whoever resolves the session's names. `args_json` is handed to the script unchanged
    after `--args`. `dependency_lock` is what was approved: image, and every wheel by its hash. `packages` are the
    versions that the record shows, filled in when the job is submitted.
    """

    account: str
    user: str
    collaboration: str
    runner: str
    application: str
    template_id: str
    code_spec_id: str
    job: PinnedJob
    files: tuple[JobFile, ...]
    args_json: str
    pool: str
    nodes: int
    warehouse: str
    approval_digest: str
    result_limit_bytes: int
    scope: Document = field(default_factory=dict)
    dependency_lock: Document = field(default_factory=dict)
    packages: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class JobStatus:
    """Where a job is and, once it ended, why; and what it ran in. Times are UTC.

    `reason` is `none` until the job failed; then it is one of the pools' reasons (jobs/model.py). `image` is a tag;
    `image_digest` and `dependency_lock` are `sha256:` and a hash; `layer` names the dependency layer, empty where it
    has none. `packages`: Python, the main libraries, and everything that the job asked for, by version.
    """

    job_id: str
    status: JobState
    reason: str
    message: str
    exit_code: int | None
    created_on: datetime
    started_on: datetime | None
    ended_on: datetime | None
    pool: str
    nodes: int
    template_id: str
    code_spec_id: str
    job_name: str
    approval_digest: str
    isolation: str
    memory_enforced_by: str
    peak_memory_bytes: int | None
    account: str = ""
    collaboration: str = ""
    runner: str = ""
    image: str = ""
    image_digest: str = ""
    dependency_lock: str = ""
    layer: str = ""
    packages: Mapping[str, str] = field(default_factory=dict)


class JobLauncher(Protocol):
    """The pools as the rooms see them: blocking, thread-safe. An unknown id raises `JobNotFoundError`."""

    def submit(self, request: JobRequest) -> str:
        """Persist the job as PENDING and return its id.

        Raises:
            SqlError: `ComputePoolError`, where the pool can never run it.
        """

    def request(self, job_id: str) -> JobRequest:
        """The request that the job was submitted with."""

    def status(self, job_id: str) -> JobStatus:
        """Where the job is now."""

    def logs(self, job_id: str, offset: int = 0) -> str:
        """The job's output from character `offset` on, as much of it as is given at once."""

    def tail(self, job_id: str) -> str:
        """The newest part of the job's output: whole lines, 100 KB of it at most."""

    def events(self, job_id: str, offset: int = 0) -> str:
        """What its script told in events, as JSON lines from character `offset` on, as much as is given at once."""

    def usage(self, job_id: str) -> Mapping[str, object]:
        """The job's memory and CPU time over its life, as we measured them; nothing in it is the script's text."""

    def result(self, job_id: str) -> str | None:
        """The JSON text of the job's return value; None where it set none or has not ended."""

    def cancel(self, job_id: str) -> None:
        """End the job; does nothing where it has ended."""

    def list(self, account: str, collaboration: str) -> Sequence[JobStatus]:
        """The jobs that this account ran in this collaboration, newest first."""
