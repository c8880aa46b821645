"""To and from Ray Data. Ray is imported by whoever calls this, and by nobody else."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from .columns import without_decimals
from .sources import File, one_batch
from .tensors import is_tensor, several_shapes, with_plain_tensors

if TYPE_CHECKING:
    from ray.data import Dataset

    from .remote_table import RemoteTable


def to_ray(table: RemoteTable) -> Dataset:
    """A Dataset of the table's pieces; each block is fetched by the worker that reads it."""
    import ray
    from ray.data.block import BlockMetadata
    from ray.data.datasource import Datasource, ReadTask

    class TableDatasource(Datasource):  # type: ignore[misc]
        """Ray Data's way to ask: one read task a piece."""

        def get_name(self) -> str:
            return "Table"

        def estimate_inmemory_data_size(self) -> int:
            return table.nbytes

        def get_read_tasks(self, parallelism: int, *_: object, **__: object) -> list[ReadTask]:
            return [
                ReadTask(lambda piece=piece: _blocks(piece), BlockMetadata(piece.num_rows, piece.nbytes, None, None))
                for piece in table.pieces() or [table]
            ]

    return ray.data.read_datasource(TableDatasource())


def from_ray(dataset: Dataset) -> RemoteTable:
    """A Dataset's rows, written to files of the job as they come: whole, they need not fit into memory.

    Raises TensorShapeError where a column's arrays are not of one shape.
    """
    from .remote_table import RemoteTable

    target = Path(tempfile.mkdtemp(prefix="ray-"))
    files: list[File] = []
    schema: pa.Schema | None = None
    for block in dataset.iter_batches(batch_size=None, batch_format="pyarrow"):
        table = with_plain_tensors(without_decimals(block))
        if schema is None:
            schema = table.schema.remove_metadata()
        _require_same_shapes(schema, table.schema)
        batch = one_batch(table.cast(schema))
        if not batch.num_rows:
            continue
        path = target / f"{len(files):06d}.arrow"
        with pa.OSFile(os.fspath(path), "wb") as sink, pa.ipc.new_file(sink, schema) as writer:
            writer.write_batch(batch)
        files.append(File(path, batch.num_rows, batch.nbytes))
    return RemoteTable(schema if schema is not None else pa.schema([]), files)


def _require_same_shapes(schema: pa.Schema, other: pa.Schema) -> None:
    for field in schema:
        if is_tensor(field.type) and field.name in other.names and other.field(field.name).type != field.type:
            raise several_shapes(field.name)


def _blocks(piece: RemoteTable) -> Iterable[pa.Table]:
    yield pa.Table.from_batches(piece.batches(), piece.schema)
