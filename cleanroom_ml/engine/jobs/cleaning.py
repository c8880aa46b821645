"""Removes what ended jobs left, in a thread of its own: a directory that takes minutes to remove holds nobody up."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cleanroom_ml.engine.jobs import launching
from cleanroom_ml.engine.sandbox.remove_tree import Interrupted

log = logging.getLogger(__name__)

FIRST_PAUSE_SECONDS: Final = 1.0
LONGEST_PAUSE_SECONDS: Final = 300.0


@dataclass(slots=True)
class _Task:
    """`due` is when it is tried next; `trouble` is what was logged of it last."""

    due: float
    pause: float
    trouble: str = ""


class Cleaner:
    """Takes jobs by their ids. Thread-safe; the thread starts with the first job.

    What cannot be removed is tried again, after pauses that double, and logged once. What is left when this is closed
    (or killed) is in the catalog as not cleaned: the next engine tries it again.

    Args:
        root: HOME/jobs.
        cleaned: called, in the thread, with the id of a job of which nothing is left.
    """

    def __init__(self, root: Path, cleaned: Callable[[str], object]) -> None:
        self._root = root
        self._cleaned = cleaned
        self._tasks: dict[str, _Task] = {}
        self._changed = threading.Condition()
        self._closing = False
        self._thread: threading.Thread | None = None

    def add(self, job_id: str) -> None:
        """Clean up after this job. Does nothing for one that waits already."""
        with self._changed:
            if self._closing:
                return
            self._tasks.setdefault(job_id, _Task(time.monotonic(), FIRST_PAUSE_SECONDS))
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="job-cleaner", daemon=True)
                self._thread.start()
            self._changed.notify()

    def close(self) -> None:
        """Stop, in the middle of a directory if need be."""
        with self._changed:
            self._closing = True
            self._changed.notify()
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        while (job_id := self._next()) is not None:
            try:
                launching.clean_up(self._root / job_id, stop=lambda: self._closing)
                self._cleaned(job_id)
            except Interrupted:
                return
            except Exception as error:  # noqa: BLE001 - logged, and tried again: the others' turn comes all the same
                self._put_off(job_id, error)
            else:
                with self._changed:
                    del self._tasks[job_id]

    def _next(self) -> str | None:
        """The job whose turn it is, once there is one; None when this is closed."""
        with self._changed:
            while not self._closing:
                if not self._tasks:
                    self._changed.wait()
                    continue
                job_id, task = min(self._tasks.items(), key=lambda item: item[1].due)
                left = task.due - time.monotonic()
                if left <= 0:
                    return job_id
                self._changed.wait(left)
            return None

    def _put_off(self, job_id: str, error: Exception) -> None:
        with self._changed:
            task = self._tasks[job_id]
            task.due = time.monotonic() + task.pause
            task.pause = min(2 * task.pause, LONGEST_PAUSE_SECONDS)
            known, task.trouble = task.trouble, repr(error)
        if known != repr(error):
            log.warning("what job %s left cannot be removed yet; it is tried again: %r", job_id, error)
