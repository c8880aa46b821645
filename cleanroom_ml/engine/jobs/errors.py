"""What the pools refuse, as `name` and message; the engine's front turns each into the SQL error of the same name."""

from __future__ import annotations

from typing import ClassVar

from cleanroom_ml.error_names import ErrorName
from cleanroom_ml.errors import CleanroomError


class JobsError(CleanroomError):
    """A refusal that a client sees as `<name>: <what>` (docs/api-digest.md §7, and the engine's own)."""

    name: ClassVar[ErrorName]


class ComputePoolError(JobsError):
    """The pool does not exist, cannot run the job, or the statement about it makes no sense."""

    name: ClassVar[ErrorName] = ErrorName.ComputePoolError


class RequirementNotSatisfiedError(JobsError):
    """The job's `pip_requirements` ask for what the runtime does not hold."""

    name: ClassVar[ErrorName] = ErrorName.RequirementNotSatisfiedError


class MLJobResultTooLargeError(JobsError):
    """The job's return value is larger than may leave the room."""

    name: ClassVar[ErrorName] = ErrorName.MLJobResultTooLargeError


class MLJobResultInvalidError(JobsError):
    """What the job left as its return value is not a JSON document."""

    name: ClassVar[ErrorName] = ErrorName.MLJobFailedError


class CodeMismatch(CleanroomError):
    """The pinned bytes of a job's code are not what the manifest says; the message names the file."""
