"""Run a template's ML job and watch it (docs/api-digest.md §6; docs/cli-conventions.md, "Waiting")."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from cleanroom_ml.connection import Connection
from cleanroom_ml.connection.session import Row, whole_number
from cleanroom_ml.errors import JobCancelledError, JobFailedError, PolicyDeniedError, ServerError, WaitTimeoutError
from cleanroom_ml.json_values import Document
from cleanroom_ml.services.reported import reported, reported_mapping
from cleanroom_ml.services.runnable import runnable
from cleanroom_ml.specs.analysis import Analysis
from cleanroom_ml.specs.ml_job_action import MlJobAction
from cleanroom_ml.specs.write import dump_spec

TERMINAL = frozenset({"DONE", "FAILED", "CANCELLED"})
_FIRST_POLL_SECONDS = 0.1
_SLOWEST_POLL_SECONDS = 2.0
_CANCEL_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class JobRun:
    """What to run: a template's name or id, the shared and own tables by their view names, and its arguments.

    `defaults` are passed where the template takes an argument of that name and `arguments` does not have it.
    """

    collaboration: str
    template: str
    tables: tuple[str, ...] = ()
    my_tables: tuple[str, ...] = ()
    arguments: Mapping[str, object] | None = None
    defaults: Mapping[str, object] | None = None


@dataclass(frozen=True, slots=True)
class SubmittedJob:
    """`rows` is empty for a job; a template that is plain SQL has no job and returns its rows."""

    job_id: str | None
    template_id: str
    rows: tuple[dict[str, object], ...] = ()


@dataclass(frozen=True, slots=True)
class JobStatus:
    """Where a job is. `details` holds what the target tells beyond the status: times, reason, exit code, digest."""

    job_id: str
    status: str
    details: Document

    @property
    def terminal(self) -> bool:
        return self.status in TERMINAL

    @property
    def reason(self) -> str:
        """Why it failed, in the engine's words; empty where the target does not tell."""
        return str(self.details.get("reason") or "")

    @property
    def message(self) -> str:
        return str(self.details.get("message") or "")


@dataclass(frozen=True, slots=True)
class CancelOutcome:
    """Where the job is after it was told to stop. `cancelled`: it was this that ended it."""

    job_id: str
    status: str
    details: Document
    cancelled: bool

    @property
    def terminal(self) -> bool:
        return self.status in TERMINAL


def run(connection: Connection, wanted: JobRun) -> SubmittedJob:
    """Submit a run; returns at once.

    Raises:
        NotApprovedError: the template is not approved yet (says who is missing), or was rejected.
        ServerError: the server refused it (no pool, not granted, unknown table, …).
    """
    template_id, takes = runnable(connection, wanted.collaboration, wanted.template)
    defaults = {name: value for name, value in (wanted.defaults or {}).items() if takes is None or name in takes}
    arguments = defaults | dict(wanted.arguments or {})
    analysis = Analysis.of(template_id, tables=wanted.tables, my_tables=wanted.my_tables, arguments=arguments)
    rows = connection.call("COLLABORATION.RUN", wanted.collaboration, dump_spec(analysis))
    if len(rows) == 1 and list(rows[0]) == ["job_id"]:
        return SubmittedJob(str(rows[0]["job_id"]), template_id)
    return SubmittedJob(None, template_id, tuple(rows))


def status(connection: Connection, collaboration: str, job_id: str) -> JobStatus:
    """Where the job is now. Raises ServerError: no job of that id is this runner's."""
    row = job_action(connection, collaboration, job_id, "get_status")
    details = reported_mapping(row.get("details"))
    return JobStatus(job_id, str(next(iter(row.values()))).upper(), details)


def logs(connection: Connection, collaboration: str, job_id: str, *, offset: int = 0) -> str:
    """What the script has printed, from the `offset`-th character on (the embedded engine keeps all of it).

    Raises:
        PolicyDeniedError: the code spec or the collaboration's owner does not allow monitoring.
    """
    return "".join(pieces(connection, collaboration, job_id, "get_logs", offset))


