"""What is in a stage's file, as blocks of Ray Data: one reader a kind of file. They travel to the workers that read.

A block at a time is in memory. What is read by lines or by row groups goes through the scratch directory.
"""

from __future__ import annotations

import importlib
import importlib.util
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol

import pyarrow as pa

from .download import content, on_disk
from .files import StagedFile
from .saving import save

if TYPE_CHECKING:
    from ray.data.block import Block

BLOCK_ROWS: Final = 65_536
BLOCK_BYTES: Final = 16 << 20

BINARY_COLUMN: Final = "file_binary"
TEXT_COLUMN: Final = "text"
IMAGE_COLUMN: Final = "image"
NAME_COLUMN: Final = "file_name"
PATH_COLUMN: Final = "path"

_CHANNELS: Final = {"1": 1, "L": 1, "P": 1, "RGBA": 4, "CMYK": 4, "I": 4, "F": 4}
_USUAL_CHANNELS: Final = 3


class Reader(Protocol):
    """How a file becomes rows. `rows_a_file` where it is known without reading, else None."""

    @property
    def rows_a_file(self) -> int | None: ...

    def blocks(self, file: StagedFile) -> Iterator[Block]:
        """The rows of one file."""

    def memory_bytes(self, file: StagedFile) -> int:
        """About how much they take in memory, for Ray to plan with."""


@dataclass(frozen=True, slots=True)
class Binary:
    """One row a file: its bytes as they are, and its name. With `save_to`, the file is written below it as well."""

    save_to: Path | None = None
    rows_a_file: int | None = 1

    def blocks(self, file: StagedFile) -> Iterator[pa.Table]:
        data = content(file)
        if self.save_to is not None:
            save(data, self.save_to, file.below)
        yield pa.table({BINARY_COLUMN: pa.array([data], pa.large_binary()), NAME_COLUMN: [file.name]})

    def memory_bytes(self, file: StagedFile) -> int:
        return file.nbytes


@dataclass(frozen=True, slots=True)
class Text:
    """One row a line, with the name of its file."""

    encoding: str = "utf-8"
    drop_empty_lines: bool = False
    rows_a_file: int | None = None

    def blocks(self, file: StagedFile) -> Iterator[pa.Table]:
        with on_disk(file) as path, _unpacked(path, file) as raw, io.TextIOWrapper(raw, self.encoding) as lines:
            waiting: list[str] = []
            size = 0
            for ended in lines:
                line = ended.removesuffix("\n")
                if self.drop_empty_lines and not line.strip():
                    continue
                waiting.append(line)
                size += len(line)
                if len(waiting) >= BLOCK_ROWS or size >= BLOCK_BYTES:
                    yield self._table(waiting, file)
                    waiting, size = [], 0
            yield self._table(waiting, file)

    def memory_bytes(self, file: StagedFile) -> int:
        return file.nbytes

    def _table(self, lines: list[str], file: StagedFile) -> pa.Table:
        return pa.table({TEXT_COLUMN: pa.array(lines, pa.string()), NAME_COLUMN: pa.array([file.name] * len(lines))})


@dataclass(frozen=True, slots=True)
class Csv:
    """Rows of a CSV file as pyarrow.csv reads them. `options`: arguments of pyarrow.csv.open_csv."""

    options: Mapping[str, object] = field(default_factory=dict)
    rows_a_file: int | None = None

    def blocks(self, file: StagedFile) -> Iterator[pa.Table]:
        from pyarrow import csv

        with on_disk(file) as path, _unpacked(path, file) as raw:
            try:
                for batch in csv.open_csv(raw, **self.options):
                    yield pa.Table.from_batches([batch])
            except pa.ArrowInvalid as error:
                raise ValueError(f"the file {file.name} of the stage cannot be read as CSV: {error}") from error

    def memory_bytes(self, file: StagedFile) -> int:
        return file.nbytes


@dataclass(frozen=True, slots=True)
class Parquet:
    """Rows of a Parquet file; of these columns only, where some are given."""

    columns: Sequence[str] | None = None
    rows_a_file: int | None = None

    def blocks(self, file: StagedFile) -> Iterator[pa.Table]:
        from pyarrow import parquet

        with on_disk(file) as path:
            try:
                with parquet.ParquetFile(path) as source:
                    columns = None if self.columns is None else list(self.columns)
                    for batch in source.iter_batches(BLOCK_ROWS, columns=columns):
                        yield pa.Table.from_batches([batch])
            except pa.ArrowInvalid as error:
                raise ValueError(f"the file {file.name} of the stage cannot be read as Parquet: {error}") from error

    def memory_bytes(self, file: StagedFile) -> int:
        return 5 * file.nbytes  # what Ray's own reader of Parquet takes for granted, too


@dataclass(frozen=True, slots=True)
class Image:
    """One row a file: its pixels, height × width × channels (height × width where it is grey) of uint8.

    `size` is (height, width), to which each is scaled; `mode` is one of Pillow's ("RGB", "L").
    """

    size: tuple[int, int] | None = None
    mode: str | None = None
    include_paths: bool = False
    rows_a_file: int | None = 1

    def blocks(self, file: StagedFile) -> Iterator[Block]:
        import numpy as np
        from ray.data.block import BlockAccessor

        pillow = importlib.import_module("PIL.Image")
        try:
            with pillow.open(io.BytesIO(content(file))) as opened:
                image = opened
                if self.size is not None and image.size != (self.size[1], self.size[0]):
                    image = image.resize((self.size[1], self.size[0]), resample=pillow.Resampling.BILINEAR)
                if self.mode is not None and image.mode != self.mode:
                    image = image.convert(self.mode)
                pixels = np.asarray(image)
        except pillow.UnidentifiedImageError as error:
            raise ValueError(f"the file {file.name} of the stage is no image that Pillow knows") from error
        batch = {IMAGE_COLUMN: pixels[np.newaxis]}
        if self.include_paths:
            batch[PATH_COLUMN] = np.array([file.name])
        yield BlockAccessor.batch_to_block(batch)

    def memory_bytes(self, file: StagedFile) -> int:
        if self.size is None:
            return 8 * file.nbytes  # about what JPEG saves
        return self.size[0] * self.size[1] * _CHANNELS.get(self.mode or "", _USUAL_CHANNELS)


@dataclass(frozen=True, slots=True)
class WithPath:
    """Another reader's rows, and in a column more the name of the file that each is from."""

    reader: Reader

    @property
    def rows_a_file(self) -> int | None:
        return self.reader.rows_a_file

    def blocks(self, file: StagedFile) -> Iterator[pa.Table]:
        for table in self.reader.blocks(file):
            yield table.append_column(PATH_COLUMN, pa.array([file.name] * table.num_rows, pa.string()))

    def memory_bytes(self, file: StagedFile) -> int:
        return self.reader.memory_bytes(file)


def require_pillow() -> None:
    """Raise ImportError, which says where to get it, before anything is read."""
    if importlib.util.find_spec("PIL") is None:
        raise ImportError(
            "SFStageImageDataSource decodes images with Pillow, which this job's image does not have: name pillow in "
            "the code spec's pip_requirements, or take an image of Snowflake's release (image_tag 2.10)"
        )


def _unpacked(path: Path, file: StagedFile) -> pa.NativeFile:
    """The file as a stream; PUT compresses unless it is told not to, and says so in the name."""
    compression = {"gz": "gzip", "bz2": "bz2", "zst": "zstd", "br": "brotli"}.get(file.name.rpartition(".")[2].lower())
    return pa.input_stream(str(path), compression=compression)
