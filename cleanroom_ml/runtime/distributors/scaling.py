"""How a training is spread: what a script asks for, and the workers and threads that it gets.

Source: Snowflake's documentation, developer-guide/snowflake-ml/container-runtime-multi-node ("Scaling configuration").
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from .. import gpus

PATIENT: Final = {"OMP_WAIT_POLICY": "PASSIVE"}
"""Environment of workers: threads that wait by spinning take the cores from the worker that they wait for."""


@dataclass
class BaseScalingConfig:
    """What may be said about resources; the default leaves all of it to the runtime.

    num_workers: how many processes train together; -1: one a node.
    num_cpu_per_worker: threads of each; -1: the node's cores, shared evenly.
    use_gpu: True: train on GPUs, and fail where there is none; None: where there are some.
    """

    num_workers: int = -1
    num_cpu_per_worker: int = -1
    use_gpu: bool | None = None


@dataclass
class XGBScalingConfig(BaseScalingConfig):
    """Resources of an XGBEstimator."""


@dataclass(frozen=True, slots=True)
class Spread:
    """What a training gets. `threads` is None where the library's own default is what we want."""

    workers: int
    nodes: int
    threads: int | None
    gpu: bool

    @property
    def in_process(self) -> bool:
        """One worker is the script's own process."""
        return self.workers == 1

    def __str__(self) -> str:
        workers = "1 worker" if self.workers == 1 else f"{self.workers} workers"
        nodes = f" on {self.nodes} nodes" if self.nodes > 1 else ""
        if self.threads is None:
            threads = ", all threads"
        else:
            threads = f" × {self.threads} thread{'s' if self.threads > 1 else ''}"
        return f"{workers}{threads}{nodes}{', GPU' if self.gpu else ''}"


class NoGpuError(RuntimeError):
    """A GPU was asked for and there is none, or the library is not built for it."""


def spread(config: BaseScalingConfig | None, *, nodes: int, cpus: int, built_for_gpu: bool) -> Spread:
    """What `config` gives on `nodes` nodes that together may really use `cpus` cores.

    Raises:
        ValueError: a number that makes no sense.
        NoGpuError: `use_gpu=True`, and no GPU.
    """
    asked = config or BaseScalingConfig()
    for name in ("num_workers", "num_cpu_per_worker"):
        value = getattr(asked, name)
        if not isinstance(value, int) or isinstance(value, bool) or (value < 1 and value != -1):
            raise ValueError(f"{name} is {value!r}; it is a number of at least 1, or -1 for what suits")
    gpu = _use_gpu(asked.use_gpu, built_for_gpu)
    workers = asked.num_workers
    if workers == -1:
        workers = gpus.count() if gpu else nodes
    fair = max(1, cpus // workers)
    if asked.num_cpu_per_worker != -1:
        # More threads than cores only wait for each other.
        threads: int | None = min(asked.num_cpu_per_worker, fair)
    else:
        threads = fair if workers > 1 else None
    return Spread(workers, min(nodes, workers), threads, gpu)


def _use_gpu(asked: bool | None, built_for_gpu: bool) -> bool:
    if asked is False or (asked is None and not (gpus.count() and built_for_gpu)):
        return False
    if not gpus.count():
        raise NoGpuError(
            "use_gpu=True, but this job has no GPU: its compute pool's instance family has none. Create the pool with "
            "a GPU family (INSTANCE_FAMILY = GPU_NV_S, …) on a machine that has one, or leave use_gpu unset"
        )
    if not built_for_gpu:
        raise NoGpuError(
            "use_gpu=True, and the job has a GPU, but the installed library is built for CPUs only; install the build "
            "for GPUs into the image (xgboost in place of xgboost-cpu), or leave use_gpu unset"
        )
    return True
