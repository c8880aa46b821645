"""Bytes that go through the front without ever being in its memory.

Uploads into stages, downloads, chunks of results.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from starlette.requests import Request

from cleanroom_ml.engine.protocol.bodies import too_large
from cleanroom_ml.engine.protocol.errors import WireError, bad_request
from cleanroom_ml.engine.storage.errors import StorageError
from cleanroom_ml.engine.storage.storage import Storage

MAX_UPLOAD_BYTES: Final = 5 << 30
IDLE_SECONDS: Final = 60.0
_PIECE: Final = 1 << 20

InThread = Callable[..., Awaitable[Any]]


async def receive_upload(request: Request, ticket: str, name: str, storage: Storage, in_thread: InThread) -> None:
    """Store the request's body as the file `name` of the ticket's directory: wholly, or not at all.

    Raises:
        WireError: the ticket is no more, the body is too large, breaks off or stalls, or the path is none.
    """
    declared = request.headers.get("content-length", "")
    if declared.isascii() and declared.isdigit() and int(declared) > MAX_UPLOAD_BYTES:
        raise too_large(MAX_UPLOAD_BYTES)
    try:
        await in_thread(storage.stages.upload, ticket)
    except StorageError as error:
        raise bad_request("Not found.", status=404) from error
    descriptor, path = await in_thread(storage.objects.create_output)
    try:
        size, md5 = await _receive(request, descriptor, in_thread)
        await in_thread(_adopt, storage, path, ticket, name, size, md5)
    except StorageError as error:
        raise bad_request("The file cannot be stored under that path.", status=409) from error
    finally:
        os.close(descriptor)
        with suppress(FileNotFoundError):
            path.unlink()


async def file_range(
    path_or_descriptor: Path | int, offset: int, length: int, in_thread: InThread
) -> AsyncIterator[bytes]:
    """The bytes of a part of a file, a piece at a time. A descriptor is closed at the end."""
    descriptor = path_or_descriptor
    if isinstance(descriptor, Path):
        descriptor = await in_thread(os.open, descriptor, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        end = offset + length
        while offset < end:
            piece: bytes = await in_thread(os.pread, descriptor, min(_PIECE, end - offset), offset)
            if not piece:
                raise OSError("the file is shorter than it was")
            offset += len(piece)
            yield piece
    finally:
        os.close(descriptor)


async def read_body(request: Request, limit: int) -> bytes:
    """A body of at most `limit` bytes, as it came.

    Raises:
        WireError: it is larger, or does not arrive.
    """
    declared = request.headers.get("content-length", "")
    if declared.isascii() and declared.isdigit() and int(declared) > limit:
        raise too_large(limit)
    pieces: list[bytes] = []
    size = 0
    async for piece in _stream(request):
        size += len(piece)
        if size > limit:
            raise too_large(limit)
        pieces.append(piece)
    return b"".join(pieces)


async def _receive(request: Request, descriptor: int, in_thread: InThread) -> tuple[int, str]:
    md5 = hashlib.md5(usedforsecurity=False)
    size = 0
    async for piece in _stream(request):
        size += len(piece)
        if size > MAX_UPLOAD_BYTES:
            raise too_large(MAX_UPLOAD_BYTES)
        await in_thread(_write, descriptor, md5, piece)
    return size, md5.hexdigest()


async def _stream(request: Request) -> AsyncIterator[bytes]:
    pieces = request.stream().__aiter__()
    while True:
        try:
            piece = await asyncio.wait_for(anext(pieces), IDLE_SECONDS)
        except StopAsyncIteration:
            return
        except TimeoutError:
            raise WireError(390400, "The request's body does not arrive.", sqlstate="08000", status=408) from None
        if piece:
            yield piece


def _write(descriptor: int, md5: Any, piece: bytes) -> None:
    md5.update(piece)
    view = memoryview(piece)
    while view:
        view = view[os.write(descriptor, view) :]


def _adopt(storage: Storage, path: Path, ticket: str, name: str, size: int, md5: str) -> None:
    """An object that no row points at yet is kept by the pin until the row is there."""
    sha256 = storage.objects.adopt(path)
    with storage.pin((sha256,)):
        storage.stages.put_uploaded(ticket, name, sha256, size, md5)
