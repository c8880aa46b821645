"""`snowflake.ml.data.sharded_data_connector`: a connector of which each worker of a training reads its own part."""

from __future__ import annotations

from typing import TYPE_CHECKING

from snowflake.ml.data.data_connector import DataConnector

from .ingestor import JobIngestor
from .tables import table_of

if TYPE_CHECKING:
    from snowflake.ml.data.data_ingestor import DataIngestor
    from torch.utils.data import IterableDataset

    from ..values import Array


class ShardedDataConnector(DataConnector):  # type: ignore[misc]
    """A DataConnector that is split among the workers of a distributor, as many parts as there are workers.

    Made by `from_dataframe(df, ingestor_class=None, equal=False)`, `from_sql`, `from_sources`, and by
    `from_ray_dataset(ray_ds, equal=False)`, which runs the Dataset once and leaves its rows in files of the job. With
    `equal`, every part has the same number of rows and the few that are left over are in none; else sizes differ by one
    row at most. By itself it reads like any DataConnector, all rows.

    Source: Snowflake's documentation, developer-guide/snowflake-ml/load-data and distributed-training.
    """

    DEFAULT_INGESTOR_CLASS = JobIngestor

    def __init__(self, ingestor: DataIngestor, *, equal: bool = False, **kwargs: object) -> None:
        super().__init__(ingestor, **kwargs)
        self._equal = equal

    def get_shard(self) -> DataConnector:
        """The rows of the worker that calls it. Raises RuntimeError outside of a worker."""
        from ..workers import current

        placement = current()
        if placement is None:
            raise RuntimeError(
                "get_shard() gives the rows of one worker, and this is none: call it inside the function that "
                "PyTorchDistributor runs, on the connector from get_context().get_dataset_map(); outside, a "
                "ShardedDataConnector is read whole, as a DataConnector"
            )
        return self.shard_of(placement.rank, placement.world_size)

    def shard_of(self, rank: int, world_size: int) -> DataConnector:
        """The rows of one of `world_size` workers."""
        table = table_of(self).shard(rank, world_size, equal=self._equal)
        return Shard(JobIngestor(table, self.data_sources), **self._kwargs)


class Shard(DataConnector):  # type: ignore[misc]
    """One worker's rows."""

    def to_torch_dataset(
        self, *, batch_size: int | None = None, shuffle: bool = False, drop_last_batch: bool = True
    ) -> IterableDataset[dict[str, Array]]:
        """As any DataConnector's, but a batch's arrays have one dimension.

        So the training function of "distributed-training" runs as it is published: its DataLoader makes (1, n) of
        them, which it transposes and joins. Single rows (no `batch_size`) keep the dimension that "load-data" joins
        them along. `expand_dims`, given to the ShardedDataConnector, decides for both.
        """
        flat = {"expand_dims": False} if batch_size is not None else {}
        reader = DataConnector(self._ingestor, **{**flat, **self._kwargs})
        return reader.to_torch_dataset(batch_size=batch_size, shuffle=shuffle, drop_last_batch=drop_last_batch)
