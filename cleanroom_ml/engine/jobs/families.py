"""What a job may use on this machine: the nodes of its pool's family, as far as the machine has them."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cleanroom_ml.engine.jobs.errors import ComputePoolError
from cleanroom_ml.specs.families import FAMILIES, Family

GIB: Final = 1 << 30

LEAST_NODE_BYTES: Final = 128 << 20
"""What a node needs to start Python and open its session at all."""

_MOST_PLACES: Final = 8


@dataclass(frozen=True, slots=True)
class Machine:
    """What this machine can give to jobs, all of them together; to one job at most the same."""

    cpus: int
    memory_bytes: int


@dataclass(frozen=True, slots=True)
class NodeLimits:
    """What the sandbox of a job may use, all of its nodes together (they share one sandbox on this machine)."""

    cpus: int
    memory_bytes: int


def family(name: str) -> Family:
    """The family of this name, in any case. Raises ComputePoolError that lists the known ones."""
    found = FAMILIES.get(name.upper())
    if found is None:
        raise ComputePoolError(
            f"'{name}' is not an instance family", why=f"known families: {', '.join(sorted(FAMILIES))}"
        )
    return found


def limits(one: Family, nodes: int, machine: Machine, *, places: int | None = None) -> NodeLimits:
    """The smaller of what `nodes` of the family have and what the machine has.

    `places` is how many nodes the pool may have at once (`nodes` where that is not said). Where the machine has less
    than that many nodes of the family, a node is a share of the machine, an eighth at least: so a pool's nodes run side
    by side, and their limits add up to no more than there is.
    """
    share = machine.memory_bytes // min(places or nodes, _MOST_PLACES)
    return NodeLimits(
        cpus=max(1, min(one.vcpus * nodes, machine.cpus)),
        memory_bytes=min(min(one.memory_gib * GIB, share) * nodes, machine.memory_bytes),
    )


def lacks_memory(nodes: int, machine: Machine) -> str:
    """What is missing for a job of so many nodes, whatever else ends; empty where it can fit."""
    needed = LEAST_NODE_BYTES * nodes
    if needed <= machine.memory_bytes:
        return ""
    return (
        f"the job's {nodes} node(s) need at least {needed >> 20:,} MiB of memory ({LEAST_NODE_BYTES >> 20} MiB each), "
        f"and this machine has {machine.memory_bytes >> 20:,} MiB for jobs"
    )


def total_memory() -> int:
    """The memory of this machine, or of the container that we are in."""
    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return min([pages, *_cgroup_limits()])


def this_machine(*, reserve_bytes: int = GIB // 2) -> Machine:
    """CPUs that we may run on, and memory less what the engine itself keeps (never more than three quarters)."""
    total = total_memory()
    return Machine(cpus=len(os.sched_getaffinity(0)), memory_bytes=total - min(reserve_bytes, 3 * total // 4))


def _cgroup_limits() -> list[int]:
    # Inside a container its own limit is what counts. Both files hold bytes; v2 says "max" for none.
    found = []
    for path in ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"):
        try:
            text = Path(path).read_text(encoding="ascii").strip()
        except OSError:
            continue
        if text.isdigit():
            found.append(int(text))
    return found
