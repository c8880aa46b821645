"""What a training function can ask about its place among the workers, its data and where its model goes."""

from __future__ import annotations

from collections.abc import Mapping

from ... import gpus
from ...values import Values
from ...workers import Placement
from .metrics import MetricsReporter

_current: Context | None = None


class Context:
    """One worker's view of a run. Scripts get it from `get_context()`."""

    def __init__(
        self,
        placement: Placement,
        master: tuple[str, int],
        dataset_map: Mapping[str, object],
        hyper_params: Mapping[str, object],
        model_dir: str,
    ) -> None:
        self._placement = placement
        self._master = master
        self._dataset_map = dict(dataset_map)
        self._hyper_params = dict(hyper_params)
        self._model_dir = model_dir
        self._reporter = MetricsReporter(placement.rank)

    def get_rank(self) -> int:
        """This worker among all, from 0."""
        return self._placement.rank

    def get_world_rank(self) -> int:
        """The same as `get_rank()`: what newer scripts call it."""
        return self._placement.rank

    def get_local_rank(self) -> int:
        """This worker among those of its node, from 0: the index of its GPU where each worker has one."""
        return self._placement.local_rank

    def get_node_rank(self) -> int:
        """This worker's node among all, from 0."""
        return self._placement.node_rank

    def get_world_size(self) -> int:
        """How many workers there are."""
        return self._placement.world_size

    def get_local_world_size(self) -> int:
        """How many workers this node has."""
        return self._placement.local_world_size

    def get_master_addr(self) -> str:
        """Where the workers meet: MASTER_ADDR."""
        return self._master[0]

    def get_master_port(self) -> int:
        """The port there: MASTER_PORT."""
        return self._master[1]

    def get_default_backend(self) -> str:
        """The backend for `torch.distributed.init_process_group`: `nccl` for a worker with GPUs, else `gloo`."""
        return self.get_supported_backends()[0]

    def get_supported_backends(self) -> list[str]:
        """The backends that work for this worker, the best one first."""
        return ["nccl", "gloo"] if gpus.count() else ["gloo"]

    def get_dataset_map(self) -> Values:
        """The connectors that were given to `run`, by name; empty where none were.

        `["train"].get_shard()` of a ShardedDataConnector has this worker's rows.
        """
        return dict(self._dataset_map)

    def get_hyper_params(self) -> Values:
        """The hyperparameters that were given to `run`, as they were; empty where none were."""
        return dict(self._hyper_params)

    def get_model_dir(self) -> str:
        """The run's own directory for what the training leaves, the same for all workers; the result names it too."""
        return self._model_dir

    def get_metrics_reporter(self) -> MetricsReporter:
        """To report metrics with `log_metrics({…})`; those of rank 0 are in the result as well."""
        return self._reporter


def get_context() -> Context:
    """The context of this worker. Raises RuntimeError outside of a training function."""
    if _current is None:
        raise RuntimeError(
            "get_context() is for the function that PyTorchDistributor(train_func=…).run() runs in its workers; this "
            "process is none of them"
        )
    return _current


def enter(context: Context) -> None:
    """Make `context` this process's own: a worker does, once."""
    global _current
    _current = context
