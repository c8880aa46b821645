"""What a sandbox uses: memory and CPU time of everything in it, from its cgroups, else from its processes.

Memory is what the kernel could not give back at once: a cgroup also counts the cache of files that were read, which
goes when it is needed and kills nobody. (So the group's own peak may be higher than any value here.)
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from cleanroom_ml.engine.sandbox.processes import cpu_seconds, proportional_memory, tree


@dataclass(frozen=True, slots=True)
class Usage:
    """`memory_bytes` in use now; `cpu_seconds` of all cores together since the start."""

    memory_bytes: int
    cpu_seconds: float


def read_usage(cgroups: Iterable[Path], pid: int | None) -> Usage:
    """The usage of the sandbox whose first process is `pid`; zero where it is gone."""
    memory: int | None = None
    cpu: float | None = None
    for cgroup in cgroups:
        memory = _memory(cgroup) if memory is None else memory
        cpu = _cpu(cgroup) if cpu is None else cpu
    pids = tree(pid) if pid is not None and (memory is None or cpu is None) else []
    return Usage(
        sum(proportional_memory(each).total for each in pids) if memory is None else memory,
        sum(map(cpu_seconds, pids)) if cpu is None else cpu,
    )


def _memory(cgroup: Path) -> int | None:
    """In use without file pages that nobody has touched lately (cgroup-v2.rst and memcg_test, `inactive_file`)."""
    for total, idle in (("memory.current", "inactive_file"), ("memory.usage_in_bytes", "total_inactive_file")):
        used = _value(cgroup / total)
        if used is not None:
            return max(0, used - (_field(cgroup / "memory.stat", idle) or 0))
    return None


def _cpu(cgroup: Path) -> float | None:
    microseconds = _field(cgroup / "cpu.stat", "usage_usec")
    if microseconds is not None:
        return microseconds / 1e6
    nanoseconds = _value(cgroup / "cpuacct.usage")
    return None if nanoseconds is None else nanoseconds / 1e9


def _value(path: Path) -> int | None:
    try:
        return int(path.read_text())
    except (OSError, ValueError):
        return None


def _field(path: Path, name: str) -> int | None:
    try:
        lines = path.read_text().splitlines()
    except OSError:
        return None
    return next((int(line.split()[1]) for line in lines if line.startswith(f"{name} ")), None)
