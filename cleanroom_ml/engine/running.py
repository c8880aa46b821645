"""A statement under way in this process, and how it is stopped."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field

from cleanroom_ml.engine.sql.errors import SqlError


@dataclass(slots=True)
class Running:
    """A statement under way in this process. `done` is resolved, without a value, once its record is final."""

    query_id: str
    principal: str
    session_id: str
    done: Future[None] = field(default_factory=Future)
    stopped_by: SqlError | None = None
    started: bool = False
    _cancel: Callable[[], None] | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def on_start(self, cancel: Callable[[], None]) -> None:
        """The work has begun; `cancel` ends it."""
        with self._lock:
            self._cancel = cancel
            stopped = self.stopped_by is not None
        if stopped:
            cancel()

    def begin(self) -> bool:
        """Its turn has come; False where it was stopped while it waited."""
        with self._lock:
            self.started = True
            return self.stopped_by is None

    def stop(self, reason: SqlError) -> None:
        """End it; the first reason counts. One that still waits for its turn is over at once."""
        with self._lock:
            if self.stopped_by is None:
                self.stopped_by = reason
            cancel, waiting = self._cancel, not self.started
        if cancel is not None:
            cancel()
        if waiting:
            self.finish()

    def finish(self) -> None:
        """Tell who waits."""
        with self._lock:
            if not self.done.done():
                self.done.set_result(None)
