"""`PyTorchDistributor`: places the workers, gives each its part, and collects what rank 0 leaves."""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

import cloudpickle

from ... import events, workers
from ...values import Values
from . import artifacts
from .result import PyTorchDistributorResult
from .scaling import PyTorchScalingConfig, Scale, scale_of
from .worker import Assignment, environment, train

_NAMED: Final = 5


class PyTorchDistributor:
    """Runs a training function in the workers of a PyTorchScalingConfig; without one, in all that the job has.

    The function takes no arguments, asks `get_context()` for everything, and calls
    `torch.distributed.init_process_group` itself. It runs in fresh processes: what it uses of the script is sent along,
    the session is not.
    """

    def __init__(self, train_func: Callable[[], object], scaling_config: PyTorchScalingConfig | None = None) -> None:
        if not callable(train_func):
            raise TypeError(f"train_func must be a function, not a {type(train_func).__name__}")
        self._train_func = train_func
        self._scaling_config = scaling_config

    def run(
        self,
        *,
        dataset_map: Mapping[str, object] | None = None,
        hyper_params: Mapping[str, object] | None = None,
        artifact_stage_location: str | None = None,
    ) -> PyTorchDistributorResult:
        """Train, and return when every worker is done.

        Args:
            dataset_map: DataConnectors and ShardedDataConnectors by name.
            hyper_params: handed to the workers as they are.
            artifact_stage_location: a stage that the model directory is put to in the end.

        Raises:
            ValueError: the job has not as much as was asked for, or cannot use the stage.
            TypeError: something cannot be sent to a worker.
            RuntimeError: a worker failed (it says which rank, with its traceback); the others were ended.
        """
        scale = scale_of(self._scaling_config)
        stage = artifacts.require_stage(artifact_stage_location) if artifact_stage_location else None
        directory = Path(tempfile.mkdtemp(prefix="pytorch-"))
        master = ("127.0.0.1", workers.free_port())
        assignment = Assignment(
            train_func=_sent(self._train_func, "train_func"),
            dataset_map=_datasets(dataset_map or {}),
            hyper_params=dict(hyper_params or {}),
            model_dir=str(directory),
            master=master,
        )
        _say(f"training with {scale}")
        start = time.monotonic()
        metrics = self._train(scale, assignment)
        seconds = time.monotonic() - start
        events.emit("stage", name="train", seconds=round(seconds, 3))
        _say(f"trained in {seconds:.1f} s; {_left(directory)}")
        if stage is None:
            return PyTorchDistributorResult(str(directory), metrics)
        location = artifacts.upload(directory, stage, directory.name.removeprefix("pytorch-"))
        _say(f"put to @{location}, from {directory}, where this job can read it")
        return PyTorchDistributorResult(location, metrics)

    def _train(self, scale: Scale, assignment: Assignment) -> Values:
        results = workers.run_workers(
            train,
            [assignment] * scale.world_size,
            workers_per_node=scale.workers_per_node,
            cpus_per_worker=scale.cpus_per_worker,
            gpus_per_worker=scale.gpus_per_worker,
            env=environment(scale, assignment.master),
        )
        return dict(results[0])


def _datasets(dataset_map: Mapping[str, object]) -> dict[str, bytes]:
    sent = {}
    for name, connector in dataset_map.items():
        if not hasattr(connector, "to_torch_dataset"):
            raise TypeError(
                f"dataset_map[{name!r}] is a {type(connector).__name__}; give a DataConnector or ShardedDataConnector, "
                "as ShardedDataConnector.from_dataframe(session.table(…))"
            )
        sent[name] = _sent(connector, f"dataset_map[{name!r}]")
    return sent


def _sent(value: object, what: str) -> bytes:
    try:
        return bytes(cloudpickle.dumps(value))
    except (TypeError, ValueError, AttributeError, RuntimeError) as error:
        raise TypeError(
            f"{what} cannot be sent to the workers: {error}. It must not hold the session, an open file or a lock: "
            "make such things inside of the function, and pass tables in dataset_map"
        ) from error


def _left(directory: Path) -> str:
    files = sorted(str(path.relative_to(directory)) for path in directory.rglob("*") if path.is_file())
    if not files:
        return "no files in the model directory"
    more = f" and {len(files) - _NAMED} more" if len(files) > _NAMED else ""
    return f"in the model directory: {', '.join(files[:_NAMED])}{more}"


def _say(message: str) -> None:
    sys.stdout.write(f"pytorch: {message}\n")
    sys.stdout.flush()
