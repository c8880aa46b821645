"""A table's rows as files of the job: fetched once, read as often as a trainer goes over them, by many processes.

The files are Arrow and mapped into memory, not read into it: what is not needed just now is the kernel's to drop. They
lie in the job's scratch directory and are gone with it.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from pathlib import Path
from typing import Final

import pyarrow as pa

from ..job_file import this_job
from . import memory
from .prefetch import ahead
from .remote_table import RemoteTable
from .sources import File

_SCRATCH: Final = Path("/scratch")


class NotEnoughDiskError(OSError):
    """The scratch directory does not hold the table."""


def spool(table: RemoteTable, directory: str | Path | None = None) -> RemoteTable:
    """A table of the same rows in a new directory below `directory` (the job's TMPDIR, if None).

    Only the selected columns are written. A table that lies in files already is returned as it is.

    Raises:
        NotEnoughDiskError: before anything is written.
    """
    pieces = table.pieces()
    if pieces and all(isinstance(source, File) for source in table.sources()):
        return table
    parent = Path(directory or tempfile.gettempdir())
    parent.mkdir(parents=True, exist_ok=True)
    free = _free(parent)
    if table.nbytes > free:
        raise NotEnoughDiskError(
            f"a copy of the table on disk needs about {memory.size(table.nbytes)}, and the job has "
            f"{memory.size(free)} left; select fewer columns or rows, or delete files that the job has written"
        )
    target = Path(tempfile.mkdtemp(prefix="table-", dir=parent))
    numbered = list(enumerate(pieces))
    try:
        files = [
            file
            for file in ahead(numbered, lambda each: _write(each[1], target, each[0]), lambda each: each[1].nbytes)
            if file is not None
        ]
    except BaseException:
        shutil.rmtree(target, ignore_errors=True)
        raise
    return RemoteTable(table.schema, files)


def discard(table: RemoteTable) -> None:
    """Delete the files of a spooled table, which cannot be read afterwards; whoever has it mapped keeps it.

    For whoever made them: `spool` gives a table back that is in files already, and those are somebody else's.
    """
    for directory in {source.path.parent for source in table.sources() if isinstance(source, File)}:
        shutil.rmtree(directory, ignore_errors=True)


def _free(directory: Path) -> int:
    """What may still be written: of the disk, and of what the job may leave in files before it is ended."""
    free = shutil.disk_usage(directory).free
    job = this_job()
    if job is not None and directory.is_relative_to(_SCRATCH):
        free = min(free, job.scratch_bytes - _written())
    return max(0, free)


def _written() -> int:
    total = 0
    for path in _SCRATCH.rglob("*"):
        with contextlib.suppress(FileNotFoundError):  # files come and go
            total += path.lstat().st_blocks * 512
    return total


def _write(piece: RemoteTable, directory: Path, number: int) -> File | None:
    path = directory / f"{number:06d}.arrow"
    # One piece is one batch: `ahead` does not start threads for a single one.
    (batch,) = piece.batches()
    if not batch.num_rows:
        return None
    with pa.OSFile(os.fspath(path), "wb") as sink, pa.ipc.new_file(sink, batch.schema) as writer:
        writer.write_batch(batch)
    return File(path, batch.num_rows, batch.nbytes)
