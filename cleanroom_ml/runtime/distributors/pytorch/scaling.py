"""How many workers a training has and what each may use; checked against what the job has before anything starts."""

from __future__ import annotations

from dataclasses import dataclass

from ... import gpus, workers


@dataclass
class WorkerResourceConfig:
    """What one worker needs. 0 CPUs: whatever its node has, shared evenly.

    Raises ValueError for a negative number.
    """

    num_cpus: float
    num_gpus: float = 0

    def __post_init__(self) -> None:
        if self.num_cpus < 0 or self.num_gpus < 0:
            raise ValueError(f"num_cpus={self.num_cpus} and num_gpus={self.num_gpus} must not be negative")


@dataclass
class PyTorchScalingConfig:
    """The world of a training: `num_nodes` × `num_workers_per_node` processes, each with its resources.

    Raises ValueError for a number below 1.
    """

    num_nodes: int
    num_workers_per_node: int
    resource_requirements_per_worker: WorkerResourceConfig

    def __post_init__(self) -> None:
        for name in ("num_nodes", "num_workers_per_node"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or value < 1:
                raise ValueError(f"{name}={value!r} must be a whole number of 1 or more")


@dataclass(frozen=True, slots=True)
class Scale:
    """A configuration that this job can carry out."""

    nodes: int
    workers_per_node: int
    cpus_per_worker: float
    gpus_per_worker: float
    threads: int

    @property
    def world_size(self) -> int:
        """How many workers there are."""
        return self.nodes * self.workers_per_node

    def __str__(self) -> str:
        """`4 workers (2 nodes × 2), 1 thread each, 2 GPUs a node`."""
        plural = "s" if self.world_size > 1 else ""
        layout = f"{_counted(self.nodes, 'node')} × {self.workers_per_node}"
        gpu = f", {_counted(round(self.gpus_per_worker * self.workers_per_node), 'GPU')} a node"
        return (
            f"{self.world_size} worker{plural} ({layout}), {_counted(self.threads, 'thread')} each"
            f"{gpu if self.gpus_per_worker else ''}"
        )


def scale_of(config: PyTorchScalingConfig | None) -> Scale:
    """What the configuration means in this job; None uses everything: a worker a GPU, or a node where there is none.

    Raises ValueError where the job has less: more nodes, CPUs or GPUs were asked for than it was submitted with.
    """
    nodes = workers.node_count()
    node_gpus = gpus.count() // nodes
    if config is None:
        config = PyTorchScalingConfig(nodes, node_gpus or 1, WorkerResourceConfig(0, 1 if node_gpus else 0))
    per_node, each = config.num_workers_per_node, config.resource_requirements_per_worker
    if config.num_nodes > nodes:
        raise ValueError(
            f"num_nodes={config.num_nodes}, and this job has {_counted(nodes, 'node')}: submit it with "
            f"num_instances={config.num_nodes} (a job's size is set when it is submitted), or set num_nodes={nodes}"
        )
    node_cpus = min(node.cpus for node in workers.cluster_nodes())
    if per_node * each.num_cpus > node_cpus:
        raise ValueError(
            f"num_workers_per_node={per_node} with num_cpus={each.num_cpus:g} each need {per_node * each.num_cpus:g} "
            f"CPUs on every node, and a node of this job has {node_cpus:g}: lower them (num_cpus=0 shares what there "
            "is), or use a compute pool with a larger INSTANCE_FAMILY"
        )
    if per_node * each.num_gpus > node_gpus:
        has = f"a node of this job has {_counted(node_gpus, 'GPU')}" if node_gpus else "this job has no GPU"
        raise ValueError(
            f"num_workers_per_node={per_node} with num_gpus={each.num_gpus:g} each need {per_node * each.num_gpus:g} "
            f"on every node, and {has}: use a compute pool of a {'larger ' if node_gpus else ''}GPU family, or leave "
            "num_gpus out"
        )
    share = workers.real_cpus() / (config.num_nodes * per_node)
    threads = max(1, int(min(share, each.num_cpus or share)))
    return Scale(config.num_nodes, per_node, each.num_cpus, each.num_gpus, threads)


def _counted(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"
