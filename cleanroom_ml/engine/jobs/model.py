"""A job as values: what was asked for, where it is, why it ended.

`JobRequest`, `JobFile` and `JobStatus` have the shape of the rooms' protocol (engine/rooms/job_launcher.py); rooms and
jobs do not import each other.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol


class JobState(StrEnum):
    """Where a job is, as a client sees it. CANCELLED exists in the embedded engine only."""

    PENDING = "PENDING"
    RUNNING = "RUNNING"
    DONE = "DONE"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"

    @property
    def terminal(self) -> bool:
        """Whether a job never leaves this state."""
        return self in (JobState.DONE, JobState.FAILED, JobState.CANCELLED)


class Phase(StrEnum):
    """Where a job is, as the engine sees it: the coarse `JobState` beside a finer step.

    QUEUED     waits for nodes of its pool
    STARTING   has its nodes; its supervisor is to be started, or lays out the code
    RUNNING    its sandbox runs, or its result is being collected
    """

    QUEUED = "QUEUED"
    STARTING = "STARTING"
    RUNNING = "RUNNING"
    DONE = "DONE"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"

    @property
    def state(self) -> JobState:
        """The state that a client is told."""
        return JobState.PENDING if self in (Phase.QUEUED, Phase.STARTING) else JobState(self.value)

    @property
    def terminal(self) -> bool:
        """Whether a job never leaves this phase."""
        return self in (Phase.DONE, Phase.FAILED, Phase.CANCELLED)

    @property
    def holds_nodes(self) -> bool:
        """Whether the job occupies nodes of its pool."""
        return self in (Phase.STARTING, Phase.RUNNING)


class Reason(StrEnum):
    """Why a job ended as it did; NONE while it has not ended, and for DONE."""

    NONE = "none"
    SCRIPT_FAILED = "script_failed"
    OUT_OF_MEMORY = "out_of_memory"
    TIMED_OUT = "timed_out"
    CRASHED = "crashed"
    LOG_LIMIT = "log_limit"
    DISK_LIMIT = "disk_limit"
    REFUSED = "refused"
    RESULT_REFUSED = "result_refused"
    NOT_STARTED = "not_started"
    CANCELLED = "cancelled"
    SUPERVISOR_LOST = "supervisor_lost"


@dataclass(frozen=True, slots=True)
class JobFile:
    """One pinned file of a job's code: `path` relative to the code directory, with '/'; `size` in bytes."""

    path: str
    size: int
    sha256: str


class RequestLike(Protocol):
    """Whatever has the fields of a `JobRequest`, as the rooms' own type does."""

    @property
    def files(self) -> Sequence[Any]:
        """The pinned files: each with `path`, `size` and `sha256`."""


@dataclass(frozen=True, slots=True)
class JobRequest:
    """One run of an ML job, already authorised by the rooms.

    `pool` and `warehouse` are folded names of the runner's account. `scope` is handed back unchanged to whoever
    resolves the names of the job's session. `args_json` is handed to the script unchanged after `--args`.
    `dependency_lock` is the JSON form of a `DependencyLock`. `packages` are the versions that the record shows, filled
    in when the job is submitted.
    """

    account: str
    user: str
    collaboration: str
    runner: str
    application: str
    template_id: str
    code_spec_id: str
    job_name: str
    entrypoint: str
    files: tuple[JobFile, ...]
    args_json: str
    pool: str
    nodes: int
    warehouse: str
    requirements: tuple[str, ...]
    image: str
    allow_monitoring: bool
    approval_digest: str
    result_limit_bytes: int
    scope: Mapping[str, Any] = field(default_factory=dict)
    dependency_lock: Mapping[str, Any] = field(default_factory=dict)
    packages: Mapping[str, str] = field(default_factory=dict)

    def to_json(self) -> str:
        """The request as one JSON document."""
        return json.dumps({**asdict(self), "scope": dict(self.scope)}, separators=(",", ":"))

    @classmethod
    def of(cls, request: RequestLike) -> JobRequest:
        """The same request as our own type."""
        values = {one.name: getattr(request, one.name) for one in fields(cls) if hasattr(request, one.name)}
        values["files"] = tuple(JobFile(file.path, file.size, file.sha256) for file in request.files)
        return cls(**values)

    @classmethod
    def from_json(cls, text: str) -> JobRequest:
        """The inverse of `to_json`."""
        values = json.loads(text)
        values["files"] = tuple(JobFile(**file) for file in values["files"])
        values["requirements"] = tuple(values["requirements"])
        return cls(**values)


@dataclass(frozen=True, slots=True)
class Ending:
    """How a job ended. `message` holds nothing that the script chose: it can be read without monitoring."""

    phase: Phase
    reason: Reason
    message: str = ""
    exit_code: int | None = None


@dataclass(frozen=True, slots=True)
class JobStatus:
    """Where a job is and, once it ended, why; and what it ran in. Times are UTC.

    `image` is a tag; `image_digest` and `dependency_lock` are `sha256:` and a hash; `layer` names the dependency layer,
    empty where it has none. `packages`: Python, the main libraries, and everything that the job asked for, by version.
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
