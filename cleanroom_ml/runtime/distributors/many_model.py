"""`snowflake.ml.modeling.distributors.many_model`: importable, and refused in a clean room.

Source: Snowflake's documentation, developer-guide/snowflake-ml/train-models-across-partitions.
"""

from __future__ import annotations

import abc
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from ..values import Model
from .partition_function import ByPartition, PartitionContext
from .refused import RefusedRun, refuse

if TYPE_CHECKING:
    from snowflake.ml.data.data_connector import DataConnector


class ModelSerde(abc.ABC):
    """Writes a model to a file, and reads it again."""

    @property
    @abc.abstractmethod
    def filename(self) -> str:
        """The file's name."""

    @abc.abstractmethod
    def write(self, model: Model, file_path: str) -> None:
        """Write the model there."""

    @abc.abstractmethod
    def read(self, file_path: str) -> Model:
        """The model that was written there."""


class PickleSerde(ModelSerde):
    """By pickle: what is used where nothing else is asked for."""

    @property
    def filename(self) -> str:
        """The file's name."""
        return "model.pkl"

    def write(self, model: Model, file_path: str) -> None:
        """Write the model there."""
        Path(file_path).write_bytes(pickle.dumps(model))

    def read(self, file_path: str) -> Model:
        """The model that was written there."""
        return pickle.loads(Path(file_path).read_bytes())


class TorchSerde(ModelSerde):
    """By `torch.save`."""

    @property
    def filename(self) -> str:
        """The file's name."""
        return "model.pth"

    def write(self, model: Model, file_path: str) -> None:
        """Write the model there."""
        import torch

        torch.save(model, file_path)

    def read(self, file_path: str) -> Model:
        """The model that was written there."""
        import torch

        return torch.load(file_path, weights_only=False)


class TensorFlowSerde(ModelSerde):
    """By Keras."""

    @property
    def filename(self) -> str:
        """The file's name."""
        return "model.h5"

    def write(self, model: Model, file_path: str) -> None:
        """Write the model there."""
        model.save(file_path)

    def read(self, file_path: str) -> Model:
        """The model that was written there."""
        import importlib

        return importlib.import_module("tensorflow").keras.models.load_model(file_path)


class ManyModelRun(RefusedRun):
    """A run of ManyModelTraining or ManyModelInference."""


class ManyModelTraining(ByPartition):
    """Trains one model for each value of a column.

    Args:
        train_func: called as `train_func(data_connector, context)` for each partition; returns a model.
        stage_name: where models would go.
        serde: how a model becomes a file.
    """

    def __init__(
        self,
        train_func: Callable[[DataConnector, PartitionContext], Model],
        stage_name: str,
        serde: ModelSerde | None = None,
    ) -> None:
        self.train_func = train_func
        self.stage_name = stage_name
        self.serde = serde

    @classmethod
    def restore_from(cls, run_id: str, stage_name: str) -> NoReturn:
        """Refused: OutsideOfCleanRoomError."""
        refuse("ManyModelTraining.restore_from")


class ManyModelInference(ByPartition):
    """Predicts with each of a run's models on its own partition.

    Args:
        inference_func: called as `inference_func(data_connector, model, context)` for each partition.
        stage_name: where the models are.
        training_run_id: the run that made them.
        serde: how a file becomes a model.
    """

    def __init__(
        self,
        inference_func: Callable[[DataConnector, Model, PartitionContext], object],
        stage_name: str,
        training_run_id: str,
        serde: ModelSerde | None = None,
    ) -> None:
        self.inference_func = inference_func
        self.stage_name = stage_name
        self.training_run_id = training_run_id
        self.serde = serde
