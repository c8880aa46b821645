"""Uploads into stages: bytes that go through the front without ever being in its memory."""

from __future__ import annotations

import asyncio
import hashlib
import os
import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import suppress
from typing import Final, ParamSpec, Protocol, TypeVar

from starlette.requests import Request

from cleanroom_ml.engine.protocol.bodies import too_large
from cleanroom_ml.engine.protocol.errors import WireError, bad_request
from cleanroom_ml.engine.protocol.stages import stored_name
from cleanroom_ml.engine.storage.errors import NotFound, StorageError
from cleanroom_ml.engine.storage.storage import Storage

MAX_UPLOAD_BYTES: Final = 5 << 30
PATIENCE_SECONDS: Final = 20.0
SLOWEST: Final = 16 << 10
"""Bytes a second. A body may keep us waiting for PATIENCE_SECONDS, and for as long as it takes at this rate."""
MAX_REMEMBERED: Final = 4096
_HEAD: Final = 16

P = ParamSpec("P")
T = TypeVar("T")


class InThread(Protocol):
    """`Engine.in_thread`: awaits blocking work on a thread, and gives what it gave."""

    async def __call__(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T: ...


class Uploads:
    """Receives what clients PUT: a file is stored wholly, or not at all, and by one URL once.

    A client that did not get its answer sends the same bytes again, and gets it then; other bytes are refused. What was
    stored is remembered for that, in bounded memory: a client that was forgotten asks for another URL.
    """

    def __init__(self, storage: Storage, in_thread: InThread) -> None:
        self._storage = storage
        self._in_thread = in_thread
        self._stored: OrderedDict[str, str] = OrderedDict()

    async def receive(self, request: Request, claims: Mapping[str, object]) -> None:
        """Store the request's body as the file that the URL's claims name.

        Raises:
            WireError: the URL was used or its stage is no more, the body is too large, breaks off or stalls, or the
                path is none. 400 tells the connector to ask for another URL; it gives up at 404 and 409.
        """
        ticket, named = str(claims["ticket"]), str(claims["name"])
        declared = request.headers.get("content-length", "")
        if _is_more(declared, MAX_UPLOAD_BYTES):
            raise too_large(MAX_UPLOAD_BYTES)
        if ticket not in self._stored:
            await self._require(ticket)
        descriptor, path = await self._in_thread(self._storage.objects.create_output)
        sha256 = ""
        try:
            try:
                size, md5, head = await _receive(request, descriptor, self._in_thread)
            finally:
                os.close(descriptor)
            name = stored_name(named, head, gzip=bool(claims["gzip"]))
            sha256 = await self._in_thread(self._storage.objects.adopt, path)
            if self._stored.get(ticket) == sha256:
                return
            await self._in_thread(_keep, self._storage, ticket, name, sha256, size, md5)
            self._stored[ticket] = sha256
            while len(self._stored) > MAX_REMEMBERED:
                self._stored.popitem(last=False)
        except NotFound as error:
            if sha256 and self._stored.get(ticket) == sha256:
                return  # the client's first attempt was not over, and has stored it meanwhile
            if ticket in self._stored:
                raise bad_request("Another file was stored by this URL already.", status=409) from error
            raise _gone() from error
        except StorageError as error:
            raise bad_request("The file cannot be stored under that path.", status=409) from error
        finally:
            with suppress(FileNotFoundError):
                path.unlink()

    async def _require(self, ticket: str) -> None:
        try:
            await self._in_thread(self._storage.stages.upload, ticket)
        except StorageError as error:
            raise _gone() from error


def _is_more(declared: str, limit: int) -> bool:
    """Whether a length that a client declares is over the limit; of what is none, the bytes that arrive are counted."""
    return declared.isascii() and declared.isdigit() and (len(declared) > 19 or int(declared) > limit)


async def read_body(request: Request, limit: int) -> bytes:
    """A body of at most `limit` bytes, as it came.

    Raises:
        WireError: it is larger, or does not arrive.
    """
    declared = request.headers.get("content-length", "")
    if _is_more(declared, limit):
        raise too_large(limit)
    pieces: list[bytes] = []
    size = 0
    try:
        async for piece in _stream(request):
            size += len(piece)
            if size > limit:
                raise too_large(limit)
            pieces.append(piece)
        return b"".join(pieces)
    finally:
        pieces.clear()  # an error's traceback may live on for long, and would keep them


async def _receive(request: Request, descriptor: int, in_thread: InThread) -> tuple[int, str, bytes]:
    """The size and MD5 of the body, and its first bytes."""
    md5 = hashlib.md5(usedforsecurity=False)
    size = 0
    head = b""
    async for piece in _stream(request):
        head = head or piece[:_HEAD]
        size += len(piece)
        if size > MAX_UPLOAD_BYTES:
            raise too_large(MAX_UPLOAD_BYTES)
        await in_thread(_write, descriptor, md5, piece)
    return size, md5.hexdigest(), head


async def _stream(request: Request) -> AsyncIterator[bytes]:
    """The pieces of a body that comes at a fair rate. How long it lets us wait counts, not how long we take."""
    pieces = request.stream().__aiter__()
    waited = 0.0
    size = 0
    while True:
        before = time.monotonic()
        try:
            async with asyncio.timeout(PATIENCE_SECONDS + size / SLOWEST - waited):
                piece = await anext(pieces)
        except StopAsyncIteration:
            return
        except TimeoutError:
            raise WireError(390400, "The request's body does not arrive.", sqlstate="08000", status=408) from None
        waited += time.monotonic() - before
        size += len(piece)
        if piece:
            yield piece


def _write(descriptor: int, md5: hashlib._Hash, piece: bytes) -> None:
    md5.update(piece)
    view = memoryview(piece)
    while view:
        view = view[os.write(descriptor, view) :]


def _keep(storage: Storage, ticket: str, name: str, sha256: str, size: int, md5: str) -> None:
    """An object that no row points at yet is kept by the pin until the row is there."""
    with storage.pin((sha256,)):
        storage.stages.put_uploaded(ticket, name, sha256, size, md5)


def _gone() -> WireError:
    return bad_request("This URL was used already, or is no more.")
