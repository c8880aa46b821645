"""Where trials run and on how many processors: one slot for each trial that runs at the same time."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

from ..workers.environment import worker_environment
from ..workers.job import NODES_VARIABLE, ClusterNode
from ..workers.placement import placements
from .config import TunerConfig


@dataclass(frozen=True)
class Slot:
    """One trial at a time runs here, in a process of this node that has these variables on top of its own; its lines in
    the log begin with `mark`.
    """

    node: ClusterNode
    environment: Mapping[str, str]
    mark: str | None = None


def slots(config: TunerConfig, trials: int, nodes: Sequence[ClusterNode], real_cpus: int) -> list[Slot]:
    """As many as `max_concurrent_trials` says (one a node, where it says nothing), and no more than there are trials;
    spread evenly.

    A distributed trainer inside a trial finds the trial's own node and no other.

    real_cpus: processors that all nodes together really have, which decide how many threads are worth starting. What
    a node is said to have decides what fits.

    Raises:
        ValueError: "Insufficient CPU resources. Required: …, Available: …", as documented, and what helps.
    """
    count = min(config.max_concurrent_trials or len(nodes), trials)
    wanted = {str(name).upper(): float(amount) for name, amount in (config.resource_per_trial or {}).items()}
    cpus, gpus = wanted.get("CPU", 0.0), wanted.get("GPU", 0.0)
    share = max(1, real_cpus // count)
    threads = share if not cpus or config.uses_snowflake_trainer else max(1, min(int(cpus), real_cpus))
    found = []
    for place in placements(count, [node.address for node in nodes], None):
        node = nodes[place.node_rank]
        _require("CPU", cpus, place.local_world_size, node.cpus)
        _require("GPU", gpus, place.local_world_size, node.gpus)
        alone = {NODES_VARIABLE: json.dumps([asdict(node)])} if len(nodes) > 1 else None
        environment = worker_environment(place, len(nodes), threads, gpus, alone)
        found.append(Slot(node, environment, f"[worker {place.rank}] " if count > 1 else None))
    return found


def _require(kind: str, each: float, trials: int, available: int) -> None:
    if each * trials > available:
        raise ValueError(
            f"Insufficient {kind} resources. Required: {each * trials:g}, Available: {available} on a node. Reduce "
            f"resource_per_trial ({kind}: {each:g}) or max_concurrent_trials ({trials} on this node), or run the job "
            f"in a pool whose nodes have more"
        )
