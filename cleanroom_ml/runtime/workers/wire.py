"""Frames on the pipes between the main process and a worker: eight bytes of length, then as many bytes."""

from __future__ import annotations

import struct
from typing import BinaryIO, Final

_LENGTH: Final = struct.Struct("!Q")


def send(file: BinaryIO, data: bytes) -> None:
    """Write one frame. Raises BrokenPipeError where nobody reads any more."""
    file.write(_LENGTH.pack(len(data)))
    file.write(data)
    file.flush()


def receive(file: BinaryIO) -> bytes | None:
    """The next frame; None where the other end closed, or died within one."""
    head = file.read(_LENGTH.size)
    if len(head) < _LENGTH.size:
        return None
    (length,) = _LENGTH.unpack(head)
    data = file.read(length)
    return data if len(data) == length else None
