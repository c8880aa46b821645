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
    from collections.abc import Callable

    from cleanroom_ml.services.connections import Connection
    from cleanroom_ml.services.jobs import JobStatus
    from cleanroom_ml.services.watch import Moment, Watch

ENGINE_SECONDS = 1.0
ACCOUNT_SECONDS = 5.0

PENDING_SECONDS = 5.0
"""After so long it is told what a job waits for that has not begun, and then whenever that changes."""

PROGRESS_SECONDS = 60.0
"""A person who waits is told how long it has been, each time that this has passed; later ever more seldom."""


def watch(
    connection: Connection,
    collaboration: str,
    job_id: str,
    *,
    follow: bool,
    timeout: float | None,
    pool: str | None = None,
) -> Output:
    """Block until the job has ended. Ctrl-C ends the watching, not the job.

    Args:
        pool: the job's, where the target does not tell it.

    Raises:
        WaitTimeoutError: the job is still running.
    """
    from cleanroom_ml.services.jobs import wait
    from cleanroom_ml.services.pending import waits_for

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
            on_look=_Elapsed(lambda status: waits_for(connection, status, pool)).look,
            on_denied=denied,
            on_missed=missed,
        )
    except KeyboardInterrupt:
        again = f"cleanroom-ml status {job_id} --wait" if unseen else f"cleanroom-ml logs {job_id} --follow"
        note(f"\nthe job goes on. look again: {again}{_stop(connection, job_id)}")
        raise
    return ended_output(ended, unseen=unseen or not _readable(connection, collaboration, ended))


def watch_live(
    connection: Connection, collaboration: str, job_id: str, *, timeout: float | None, pool: str | None = None
) -> Output:
    """The job as a picture that changes, until it has ended; without a terminal, a line for every change.

    Ctrl-C ends the watching, not the job.

    Raises:
        WaitTimeoutError: the job is still running.
    """
    from cleanroom_ml.services.watch import Watch

    try:
        with LiveLines() if draws() else nullcontext() as screen:
            seen = _look_on(Watch(connection, collaboration, job_id, pool=pool), timeout, screen)
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
    """The progress lines of a long wait: what the job waits for, how it stands, and since when it has been waited for.

    `waits`: what a job of this status waits for.
    """

    def __init__(self, waits: Callable[[JobStatus], str]) -> None:
        self._waits = waits
        self._told = ""
        self._begun = time.monotonic()
        self._next = PROGRESS_SECONDS

    def look(self, status: JobStatus) -> None:
        waited = time.monotonic() - self._begun
        if waited < PENDING_SECONDS or status.terminal:
            return
        waits = self._waits(status)
        if waited >= self._next:
            self._next = 2 * waited
            note(f"status: {status.status}; waited {waited / 60:.0f} min" + (f"; {waits}" if waits else ""))
        elif waits and waits != self._told:
            note(f"status: {status.status}; {waits}")
        self._told = waits


def _look_on(watch: Watch, timeout: float | None, screen: LiveLines | None) -> Moment:
    from cleanroom_ml.services.waiting import patiently

    before, job_id = None, watch.job_id
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
        pause = ENGINE_SECONDS if watch.of_an_engine else ACCOUNT_SECONDS
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
