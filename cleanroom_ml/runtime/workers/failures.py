"""How a worker's failure is told."""

from __future__ import annotations

import signal


class WorkerFailed(RuntimeError):
    """A worker raised, or its process ended before it returned; the others have been ended.

    `__cause__` is the exception that the worker raised, where it could be brought over.

    Args:
        rank: which worker it was.
        message: what happened, in one line (`ValueError: no rows`, `ended by signal 9 (SIGKILL)`).
        traceback: the worker's own traceback; empty where its process ended without one.
    """

    def __init__(self, rank: int, message: str, traceback: str = "") -> None:
        super().__init__(rank, message, traceback)
        self.rank = rank
        self.message = message
        self.traceback = traceback

    def __str__(self) -> str:
        text = f"worker {self.rank} failed: {self.message}"
        return f"{text}\n\n{self.traceback.rstrip()}" if self.traceback else text


def exit_message(code: int) -> str:
    """What a return code of `subprocess` says about the end of a worker that has returned nothing."""
    if code >= 0:
        return f"its process ended with exit code {code} before it returned"
    try:
        name = f" ({signal.Signals(-code).name})"
    except ValueError:
        name = ""
    memory = "; SIGKILL from outside is usually the memory limit of the job" if -code == signal.SIGKILL else ""
    return f"its process was ended by signal {-code}{name}{memory}"
