"""How the pools see a job beyond what others are told (contracts/job.py): its step, and why it ended."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from cleanroom_ml.engine.contracts.job import JobState


class Phase(StrEnum):
    """Where a job is, as the engine sees it: the coarse `JobState` beside a finer step.

    QUEUED     waits for nodes of its pool
    STARTING   has its nodes; its supervisor is to be started, or lays out the code
    RUNNING    its sandbox runs, or its result is being collected
    """

    QUEUED = "QUEUED"
    STARTING = "STARTING"
    RUNNING = "RUNNING"
    DONE = "DONE"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"

    @property
    def state(self) -> JobState:
        """The state that a client is told."""
        return JobState.PENDING if self in (Phase.QUEUED, Phase.STARTING) else JobState(self.value)

    @property
    def terminal(self) -> bool:
        """Whether a job never leaves this phase."""
        return self in (Phase.DONE, Phase.FAILED, Phase.CANCELLED)

    @property
    def holds_nodes(self) -> bool:
        """Whether the job occupies nodes of its pool."""
        return self in (Phase.STARTING, Phase.RUNNING)


class Reason(StrEnum):
    """Why a job ended as it did; NONE while it has not ended, and for DONE."""

    NONE = "none"
    SCRIPT_FAILED = "script_failed"
    OUT_OF_MEMORY = "out_of_memory"
    TIMED_OUT = "timed_out"
    CRASHED = "crashed"
    LOG_LIMIT = "log_limit"
    DISK_LIMIT = "disk_limit"
    REFUSED = "refused"
    RESULT_REFUSED = "result_refused"
    NOT_STARTED = "not_started"
    CANCELLED = "cancelled"
    SUPERVISOR_LOST = "supervisor_lost"


@dataclass(frozen=True, slots=True)
class Ending:
    """How a job ended. `message` holds nothing that the script chose: it can be read without monitoring."""

    phase: Phase
    reason: Reason
    message: str = ""
    exit_code: int | None = None
