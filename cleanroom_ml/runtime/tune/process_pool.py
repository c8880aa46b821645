"""Workers of one node: processes of our own, fresh interpreters, one a slot. A trial costs a round trip of a socket."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from multiprocessing.connection import Connection, Pipe, wait
from types import TracebackType
from typing import Final

from ..workers.failures import exit_message
from ..workers.output import Relayed
from ..workers.processes import kill_tree
from .errors import TunerError
from .layout import Slot
from .messages import Outcome, Ready, Task, Unready, dumps

_BOOT: Final = f"from {__package__}.worker import main; main({{}})"

_LOOK_EVERY: Final = 0.5
"""Seconds between looks at processes that say nothing: one that has died may have left its end to a child."""

_GRACE: Final = 2.0
"""Seconds that an idle worker has to end by itself, so that what it registered with `atexit` runs."""


class ProcessPool:
    """See `pool.Pool`."""

    def __init__(self, training: bytes, slots: Sequence[Slot]) -> None:
        self._training = training
        self._slots = slots
        self._workers: dict[int, _Worker] = {}
        self._proven = False

    def submit(self, slot: int, task: Task) -> None:
        if slot not in self._workers:
            self._workers[slot] = _Worker(self._training, self._slots[slot])
        self._workers[slot].begin(task)

    def wait(self) -> list[tuple[int, Outcome]]:
        while True:
            busy = {slot: worker for slot, worker in self._workers.items() if worker.task is not None}
            wait([worker.connection for worker in busy.values()], _LOOK_EVERY)
            ended = []
            for slot, worker in busy.items():
                outcome = worker.look(self._proven)
                self._proven |= worker.ready
                if outcome is not None:
                    ended.append((slot, outcome))
                    if worker.dead:
                        del self._workers[slot]
            if ended:
                return ended

    def __enter__(self) -> ProcessPool:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for worker in self._workers.values():
            worker.connection.close()
        for worker in self._workers.values():
            worker.end(_GRACE if kind is None else 0.0)


class _Worker:
    """One process, and the trial that it has. The kernel ends it with the thread that started it."""

    def __init__(self, training: bytes, slot: Slot) -> None:
        ours, theirs = Pipe()
        self._output = None if slot.mark is None else Relayed(slot.mark)
        output = None if self._output is None else self._output.fd
        with theirs:
            self.process = subprocess.Popen(
                [sys.executable, "-P", "-u", "-c", _BOOT.format(theirs.fileno())],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                pass_fds=[theirs.fileno()],
                env={**os.environ, **slot.environment},
            )
        if self._output is not None:
            self._output.start()
        self.connection: Connection = ours
        self.task: Task | None = None
        self.dead = False
        self.ready = False
        self._began = time.monotonic()
        with contextlib.suppress(OSError):  # where it has died already, `look` finds out and says how
            self.connection.send((sys.path, sys.argv))
            self.connection.send_bytes(training)

    def begin(self, task: Task) -> None:
        self.task = task
        self._began = time.monotonic()
        with contextlib.suppress(OSError):  # as above
            self.connection.send_bytes(dumps(task))

    def look(self, proven: bool) -> Outcome | None:
        """The outcome of its trial if there is one, be it its death.

        Raises TunerError where no trial can run at all: unless it is `proven` that the training can be loaded, a
        process that dies while it loads it will not be the last.
        """
        gone = self.process.poll() is not None  # before its messages: what it sent and then died is read all the same
        try:
            while self.connection.poll():
                message = self.connection.recv()
                if isinstance(message, Unready):
                    raise TunerError(f"train_func cannot be loaded in another process:\n\n{message.trace}")
                if isinstance(message, Outcome):
                    self.task = None
                    return message
                assert isinstance(message, Ready)
                self.ready = True
                self._began = time.monotonic()
        except (EOFError, OSError):
            gone = True
        return self._death(proven) if gone else None

    def end(self, grace: float) -> None:
        """Give the process, whose connection is closed, so many seconds to leave; then kill it."""
        try:
            self.process.wait(grace)
        except subprocess.TimeoutExpired:
            kill_tree(self.process.pid)
            self.process.wait()
        if self._output is not None:
            self._output.finish()

    def _death(self, proven: bool) -> Outcome:
        self.connection.close()
        self.end(_GRACE)
        self.dead = True
        reason = exit_message(self.process.returncode)
        if not (self.ready or proven):
            raise TunerError(f"a process for the trials could not be started: {reason}")
        task, self.task = self.task, None
        assert task is not None
        return Outcome(task.number, task.params, seconds=time.monotonic() - self._began, failure=reason)
