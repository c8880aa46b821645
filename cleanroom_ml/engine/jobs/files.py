"""Files of a job's directory (HOME/jobs/<id>/): names, atomic writing, and sockets at long paths."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from cleanroom_ml.engine.storage.objects import sync_directory

PLAN: Final = "plan.json"
TOKEN: Final = "token"
RECORD: Final = "record.json"
CANCEL: Final = "cancel"
LOCK: Final = "supervisor.lock"
SUPERVISOR_LOG: Final = "supervisor.log"
LOG: Final = "stdout.log"
RESULT: Final = "result.json"
EVENTS: Final = "events.jsonl"
USAGE: Final = "usage.jsonl"
CODE: Final = "code"
SCRATCH: Final = "scratch"
JOB_SOCKET: Final = "job.sock"
FRONT_SOCKET: Final = "front.sock"


def write_atomically(path: Path, data: bytes, *, mode: int = 0o600) -> None:
    """Put `data` at `path` so that after a crash there is the old file or the new one, never a part of one."""
    part = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    fd = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, mode)
    with os.fdopen(fd, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    part.rename(path)
    sync_directory(path.parent)


def append(path: Path, data: bytes) -> None:
    """Add `data` to the end of a file that is made if need be. Readers may see a part of it for a moment."""
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    with os.fdopen(fd, "ab") as file:
        file.write(data)


MAX_PIECE: Final = 1 << 20
"""What a job told is answered in pieces of so many characters: each is in the front's memory, and in the catalog."""


def whole_lines(path: Path, offset: int = 0, *, most: int = -1) -> bytes:
    """What a file that is appended to holds from byte `offset` on, up to its last line break; empty where it is not.

    `most`: bytes that are read; where it is given, lines are shorter than that.
    """
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        return b""
    with os.fdopen(fd, "rb") as file:
        file.seek(offset)
        data = file.read(most)
    return data[: data.rfind(b"\n") + 1]


@contextmanager
def short_path(path: Path) -> Iterator[str]:
    """A path to the same socket that is short enough for sockaddr_un (108 bytes), whatever the length of `path`."""
    fd = os.open(path.parent, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{fd}/{path.name}"
    finally:
        os.close(fd)
