"""The names under which the documentation of loading data ("load-data") has cleanroom_runtime.distributors.pytorch."""

from cleanroom_runtime.distributors.pytorch import Context, WorkerResourceConfig
from cleanroom_runtime.distributors.pytorch import PyTorchDistributor as PyTorchTrainer
from cleanroom_runtime.distributors.pytorch import PyTorchScalingConfig as ScalingConfig
from cleanroom_runtime.distributors.pytorch import get_context as getContext

__all__ = ["Context", "PyTorchTrainer", "ScalingConfig", "WorkerResourceConfig", "getContext"]
