"""A job's log: the bytes that the script wrote, escape codes and all; who shows them to a terminal strips them."""

from __future__ import annotations

import codecs
import os
from pathlib import Path

from cleanroom_ml.engine.jobs import files


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
