"""Wait for a job on behalf of a person: its log as it comes, its end as an exit code."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cleanroom_ml.cli.output import Output
from cleanroom_ml.cli.render import note, stream
from cleanroom_ml.errors import JobCancelledError, JobFailedError

if TYPE_CHECKING:
    from cleanroom_ml.services.connections import Connection
    from cleanroom_ml.services.jobs import JobStatus

EXIT_CODES = {"DONE": 0, "FAILED": JobFailedError.exit_code, "CANCELLED": JobCancelledError.exit_code}


def watch(connection: Connection, collaboration: str, job_id: str, *, follow: bool, timeout: float | None) -> Output:
    """Block until the job has ended. Ctrl-C ends the watching, not the job.

    Raises:
        WaitTimeoutError: the job is still running.
    """
    from cleanroom_ml.services.jobs import wait

    note(f"job {job_id}")
    try:
        ended = wait(
            connection,
            collaboration,
            job_id,
            timeout_seconds=timeout,
            on_log=_to_stderr if follow else None,
            on_status=lambda status: note(f"status: {status.status}"),
        )
    except KeyboardInterrupt:
        note(
            f"\nthe job goes on. look again: cleanroom-ml logs {job_id} --follow; stop it: cleanroom-ml cancel {job_id}"
        )
        raise
    return ended_output(ended)


def ended_output(status: JobStatus) -> Output:
    """A finished job's status, with the exit code that belongs to it."""
    text = f"{status.job_id}: {status.status}"
    if status.reason and status.reason != "none":
        text += f" ({status.reason})"
    if status.message:
        text += f"\n{status.message}"
    hint = "result" if status.status == "DONE" else "logs"
    return Output(status, text, (f"cleanroom-ml {hint} {status.job_id}",), EXIT_CODES.get(status.status, 0))


def _to_stderr(text: str) -> None:
    stream(text, to_stderr=True)
