"""Where a worker stands among all workers of one `run_workers`."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Placement:
    """Ranks are contiguous on a node: node 0 has ranks 0 to `local_world_size` − 1, and so on.

    Args:
        rank: 0 to `world_size` − 1.
        world_size: how many workers there are on all nodes.
        local_rank: 0 to `local_world_size` − 1, on the worker's own node.
        local_world_size: how many workers there are on the worker's own node.
        node_rank: 0 to `node_count` − 1, among the nodes that have workers.
        node_count: how many nodes have workers.
        node_address: where the worker's node is reached by the others: an IP address.
    """

    rank: int
    world_size: int
    local_rank: int
    local_world_size: int
    node_rank: int
    node_count: int
    node_address: str


def placements(workers: int, addresses: list[str], workers_per_node: int | None) -> list[Placement]:
    """The placement of each of `workers` on the nodes of these addresses, in the order of ranks.

    Without `workers_per_node` they are spread as evenly as they can be, the first nodes having one more.

    Raises:
        ValueError: there are no workers, or not `workers_per_node` on each of a number of nodes that there is.
    """
    if workers < 1:
        raise ValueError("there must be a payload for at least one worker")
    if workers_per_node is None:
        each, more = divmod(workers, len(addresses))
        counts = [each + (node < more) for node in range(len(addresses)) if each or node < more]
    else:
        nodes, left = divmod(workers, workers_per_node) if workers_per_node > 0 else (0, 1)
        if left or nodes > len(addresses):
            raise ValueError(
                f"{workers} workers cannot be placed as {workers_per_node} on each of {len(addresses)} node(s)"
            )
        counts = [workers_per_node] * nodes
    return [
        Placement(sum(counts[:node]) + local, workers, local, count, node, len(counts), addresses[node])
        for node, count in enumerate(counts)
        for local in range(count)
    ]


_mine: Placement | None = None


def current() -> Placement | None:
    """The placement of the worker that this process is; None in the job's main process."""
    return _mine


def become(placement: Placement) -> None:
    """Make this process the worker of that placement."""
    global _mine
    _mine = placement
