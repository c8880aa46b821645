"""`snowflake.ml.modeling.distributors.pytorch`: PyTorch training in several processes of a job.

Names, signatures and semantics: Snowflake's documentation, developer-guide/snowflake-ml/distributed-training and the
API reference of the container runtime ("Pytorch Distributor"). The script's function makes the process group itself;
what it needs for that is in the environment before it runs.
"""

from .context import Context, get_context
from .distributor import PyTorchDistributor
from .metrics import MetricsReporter
from .result import PyTorchDistributorResult
from .scaling import PyTorchScalingConfig, WorkerResourceConfig

__all__ = [
    "Context",
    "MetricsReporter",
    "PyTorchDistributor",
    "PyTorchDistributorResult",
    "PyTorchScalingConfig",
    "WorkerResourceConfig",
    "get_context",
]
