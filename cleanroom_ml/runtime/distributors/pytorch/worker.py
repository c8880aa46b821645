"""What runs in each worker process: the environment that torch.distributed wants, then the script's function."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import cloudpickle

from ... import gpus, workers
from ...values import Values
from ...workers import Placement
from .context import Context, enter
from .scaling import Scale

_LOOPBACK: Final = "lo" if sys.platform == "linux" else "lo0"
_THREADS: Final = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMEXPR_MAX_THREADS")
_UNEVEN: Final = (
    "a worker had finished while this one still waited for it. Where ranks get different numbers of batches, one of "
    "them waits for ever: make shards even with ShardedDataConnector.from_dataframe(…, equal=True)"
)


@dataclass(frozen=True, slots=True)
class Assignment:
    """The same for all workers of a run. What the script gave is pickled once, not once a worker."""

    train_func: bytes
    dataset_map: Mapping[str, bytes]
    hyper_params: Mapping[str, object]
    model_dir: str
    master: tuple[str, int]


def environment(scale: Scale, master: tuple[str, int]) -> Callable[[Placement], dict[str, str]]:
    """The variables of each worker, as `torchrun` would set them; in force before anything is imported.

    All nodes of a job are in one sandbox: whatever a worker speaks to is on the loopback interface. A worker with GPUs
    sees all that were asked for on its node, so that `cuda:<local rank>` is its own where each has one.
    """
    nodes = workers.node_count()
    wanted = round(scale.gpus_per_worker * scale.workers_per_node)
    visible = [",".join(gpus.of_node(node, nodes)[:wanted]) for node in range(nodes)]
    threads = dict.fromkeys(_THREADS, str(scale.threads))

    def of(placement: Placement) -> dict[str, str]:
        return {
            "MASTER_ADDR": master[0],
            "MASTER_PORT": str(master[1]),
            "RANK": str(placement.rank),
            "WORLD_SIZE": str(placement.world_size),
            "LOCAL_RANK": str(placement.local_rank),
            "LOCAL_WORLD_SIZE": str(placement.local_world_size),
            "NODE_RANK": str(placement.node_rank),
            "GROUP_RANK": str(placement.node_rank),
            "GROUP_WORLD_SIZE": str(placement.node_count),
            "ROLE_RANK": str(placement.rank),
            "ROLE_WORLD_SIZE": str(placement.world_size),
            "GLOO_SOCKET_IFNAME": _LOOPBACK,
            "NCCL_SOCKET_IFNAME": _LOOPBACK,
            gpus.VARIABLE: visible[placement.node_rank],
            **threads,
        }

    return of


def train(placement: Placement, assignment: Assignment) -> Values:
    """Run the script's function as one worker: the metrics that it reported. Raises whatever the function raises."""
    context = Context(
        placement,
        assignment.master,
        {name: cloudpickle.loads(connector) for name, connector in assignment.dataset_map.items()},
        assignment.hyper_params,
        assignment.model_dir,
    )
    enter(context)
    try:
        cloudpickle.loads(assignment.train_func)()
    except RuntimeError as error:
        if "closed by peer" in str(error).lower():
            error.add_note(_UNEVEN)
        raise
    # Only of a worker that is done: a group with a failed worker may not end, and the failure is to be told.
    _leave_group()
    return context.get_metrics_reporter().latest


def _leave_group() -> None:
    """End the process group where the function left it open, so that nobody waits for a worker that is done."""
    distributed = sys.modules.get("torch.distributed")
    if distributed is not None and distributed.is_available() and distributed.is_initialized():
        distributed.destroy_process_group()
