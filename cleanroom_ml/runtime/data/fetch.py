"""One chunk of a result over HTTP, straight into the memory that its Arrow columns then lie in.

A chunk's address and the header that opens it are all that is needed: any process of the job can fetch it, without the
connector and without a session. The connector's own reader takes ten kilobytes at a time and joins them.
"""

from __future__ import annotations

import gzip
import http.client
from collections.abc import Mapping
from typing import Final

import pyarrow as pa

from .http_get import RefusedError, get

_GZIP: Final = b"\x1f\x8b"


class ChunkUnavailableError(OSError):
    """The rows cannot be had (any more); the text says what was answered."""


def fetch(url: str, headers: Mapping[str, str]) -> pa.Buffer:
    """The body that lies at `url`, decompressed.

    Raises:
        ChunkUnavailableError: it was refused, or nobody answered for fifteen minutes.
    """
    try:
        return get(url, headers, _body)
    except RefusedError as error:
        raise ChunkUnavailableError(
            f"the rows of a result are not there any more ({error}); run the query again"
        ) from error
    except (OSError, http.client.HTTPException) as error:
        raise ChunkUnavailableError(f"the rows of a result did not arrive: {error}") from error


def _body(response: http.client.HTTPResponse) -> pa.Buffer:
    if response.length is None:
        return _plain(pa.py_buffer(response.read()))
    buffer = pa.allocate_buffer(response.length)
    view = memoryview(buffer)
    filled = 0
    while filled < len(view):
        count = response.readinto(view[filled:])
        if not count:
            raise http.client.IncompleteRead(b"", len(view) - filled)
        filled += count
    return _plain(buffer)


def _plain(buffer: pa.Buffer) -> pa.Buffer:
    return pa.py_buffer(gzip.decompress(buffer)) if buffer[:2].to_pybytes() == _GZIP else buffer
