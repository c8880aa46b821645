"""Run a template's ML job and watch it (docs/api-digest.md §6; docs/cli-conventions.md, "Waiting")."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from cleanroom_ml.connection import Connection
from cleanroom_ml.connection.session import Row, with_more
from cleanroom_ml.errors import (
    CommunicationError,
    JobCancelledError,
    JobFailedError,
    PolicyDeniedError,
    ServerError,
    WaitTimeoutError,
)
from cleanroom_ml.json_values import Document
from cleanroom_ml.services.broken_runs import of_a_run
from cleanroom_ml.services.job_actions import JobLog, job_action, pieces
from cleanroom_ml.services.pools import session_warehouse
from cleanroom_ml.services.reported import NotJsonError, reported, reported_mapping
from cleanroom_ml.services.run_answers import job_of
from cleanroom_ml.services.run_refusals import explained, granted_whole
from cleanroom_ml.services.runnable import approved_template
from cleanroom_ml.services.times import rfc3339
from cleanroom_ml.services.upgrades import once_upgraded
from cleanroom_ml.services.waiting import FIRST_SECONDS, of_a_job, patiently
from cleanroom_ml.specs.analysis import Analysis
from cleanroom_ml.specs.write import dump_spec

BAD_ENDINGS: Mapping[str, type[JobFailedError | JobCancelledError]] = {
    "FAILED": JobFailedError,
    "CANCELLED": JobCancelledError,
    "INTERNAL_ERROR": JobFailedError,
    "DELETED": JobFailedError,
}
"""The documentation has FAILED; the others are those of Snowflake's own jobs (snowflake.ml.jobs, JOB_STATUS)."""
TERMINAL = frozenset({"DONE", *BAD_ENDINGS})
_CANCEL_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class JobRun:
    """What to run: a template's name or id, the shared and own tables by their view names, and its arguments.

    `defaults` are passed where the template takes an argument of that name and `arguments` does not have it.
    `key`: where the project file has it (`runs.train`), for what is said of a refusal. `runs`: the names of all that it
    has, for what a name that is no template's may have meant.
    """

    collaboration: str
    template: str
    tables: tuple[str, ...] = ()
    my_tables: tuple[str, ...] = ()
    arguments: Mapping[str, object] | None = None
    defaults: Mapping[str, object] | None = None
    key: str = ""
    runs: tuple[str, ...] = ()


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


def run(connection: Connection, wanted: JobRun, *, on_upgrade: Callable[[str], None] | None = None) -> SubmittedJob:
    """Submit a run; returns at once, but for an upgrade of the room's application, which is waited for.

    A template that takes a `warehouse` and is given none gets the session's: its author's default is a name of the
    author's account.

    Args:
        on_upgrade: is told each state of an upgrade that is waited for.

    Raises:
        WaitTimeoutError: the upgrade takes longer; nothing was started.
        NotApprovedError: the template is not approved yet (says who is missing), or was rejected.
        ServerError: the server refused it (no pool, not granted, unknown table, …).
        CommunicationError: the connection broke; says whether the run has begun, as far as the target tells it.
    """
    with granted_whole():
        template_id, template = approved_template(connection, wanted.collaboration, wanted.template, runs=wanted.runs)
    takes = None if template is None else template.argument_names()
    defaults = {name: value for name, value in (wanted.defaults or {}).items() if takes is None or name in takes}
    arguments = defaults | dict(wanted.arguments or {})
    if takes is not None and "warehouse" in takes and "warehouse" not in arguments:
        arguments |= {"warehouse": warehouse} if (warehouse := session_warehouse(connection)) else {}
    analysis = Analysis.of(template_id, tables=wanted.tables, my_tables=wanted.my_tables, arguments=arguments)
    begun = datetime.now(UTC)
    try:
        with explained(
            connection,
            wanted.collaboration,
            wanted.key,
            {"tables": wanted.tables, "my_tables": wanted.my_tables},
            pool=_text(arguments.get("compute_pool")),
            own_pool=_text((wanted.defaults or {}).get("compute_pool")),
        ):
            rows = once_upgraded(
                connection,
                wanted.collaboration,
                lambda: connection.call("COLLABORATION.RUN", wanted.collaboration, dump_spec(analysis)),
                on_wait=on_upgrade,
            )
    except CommunicationError as broken:
        raise of_a_run(connection, wanted.collaboration, template_id, begun, broken) from broken
    job_id = job_of(connection, wanted.collaboration, template, rows)
    return SubmittedJob(job_id, template_id, () if job_id else tuple(rows))


