"""`snowflake.ml.modeling.distributors.distributed_partition_function.entities`."""

from cleanroom_runtime.distributors.partition_function import ExecutionOptions, PartitionStatus, RunStatus

__all__ = ["ExecutionOptions", "PartitionStatus", "RunStatus"]
