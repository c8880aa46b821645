"""Instance families of compute pools and what one node of each has.

Source: Snowflake documentation, "Instance Families" for AWS, Azure and Google Cloud
(developer-guide/snowpark-container-services/ instance-families-*); the families that the clean room's pages name, and
today's successors. Where clouds differ, AWS counts.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cleanroom_ml.engine.jobs.errors import ComputePoolError

GIB: Final = 1 << 30

LEAST_NODE_BYTES: Final = 128 << 20
"""What a node needs to start Python and open its session at all."""

_MOST_PLACES: Final = 8


@dataclass(frozen=True, slots=True)
class Family:
    """One instance family: what a single node has."""

    name: str
    vcpus: int
    memory_gib: int
    gpus: int = 0
    gpu: str = ""


def _table(*rows: tuple[str, int, int] | tuple[str, int, int, int, str]) -> dict[str, Family]:
    return {row[0]: Family(*row) for row in rows}


FAMILIES: Final[dict[str, Family]] = _table(
    ("CPU_X64_XS", 1, 6),
    ("CPU_X64_S", 3, 13),
    ("CPU_X64_M", 6, 28),
    ("CPU_X64_SL", 14, 58),
    ("CPU_X64_L", 28, 116),
    ("HIGHMEM_X64_S", 6, 58),
    ("HIGHMEM_X64_M", 28, 240),
    ("HIGHMEM_X64_SL", 92, 654),
    ("HIGHMEM_X64_L", 124, 984),
    ("GEN_X64_G2_2", 1, 6),
    ("GEN_X64_G2_4", 3, 13),
    ("GEN_X64_G2_8", 6, 28),
    ("GEN_X64_G2_16", 14, 58),
    ("GEN_X64_G2_32", 28, 116),
    ("MEM_X64_G2_8", 6, 58),
    ("MEM_X64_G2_32", 28, 240),
    ("MEM_X64_G2_64", 60, 492),
    ("MEM_X64_G2_96", 92, 652),
    ("MEM_X64_G2_192", 188, 1436),
    ("GPU_NV_XS", 3, 26, 1, "NVIDIA T4"),
    ("GPU_NV_S", 6, 28, 1, "NVIDIA A10G"),
    ("GPU_NV_M", 44, 178, 4, "NVIDIA A10G"),
    ("GPU_NV_L", 92, 1112, 8, "NVIDIA A100"),
    ("GPU_NV_SM", 32, 424, 1, "NVIDIA A10"),
    ("GPU_NV_2M", 68, 858, 2, "NVIDIA A10"),
    ("GPU_NV_3M", 44, 424, 2, "NVIDIA A100"),
    ("GPU_NV_SL", 92, 858, 4, "NVIDIA A100"),
    ("GPU_L40S_G1_8", 6, 58, 1, "NVIDIA L40S"),
    ("GPU_L40S_G1_16", 14, 116, 1, "NVIDIA L40S"),
    ("GPU_L40S_G1_48", 44, 368, 4, "NVIDIA L40S"),
    ("GPU_L40S_G1_192", 188, 1436, 8, "NVIDIA L40S"),
    ("GPU_GCP_NV_L4_1_24G", 6, 28, 1, "NVIDIA L4"),
    ("GPU_GCP_NV_L4_4_24G", 44, 178, 4, "NVIDIA L4"),
    ("GPU_GCP_NV_A100_8_40G", 92, 654, 8, "NVIDIA A100"),
)


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
