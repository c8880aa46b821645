"""Pieces of files as the bodies of answers: the kernel copies them to the socket, and nothing of them is here.

A piece goes the way of every message (`send`), so that it is counted against the answer's length and waits for a client
that reads slowly, as bytes do.
"""

from __future__ import annotations

import asyncio
import os
import socket
from pathlib import Path
from typing import Any, Final

import h11
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from cleanroom_ml.engine.http.transfers import InThread

PIECE: Final = 256 << 10
"""What is read of a file, and waits here, where a client takes less than that at once."""


class FilePiece:
    """So many bytes of an open file from an offset on. `before`: what goes out before it."""

    __slots__ = ("before", "descriptor", "length", "offset")

    def __init__(self, descriptor: int, offset: int, length: int) -> None:
        self.descriptor = descriptor
        self.offset = offset
        self.length = length
        self.before = b""

    def __len__(self) -> int:
        return self.length


class Framing(h11.Connection):
    """HTTP's framing. An answer's head goes out with the beginning of its body: whoever carries or reads it is woken
    once. A piece of a file is counted, and given on as it is (h11: "Sendfile support").
    """

    def __init__(self, max_head_bytes: int) -> None:
        super().__init__(h11.SERVER, max_head_bytes)
        self._head = b""

    def send(self, event: h11.Event) -> Any:  # Any: h11 says bytes, and this is what the transport below takes
        if isinstance(event, h11.Response):
            self._head = super().send(event) or b""
            return b""
        head, self._head = self._head, b""
        if isinstance(event, h11.Data) and isinstance(event.data, FilePiece):
            if self.send_with_data_passthrough(event) != [event.data]:
                raise h11.LocalProtocolError("a piece of a file in an answer that does not say its length")
            event.data.before = head
            return event.data
        framed = super().send(event)
        return framed if framed is None else head + framed


class PieceTransport:
    """A connection's transport, which takes pieces as well as bytes."""

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport

    def __getattr__(self, name: str) -> Any:  # Any: whatever the transport has
        return getattr(self._transport, name)

    def write(self, data: bytes | FilePiece) -> None:
        """Send it now as far as that goes without waiting, and the rest as the transport sends bytes."""
        if not isinstance(data, FilePiece):
            self._transport.write(data)
            return
        self._transport.write(data.before)
        # The next piece is asked for once all of this one is gone: only then can the kernel take it as it lies.
        self._transport.set_write_buffer_limits(0)
        sent = self._by_kernel(data)
        if sent < data.length and not self._transport.is_closing():
            rest = os.pread(data.descriptor, data.length - sent, data.offset + sent)
            if len(rest) < data.length - sent:  # the file is shorter than it was
                self._transport.abort()
                return
            self._transport.write(rest)

    def _by_kernel(self, piece: FilePiece) -> int:
        found: socket.socket | None = self._transport.get_extra_info("socket")
        if found is None or self._transport.get_write_buffer_size() or self._transport.is_closing():
            return 0
        try:
            return os.sendfile(found.fileno(), piece.descriptor, piece.offset, piece.length)
        except OSError:  # it takes nothing now; or the client is gone, which the transport finds out by itself
            return 0


class FileAnswer(Response):
    """A part of a file. A descriptor is closed at the end, or where the client has gone."""

    media_type = "application/octet-stream"

    def __init__(
        self, file: Path | int, offset: int, length: int, in_thread: InThread, media_type: str | None = None
    ) -> None:
        super().__init__(media_type=media_type)
        self._file = file
        self._offset = offset
        self._length = length
        self._in_thread = in_thread
        self.headers["content-length"] = str(length)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        file = self._file
        if isinstance(file, Path):
            file = await self._in_thread(os.open, file, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        gone = asyncio.ensure_future(_left(receive))
        try:
            start: dict[str, object] = {"type": "http.response.start", "status": self.status_code}
            await send({**start, "headers": self.raw_headers})
            at, end = self._offset, self._offset + self._length
            while at < end and not gone.done():
                size = min(PIECE, end - at)
                if not _is_in_memory(file, at, size):
                    await self._in_thread(os.pread, file, size, at)
                await send({"type": "http.response.body", "body": FilePiece(file, at, size), "more_body": True})
                at += size
                await asyncio.sleep(0)  # others have their turns between two pieces
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        finally:
            gone.cancel()
            os.close(file)


async def _left(receive: Receive) -> None:
    """Returns once the client is gone."""
    while (await receive())["type"] != "http.disconnect":
        pass


def _is_in_memory(descriptor: int, offset: int, size: int) -> bool:
    """Whether both ends of a part of a file are, so that nobody waits for the disk; False where nobody can tell."""
    if not hasattr(os, "RWF_NOWAIT"):
        return False
    byte = bytearray(1)
    try:
        return all(os.preadv(descriptor, [byte], at, os.RWF_NOWAIT) for at in (offset, offset + size - 1))
    except OSError:  # EAGAIN, or this file system cannot
        return False
