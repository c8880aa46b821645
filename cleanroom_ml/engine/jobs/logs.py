"""A job's log: the bytes that the script wrote, escape codes and all; who shows them to a terminal strips them."""

from __future__ import annotations

import codecs
import os
from pathlib import Path
from typing import Final

from cleanroom_ml.engine.jobs import files

TAIL_BYTES: Final = 100_000
"""So much of a log has the documentation: "up to 100 KB of log lines" (ML jobs, "Monitor the ML Job")."""

_CONTINUED: Final = bytes(range(0x80, 0xC0))


def finish(log: int, total_bytes: int | None, kept_bytes: int) -> None:
    """Write the log's last words: where `total_bytes` is given, that it was cut to its first `kept_bytes`."""
    if total_bytes is not None:
        kept = f"the job wrote {total_bytes:,} bytes, the first {kept_bytes:,} are kept"
        os.write(log, f"\n[cleanroom-ml] the log was cut here: {kept}\n".encode())
    os.fsync(log)


def read(directory: Path, offset: int, *, ended: bool) -> str:
    """The log from character `offset` on, files.MAX_PIECE of it at most; empty where there is none yet.

    Bytes that are not UTF-8 become U+FFFD. While the job runs, a character of which only a part is written yet is left
    out, so that offsets keep meaning the same.
    """
    try:
        fd = os.open(directory / files.LOG, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        return ""
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    found: list[str] = []
    skip, room = max(0, offset), files.MAX_PIECE
    with os.fdopen(fd, "rb") as file:
        last = False
        while room and not last:
            data = file.read(files.MAX_PIECE)
            last = not data
            text = decoder.decode(data, final=last and ended)
            piece = text[skip : skip + room]
            skip, room = max(0, skip - len(text)), room - len(piece)
            found.append(piece)
    return "".join(found)


def tail(directory: Path, *, ended: bool) -> str:
    """The last TAIL_BYTES of the log at most, from the beginning of a line on where there is one in it.

    Bytes that are not UTF-8 become U+FFFD; a character of which only a part is written yet is left out.
    """
    try:
        fd = os.open(directory / files.LOG, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        return ""
    with os.fdopen(fd, "rb") as file:
        begins = max(0, file.seek(0, os.SEEK_END) - TAIL_BYTES)
        file.seek(max(0, begins - 1))
        data = file.read(TAIL_BYTES + min(begins, 1))
    if begins:
        data = data[data.find(b"\n") + 1 :] if b"\n" in data[:-1] else data[1:].lstrip(_CONTINUED)
    return codecs.getincrementaldecoder("utf-8")("replace").decode(data, final=ended)
