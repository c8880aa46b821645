"""`snowflake.ml.modeling.distributors.distributed_partition_function.partition_context`."""

from cleanroom_runtime.distributors.partition_function import PartitionContext

__all__ = ["PartitionContext"]
