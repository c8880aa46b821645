"""`snowflake.ml.modeling.distributors.distributed_partition_function`: importable, and refused in a clean room.

Source: Snowflake's documentation, developer-guide/snowflake-ml/process-data-across-partitions, and its API reference.
"""

from __future__ import annotations

import enum
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, NoReturn

from .refused import RefusedRun, refuse

if TYPE_CHECKING:
    from snowflake.ml.data.data_connector import DataConnector
    from snowflake.snowpark import DataFrame


class RunStatus(enum.StrEnum):
    """How a run as a whole came out."""

    IN_PROGRESS = "IN_PROGRESS"
    SUCCESS = "SUCCESS"
    PARTIAL_FAILURE = "PARTIAL_FAILURE"
    FAILURE = "FAILURE"
    CANCELLED = "CANCELLED"


class PartitionStatus(enum.StrEnum):
    """How one partition of a run came out."""

    PENDING = "PENDING"
    RUNNING = "RUNNING"
    DONE = "DONE"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"
    INTERNAL_ERROR = "INTERNAL_ERROR"


@dataclass
class ExecutionOptions:
    """Resources of a run. Only stored here: no run comes so far as to use them."""

    use_head_node: bool = True
    loading_wh: str | None = None
    num_cpus_per_worker: int | None = None
    num_gpus_per_worker: int | None = None
    max_retries: int = 1
    fail_fast: bool = False


class PartitionContext:
    """What a partition's function is given beside its data. There is none in a clean room."""

    partition_id: str

    def __init__(self, *_: object, **__: object) -> None:
        refuse("PartitionContext")


class DPFRun(RefusedRun):
    """A run of a DPF."""


class ByPartition:
    """What is run on each partition of a DataFrame."""

    def run(
        self,
        partition_by: str,
        snowpark_dataframe: DataFrame,
        run_id: str,
        on_existing_artifacts: str = "error",
        execution_options: ExecutionOptions | None = None,
    ) -> NoReturn:
        """Refused: OutsideOfCleanRoomError."""
        refuse(f"{type(self).__name__}.run")


class DPF(ByPartition):
    """Runs a function on each partition of a DataFrame, or on each file of a stage.

    Args:
        func: called as `func(data_connector, context)` for each partition.
        stage_name: where results and logs would go.
    """

    def __init__(self, func: Callable[[DataConnector, PartitionContext], None], stage_name: str) -> None:
        self.func = func
        self.stage_name = stage_name

    def run_from_stage(
        self,
        stage_location: str,
        run_id: str,
        file_pattern: str = "*.parquet",
        on_existing_artifacts: str = "error",
        execution_options: ExecutionOptions | None = None,
    ) -> NoReturn:
        """Refused: OutsideOfCleanRoomError."""
        refuse("DPF.run_from_stage")
