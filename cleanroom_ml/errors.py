"""Every error that a person can meet, each with its exit code (source: docs/cli-conventions.md, "Exit codes").

CleanroomError                 1
├── ConflictError              1   the same name is there already, with other content
├── UsageError                 2   the command line or the project file asks for something that cannot be
│   └── SpecProblems           2   a spec breaks rules (in specs/; carries file, line, column, field of each)
├── ConnectError               3   the target cannot be reached or refuses the credentials
├── CommunicationError         4   the connection broke while talking
├── ServerError                5   the server refused the statement (carries its code and the query id)
├── NotApprovedError          10   somebody has not approved, or has rejected
├── HashMismatchError         11   bytes are not what was registered, reviewed or pinned
├── WrongPartyError           11   a room or a request is not of the accounts that were pinned
├── PolicyDeniedError         12   a policy of the clean room forbids it
├── ResultRefusedError        13   a result is too large, or may not leave the room
├── JobFailedError            20   the job ended FAILED
├── JobCancelledError         21   the job was cancelled
└── WaitTimeoutError          22   the wait ended before the job did
"""

from __future__ import annotations

from typing import ClassVar


class CleanroomError(Exception):
    """Something that a person can act on: what is wrong, why, and the command that helps.

    Args:
        what: one sentence, no trailing newline.
        why: the reason, where it is not said by `what`.
        fix: the exact command or change that helps.

    `code` (Snowflake's errno), `sqlstate` and `query_id` are the server's own, where a server said it.
    """

    exit_code: ClassVar[int] = 1
    code: int | None = None
    sqlstate: str | None = None
    query_id: str | None = None

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


class ConnectError(CleanroomError):
    """The target cannot be reached, is not what it claims to be, or refuses the credentials."""

    exit_code = 3


class CommunicationError(CleanroomError):
    """The connection broke while talking; whether the statement was applied is told by repeating it."""

    exit_code = 4


class ServerError(CleanroomError):
    """The server refused the statement."""

    exit_code = 5


class NotApprovedError(CleanroomError):
    """Somebody has not approved yet, or has rejected."""

    exit_code = 10


class HashMismatchError(CleanroomError):
    """Bytes are not what was registered, reviewed or pinned. `differences` names each file."""

    exit_code = 11

    def __init__(
        self, what: str, *, differences: tuple[str, ...] = (), why: str | None = None, fix: str | None = None
    ) -> None:
        super().__init__(what, why=why, fix=fix)
        self.differences = differences


class WrongPartyError(CleanroomError):
    """A room or a request is of other accounts than this party's own files, or its own account, say."""

    exit_code = 11


class PolicyDeniedError(CleanroomError):
    """A policy of the clean room forbids it."""

    exit_code = 12


class ResultRefusedError(CleanroomError):
    """A result is too large, or may not leave the room."""

    exit_code = 13


class JobFailedError(CleanroomError):
    """The job ended FAILED."""

    exit_code = 20


class JobCancelledError(CleanroomError):
    """The job was cancelled."""

    exit_code = 21


class WaitTimeoutError(CleanroomError):
    """The wait ended before the job did; the job is still running."""

    exit_code = 22
