"""Takes over what a job tells in events: lines that its own processes append to a file in the sandbox.

Everything about that file is hostile: its name may be a link or a pipe, its lines anything. What is kept is written
anew from the parsed values, to a file beside the job's log that the job cannot reach; it is shown where the log is.
"""

from __future__ import annotations

import contextlib
import json
import os
import stat
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from cleanroom_ml.engine.jobs import files
from cleanroom_ml.engine.jobs.event_shapes import NotAnEvent, event_of

EVENTS_NAME: Final = ".events.jsonl"
"""Where the job's processes leave them, below its scratch directory (sandbox_spec.EVENTS_FILE is the path inside)."""

MAX_LINE_BYTES: Final = 16 << 10
MAX_BYTES: Final = 8 << 20
MAX_EVENTS: Final = 50_000
DENSE_ROUNDS: Final = 1_000
"""So many rounds of one curve are kept one by one; then every second for as many, every fourth, and so on."""

_MAX_CURVES: Final = 200
_READ_BYTES: Final = 1 << 20
_LAST_READS: Final = 64


class EventCopy:
    """The events of one running job, from `scratch` to `directory`. Its one user is the job's supervisor."""

    def __init__(self, scratch: Path, directory: Path) -> None:
        self._scratch = scratch
        self._target = directory / files.EVENTS
        self._source: tuple[int, int] | None = None
        self._offset = 0
        self._rest = b""
        self._skipping = False
        self._kept = 0
        self._kept_bytes = 0
        self._dropped = 0
        self._curves: dict[tuple[str, object], _Curve] = {}

    def copy(self) -> bool:
        """Take over the whole lines that were added, up to a bound a call; whether there may be more."""
        data = self._read()
        events = [event for line in self._lines(data) if (event := self._checked(line)) is not None]
        self._write(events)
        return len(data) == _READ_BYTES

    def finish(self) -> None:
        """Take over the rest, once the job has ended; the last point of every curve; and what was left out."""
        for _ in range(_LAST_READS):
            if not self.copy():
                break
        self._write([curve.skipped for curve in self._curves.values() if curve.skipped is not None])
        if self._dropped or self._rest:
            count = self._dropped + bool(self._rest)
            files.append(self._target, _line({"t": round(time.time(), 3), "kind": "dropped", "count": count}))

    def _read(self) -> bytes:
        """What was appended; empty where there is no file, or something else than a plain one in its place."""
        fd = self._open()
        if fd is None:
            self._source = None
            return b""
        try:
            info = os.fstat(fd)
            if not stat.S_ISREG(info.st_mode) or info.st_nlink != 1:
                return b""
            if self._source != (info.st_dev, info.st_ino) or info.st_size < self._offset:
                # Another file, or cut: from its start. The caps hold for all of them together.
                self._source, self._offset, self._rest, self._skipping = (info.st_dev, info.st_ino), 0, b"", False
            data = os.pread(fd, _READ_BYTES, self._offset)
            self._offset += len(data)
            return data
        finally:
            os.close(fd)

    def _open(self) -> int | None:
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC
        # None yet; a link, a socket, one whose rights the job took away: none of them holds events.
        with contextlib.suppress(OSError):
            directory = os.open(self._scratch, flags | os.O_DIRECTORY)
            try:
                return os.open(EVENTS_NAME, flags | os.O_NONBLOCK | os.O_NOCTTY, dir_fd=directory)
            finally:
                os.close(directory)
        return None

    def _lines(self, data: bytes) -> Iterator[bytes]:
        *whole, rest = (self._rest + data).split(b"\n")
        if whole and self._skipping:
            whole, self._skipping = whole[1:], False
        for line in whole:
            if len(line) > MAX_LINE_BYTES:
                self._dropped += 1
            elif line.strip():
                yield line
        if self._skipping or len(rest) > MAX_LINE_BYTES:
            self._dropped += not self._skipping
            self._skipping, rest = True, b""
        self._rest = rest

    def _checked(self, line: bytes) -> dict[str, object] | None:
        if self._kept >= MAX_EVENTS or self._kept_bytes >= MAX_BYTES:
            self._dropped += 1  # counted without being read
            return None
        try:
            event = event_of(line)
        except NotAnEvent:
            self._dropped += 1
            return None
        return event if self._is_drawn(event) else None

    def _is_drawn(self, event: dict[str, object]) -> bool:
        """Whether a round is one of those that are kept of its curve. Everything else is."""
        if event["kind"] not in ("round", "metrics"):
            return True
        key = (str(event.get("trainer", event.get("source"))), event.get("trial"))
        if key not in self._curves and len(self._curves) >= _MAX_CURVES:
            key = ("", None)
        return self._curves.setdefault(key, _Curve()).takes(event)

    def _write(self, events: list[dict[str, object]]) -> None:
        lines = []
        for event in events:
            line = _line(event)
            if self._kept >= MAX_EVENTS or self._kept_bytes + len(line) > MAX_BYTES:
                self._dropped += 1
                continue
            self._kept += 1
            self._kept_bytes += len(line)
            lines.append(line)
        if lines:
            files.append(self._target, b"".join(lines))


class _Curve:
    """Which of the rounds of one curve are kept: all, then ever fewer, and at the end the last."""

    def __init__(self) -> None:
        self._seen = 0
        self._kept = 0
        self.skipped: dict[str, object] | None = None

    def takes(self, event: dict[str, object]) -> bool:
        stride = 1 << (self._kept // DENSE_ROUNDS)
        taken = self._seen % stride == 0
        self._seen += 1
        self._kept += taken
        self.skipped = None if taken else event
        return taken


def read(directory: Path, offset: int) -> str:
    """The events as JSON lines, from character `offset` on, files.MAX_PIECE at most; only whole lines, so that a reader
    goes on at their end.
    """
    return files.whole_lines(directory / files.EVENTS, offset, most=files.MAX_PIECE).decode("ascii")


def _line(event: dict[str, object]) -> bytes:
    # ASCII: characters are bytes, so an offset means the same in both.
    return json.dumps(event, ensure_ascii=True, allow_nan=False, separators=(",", ":")).encode("ascii") + b"\n"
