"""Tables out of what scripts have in their hands: connectors, Snowpark DataFrames, cursors, pandas, Arrow."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any, cast

import pyarrow as pa

from .columns import decoded, schema_of
from .remote_table import RemoteTable
from .sources import Chunk, Memory, Source, one_batch

if TYPE_CHECKING:
    from snowflake.connector.cursor import SnowflakeCursor
    from snowflake.snowpark import DataFrame, Session


def table_of(dataset: object) -> RemoteTable:
    """The rows of a DataConnector or ShardedDataConnector, a Snowpark or pandas DataFrame, or a pyarrow Table.

    Raises:
        TypeError: it is none of these; the message names what is taken.
    """
    if isinstance(dataset, RemoteTable):
        return dataset
    if isinstance(dataset, pa.Table):
        return RemoteTable.from_arrow(dataset)
    if isinstance(dataset, pa.RecordBatch):
        return RemoteTable.from_arrow(pa.Table.from_batches([dataset]))
    module = type(dataset).__module__
    if module.startswith("pandas.") and hasattr(dataset, "columns"):
        return RemoteTable.from_arrow(pa.Table.from_pandas(dataset, preserve_index=False))
    ingestor = getattr(dataset, "_ingestor", dataset)
    table = getattr(ingestor, "table", None)
    if isinstance(table, RemoteTable):
        return table
    if module.startswith("snowflake.snowpark.") and hasattr(dataset, "queries"):
        return from_snowpark(cast("DataFrame", dataset))
    if ingestor is not dataset and hasattr(ingestor, "to_pandas"):
        return table_of(ingestor.to_pandas())  # a DataConnector with an ingestor of the script's own choice
    raise TypeError(
        f"a {module}.{type(dataset).__qualname__} is no dataset; give a DataConnector, a ShardedDataConnector, "
        "a Snowpark DataFrame, a pandas DataFrame or a pyarrow Table"
    )


def from_snowpark(frame: DataFrame) -> RemoteTable:
    """Run a Snowpark DataFrame's query; its rows stay where the engine keeps them."""
    queries = frame._plan.queries
    if len(queries) == 1 and not queries[0].params and not frame.queries["post_actions"]:
        return from_query(frame.session, queries[0].sql)
    # Rows of the script's own, statements with parameters: Snowpark knows how to run those.
    return from_query(frame.session, query_id=frame._execute_and_get_query_id())


def from_query(session: Session, sql: str = "", *, query_id: str | None = None) -> RemoteTable:
    """Run a query, or take the result of one that has run. Only the main process of a job can: it has the session."""
    with session.connection.cursor() as cursor:
        if query_id is not None:
            cursor.get_results_from_sfqid(query_id)
            if cursor._prefetch_hook is not None:
                cursor._prefetch_hook()
        else:
            cursor.execute(sql)
        return from_cursor(cursor)


def from_cursor(cursor: SnowflakeCursor) -> RemoteTable:
    """The result that a cursor of the connector has, none of which it has fetched.

    The first rows came with the answer, the rest is fetched from where the connector would (`ResultBatch`): address and
    headers are good for as long as the job runs (engine: outcomes.py).
    """
    parameters = cursor.connection._session_parameters
    schema = schema_of(cursor.description, str(parameters.get("TIMEZONE") or "UTC"))
    sources: list[Source] = []
    for batch in cursor.get_result_batches() or []:
        remote = batch._remote_chunk_info
        if remote is not None and hasattr(batch, "_context"):
            sources.append(Chunk(remote.url, dict(batch._chunk_headers or {}), batch.rowcount, remote.uncompressedSize))
        elif hasattr(batch, "_context"):
            if batch._data:
                assert isinstance(batch._data, str)  # in base64; of JSON it would be rows
                sources.append(Memory(_inlined(batch._data, schema)))
        else:
            sources.append(Memory(_rows(list(batch.create_iter()), schema)))
    return RemoteTable(schema, sources)


def _inlined(text: str, schema: pa.Schema) -> pa.RecordBatch:
    batch = one_batch(pa.ipc.open_stream(base64.b64decode(text)).read_all())
    return decoded(batch, schema, range(len(schema)))


def _rows(rows: list[Any], schema: pa.Schema) -> pa.RecordBatch:
    """Small results (SHOW, CALL) come as JSON, which the connector has turned into Python's values: of what types, the
    schema says, not Python.
    """
    arrays = []
    for number, field in enumerate(schema):
        values = [row[number] for row in rows]
        if pa.types.is_floating(field.type):
            values = [None if value is None else float(value) for value in values]  # may be Decimal
        arrays.append(pa.array(values, field.type))
    return pa.RecordBatch.from_arrays(arrays, schema=schema)
