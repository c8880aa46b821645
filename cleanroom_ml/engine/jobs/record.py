"""What a supervisor is given (`Plan`) and what it tells (`Record`): the two files by which front and supervisor know
each other.

The front writes the plan once, before it starts the supervisor. From then on only the supervisor writes the record;
each step is on disk before it is acted on.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cleanroom_ml.engine.jobs import files
from cleanroom_ml.engine.jobs.model import Ending, JobFile, Phase, Reason
from cleanroom_ml.engine.jobs.transitions import SUPERVISOR, Step


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything that a supervisor needs to run one job. Sizes in bytes; `objects` is the root of the object store.

    `cpus` and `memory_bytes` are what all nodes together may really use of this machine; `node_cpus` is what one node
    of the pool's family has, and what is scheduled by. `gpus` are the minors of the GPUs that this job alone has, all
    nodes together, a node's beside each other.

    `lock` is the JSON form of the job's dependency lock, empty where it has none; its image and layer are in `home`.

    `no_isolation` is empty, or says why this job runs without a sandbox: then it is the bundled sample's code or none.
    """

    job_id: str
    objects: str
    files: tuple[JobFile, ...]
    entrypoint: str
    args_json: str
    account: str
    user: str
    database: str
    schema: str
    warehouse: str
    allow_monitoring: bool
    cpus: int
    memory_bytes: int
    nodes: int
    node_cpus: int
    wall_seconds: float
    scratch_bytes: int
    log_bytes: int
    result_limit_bytes: int
    processes: int = 1024
    relay_patience_seconds: float = 600.0
    no_isolation: str = ""
    gpus: tuple[int, ...] = ()
    home: str = ""
    lock: dict[str, Any] = field(default_factory=dict)

    def write(self, directory: Path) -> None:
        """Put the plan into the job's directory."""
        files.write_atomically(directory / files.PLAN, json.dumps(asdict(self)).encode())

    @classmethod
    def read(cls, directory: Path) -> Plan:
        """The plan of the job in this directory."""
        fields = json.loads((directory / files.PLAN).read_bytes())
        fields["files"] = tuple(JobFile(**file) for file in fields["files"])
        fields["gpus"] = tuple(fields.get("gpus", ()))
        return cls(**fields)


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

    def advance(self, directory: Path, step: Step, **changes: Any) -> Record:
        """The record one step on, written to disk before it is returned. Raises IllegalTransition."""
        after = replace(self, step=SUPERVISOR.move(self.step, step), **changes)
        after.write(directory)
        return after

    def write(self, directory: Path) -> None:
        """Put the record into the job's directory, atomically."""
        fields = asdict(self)
        for name in ("started_on", "ended_on"):
            fields[name] = fields[name].isoformat() if fields[name] else None
        files.write_atomically(directory / files.RECORD, json.dumps(fields).encode())

    @classmethod
    def read(cls, directory: Path) -> Record | None:
        """The record of the job in this directory; None where its supervisor has not written one yet."""
        try:
            fields = json.loads((directory / files.RECORD).read_bytes())
        except FileNotFoundError:
            return None
        fields["step"] = Step(fields["step"])
        for name in ("started_on", "ended_on"):
            fields[name] = datetime.fromisoformat(fields[name]) if fields[name] else None
        if fields["ending"] is not None:
            ending = fields["ending"]
            fields["ending"] = Ending(
                Phase(ending["phase"]), Reason(ending["reason"]), ending["message"], ending["exit_code"]
            )
        return cls(**fields)


def now() -> datetime:
    """The time in UTC."""
    return datetime.now(UTC)
