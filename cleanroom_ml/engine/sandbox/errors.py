"""What can go wrong when an untrusted process is started or called."""

from __future__ import annotations

from cleanroom_ml.errors import CleanroomError


class IsolationUnavailable(CleanroomError):
    """This machine cannot isolate a process; `fix` is the exact command that helps. Nothing was started."""


class SandboxStartError(CleanroomError):
    """One sandbox could not be set up (a mount source that is missing, a limit that the kernel refuses)."""


class WorkerError(CleanroomError):
    """A call to a sandboxed worker did not answer."""


class WorkerTimeout(WorkerError):
    """The call did not answer in time; its process was killed."""


class WorkerCancelled(WorkerError):
    """Somebody cancelled the call; its process was killed."""


class WorkerCrashed(WorkerError):
    """The process that served the call died, or answered something that is not an answer."""

    def __init__(
        self, what: str, *, out_of_memory: bool = False, why: str | None = None, fix: str | None = None
    ) -> None:
        super().__init__(what, why=why, fix=fix)
        self.out_of_memory = out_of_memory


class WorkerFailed(WorkerError):
    """The handler raised. `kind` (the exception's class) and `message` come from inside the sandbox: hostile text."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(f"{kind}: {message}")
        self.kind = kind
        self.message = message
