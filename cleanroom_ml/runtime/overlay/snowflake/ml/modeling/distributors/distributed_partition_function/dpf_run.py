"""`snowflake.ml.modeling.distributors.distributed_partition_function.dpf_run`."""

from cleanroom_runtime.distributors.partition_function import DPFRun

__all__ = ["DPFRun"]
