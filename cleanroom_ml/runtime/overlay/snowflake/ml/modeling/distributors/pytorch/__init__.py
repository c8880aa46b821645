"""See cleanroom_runtime.distributors.pytorch."""

from cleanroom_runtime.distributors.pytorch import (
    Context,
    MetricsReporter,
    PyTorchDistributor,
    PyTorchDistributorResult,
    PyTorchScalingConfig,
    WorkerResourceConfig,
    get_context,
)

__all__ = [
    "Context",
    "MetricsReporter",
    "PyTorchDistributor",
    "PyTorchDistributorResult",
    "PyTorchScalingConfig",
    "WorkerResourceConfig",
    "get_context",
]
