"""Workers on several nodes: one Ray actor a node, which runs the node's workers as a single node would.

So a worker is the same everywhere (a fresh interpreter, its environment, how its death is told), and Ray places and
counts. Actors are placed by node id, so that ranks are where their placements say.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import groupby
from types import ModuleType
from typing import TYPE_CHECKING, Final

from ..cluster import worker_output
from ..notices import say
from . import outcome
from .job import cluster_nodes
from .local import SETTLE_SECONDS, run_here
from .outcome import Ended
from .placement import Placement

if TYPE_CHECKING:
    from ray import ObjectRef
    from ray.actor import ActorHandle

_SAY_AFTER_SECONDS: Final = 15.0


def run_on_nodes(
    work: Sequence[bytes],
    placements: Sequence[Placement],
    environments: Sequence[Mapping[str, str]],
    *,
    cpus: float,
    gpus: float,
) -> list[bytes]:
    """As `local.run_here`, over the nodes of the job; `cpus` and `gpus` are what Ray keeps for each worker.

    Raises:
        ValueError: a node has fewer CPUs than its workers ask for.
        Ended: one of them raised or died; none of them lives any more.
    """
    import ray

    ray.init(ignore_reinit_error=True)
    ids = {node["NodeName"]: node["NodeID"] for node in ray.nodes() if node["Alive"]}
    everything = list(zip(work, placements, environments, strict=True))
    with _killed_at_the_end() as actors:
        pending: dict[ObjectRef, int] = {}
        for node_rank, group in groupby(everything, key=lambda one: one[1].node_rank):
            mine = list(group)
            node = cluster_nodes()[node_rank]
            if cpus * len(mine) > node.cpus:
                raise ValueError(f"{len(mine)} workers of {cpus:g} CPUs do not fit on a node of {node.cpus} vCPUs")
            actor = _actor(ids[node.name], cpus * len(mine), gpus * len(mine))
            actors.append(actor)
            pending[actor.run.remote(sys.path, sys.argv, *zip(*mine, strict=True))] = node_rank
        return _gather(ray, pending, [placement.rank for placement in placements])


def _gather(ray: ModuleType, pending: dict[ObjectRef, int], ranks: list[int]) -> list[bytes]:
    answers: dict[int, bytes] = {}
    began, said = time.monotonic(), False
    while pending:
        done, _ = ray.wait(list(pending), timeout=1.0)
        for ref in done:
            node_rank = pending.pop(ref)
            came = _came_of(ray, ref, node_rank)
            if isinstance(came, Ended):
                raise _the_cause(ray, came, pending)
            answers.update(came)
        if not said and not answers and time.monotonic() - began > _SAY_AFTER_SECONDS and _waits(ray):
            said = True
            say("workers wait for CPUs that the script's own Ray tasks and actors hold")
    return [answers[rank] for rank in ranks]


def _came_of(ray: ModuleType, ref: ObjectRef, node_rank: int) -> dict[int, bytes] | Ended:
    try:
        came: dict[int, bytes] | tuple[int, bytes] = ray.get(ref)
    except ray.exceptions.RayError as error:
        # The actor itself is gone, and its workers with it.
        return Ended(node_rank, outcome.died(f"its node's workers are gone: {type(error).__name__}: {error}"))
    return came if isinstance(came, dict) else Ended(*came)


def _the_cause(ray: ModuleType, first: Ended, pending: dict[ObjectRef, int]) -> Ended:
    if outcome.is_death(first.answer) or not pending:
        return first
    done, _ = ray.wait(list(pending), num_returns=len(pending), timeout=SETTLE_SECONDS)
    others = [_came_of(ray, ref, pending[ref]) for ref in done]
    return next((one for one in others if isinstance(one, Ended) and outcome.is_death(one.answer)), first)


def _waits(ray: ModuleType) -> bool:
    return bool(ray.available_resources().get("CPU", 0) < 1)


def _actor(node_id: str, cpus: float, gpus: float) -> ActorHandle:
    import ray
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    here = NodeAffinitySchedulingStrategy(node_id, soft=False)
    options = {"num_cpus": cpus, "num_gpus": gpus, "max_restarts": 0, "scheduling_strategy": here}
    return ray.remote(CleanroomWorkers).options(**options).remote()


class CleanroomWorkers:
    """The actor on a node. Its output is its workers' own, marked already (cluster/worker_output.py knows its name)."""

    def run(
        self,
        path: Sequence[str],
        argv: Sequence[str],
        work: Sequence[bytes],
        placements: Sequence[Placement],
        environments: Sequence[Mapping[str, str]],
    ) -> dict[int, bytes] | tuple[int, bytes]:
        """The answers of this node's workers by rank; or rank and answer of the one that failed."""
        # As in the main process: workers get them from here.
        sys.path[:], sys.argv[:] = path, argv
        try:
            answers = run_here(work, placements, environments)
        except Ended as ended:
            return ended.rank, ended.answer
        return {placement.rank: answer for placement, answer in zip(placements, answers, strict=True)}


@contextmanager
def _killed_at_the_end() -> Iterator[list[ActorHandle]]:
    import ray

    actors: list[ActorHandle] = []
    try:
        yield actors
    finally:
        for actor in actors:
            ray.kill(actor, no_restart=True)
        worker_output.catch_up()
