"""The limits that hold for a process whatever its group is: how much it may open and write, and who goes before it."""

from __future__ import annotations

import contextlib
import os
import resource
from pathlib import Path
from typing import Final

from cleanroom_ml.engine.sandbox.policy import Limits

_NICE: Final = 5


def make_way(pid: int, limits: Limits) -> None:
    """Let others go before it, whatever enforces the limits: niceness, of the process and of its session (autogroup).

    Where each session has a group of its own (sched(7)), the niceness of a process says nothing beyond that group.
    """
    if limits.cpu_weight >= 100:
        return
    with contextlib.suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, pid, max(_NICE, os.getpriority(os.PRIO_PROCESS, pid)))
    with contextlib.suppress(OSError):
        Path(f"/proc/{pid}/autogroup").write_text(str(_NICE))


def set_limits(pid: int, limits: Limits) -> None:
    """On bubblewrap's first process inside, before it starts the program: RLIMIT_NPROC then counts inside only."""
    most_files = min(limits.open_files, resource.getrlimit(resource.RLIMIT_NOFILE)[1])
    for which, value in (
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, limits.file_bytes),
        (resource.RLIMIT_MEMLOCK, 1 << 16),
        (resource.RLIMIT_NOFILE, most_files),
        (resource.RLIMIT_NPROC, limits.processes),
    ):
        hard = resource.prlimit(pid, which)[1]
        ceiling = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.prlimit(pid, which, (ceiling, ceiling))
