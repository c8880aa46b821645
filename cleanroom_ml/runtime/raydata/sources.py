"""`snowflake.ml.ray.datasource`: the files of a stage as Ray Datasets, for `ray.data.read_datasource`.

The stage is listed when the source is made, where the script runs: a stage that the job cannot read is refused before
anything is computed. Each file is fetched by the worker that reads it. In a clean room, only stages that the job made
itself are there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ray.data.block import BlockMetadata
from ray.data.datasource import Datasource, ReadTask

from .files import StagedFile, list_files
from .formats import Binary, Csv, Image, Parquet, Reader, Text, WithPath, require_pillow
from .names import stage_path
from .tasks import grouped

if TYPE_CHECKING:
    from ray.data import DataContext
    from ray.data.block import Block

_CACHE: frozenset[str] = frozenset({"use_file_cache", "file_cache_config"})
"""Taken and of no effect: the files are on this machine already."""


class StageDatasource(Datasource):  # type: ignore[misc]
    """What all of them have in common.

    `stage_location` is `@stage/path`, of which the path is a prefix (end it with `/` for exactly that directory);
    `database` and `schema` default to the session's; `file_pattern` are shell's wildcards, one or several.

    Raises:
        StageUnavailableError (a ValueError): the stage is not there for this job.
        ValueError: no file is there, or none matches.
    """

    def __init__(
        self,
        reader: Reader,
        stage_location: str,
        database: str | None,
        schema: str | None,
        file_pattern: str | Sequence[str] | None,
        others: Mapping[str, object],
    ) -> None:
        super().__init__()
        if unknown := sorted(others.keys() - _CACHE):
            raise NotImplementedError(
                f"{type(self).__name__}({unknown[0]}=…) is not supported; choose files with stage_location and "
                "file_pattern, and rows and columns with methods of the Dataset"
            )
        place = stage_path(stage_location, database, schema)
        patterns = [file_pattern] if isinstance(file_pattern, str) else list(file_pattern or ())
        self._files = list_files(place, patterns)
        if not self._files:
            matching = f" that matches {' or '.join(patterns)}" if patterns else ""
            raise ValueError(f"there is no file{matching} at {place}")
        self._reader = reader

    def get_name(self) -> str:
        """For Ray's progress."""
        return type(self).__name__.removesuffix("DataSource")

    def estimate_inmemory_data_size(self) -> int:
        """For Ray to plan with."""
        return sum(map(self._reader.memory_bytes, self._files))

    def get_read_tasks(
        self, parallelism: int, per_task_row_limit: int | None = None, data_context: DataContext | None = None
    ) -> list[ReadTask]:
        """One task a file, or a group of small ones."""
        limit = {} if per_task_row_limit is None else {"per_task_row_limit": per_task_row_limit}
        groups = grouped(self._files, self._reader.memory_bytes, parallelism)
        return [ReadTask(_Read(self._reader, group), self._metadata(group), **limit) for group in groups]

    def _metadata(self, group: list[StagedFile]) -> BlockMetadata:
        rows = self._reader.rows_a_file
        size = sum(map(self._reader.memory_bytes, group))
        names = [file.name for file in group]
        return BlockMetadata(None if rows is None else rows * len(group), size, names, None)


class _Read:
    """What a task does, in the worker."""

    def __init__(self, reader: Reader, files: list[StagedFile]) -> None:
        self._reader, self._files = reader, files

    def __call__(self) -> Iterator[Block]:
        for file in self._files:
            yield from self._reader.blocks(file)


class SFStageBinaryFileDataSource(StageDatasource):
    """One row a file: `file_binary`, its bytes, and `file_name`, as LIST names it; `path` too with `include_paths`.

    With `local_path`, each file is also written below that directory, which all nodes of a job share.
    """

    def __init__(
        self,
        stage_location: str,
        database: str | None = None,
        schema: str | None = None,
        file_pattern: str | Sequence[str] | None = None,
        local_path: str | None = None,
        include_paths: bool = False,
        **others: object,
    ) -> None:
        reader = Binary(None if local_path is None else Path(local_path).absolute())
        super().__init__(_named(reader, include_paths), stage_location, database, schema, file_pattern, others)


class SFStageTextDataSource(StageDatasource):
    """One row a line: `text`, and `file_name`, as LIST names it; `path` too with `include_paths`."""

    def __init__(
        self,
        stage_location: str,
        database: str | None = None,
        schema: str | None = None,
        file_pattern: str | Sequence[str] | None = None,
        *,
        encoding: str = "utf-8",
        drop_empty_lines: bool = False,
        include_paths: bool = False,
        **others: object,
    ) -> None:
        reader = _named(Text(encoding, drop_empty_lines), include_paths)
        super().__init__(reader, stage_location, database, schema, file_pattern, others)


class SFStageCSVDataSource(StageDatasource):
    """The rows of CSV files, whose first line names the columns. `arrow_csv_args`: as `ray.data.read_csv` has them."""

    def __init__(
        self,
        stage_location: str,
        database: str | None = None,
        schema: str | None = None,
        file_pattern: str | Sequence[str] | None = None,
        *,
        arrow_csv_args: Mapping[str, object] | None = None,
        include_paths: bool = False,
        **others: object,
    ) -> None:
        reader = _named(Csv(dict(arrow_csv_args or {})), include_paths)
        super().__init__(reader, stage_location, database, schema, file_pattern, others)


class SFStageParquetDataSource(StageDatasource):
    """The rows of Parquet files; of `columns` only, where given."""

    def __init__(
        self,
        stage_location: str,
        database: str | None = None,
        schema: str | None = None,
        file_pattern: str | Sequence[str] | None = None,
        *,
        columns: Sequence[str] | None = None,
        include_paths: bool = False,
        **others: object,
    ) -> None:
        reader = _named(Parquet(columns), include_paths)
        super().__init__(reader, stage_location, database, schema, file_pattern, others)


class SFStageImageDataSource(StageDatasource):
    """One row a file: `image`, its pixels as an array of uint8; with `include_paths`, `path`, as LIST names the file.

    `image_size` is (height, width), to which all are scaled; `image_mode` one of Pillow's modes ("RGB", "L").
    """

    def __init__(
        self,
        stage_location: str,
        database: str | None = None,
        schema: str | None = None,
        file_pattern: str | Sequence[str] | None = None,
        *,
        image_size: tuple[int, int] | None = None,
        image_mode: str | None = None,
        include_paths: bool = False,
        **others: object,
    ) -> None:
        if image_size is not None and (len(image_size) != 2 or min(image_size) < 1):
            raise ValueError(f"image_size={image_size!r}: two positive numbers are needed, height and width")
        require_pillow()
        size = None if image_size is None else (int(image_size[0]), int(image_size[1]))
        reader = Image(size, image_mode, include_paths)
        super().__init__(reader, stage_location, database, schema, file_pattern, others)


def _named(reader: Reader, include_paths: bool) -> Reader:
    return WithPath(reader) if include_paths else reader
