"""Everything that a job's report says, asked of the target: what it does not tell, or denies, is absent, with why."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeVar

from cleanroom_ml.connection import Connection
from cleanroom_ml.errors import (
    CleanroomError,
    HashMismatchError,
    JobCancelledError,
    JobFailedError,
    PolicyDeniedError,
    ResultRefusedError,
    ServerError,
    UsageError,
)
from cleanroom_ml.evidence.approval_digest import approval_digest
from cleanroom_ml.evidence.approval_subject import approval_subject
from cleanroom_ml.services import jobs, telemetry
from cleanroom_ml.services.absent import Absent
from cleanroom_ml.services.approval_log import Decision
from cleanroom_ml.services.jobs import JobStatus
from cleanroom_ml.services.progress import Progress
from cleanroom_ml.services.reports.markup import log_line, short
from cleanroom_ml.services.subjects import subject_of
from cleanroom_ml.services.telemetry import ENGINES_OWN, JobUsage
from cleanroom_ml.services.times import rfc3339
from cleanroom_ml.services.update_requests import UpdateRequest, list_requests

LOG_LINES = 200
LINE_CHARACTERS = 2000

Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class Approval:
    """The request that the job ran under: the digest is computed from what the request would run, not taken over."""

    request_id: str
    digest: str
    requester: str
    decisions: tuple[Decision, ...]


@dataclass(frozen=True, slots=True)
class Log:
    """The log's last lines, without a terminal's colours and each cut to a length, and how many there are in all."""

    last_lines: tuple[str, ...]
    lines: int


@dataclass(frozen=True, slots=True)
class Result:
    """What the script returned; None where it returned nothing."""

    value: object


@dataclass(frozen=True, slots=True)
class Report:
    """A job as it is now. `progress` and `log` are there only where the job may be monitored."""

    job_id: str
    collaboration: str
    target: str
    gathered_on: str
    status: JobStatus
    approval: Approval | Absent
    usage: JobUsage | Absent
    progress: Progress | Absent
    log: Log | Absent
    result: Result | Absent


def gather(connection: Connection, collaboration: str, job_id: str) -> Report:
    """Ask for everything. Raises ServerError: no job of that id is this runner's."""
    status = jobs.status(connection, collaboration, job_id)
    return Report(
        job_id=job_id,
        collaboration=collaboration,
        target=_target(connection),
        gathered_on=rfc3339(datetime.now(UTC)),
        status=status,
        approval=_allowed(lambda: _approval(connection, collaboration, status)),
        usage=telemetry.usage(connection, collaboration, job_id),
        progress=_allowed(lambda: _progress(connection, collaboration, job_id)),
        log=_allowed(lambda: _log(jobs.logs(connection, collaboration, job_id))),
        result=_result(connection, collaboration, status),
    )


def _target(connection: Connection) -> str:
    # Without the place of the engine's home: a report is handed on.
    kind = "embedded engine" if connection.capabilities.own_procedures else "Snowflake"
    return f"{kind}, account {connection.target.parameters.get('account', '?')}"


def _allowed(ask: Callable[[], Value | Absent]) -> Value | Absent:
    """What `ask` answers; where a policy denies it, nothing but the reason."""
    try:
        return ask()
    except PolicyDeniedError as denied:
        return Absent(_said(denied))


def _progress(connection: Connection, collaboration: str, job_id: str) -> Progress | Absent:
    try:
        return Progress.of(telemetry.events(connection, collaboration, job_id).found)
    except ServerError:
        if connection.capabilities.has_procedure("JOBS.EVENTS"):
            raise
        return Absent(ENGINES_OWN)


def _log(text: str) -> Log:
    lines = text.rstrip("\n").split("\n") if text else []
    return Log(tuple(short(log_line(line), LINE_CHARACTERS) for line in lines[-LOG_LINES:]), len(lines))


def _result(connection: Connection, collaboration: str, status: JobStatus) -> Result | Absent:
    if not status.terminal:
        return Absent(f"the job is {status.status}")
    try:
        return Result(jobs.result(connection, collaboration, status.job_id))
    except (JobCancelledError, JobFailedError, PolicyDeniedError, ResultRefusedError, ServerError) as refused:
        return Absent(f"the job is {status.status}" if status.status != "DONE" else _said(refused))


def _approval(connection: Connection, collaboration: str, status: JobStatus) -> Approval | Absent:
    digest = str(status.details.get("approval_digest") or "").removeprefix("sha256:")
    if not digest:
        return Absent("the target does not tell which approval a job ran under")
    for request in list_requests(connection, collaboration):
        if request.digest.removeprefix("sha256:") != digest:
            continue
        found = _digest(connection, collaboration, request)
        if found is not None and found.removeprefix("sha256:") == digest:
            return Approval(request.id, found, request.requester, request.decisions)
    return Absent("no update request that this party can see has this job's approval digest")


def _digest(connection: Connection, collaboration: str, request: UpdateRequest) -> str | None:
    try:
        return approval_digest(approval_subject(subject_of(connection, collaboration, request).body))
    except (HashMismatchError, UsageError):
        return None  # a request that contradicts itself, or does not say whose it is


def _said(error: CleanroomError) -> str:
    return ": ".join(part for part in (error.what, error.why) if part)
