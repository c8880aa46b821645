"""The environment of a worker: its share of the processors and GPUs, and what its caller asks for on top."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from .. import gpus
from .placement import Placement

Environment = Mapping[str, str] | Callable[[Placement], Mapping[str, str]] | None

_THREADS: Final = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "NUMEXPR_MAX_THREADS",
    "LOKY_MAX_CPU_COUNT",
)


def worker_environment(
    placement: Placement, nodes: int, cpus_per_worker: float, gpus_per_worker: float, wanted: Environment
) -> dict[str, str]:
    """What a worker's environment has on top of the main process's own, in a job of so many `nodes`.

    Raises:
        ValueError: the node has fewer GPUs than its workers ask for.
    """
    added = dict.fromkeys(_THREADS, str(max(1, int(cpus_per_worker))))
    if gpus_per_worker > 0:
        added[gpus.VARIABLE] = ",".join(_share_of_gpus(placement, nodes, gpus_per_worker))
    extra = wanted(placement) if callable(wanted) else wanted or {}
    return {**added, **{name: str(value) for name, value in extra.items()}}


def _share_of_gpus(placement: Placement, nodes: int, each: float) -> tuple[str, ...]:
    here = gpus.of_node(placement.node_rank, nodes)
    if each * placement.local_world_size > len(here):
        raise ValueError(
            f"{placement.local_world_size} worker(s) with {each:g} GPU(s) each need more than the {len(here)} GPU(s) "
            "of a node; use a pool of a GPU family with more of them, or fewer workers"
        )
    first = placement.local_rank * each
    return here[int(first) : max(int(first) + 1, int(first + each))]
