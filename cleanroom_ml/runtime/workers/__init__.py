"""Several workers for one function: fresh interpreters, on this node or, where the job has several, on each of them.

    def train(placement, payload): ...
    results = run_workers(train, [shard_0, shard_1])

What holds for every function that is run so:

- It is called as `function(placement, payload)` in a process of its own, one a payload, in the order of ranks; results
  come back in that order. Function, payload, result and exception travel by cloudpickle: what the script defines goes
  along by value, what modules define is imported there, from the same import path as here.
- The worker has no Snowpark session; it may read a RemoteTable. `current()` gives its placement. Its threads are
  `cpus_per_worker` (OMP_NUM_THREADS and its kin). Its environment is set before anything of the function is imported.
- Its output is in the job's log, lines whole; where there are several workers, each line begins with `[worker N]`.
- Where a worker raises, or its process ends, all others are killed and WorkerFailed says which it was and why. Nobody
  outlives `run_workers`, nor the job's main process.
- It may be called from several threads at a time, not from within a worker.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from . import outcome
from .environment import Environment, worker_environment
from .failures import WorkerFailed
from .job import ClusterNode, cluster_nodes, free_port, node_count, real_cpus, total_cpus
from .local import run_here
from .placement import Placement, current, placements

__all__ = [
    "ClusterNode",
    "Placement",
    "WorkerFailed",
    "cluster_nodes",
    "current",
    "free_port",
    "node_count",
    "real_cpus",
    "run_workers",
    "total_cpus",
]

_Payload = TypeVar("_Payload")
_Result = TypeVar("_Result")


def run_workers(
    function: Callable[[Placement, _Payload], _Result],
    payloads: Sequence[_Payload],
    *,
    workers_per_node: int | None = None,
    cpus_per_worker: float = 1.0,
    gpus_per_worker: float = 0.0,
    env: Environment = None,
) -> list[_Result]:
    """Call `function(placement, payload)` for each payload, all at the same time, and return what they return.

    Args:
        function: what each worker does.
        payloads: one a worker; as many workers as there are payloads.
        workers_per_node: how many of them are placed on each node; None spreads them evenly over all nodes.
        cpus_per_worker: threads of its libraries; on several nodes also the CPUs that Ray schedules it by.
        gpus_per_worker: GPUs that it sees, by CUDA_VISIBLE_DEVICES; less than 1 lets workers share one.
        env: further variables of the workers' environment, or a function that gives them for a placement.

    Raises:
        ValueError: the workers cannot be placed so, or ask for more GPUs than there are.
        WorkerFailed: a worker raised or died. All others have been ended.
    """
    addresses = [node.address for node in cluster_nodes()]
    placed = placements(len(payloads), addresses, workers_per_node)
    nodes = len(addresses)
    environments = [worker_environment(one, nodes, cpus_per_worker, gpus_per_worker, env) for one in placed]
    work = [outcome.packed(function, payload) for payload in payloads]
    try:
        if nodes == 1:
            answers = run_here(work, placed, environments)
        else:
            from .across_nodes import run_on_nodes

            answers = run_on_nodes(work, placed, environments, cpus=cpus_per_worker, gpus=gpus_per_worker)
    except outcome.Ended as ended:
        failure = ended.failure()
        raise failure from failure.__cause__
    return [outcome.result(rank, answer) for rank, answer in enumerate(answers)]
