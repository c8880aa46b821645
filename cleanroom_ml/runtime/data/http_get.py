"""GET from the engine over a connection that each thread keeps, asked again while the engine is restarted."""

from __future__ import annotations

import http.client
import threading
import time
from collections.abc import Callable, Mapping
from typing import Final, TypeVar
from urllib.parse import urlsplit

_ATTEMPT_SECONDS: Final = 120.0
_PATIENCE_SECONDS: Final = 900.0
"""The engine may be restarted while a job runs; a request in vain is repeated for so long (as in `session`)."""

_local = threading.local()

Taken = TypeVar("Taken")


class RefusedError(OSError):
    """The engine answered, with another status than 200: asking again is of no use."""

    def __init__(self, status: int) -> None:
        super().__init__(f"HTTP {status}")


def get(url: str, headers: Mapping[str, str], take: Callable[[http.client.HTTPResponse], Taken]) -> Taken:
    """What `take` makes of the body at `url`. It is called anew, from the body's first byte, if the answer broke off.

    Raises:
        RefusedError: there is no such body, or it is not for the asker.
        OSError, http.client.HTTPException: the last attempt's, where there was no answer for fifteen minutes.
    """
    deadline = time.monotonic() + _PATIENCE_SECONDS
    pause = 0.1
    while True:
        try:
            return _attempt(url, headers, take)
        except RefusedError:
            raise
        except (OSError, http.client.HTTPException):
            if time.monotonic() + pause > deadline:
                raise
        time.sleep(pause)
        pause = min(2 * pause, 5.0)


def _attempt(url: str, headers: Mapping[str, str], take: Callable[[http.client.HTTPResponse], Taken]) -> Taken:
    parts = urlsplit(url)
    connection = _connection(parts.netloc)
    try:
        connection.request("GET", f"{parts.path}?{parts.query}" if parts.query else parts.path, headers=dict(headers))
        with connection.getresponse() as response:
            if response.status >= 500:
                raise OSError(f"HTTP {response.status}")
            if response.status == 200:
                taken = take(response)
                if response.length:
                    raise http.client.IncompleteRead(b"", response.length)
                return taken
            response.read()
    except BaseException:
        # Whatever is still under way on it, the next request needs another connection.
        _local.connections.pop(parts.netloc).close()
        raise
    raise RefusedError(response.status)


def _connection(netloc: str) -> http.client.HTTPConnection:
    """This thread's connection to there; one that the server has closed opens itself again."""
    kept: dict[str, http.client.HTTPConnection] = _local.__dict__.setdefault("connections", {})
    if netloc not in kept:
        kept[netloc] = http.client.HTTPConnection(netloc, timeout=_ATTEMPT_SECONDS)
    return kept[netloc]
