"""What `snowflake.ml.data.DataConnector` reads by in a job (the protocol `snowflake.ml.data.DataIngestor`)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from ..values import Array
from .batching import batches
from .remote_table import RemoteTable
from .tables import from_query

if TYPE_CHECKING:
    import pandas as pd
    from ray.data import Dataset
    from snowflake.ml.data.data_source import DataSource
    from snowflake.snowpark import Session


class JobIngestor:
    """Reads a table in pieces, in whatever process of the job has it: it can be pickled, and needs no session then.

    The query runs once, when the connector is made: whoever reads, sees the same rows.
    """

    def __init__(self, table: RemoteTable, sources: Sequence[DataSource] = ()) -> None:
        """`sources`: what the table was made from (snowflake.ml.data.DataSource), for `data_sources`."""
        self.table = table
        self._sources = list(sources)

    @classmethod
    def from_sources(cls, session: Session, sources: Sequence[DataSource], **kwargs: object) -> JobIngestor:
        """Run the queries of these sources.

        Raises:
            NotImplementedError: a source is no query (a clean room has no Snowflake Datasets and no files).
            ValueError: they have different columns, or there are none.
        """
        if not sources:
            raise ValueError("there is nothing to read: no source was given")
        tables = []
        for source in sources:
            sql = getattr(source, "sql", None)
            if sql is None:
                raise NotImplementedError(
                    f"a {type(source).__name__} cannot be read in a clean room's job; give tables, as "
                    "DataConnector.from_dataframe(session.table(…)) or DataConnector.from_sql(…)"
                )
            tables.append(from_query(session, sql, query_id=source.query_id))
        return cls(RemoteTable.concat(tables), sources)

    @classmethod
    def from_ray_dataset(cls, ray_ds: Dataset, **kwargs: object) -> JobIngestor:
        """Run a Ray Dataset; its rows go to files of the job, which processes without Ray read too."""
        from .ray_data import from_ray

        return cls(from_ray(ray_ds))

    @property
    def data_sources(self) -> list[DataSource]:
        """What it was made from."""
        return list(self._sources)

    def to_batches(
        self, batch_size: int, shuffle: bool = True, drop_last_batch: bool = True
    ) -> Iterator[dict[str, Array]]:
        """Arrays by column name, `batch_size` rows each; the last one shorter, or dropped (see `batching`)."""
        return batches(self.table, batch_size, shuffle=shuffle, drop_last=drop_last_batch)

    def to_pandas(self, limit: int | None = None) -> pd.DataFrame:
        """The first `limit` rows, or all. Raises NotEnoughMemoryError where they do not fit."""
        return self.table.to_pandas(limit)

    def to_ray_dataset(self) -> Dataset:
        """A `ray.data.Dataset` whose blocks are fetched by Ray's workers."""
        from .ray_data import to_ray

        return to_ray(self.table)
