"""Every error that a person can meet: its exit code and what that means (source: docs/cli-conventions.md).

A class without an exit code of its own has its base's. The tables in README and on that page, and
docs/reference/errors.md, are written from here by `make docs`.
"""

from __future__ import annotations

from typing import ClassVar, Final


class CleanroomError(Exception):
    """Something that a person can act on: what is wrong, why, and the command that helps.

    Args:
        what: one sentence, no trailing newline.
        why: the reason, where it is not said by `what`.
        fix: the exact command or change that helps.

    `code` (Snowflake's errno), `sqlstate`, `query_id` and `procedure` are the server's own, where a server said it.
    """

    exit_code: ClassVar[int] = 1
    meaning: ClassVar[str] = "error"
    code: int | None = None
    sqlstate: str | None = None
    query_id: str | None = None
    procedure: str | None = None

    def __init__(self, what: str, *, why: str | None = None, fix: str | None = None) -> None:
        super().__init__(what)
        self.what = what
        self.why = why
        self.fix = fix


class ConflictError(CleanroomError):
    """The same name is there already, with other content. `differences` names what differs."""

    def __init__(
        self, what: str, *, differences: tuple[str, ...] = (), why: str | None = None, fix: str | None = None
    ) -> None:
        super().__init__(what, why=why, fix=fix)
        self.differences = differences


class UsageError(CleanroomError):
    """The command line or the project file asks for something that cannot be."""

    exit_code = 2
    meaning = "usage, or a spec that breaks a rule"


class ConnectError(CleanroomError):
    """The target cannot be reached, is not what it claims to be, or refuses the credentials."""

    exit_code = 3
    meaning = "cannot connect"


class CommunicationError(CleanroomError):
    """The connection broke while talking; whether the statement was applied is told by repeating it."""

    exit_code = 4
    meaning = "communication broke"


class ServerError(CleanroomError):
    """The server refused the statement."""

    exit_code = 5
    meaning = "the server refused the statement"


class NotApprovedError(CleanroomError):
    """Somebody has not approved yet, or has rejected."""

    exit_code = 10
    meaning = "not approved"


class HashMismatchError(CleanroomError):
    """Bytes are not what was registered, reviewed or pinned. `differences` names each file."""

    exit_code = 11
    meaning = "hash mismatch: bytes are not what was registered, reviewed or pinned"

    def __init__(
        self, what: str, *, differences: tuple[str, ...] = (), why: str | None = None, fix: str | None = None
    ) -> None:
        super().__init__(what, why=why, fix=fix)
        self.differences = differences


class WrongPartyError(CleanroomError):
    """A room or a request is of other accounts than this party's own files, or its own account, say."""

    exit_code = HashMismatchError.exit_code
    meaning = HashMismatchError.meaning


class PolicyDeniedError(CleanroomError):
    """A policy of the clean room forbids it."""

    exit_code = 12
    meaning = "denied by a policy of the room"


class ResultRefusedError(CleanroomError):
    """A result is too large, or may not leave the room."""

    exit_code = 13
    meaning = "result too large, or not allowed out"


class JobFailedError(CleanroomError):
    """The job ended FAILED."""

    exit_code = 20
    meaning = "the job failed"


class JobCancelledError(CleanroomError):
    """The job was cancelled."""

    exit_code = 21
    meaning = "the job was cancelled"


class WaitTimeoutError(CleanroomError):
    """The wait ended before the job did; the job is still running."""

    exit_code = 22
    meaning = "the wait timed out; the job is still running"


DONE: Final = 0
INTERRUPTED: Final = 130


def exit_codes() -> dict[int, str]:
    """Every exit code with what it means, in their order."""
    kinds = [each for each in globals().values() if isinstance(each, type) and issubclass(each, CleanroomError)]
    found = {DONE: "done", INTERRUPTED: "interrupted", **{kind.exit_code: kind.meaning for kind in kinds}}
    return dict(sorted(found.items()))
