"""Whether a supervisor that we (or a front before us) started is still there, known by pid and start time."""

from __future__ import annotations

from pathlib import Path

from cleanroom_ml.engine.jobs.record import Record
from cleanroom_ml.engine.sandbox.cgroups import remove_stale_groups
from cleanroom_ml.engine.sandbox.processes import boot_id, kill_exactly, start_time
from cleanroom_ml.engine.sandbox.record import SandboxRecord, destroy


def alive(pid: int, started: int | None) -> bool:
    """Whether the process with this pid and start time runs. One that nobody has reaped yet does not run any more."""
    if started is None or start_time(pid) != started:
        return False
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(errors="replace")
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] not in ("Z", "X")


def supervised(record: Record | None, spawned: tuple[int, int] | None) -> bool:
    """Whether somebody supervises the job: whoever wrote its record, else the process that we spawned for it."""
    if record is not None:
        return record.boot == boot_id() and alive(record.supervisor_pid, record.supervisor_started)
    return spawned is not None and alive(*spawned)


def kill_supervisor(record: Record | None, spawned: tuple[int, int] | None) -> None:
    """End the process that `supervised` tells of, at once. What it started in sandboxes dies with it. Idempotent."""
    if record is not None and record.boot == boot_id() and record.supervisor_started is not None:
        kill_exactly(record.supervisor_pid, record.supervisor_started)
    elif record is None and spawned is not None:
        kill_exactly(*spawned)


def end_sandbox(record: Record | None) -> None:
    """Destroy what a dead supervisor may have left running. Idempotent."""
    if record is not None and record.sandbox is not None:
        destroy(SandboxRecord.from_json(record.sandbox))
    # A supervisor that died between the sandbox's start and its own record leaves groups that only their names tell of.
    remove_stale_groups()
