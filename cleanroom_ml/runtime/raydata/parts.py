"""What one write task leaves: Parquet files in a directory that the job's nodes share, and a note of them.

A task that fails, or that Ray repeats, leaves files that no note names: nobody loads those.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa


@dataclass(frozen=True, slots=True)
class Part:
    """A file of rows. `schema`: its columns."""

    path: Path
    rows: int
    schema: pa.Schema


def write_parts(tables: Iterable[pa.Table], directory: Path) -> list[Part]:
    """The rows of these tables in new files below `directory`; a new one whenever the columns change."""
    from pyarrow import parquet

    directory.mkdir(parents=True, exist_ok=True)
    parts: list[Part] = []
    writer: parquet.ParquetWriter | None = None
    try:
        for table in tables:
            if not table.num_rows:
                continue
            if writer is None or table.schema != parts[-1].schema:
                if writer is not None:
                    writer.close()
                path = directory / f"{uuid.uuid4().hex}.parquet"
                writer = parquet.ParquetWriter(path, table.schema)
                parts.append(Part(path, 0, table.schema))
            writer.write_table(table)
            last = parts[-1]
            parts[-1] = Part(last.path, last.rows + table.num_rows, last.schema)
    finally:
        if writer is not None:
            writer.close()
    return parts
