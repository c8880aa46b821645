"""One chunk of a result over HTTP, straight into the memory that its Arrow columns then lie in.

A chunk's address and the header that opens it are all that is needed: any process of the job can fetch it, without the
connector and without a session. The connector's own reader takes ten kilobytes at a time and joins them.
"""

from __future__ import annotations

import gzip
import http.client
import threading
import time
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

import pyarrow as pa

_ATTEMPT_SECONDS: Final = 120.0
_PATIENCE_SECONDS: Final = 900.0
"""The engine may be restarted while a job runs; a request in vain is repeated for so long (as in `session`)."""

_GZIP: Final = b"\x1f\x8b"
_local = threading.local()


class ChunkUnavailableError(OSError):
    """The rows cannot be had (any more); the text says what was answered."""


def fetch(url: str, headers: Mapping[str, str]) -> pa.Buffer:
    """The body that lies at `url`, decompressed.

    Raises:
        ChunkUnavailableError: it was refused, or nobody answered for fifteen minutes.
    """
    deadline = time.monotonic() + _PATIENCE_SECONDS
    pause = 0.1
    while True:
        try:
            return _attempt(url, headers)
        except ChunkUnavailableError:
            raise
        except (OSError, http.client.HTTPException) as error:
            if time.monotonic() + pause > deadline:
                raise ChunkUnavailableError(f"the rows of a result did not arrive: {error}") from error
        time.sleep(pause)
        pause = min(2 * pause, 5.0)


def _attempt(url: str, headers: Mapping[str, str]) -> pa.Buffer:
    parts = urlsplit(url)
    connection = _connection(parts.netloc)
    try:
        connection.request("GET", f"{parts.path}?{parts.query}" if parts.query else parts.path, headers=dict(headers))
        with connection.getresponse() as response:
            if response.status >= 500:
                raise OSError(f"HTTP {response.status}")
            body = _body(response)
    except BaseException:
        # Whatever is still under way on it, the next request needs another connection.
        _local.connections.pop(parts.netloc).close()
        raise
    if response.status != 200:
        raise ChunkUnavailableError(
            f"the rows of a result are not there any more (HTTP {response.status}); run the query again"
        )
    return body


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


def _connection(netloc: str) -> http.client.HTTPConnection:
    """This thread's connection to there; one that the server has closed opens itself again."""
    kept: dict[str, http.client.HTTPConnection] = _local.__dict__.setdefault("connections", {})
    if netloc not in kept:
        kept[netloc] = http.client.HTTPConnection(netloc, timeout=_ATTEMPT_SECONDS)
    return kept[netloc]
