"""Wait for a job on behalf of a person: its log as it comes, its end as an exit code."""

from __future__ import annotations

import time
from contextlib import nullcontext
from typing import TYPE_CHECKING

from cleanroom_ml.cli.live import changes, picture
from cleanroom_ml.cli.output import Output
from cleanroom_ml.cli.render import LiveLines, draws, note, stream
from cleanroom_ml.errors import JobCancelledError, JobFailedError, PolicyDeniedError, WaitTimeoutError

if TYPE_CHECKING:
    from cleanroom_ml.services.connections import Connection
    from cleanroom_ml.services.jobs import JobStatus
    from cleanroom_ml.services.watch import Moment

ENGINE_SECONDS = 1.0
SNOWFLAKE_SECONDS = 5.0

EXIT_CODES = {"DONE": 0, "FAILED": JobFailedError.exit_code, "CANCELLED": JobCancelledError.exit_code}


def watch(connection: Connection, collaboration: str, job_id: str, *, follow: bool, timeout: float | None) -> Output:
    """Block until the job has ended. Ctrl-C ends the watching, not the job.

    Raises:
        WaitTimeoutError: the job is still running.
    """
    from cleanroom_ml.services.jobs import wait

    note(f"job {job_id}")
    unseen = False

    def denied(error: PolicyDeniedError) -> None:
        nonlocal unseen
        unseen = True
        note(f"no log: {error.what.rstrip('.')}; waiting for the end")

    try:
        ended = wait(
            connection,
            collaboration,
            job_id,
            timeout_seconds=timeout,
            on_log=_to_stderr if follow else None,
            on_status=lambda status: note(f"status: {status.status}"),
            on_denied=denied,
        )
    except KeyboardInterrupt:
        again = f"cleanroom-ml status {job_id} --wait" if unseen else f"cleanroom-ml logs {job_id} --follow"
        note(f"\nthe job goes on. look again: {again}; stop it: cleanroom-ml cancel {job_id}")
        raise
    return ended_output(ended, unseen=unseen or not _readable(connection, collaboration, ended))


def watch_live(connection: Connection, collaboration: str, job_id: str, *, timeout: float | None) -> Output:
    """The job as a picture that changes, until it has ended; without a terminal, a line for every change.

    Ctrl-C ends the watching, not the job.

    Raises:
        WaitTimeoutError: the job is still running.
    """
    try:
        with LiveLines() if draws() else nullcontext() as screen:
            seen = _look_on(connection, collaboration, job_id, timeout, screen)
            return ended_output(seen.status, unseen=not isinstance(seen.log, str))
    except KeyboardInterrupt:
        again = f"cleanroom-ml status {job_id} --watch"
        note(f"\nthe job goes on. look again: {again}; stop it: cleanroom-ml cancel {job_id}")
        raise


def _look_on(
    connection: Connection, collaboration: str, job_id: str, timeout: float | None, screen: LiveLines | None
) -> Moment:
    from cleanroom_ml.services.watch import Watch

    watch, before = Watch(connection, collaboration, job_id), None
    pause = SNOWFLAKE_SECONDS if connection.target.kind == "snowflake" else ENGINE_SECONDS
    deadline = None if timeout is None else time.monotonic() + timeout
    while True:
        now = watch.look()
        if screen is not None:
            screen.show(picture(now, log_lines=max(0, min(12, screen.height - 14))))
        else:
            for line in changes(before, now):
                note(line)
        if now.status.terminal:
            return now
        if deadline is not None and time.monotonic() >= deadline:
            raise WaitTimeoutError(
                f"job {job_id} is still {now.status.status}",
                why=f"watched for {timeout:g} s; the job goes on",
                fix=f"cleanroom-ml status {job_id}",
            )
        before = now
        time.sleep(pause if deadline is None else max(0.0, min(pause, deadline - time.monotonic())))


def _readable(connection: Connection, collaboration: str, ended: JobStatus) -> bool:
    """Whether a look at the log is worth a hint: it is where the job is not done, and the log may be read."""
    from cleanroom_ml.services.jobs import may_read_log

    return ended.status == "DONE" or may_read_log(connection, collaboration, ended.job_id)


def ended_output(status: JobStatus, *, unseen: bool = False) -> Output:
    """A finished job's status, with the exit code that belongs to it. `unseen`: its log may not be read."""
    text = f"{status.job_id}: {status.status}"
    if status.reason and status.reason != "none":
        text += f" ({status.reason})"
    if status.message:
        text += f"\n{status.message}"
    hint = "result" if status.status == "DONE" else "status" if unseen else "logs"
    return Output(status, text, (f"cleanroom-ml {hint} {status.job_id}",), EXIT_CODES.get(status.status, 0))


def _to_stderr(text: str) -> None:
    stream(text, to_stderr=True)
