"""`snowflake.ml.modeling.distributors.distributed_partition_function`."""

from cleanroom_runtime.distributors.partition_function import (
    DPF,
    DPFRun,
    ExecutionOptions,
    PartitionContext,
    PartitionStatus,
    RunStatus,
)

__all__ = ["DPF", "DPFRun", "ExecutionOptions", "PartitionContext", "PartitionStatus", "RunStatus"]
