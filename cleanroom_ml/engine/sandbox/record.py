"""What is written down about a running sandbox, so that another process can end it after ours was killed."""

from __future__ import annotations

import contextlib
import json
import os
import signal
from dataclasses import asdict, dataclass
from pathlib import Path

from cleanroom_ml.engine.sandbox.cgroups import remove_directories
from cleanroom_ml.engine.sandbox.processes import boot_id, kill_exactly, start_time


@dataclass(frozen=True, slots=True)
class SandboxRecord:
    """`pid` is the driver's process, `child_pid` the first process inside, both in the host's numbering."""

    driver: str
    name: str
    boot: str
    pid: int
    pid_started: int
    child_pid: int | None
    child_started: int | None
    cgroups: tuple[str, ...]

    def to_json(self) -> str:
        return json.dumps(asdict(self), sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> SandboxRecord:
        """Raises ValueError when `text` is not a record."""
        try:
            values = json.loads(text)
            return cls(**{**values, "cgroups": tuple(values["cgroups"])})
        except (TypeError, KeyError) as error:
            raise ValueError(f"not a sandbox record: {error}") from error


def destroy(record: SandboxRecord) -> None:
    """End whatever is left of a sandbox, from any process; idempotent, and harmless when the pids are reused.

    bubblewrap dies with its parent and takes everything inside along, so normally only empty cgroups are left.
    Without isolation nothing dies with the supervisor: the program's process group is killed, if its leader still runs.
    """
    if record.driver == "none" and record.boot == boot_id():
        if start_time(record.pid) == record.pid_started:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(record.pid, signal.SIGKILL)
    elif record.boot == boot_id():
        if record.child_pid is not None and record.child_started is not None:
            kill_exactly(record.child_pid, record.child_started)
        kill_exactly(record.pid, record.pid_started)
    remove_directories([Path(directory) for directory in record.cgroups])
