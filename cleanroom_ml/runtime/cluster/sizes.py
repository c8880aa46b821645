"""What one node of a job's cluster has: its share of the job's memory, processors and GPUs."""

from __future__ import annotations

import os
import resource
from dataclasses import dataclass
from typing import Final

MIB: Final = 1 << 20

LEAST_STORE: Final = 80 * MIB
"""Ray refuses an object store below 75 MiB."""

MOST_OF_SHM: Final = 0.9


@dataclass(frozen=True, slots=True)
class NodeSize:
    """One of `nodes`. `store_bytes`: its object store, in shared memory; `memory_bytes`: the rest, which Ray schedules
    by.
    """

    nodes: int
    cpus: int
    gpus: int
    store_bytes: int
    memory_bytes: int


def node_size(nodes: int, node_cpus: int, gpus: int, memory_bytes: int) -> NodeSize:
    """The size of each of `nodes`, of which all together have `memory_bytes` and `gpus`.

    The stores together fit into shared memory, and each into the largest file that the job may write: Ray reserves a
    store by making a file of its size.
    """
    shared = os.statvfs("/dev/shm")
    stores = int(shared.f_bavail * shared.f_frsize * MOST_OF_SHM) // nodes
    largest_file = resource.getrlimit(resource.RLIMIT_FSIZE)[0]
    if largest_file != resource.RLIM_INFINITY:
        stores = min(stores, int(largest_file * MOST_OF_SHM))
    share = memory_bytes // nodes
    store = max(LEAST_STORE, min(stores, share // 4))
    return NodeSize(nodes, node_cpus, gpus // nodes, store, max(share - store, 128 * MIB))
