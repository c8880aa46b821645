"""The engine's log: a file of bounded size, private, one line an event; no secret, no statement, no value of a row."""

from __future__ import annotations

import io
import logging
import logging.handlers
import os
import traceback
from pathlib import Path
from types import TracebackType
from typing import Final

MAX_BYTES: Final = 8 << 20
BACKUPS: Final = 3

_LINE = "%(asctime)s %(levelname)s %(name)s: %(message)s"


def log_to(path: Path) -> logging.Handler:
    """Send the log of this process to `path` (0600), rotated by size; the handler."""
    handler = _PrivateHandler(path, maxBytes=MAX_BYTES, backupCount=BACKUPS, encoding="utf-8")
    handler.setFormatter(SafeFormatter(_LINE))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.INFO)
    return handler


class SafeFormatter(logging.Formatter):
    """Messages on one line, whatever a client put into a name; of exceptions the kind and the place, not the text.

    The text of an exception may quote a value: DuckDB's do.
    """

    def format(self, record: logging.LogRecord) -> str:
        lines = super().format(record).split("\n")
        return "\n    ".join("".join(c if c.isprintable() else repr(c)[1:-1] for c in line) for line in lines)

    def formatMessage(self, record: logging.LogRecord) -> str:
        return super().formatMessage(record).replace("\n", "\\n")

    def formatException(
        self, ei: tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]
    ) -> str:
        kind, error, trace = ei
        names = [kind.__name__ if kind else "?"]
        while error is not None and (error := error.__cause__ or error.__context__) is not None and len(names) < 8:
            names.append(type(error).__name__)
        frames = [f"{frame.filename}:{frame.lineno} in {frame.name}" for frame in traceback.extract_tb(trace)]
        return "\n".join([*frames, " <- ".join(names)])


class _PrivateHandler(logging.handlers.RotatingFileHandler):
    def _open(self) -> io.TextIOWrapper:
        descriptor = os.open(
            self.baseFilename, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600
        )
        return os.fdopen(descriptor, "a", encoding=self.encoding)
