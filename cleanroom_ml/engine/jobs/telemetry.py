"""What a supervisor notes about its job while it runs, beside the log: events and usage, for those who look on."""

from __future__ import annotations

import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from cleanroom_ml.engine.contracts.plan import Plan
from cleanroom_ml.engine.jobs import files
from cleanroom_ml.engine.jobs.events import EventCopy
from cleanroom_ml.engine.jobs.usage import UsageCurve
from cleanroom_ml.engine.sandbox.process import SandboxProcess

_EVERY_SECONDS: Final = 0.5


class Telemetry:
    """Notes until the job has ended. A full disk, or any other trouble with it, is never the job's: it is written to
    the supervisor's log, and nothing more is noted.
    """

    def __init__(self, directory: Path, plan: Plan) -> None:
        self._events = EventCopy(directory / files.SCRATCH, directory)
        self._usage = UsageCurve(directory, plan)
        self._next = 0.0

    def look(self, process: SandboxProcess) -> None:
        """Note what there is, if it is time; call it as often as one likes."""
        if time.monotonic() < self._next:
            return
        self._next = time.monotonic() + _EVERY_SECONDS
        with self._guarded():
            usage = process.usage()
            if usage is not None:
                self._usage.note(usage)
            self._events.copy()

    def finish(self) -> None:
        """Note what came last, once nothing of the job runs any more."""
        with self._guarded():
            self._usage.finish()
            self._events.finish()

    @contextmanager
    def _guarded(self) -> Iterator[None]:
        try:
            yield
        except Exception:  # noqa: BLE001 - whatever it is, the job goes on, and the traceback is kept for us
            traceback.print_exc()
            self._next = float("inf")
