"""`snowflake.ml.modeling.distributors.distributed_partition_function.dpf`."""

from cleanroom_runtime.distributors.partition_function import DPF

__all__ = ["DPF"]
