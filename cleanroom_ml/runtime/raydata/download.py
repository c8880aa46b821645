"""One file of a stage over HTTP: as bytes, or to disk without ever being whole in memory.

The bytes are those that were put, whatever they are: unlike chunks of tables (data/fetch.py), nothing is unpacked.
"""

from __future__ import annotations

import http.client
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from ..data import memory
from ..data.http_get import RefusedError, Taken, get
from .files import StagedFile

_PIECE: Final = 1 << 20


class FileUnavailableError(OSError):
    """A stage's file cannot be had (any more); the text names it and what was answered."""


def content(file: StagedFile) -> bytes:
    """The whole file.

    Raises:
        FileUnavailableError: it was refused, or nobody answered for fifteen minutes.
        NotEnoughMemoryError: it does not fit.
    """
    memory.require(2 * file.nbytes, f"the file {file.name}")
    return _taken(file, lambda response: response.read())


class _DiskError(Exception):
    """What went wrong is on this side: another attempt would not help."""

    def __init__(self, reason: OSError) -> None:
        super().__init__(str(reason))
        self.reason = reason


@contextmanager
def on_disk(file: StagedFile) -> Iterator[Path]:
    """The file in the job's scratch directory, until the end of the block. Its path tells nothing of its name.

    Raises FileUnavailableError, or OSError where the directory is full.
    """
    descriptor, path = tempfile.mkstemp(prefix="staged-")
    try:
        with os.fdopen(descriptor, "wb") as sink:

            def take(response: http.client.HTTPResponse) -> None:
                sink.seek(0)
                sink.truncate()
                while piece := response.read(_PIECE):
                    try:
                        sink.write(piece)
                    except OSError as error:
                        raise _DiskError(error) from error

            try:
                _taken(file, take)
            except _DiskError as error:
                raise error.reason from None
        yield Path(path)
    finally:
        Path(path).unlink()


def _taken(file: StagedFile, take: Callable[[http.client.HTTPResponse], Taken]) -> Taken:
    try:
        return get(file.url, {}, take)
    except RefusedError as error:
        raise FileUnavailableError(
            f"the file {file.name} is not in its stage any more ({error}): it was removed, or its stage was dropped, "
            "after it had been listed"
        ) from error
    except (OSError, http.client.HTTPException) as error:
        raise FileUnavailableError(f"the file {file.name} did not arrive: {error}") from error
