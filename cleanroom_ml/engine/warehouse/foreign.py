"""Staged ORC and Avro files as Parquet, and CSV files as DuckDB reads them: made of a descriptor by the worker that
reads it, and kept in memory alone.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import BinaryIO

import pyarrow as pa
import pyarrow.orc as orc
import pyarrow.parquet as pq

from cleanroom_ml.engine.sql.files.csv_form import PREFIX, CsvForm
from cleanroom_ml.engine.warehouse import avro, csv_text


class Unreadable(Exception):
    """A file is not what its format says."""


@contextmanager
def replaced(fds: Sequence[int], foreign: Mapping[str, str]) -> Iterator[list[int]]:
    """In the block the same descriptors, but for those that `foreign` says are of another format, or CSV of a form that
    DuckDB does not read: a new one for each.

    Raises:
        Unreadable: a file is none of its format, or nested too deeply.
    """
    given, made = list(fds), list[int]()
    try:
        for number, kind in foreign.items():
            fd = given[int(number)]
            new = _as_csv(fd, kind) if kind.startswith(PREFIX) else _as_parquet(fd, kind)
            if new is not None:
                made.append(new)
                given[int(number)] = new
        yield given
    finally:
        for fd in made:
            os.close(fd)


def _as_csv(fd: int, kind: str) -> int | None:
    try:
        return csv_text.rewritten(fd, CsvForm.read(kind))
    except csv_text.Unreadable as error:
        raise Unreadable from error


def _as_parquet(fd: int, kind: str) -> int:
    made = os.memfd_create(kind)
    try:
        with os.fdopen(os.dup(fd), "rb") as file:
            file.seek(0)
            table = _orc(file) if kind == "ORC" else pa.Table.from_pylist(avro.rows(file.read()))
        with os.fdopen(os.dup(made), "wb") as output:
            pq.write_table(table, output)
    except Unreadable:
        os.close(made)
        raise
    except (pa.ArrowException, ValueError, OverflowError, RecursionError) as error:
        os.close(made)
        raise Unreadable from error
    os.lseek(made, 0, os.SEEK_SET)
    return made


def _orc(file: BinaryIO) -> pa.Table:
    """Raises Unreadable: pyarrow says so with an OSError, too."""
    try:
        return orc.ORCFile(file).read()
    except OSError as error:
        raise Unreadable from error