def _text(value: object) -> str | None:
    return str(value) if value else None


def status(connection: Connection, collaboration: str, job_id: str) -> JobStatus:
    """Where the job is now. Raises ServerError: no job of that id is this runner's."""
    rows = connection.call_own("JOBS.STATUS", collaboration, job_id)
    if rows:
        details = reported_mapping(rows[0].get("details"))
        return JobStatus(job_id, str(next(iter(rows[0].values()))).upper(), details)
    return JobStatus(job_id, _state(job_action(connection, collaboration, job_id, "get_status")), {})


def _state(told: object) -> str:
    """The documented status string; also where it is quoted, or a member of an object."""
    told = reported_mapping(told).get("status", told)
    return str(told).strip().strip("\"'").upper()


def logs(connection: Connection, collaboration: str, job_id: str) -> str:
    """What the script has printed: all of it where the target keeps it (the embedded engine), else its newest part.

    Raises:
        PolicyDeniedError: the code spec or the collaboration's owner does not allow monitoring.
    """
    text = pieces(connection, "JOBS.LOGS", collaboration, job_id, 0)
    return text if text is not None else str(job_action(connection, collaboration, job_id, "get_logs") or "")


def result(connection: Connection, collaboration: str, job_id: str) -> object:
    """What the script returned (`__return__`), from JSON; None where it returned nothing. What is no JSON (nobody says
    how a target writes it) is the text that came.

    Raises:
        ResultRefusedError: it is larger than the collaboration lets out.
        UnreadableError: it is nested deeper than anything here reads.
        JobFailedError, JobCancelledError: it ended so, and has no result.
        ServerError: the job is still running, or no job of that id is this runner's.
    """
    try:
        value = job_action(connection, collaboration, job_id, "get_result")
    except ServerError as refused:
        # Why there is no result is a matter of how the job stands, whatever words the target has for it.
        now = status(connection, collaboration, job_id)
        if not now.terminal:
            refused.fix = f"cleanroom-ml status {job_id} --wait"
        bad = ended_badly(now)
        if bad is not None and may_read_log(connection, collaboration, job_id):
            bad.fix = f"cleanroom-ml logs {job_id}"
        raise bad or refused from refused
    try:
        return None if value is None else reported(value, f"the result of job {job_id}")
    except NotJsonError:
        return value