def pieces(connection: Connection, collaboration: str, job_id: str, action: str, offset: int) -> Iterator[str]:
    """What get_logs or get_events tells from the `offset`-th character on, as the embedded engine does: in pieces."""
    following: int | None = offset
    while following is not None:
        offset = following
        row = job_action(connection, collaboration, job_id, action, **({"offset": offset} if offset else {}))
        yield str(next(iter(row.values())) or "")
        following = None if row.get("next_offset") is None else whole_number(row["next_offset"])
        if following is not None and following <= offset:
            return


def result(connection: Connection, collaboration: str, job_id: str) -> object:
    """What the script returned (`__return__`), from JSON; None where it returned nothing.

    Raises:
        ResultRefusedError: it is larger than the collaboration lets out.
        UnreadableError: it is nested deeper than anything here reads.
        JobFailedError, JobCancelledError: it ended so, and has no result.
        ServerError: the job is still running, or no job of that id is this runner's.
    """
    try:
        value = next(iter(job_action(connection, collaboration, job_id, "get_result").values()))
    except ServerError as refused:
        # Why there is no result is a matter of how the job stands, whatever words the target has for it.
        now = status(connection, collaboration, job_id)
        if not now.terminal:
            refused.fix = f"cleanroom-ml status {job_id} --wait"
        raise ended_badly(now) or refused from refused
    return None if value is None else reported(value, f"the result of job {job_id}")


def ended_badly(ended: JobStatus) -> JobFailedError | JobCancelledError | None:
    """The error that a job's ending is; None where it is done, or has not ended."""
    kinds: dict[str, type[JobFailedError | JobCancelledError]] = {
        "FAILED": JobFailedError,
        "CANCELLED": JobCancelledError,
    }
    kind = kinds.get(ended.status)
    if kind is None:
        return None
    reason = f" ({ended.reason})" if ended.reason not in ("", "none") else ""
    what = f"job {ended.job_id} is {ended.status}{reason}: it has no result"
    return kind(what, why=ended.message or None, fix=f"cleanroom-ml status {ended.job_id}")


def cancel(connection: Connection, collaboration: str, job_id: str) -> CancelOutcome:
    """Stop a pending or running job (embedded engine only), and see that it has; one that has ended stays as it is.

    Raises:
        ServerError: the target cannot, or no job of that id is this runner's.
    """
    if connection.target.kind == "snowflake":
        raise ServerError(
            "an ML job in a clean room cannot be cancelled on Snowflake",
            why="RUN_ML_JOB_ACTION knows get_status, get_logs and get_result",
            fix="ALTER COMPUTE POOL … STOP ALL ends every job of the pool",
        )
    before = status(connection, collaboration, job_id)
    job_action(connection, collaboration, job_id, "cancel")
    deadline = time.monotonic() + _CANCEL_SECONDS
    while not (now := status(connection, collaboration, job_id)).terminal and time.monotonic() < deadline:
        time.sleep(_FIRST_POLL_SECONDS)
    # It may have come to its own end meanwhile: then that is how it ended.
    return CancelOutcome(now.job_id, now.status, now.details, now.status == "CANCELLED" and not before.terminal)


