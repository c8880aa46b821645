"""`snowflake.ml.ray.datasink`: a Ray Dataset into a table, all of its rows or none."""

from __future__ import annotations

import shutil
import tempfile
import uuid
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
from ray.data.datasource import Datasink

from .loading import Target, load, require_table
from .names import table_name as parts_of
from .parts import Part, write_parts
from .rows import arrow_of
from .session import main_session

if TYPE_CHECKING:
    from ray.data.block import Block
    from ray.data.datasource import WriteResult


class SnowflakeTableDatasink(Datasink):  # type: ignore[misc]
    """For `Dataset.write_datasink`: appends the dataset's rows to a table, or replaces the table's (`override`).

    With `auto_create_table` a table that is not there is made, its column types from the dataset's; together with
    `override` it is made anew, columns too. In a clean room the table is one of the room: `CLEANROOM.<table>`, which is
    where a name without schema is looked for.

    Write tasks run in Ray's workers, which have no session: they write files of the job, and once all of them are done,
    the script's process loads the files of those that succeeded. One statement changes the table, so whatever fails
    before it leaves the table as it was, and a task that Ray repeats counts once.
    """

    def __init__(
        self,
        table_name: str,
        database: str | None = None,
        schema: str | None = None,
        auto_create_table: bool = False,
        override: bool = False,
    ) -> None:
        self._target = Target(parts_of(table_name, database, schema), auto_create_table, override)
        self._directory = Path(tempfile.gettempdir()) / f"ray-sink-{uuid.uuid4().hex}"
        self._schema: pa.Schema | None = None

    def get_name(self) -> str:
        """For Ray's progress."""
        return "SnowflakeTable"

    def on_write_start(self, schema: object = None) -> None:
        """Raises TableUnavailableError where the table is not there and may not be made."""
        self._schema = schema if isinstance(schema, pa.Schema) else None
        require_table(main_session("writing a table"), self._target)

    def write(self, blocks: Iterable[Block], ctx: object) -> list[Part]:
        """In a worker: the blocks of one task, into files."""
        return write_parts(map(arrow_of, blocks), self._directory)

    def on_write_complete(self, write_result: WriteResult[list[Part]]) -> None:
        """In the script's process: the files of all tasks that succeeded, into the table."""
        parts = [part for written in write_result.write_returns for part in written or ()]
        schema = self._schema
        if not parts and schema is not None:
            schema = arrow_of(schema.empty_table()).schema
        load(main_session("writing a table"), self._target, parts, schema)
        self._clean_up()

    def on_write_failed(self, error: Exception) -> None:
        """Nothing is in the table; the files go."""
        self._clean_up()

    def _clean_up(self) -> None:
        shutil.rmtree(self._directory, ignore_errors=True)
