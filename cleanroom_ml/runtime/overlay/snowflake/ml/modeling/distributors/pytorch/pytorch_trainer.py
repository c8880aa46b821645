"""The names of the package, where the API reference has them."""

from . import (
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