def wait(
    connection: Connection,
    collaboration: str,
    job_id: str,
    *,
    timeout_seconds: float | None = None,
    on_log: Callable[[str], None] | None = None,
    on_status: Callable[[JobStatus], None] | None = None,
    on_look: Callable[[JobStatus], None] | None = None,
    on_denied: Callable[[PolicyDeniedError], None] | None = None,
) -> JobStatus:
    """Block until the job has ended; stream what it prints to `on_log` and each change of status to `on_status`.

    `on_look` is told the status each time that it was asked for, the last time the terminal one. Where the log may not
    be seen, `on_denied` is told so once, and the waiting goes on without it.

    Raises:
        WaitTimeoutError: the job is still running; it goes on.
        PolicyDeniedError: `on_log` was given, `on_denied` was not, and the logs may not be seen.
    """
    deadline = None if timeout_seconds is None else time.monotonic() + timeout_seconds
    seen, pause, last = 0, _FIRST_POLL_SECONDS, ""
    while True:
        now = status(connection, collaboration, job_id)
        if on_status is not None and now.status != last:
            on_status(now)
        last = now.status
        if on_look is not None:
            on_look(now)
        if on_log is not None and now.status != "PENDING":
            try:
                fresh = logs(connection, collaboration, job_id, offset=seen)
            except PolicyDeniedError as denied:
                if on_denied is None:
                    raise
                on_denied(denied)
                on_log, fresh = None, ""
            if connection.target.kind == "snowflake":
                fresh = fresh[seen:]
            if fresh and on_log is not None:
                on_log(fresh)
                seen += len(fresh)
                pause = _FIRST_POLL_SECONDS
        if now.terminal:
            return now
        if deadline is not None and time.monotonic() >= deadline:
            raise WaitTimeoutError(
                f"job {job_id} is still {now.status}",
                why=f"waited {timeout_seconds:g} s; the job goes on",
                fix=f"cleanroom-ml status {job_id}",
            )
        time.sleep(pause if deadline is None else max(0.0, min(pause, deadline - time.monotonic())))
        pause = min(pause * 1.5, _SLOWEST_POLL_SECONDS)


def activity_history(connection: Connection, collaboration: str) -> list[Row]:
    """Everything that was run in this collaboration, newest first (VIEW_ACTIVITY_HISTORY)."""
    rows = connection.call("COLLABORATION.VIEW_ACTIVITY_HISTORY", collaboration)
    return sorted(rows, key=lambda row: str(row.get("start_ts")), reverse=True)


def history(connection: Connection, collaboration: str, *, limit: int = 50) -> list[Row]:
    """`activity_history`, each run of an ML job with `job_id`, `job_status` and `job_reason` beside it.

    The target's own STATUS says that a run was accepted: a job that it started may have failed since. Of the newest
    `limit` jobs of this runner the state is asked for; of all others, and of what is no job, these are None.
    """
    rows = activity_history(connection, collaboration)
    found, asked = [], 0
    for row in rows:
        job_id, now = reported_mapping(row.get("activity_info")).get("job_id"), None
        if job_id is not None and asked < limit:
            asked += 1
            with contextlib.suppress(ServerError):  # another runner's job
                now = status(connection, collaboration, str(job_id))
        state = {"job_id": job_id, "job_status": now and now.status, "job_reason": (now and now.reason) or None}
        found.append({**row, **state})
    return found


def may_read_log(connection: Connection, collaboration: str, job_id: str) -> bool:
    """Whether this runner is shown the job's log, so that nobody is sent to a door that is shut."""
    try:
        logs(connection, collaboration, job_id)
    except (ServerError, PolicyDeniedError):
        return False
    return True


def list_jobs(connection: Connection, collaboration: str, *, limit: int = 20) -> list[Row]:
    """This runner's ML jobs in the collaboration, newest first, each with its status now; at most `limit`.

    The ids are from the activity history: the embedded engine tells them there, Snowflake does not.
    """
    found: list[Row] = []
    for row in activity_history(connection, collaboration):
        info = reported_mapping(row.get("activity_info"))
        job_id = info.get("job_id")
        if job_id is None or len(found) == limit:
            continue
        now = status(connection, collaboration, str(job_id))
        found.append(
            {
                "job_id": now.job_id,
                "status": now.status,
                "reason": now.reason,
                "template_id": reported_mapping(info.get("request_parameters")).get("template_id"),
                "submitted_on": row.get("start_ts"),
                "ended_on": now.details.get("ended_on"),
            }
        )
    return found


def job_action(connection: Connection, collaboration: str, job_id: str, action: str, **extra: object) -> Row:
    """The row that RUN_ML_JOB_ACTION answers with. Raises ServerError: no job of that id is this runner's."""
    spec = MlJobAction.model_validate(
        {"api_version": "2.0.0", "spec_type": "ml_job_action", "job_id": job_id, "action": action, **extra}
    )
    rows = connection.call("COLLABORATION.RUN_ML_JOB_ACTION", collaboration, dump_spec(spec))
    if not rows:
        raise ServerError(f"{action} of job {job_id} returned nothing")
    return rows[0]
