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
    """The log from character `offset` on; empty where there is none yet.

    Bytes that are not UTF-8 become U+FFFD. While the job runs, a character of which only a part is written yet is left
    out, so that offsets keep meaning the same.
    """
    try:
        fd = os.open(directory / files.LOG, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        return ""
    with os.fdopen(fd, "rb") as file:
        data = file.read()
    text = codecs.getincrementaldecoder("utf-8")("replace").decode(data, final=ended)
    return text[max(0, offset) :]
