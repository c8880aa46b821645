"""The module that published scripts name (see cleanroom_runtime.distributors.pytorch)."""

from cleanroom_runtime.distributors.pytorch import PyTorchScalingConfig, WorkerResourceConfig

__all__ = ["PyTorchScalingConfig", "WorkerResourceConfig"]
