"""`snowflake.ml.modeling.distributors.many_model`."""

from cleanroom_runtime.distributors.many_model import (
    ManyModelInference,
    ManyModelRun,
    ManyModelTraining,
    ModelSerde,
    PickleSerde,
    TensorFlowSerde,
    TorchSerde,
)

__all__ = [
    "ManyModelInference",
    "ManyModelRun",
    "ManyModelTraining",
    "ModelSerde",
    "PickleSerde",
    "TensorFlowSerde",
    "TorchSerde",
]
