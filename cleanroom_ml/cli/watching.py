"""Wait for a job on behalf of a person: its log as it comes, its end as an exit code."""

from __future__ import annotations

import time
from contextlib import nullcontext
from typing import TYPE_CHECKING

from cleanroom_ml.cli.live import changes, picture
from cleanroom_ml.cli.output import Output
from cleanroom_ml.cli.render import LiveLines, draws, note, stream
from cleanroom_ml.errors import CommunicationError, PolicyDeniedError, WaitTimeoutError

if TYPE_CHECKING:
    from cleanroom_ml.services.connections import Connection
    from cleanroom_ml.services.jobs import JobStatus
    from cleanroom_ml.services.watch import Moment

ENGINE_SECONDS = 1.0
ACCOUNT_SECONDS = 5.0

PROGRESS_SECONDS = 60.0
"""A person who waits is told how long it has been, each time that this has passed; later ever more seldom."""


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
            on_look=_Elapsed().look,
            on_denied=denied,
            on_missed=missed,
        )
    except KeyboardInterrupt:
        again = f"cleanroom-ml status {job_id} --wait" if unseen else f"cleanroom-ml logs {job_id} --follow"
        note(f"\nthe job goes on. look again: {again}{_stop(connection, job_id)}")
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
        note(f"\nthe job goes on. look again: {again}{_stop(connection, job_id)}")
        raise


def missed() -> None:
    """Said where a target tells the newest part of a log only, and more was printed than that."""
    note("[lines of the log before these were missed: this target tells its newest 100 KB only]")


def _stop(connection: Connection, job_id: str) -> str:
    """How to stop a job, where the target can."""
    return f"; stop it: cleanroom-ml cancel {job_id}" if connection.capabilities.has_procedure("JOBS.CANCEL") else ""


class _Elapsed:
    """The progress line of a long wait: how the job stands, and since when it has been waited for."""

    def __init__(self) -> None:
        self._begun = time.monotonic()
        self._next = PROGRESS_SECONDS

    def look(self, status: JobStatus) -> None:
        waited = time.monotonic() - self._begun
        if waited < self._next or status.terminal:
            return
        self._next = 2 * waited
        note(f"status: {status.status}, {waited / 60:.0f} min so far")


def _look_on(
    connection: Connection, collaboration: str, job_id: str, timeout: float | None, screen: LiveLines | None
) -> Moment:
    from cleanroom_ml.services.waiting import patiently
    from cleanroom_ml.services.watch import Watch

    watch, before = Watch(connection, collaboration, job_id), None
    deadline = None if timeout is None else time.monotonic() + timeout
    while True:
        try:
            now = patiently(watch.look)
        except CommunicationError as broken:
            broken.why = f"{broken.why or broken.what}; job {job_id} goes on"
            broken.fix = f"cleanroom-ml status {job_id} --watch"
            raise
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
                fix=f"cleanroom-ml status {job_id} --watch",
            )
        before = now
        pause = ENGINE_SECONDS if connection.capabilities.has_procedure("JOBS.STATUS") else ACCOUNT_SECONDS
        time.sleep(pause if deadline is None else max(0.0, min(pause, deadline - time.monotonic())))


def _readable(connection: Connection, collaboration: str, ended: JobStatus) -> bool:
    """Whether a look at the log is worth a hint: it is where the job is not done, and the log may be read."""
    from cleanroom_ml.services.jobs import may_read_log

    return ended.status == "DONE" or may_read_log(connection, collaboration, ended.job_id)


def ended_output(status: JobStatus, *, unseen: bool = False) -> Output:
    """A finished job's status, with the exit code that belongs to it. `unseen`: its log may not be read."""
    from cleanroom_ml.services.jobs import BAD_ENDINGS

    text = f"{status.job_id}: {status.status}"
    if status.reason and status.reason != "none":
        text += f" ({status.reason})"
    if status.message:
        text += f"\n{status.message}"
    hint = "result" if status.status == "DONE" else "status" if unseen else "logs"
    bad = BAD_ENDINGS.get(status.status)
    return Output(status, text, (f"cleanroom-ml {hint} {status.job_id}",), bad.exit_code if bad else 0)


def _to_stderr(text: str) -> None:
    stream(text, to_stderr=True)
