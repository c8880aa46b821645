"""What a supervisor is given (a `Plan`) and what it tells (`Record`): the two files by which front and supervisor know
each other.

The front writes the plan once, before it starts the supervisor. From then on only the supervisor writes the record;
each step is on disk before it is acted on.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cleanroom_ml.engine.contracts import plain
from cleanroom_ml.engine.contracts.plan import Plan
from cleanroom_ml.engine.jobs import files
from cleanroom_ml.engine.jobs.model import Ending
from cleanroom_ml.engine.jobs.transitions import SUPERVISOR, Step


def write_plan(plan: Plan, directory: Path) -> None:
    """Put the plan into the job's directory."""
    files.write_atomically(directory / files.PLAN, plain.to_json(plan).encode())


def read_plan(directory: Path) -> Plan:
    """The plan of the job in this directory."""
    return plain.from_json(Plan, (directory / files.PLAN).read_bytes())


@dataclass(frozen=True, slots=True)
class Record:
    """How far a supervisor is.

    `sandbox` is what `engine/sandbox` needs to destroy what it made, after the supervisor's death.

    `isolation` is the sandbox's driver; where that is `none`, `isolation_reason` says why.

    `result` says what became of the return value (results.Kind).
    """

    step: Step
    supervisor_pid: int
    supervisor_started: int | None
    boot: str
    sandbox: str | None = None
    started_on: datetime | None = None
    ended_on: datetime | None = None
    ending: Ending | None = None
    isolation: str = ""
    isolation_reason: str = ""
    memory_enforced_by: str = ""
    peak_memory_bytes: int | None = None
    result: str = "none"

    def advance(
        self, directory: Path, step: Step, **changes: Any
    ) -> Record:  # Any: fields by name, as `replace` has it
        """The record one step on, written to disk before it is returned. Raises IllegalTransition."""
        after = replace(self, step=SUPERVISOR.move(self.step, step), **changes)
        after.write(directory)
        return after

    def write(self, directory: Path) -> None:
        """Put the record into the job's directory, atomically."""
        files.write_atomically(directory / files.RECORD, plain.to_json(self).encode())

    @classmethod
    def read(cls, directory: Path) -> Record | None:
        """The record of the job in this directory; None where its supervisor has not written one yet."""
        try:
            return plain.from_json(cls, (directory / files.RECORD).read_bytes())
        except FileNotFoundError:
            return None


def now() -> datetime:
    """The time in UTC."""
    return datetime.now(UTC)
