"""What the job file says about nodes and processors. Outside of a job: this machine, as one node."""

from __future__ import annotations

import json
import os
import socket
from dataclasses import asdict, dataclass
from typing import Final

from .. import gpus
from ..job_file import this_job

NODES_VARIABLE: Final = "CLEANROOM_ML_NODES"
"""Environment variable with the nodes of a job with several, as JSON; the launcher sets it."""


@dataclass(frozen=True, slots=True)
class ClusterNode:
    """One node of the job: its name, its IP address, the vCPUs and GPUs that are scheduled on it, and its share of the
    job's memory in bytes.
    """

    name: str
    address: str
    cpus: int
    gpus: int
    memory_bytes: int


def cluster_nodes() -> list[ClusterNode]:
    """The nodes of the job, the head first. A node that is lost ends the job, so the list never changes."""
    several = os.environ.get(NODES_VARIABLE)
    if several:
        return [ClusterNode(**node) for node in json.loads(several)]
    job = this_job()
    cpus = job.node_cpus if job else _cpus_here()
    memory = job.memory_bytes if job else os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return [ClusterNode("node-0", "127.0.0.1", cpus, gpus.count(), memory)]


def publish(nodes: list[ClusterNode]) -> None:
    """Make `cluster_nodes` answer so, in this process and in all that are started from now on, Ray's workers too."""
    os.environ[NODES_VARIABLE] = json.dumps([asdict(node) for node in nodes])


def node_count() -> int:
    """How many nodes the job has."""
    return len(cluster_nodes())


def total_cpus() -> int:
    """vCPUs of all nodes together, as they are scheduled: what the pool's family says, however small the machine is."""
    return sum(node.cpus for node in cluster_nodes())


def real_cpus() -> int:
    """Processors that all nodes together may really use at a time: what threads should be counted by."""
    job = this_job()
    return job.cpus if job else _cpus_here()


def free_port() -> int:
    """A TCP port of this machine that nobody listens on at the moment."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def _cpus_here() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
