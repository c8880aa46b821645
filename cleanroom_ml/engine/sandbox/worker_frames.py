"""What a worker's sockets carry, read by the host until a deadline (zygote.py says what is said on them)."""

from __future__ import annotations

import select
import socket
import struct
import sys
import time
from collections.abc import Sequence
from typing import Final

FRAME_BYTES: Final = 9
"""Of what the zygote says: a letter and a number."""
_CREDENTIALS: Final = struct.Struct("iII")
_SCM_CREDENTIALS: Final = 2


def frame(control: socket.socket, deadline: float) -> tuple[bytes, int, int | None]:
    """The next letter with its number, and the pid of who sent it, as the kernel tells it (None: it does not).

    Raises TimeoutError, EOFError, OSError.
    """
    data, pid = b"", None
    while len(data) < FRAME_BYTES:
        control.settimeout(max(0.001, deadline - time.monotonic()))
        room = socket.CMSG_SPACE(_CREDENTIALS.size)
        part, ancillary, _, _ = control.recvmsg(FRAME_BYTES - len(data), room)
        if not part:
            raise EOFError
        for level, kind, value in ancillary:
            if level == socket.SOL_SOCKET and kind == _SCM_CREDENTIALS and sys.platform == "linux":
                pid = _CREDENTIALS.unpack(value[: _CREDENTIALS.size])[0]
        data += part
    return data[:1], struct.unpack("!Q", data[1:])[0], pid


def exactly(connection: socket.socket, size: int, deadline: float) -> bytes:
    """The next `size` bytes. Raises TimeoutError, EOFError, OSError."""
    data = bytearray()
    while len(data) < size:
        connection.settimeout(max(0.001, deadline - time.monotonic()))
        part = connection.recv(min(size - len(data), 1 << 20))
        if not part:
            raise EOFError
        data += part
    return bytes(data)


def send_with(connection: socket.socket, data: bytes, fds: Sequence[int]) -> None:
    """Send all of `data`, with copies of the descriptors at its first byte. Raises TimeoutError, OSError."""
    sent = socket.send_fds(connection, [data], list(fds)) if fds else 0
    if sent < len(data):
        connection.sendall(memoryview(data)[sent:])


def readable(connection: socket.socket, seconds: float) -> bool:
    """Whether something can be read, or its end, within that time."""
    poller = select.poll()
    poller.register(connection, select.POLLIN)
    return bool(poller.poll(max(0.0, seconds) * 1000))