def ended_badly(ended: JobStatus) -> JobFailedError | JobCancelledError | None:
    """The error that a job's ending is; None where it is done, or has not ended."""
    kind = BAD_ENDINGS.get(ended.status)
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
    before = status(connection, collaboration, job_id)
    if connection.call_own("JOBS.CANCEL", collaboration, job_id) is None:
        raise ServerError(
            "this target cannot cancel an ML job of a clean room",
            why="its RUN_ML_JOB_ACTION knows get_status, get_logs and get_result; the embedded engine can",
            fix='cleanroom-ml sql "ALTER COMPUTE POOL … STOP ALL"  ends every job of the pool',
        )
    deadline = time.monotonic() + _CANCEL_SECONDS
    while not (now := status(connection, collaboration, job_id)).terminal and time.monotonic() < deadline:
        time.sleep(FIRST_SECONDS)
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
    on_missed: Callable[[], None] | None = None,
) -> JobStatus:
    """Block until the job has ended; stream what it prints to `on_log` and each change of status to `on_status`.

    `on_look` is told the status each time that it was asked for, the last time the terminal one. Where the log may not
    be seen, `on_denied` is told so once, and the waiting goes on without it. `on_missed` is told that lines before the
    next ones of the log were missed, which happens where a target tells its newest part only. A connection that breaks
    is borne for a minute: all that is asked here can be asked again.

    Raises:
        WaitTimeoutError: the job has not ended; it goes on.
        CommunicationError: the connection stays broken; the job goes on.
        PolicyDeniedError: `on_log` was given, `on_denied` was not, and the logs may not be seen.
    """
    deadline = None if timeout_seconds is None else time.monotonic() + timeout_seconds
    log, pauses, last = JobLog(connection, collaboration, job_id), of_a_job(connection), ""
    while True:
        try:
            now = patiently(lambda: status(connection, collaboration, job_id))
            if on_status is not None and now.status != last:
                on_status(now)
            if now.status != last:
                pauses.changed()
            last = now.status
            if on_look is not None:
                on_look(now)
            if on_log is not None and now.status != "PENDING":
                try:
                    fresh = patiently(log.fresh)
                except PolicyDeniedError as denied:
                    if on_denied is None:
                        raise
                    on_denied(denied)
                    on_log = None
                except ServerError:
                    # An account's log is there later than its job, and gone before it: the job's end is not.
                    if connection.capabilities.has_procedure("JOBS.LOGS"):
                        raise
                    if now.terminal and on_missed is not None:
                        on_missed()
                else:
                    if fresh.missed and on_missed is not None:
                        on_missed()
                    if fresh.text:
                        on_log(fresh.text)
                        pauses.changed()
        except CommunicationError as broken:
            broken.why = f"{broken.why or broken.what}; job {job_id} goes on"
            broken.fix = f"cleanroom-ml status {job_id} --wait"
            raise
        if now.terminal:
            return now
        if deadline is not None and time.monotonic() >= deadline:
            raise WaitTimeoutError(
                f"job {job_id} is still {now.status}",
                why=f"waited {timeout_seconds:g} s; the job goes on",
                fix=f"cleanroom-ml status {job_id} --wait",
            )
        pauses.sleep(deadline)


def activity_history(connection: Connection, collaboration: str) -> list[Row]:
    """Everything that was run in this collaboration, newest first (VIEW_ACTIVITY_HISTORY)."""
    rows = connection.call("COLLABORATION.VIEW_ACTIVITY_HISTORY", collaboration)
    told = [with_more(row, {"start_ts": rfc3339(row.get("start_ts"))}) for row in rows]
    return sorted(told, key=lambda row: str(row["start_ts"]), reverse=True)


def history(connection: Connection, collaboration: str, *, limit: int = 50) -> list[Row]:
    """`activity_history`, each run of an ML job with `job_id`, `job_status` and `job_reason` beside it.

    The target's own STATUS says that a run was accepted: a job that it started may have failed since. Which run became
    which job the embedded engine tells, of this runner's newest `limit` jobs; for every other run these are None.
    """
    rows = activity_history(connection, collaboration)
    listed = connection.call_own("JOBS.LIST", collaboration, limit) if rows else None
    ran = {row["activity_id"]: row for row in listed or ()}
    return [with_more(row, _became(ran.get(row.get("activity_id")))) for row in rows]


def _became(job: Row | None) -> Row:
    told = job or {}
    return {
        "job_id": told.get("job_id"),
        "job_status": told.get("status"),
        "job_reason": told.get("reason") or None,
    }


def may_read_log(connection: Connection, collaboration: str, job_id: str) -> bool:
    """Whether this runner is shown the job's log, so that nobody is sent to a door that is shut."""
    try:
        job_action(connection, collaboration, job_id, "get_logs")
    except (ServerError, PolicyDeniedError):
        return False
    return True


def list_jobs(connection: Connection, collaboration: str, *, limit: int = 20) -> list[Row]:
    """This runner's ML jobs in the collaboration, newest first, each with its status now; at most `limit`.

    Raises:
        ServerError: the target does not list jobs: no documented procedure of a clean room does.
    """
    rows = connection.call_own("JOBS.LIST", collaboration, limit)
    if rows is None:
        raise ServerError(
            "this target does not list the ML jobs of a clean room",
            why="no documented procedure does, and its activity history has no job ids; `cleanroom-ml run` prints each",
            fix="cleanroom-ml history  lists the runs; cleanroom-ml status JOB_ID",
        )
    return [{name: value for name, value in row.items() if name != "activity_id"} for row in rows]
