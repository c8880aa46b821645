"""The engine's log: a file of bounded size, private, one line an event; no secret, no statement, no value of a row.

What anybody can cause without having logged in goes to a file of its own, so that it pushes out nothing else. Of events
of one kind there are a hundred at once, and then one now and then; how many were left out is said.
"""

from __future__ import annotations

import io
import logging
import logging.handlers
import os
import time
import traceback
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Final

MAX_BYTES: Final = 8 << 20
BACKUPS: Final = 3
REFUSALS: Final = "cleanroom_ml.engine.refused"
"""The logger for what strangers cause."""
REFUSALS_NAME: Final = "refused.log"
BURST: Final = 100
INFO_SECONDS: Final = 1.0
OTHER_SECONDS: Final = 20.0
"""After a burst, one event of a kind in so many seconds: information, and warnings and errors."""
_KINDS: Final = 1024

_LINE = "%(asctime)s %(levelname)s %(name)s: %(message)s"


def log_to(path: Path) -> logging.Handler:
    """Send the log of this process to `path`, and what strangers cause to REFUSALS_NAME beside it; the first's handler.

    Both 0600, and rotated by size.
    """
    handlers = []
    for place, of_strangers in ((path, False), (path.with_name(REFUSALS_NAME), True)):
        handler = _PrivateHandler(place, maxBytes=MAX_BYTES, backupCount=BACKUPS, encoding="utf-8", delay=of_strangers)
        handler.setFormatter(SafeFormatter(_LINE))
        handler.addFilter(_OfStrangers(of_strangers))
        handler.addFilter(Seldom())
        handlers.append(handler)
    root = logging.getLogger()
    root.handlers[:] = handlers
    root.setLevel(logging.INFO)
    return handlers[0]


class _OfStrangers(logging.Filter):
    """Lets through what strangers cause, or what they do not."""

    def __init__(self, wanted: bool) -> None:
        super().__init__()
        self._wanted = wanted

    def filter(self, record: logging.LogRecord) -> bool:
        broken = record.name.startswith("uvicorn") and record.levelno <= logging.WARNING and record.exc_info is None
        return (record.name == REFUSALS or broken) is self._wanted


class Seldom(logging.Filter):
    """Of events of one kind (the place that logs them) lets BURST through at once, and then one now and then.

    The next one that gets through says how many did not.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._clock = clock
        self._kinds: OrderedDict[tuple[str, int, int], list[float]] = OrderedDict()

    def filter(self, record: logging.LogRecord) -> bool:
        now = self._clock()
        every = INFO_SECONDS if record.levelno <= logging.INFO else OTHER_SECONDS
        kind = (record.pathname, record.lineno, record.levelno)
        left, since, missed = self._kinds.pop(kind, [float(BURST), now, 0.0])
        left = min(BURST, left + (now - since) / every)
        passes = left >= 1
        if passes and missed:
            record.msg, record.args = f"{record.getMessage()} ({int(missed)} like this were left out)", ()
        self._kinds[kind] = [left - passes, now, 0.0 if passes else missed + 1]
        while len(self._kinds) > _KINDS:
            self._kinds.popitem(last=False)
        return passes


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
