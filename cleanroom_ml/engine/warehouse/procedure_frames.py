"""Frames between a procedure in Python and the front (both sides of the sandbox).

What the procedure's connector would send over a network is a frame: `!IQ` (bytes of the head, of the body), the head
(JSON: method, target, content encoding), the body. The answer to it: `!HQ` (status, bytes of the body), the body.
Nothing is open, nothing listens, and there is no token: the descriptor is the procedure's own, and ends with the CALL.
"""

from __future__ import annotations

import json
import socket
import struct
from dataclasses import dataclass
from typing import Final

REQUEST: Final = struct.Struct("!IQ")
ANSWER: Final = struct.Struct("!HQ")
MOST_HEAD: Final = 16 << 10
_PIECE: Final = 256 << 10


class BadFrame(ValueError):
    """The other side sent what it should not."""


@dataclass(frozen=True, slots=True)
class Head:
    """A request but for its body, of which `size` bytes follow."""

    method: str
    target: str
    encoding: str
    size: int


def send_request(line: socket.socket, method: str, target: str, encoding: str, body: bytes) -> None:
    """One request."""
    head = json.dumps([method, target, encoding]).encode()
    line.sendall(REQUEST.pack(len(head), len(body)) + head)
    line.sendall(body)


def receive_head(line: socket.socket) -> Head | None:
    """The next request; None: the other side is gone. Raises BadFrame."""
    first = exactly(line, REQUEST.size)
    if first is None:
        return None
    length, size = REQUEST.unpack(first)
    if length > MOST_HEAD:
        raise BadFrame("a head is too large")
    data = exactly(line, length)
    if data is None:
        return None
    try:
        parts = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise BadFrame("a head is not JSON") from error
    if not (isinstance(parts, list) and len(parts) == 3 and all(isinstance(part, str) for part in parts)):
        raise BadFrame("a head is a method, a target and an encoding")
    return Head(parts[0], parts[1], parts[2], size)


def receive_answer(line: socket.socket) -> tuple[int, bytes]:
    """The status and the body of an answer. Raises BadFrame: the front is gone."""
    first = exactly(line, ANSWER.size)
    status, size = ANSWER.unpack(first) if first is not None else (0, 0)
    body = None if first is None else exactly(line, size)
    if body is None:
        raise BadFrame("the engine has ended the procedure")
    return status, body


def exactly(line: socket.socket, size: int) -> bytes | None:
    """So many bytes; None: the other side is gone before they are there."""
    data = bytearray()
    while len(data) < size:
        part = line.recv(min(size - len(data), _PIECE))
        if not part:
            return None
        data += part
    return bytes(data)
