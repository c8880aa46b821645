"""Workers on a single node: fresh interpreters, each with pipes of its own to this process. No Ray."""

from __future__ import annotations

import contextlib
import os
import pickle
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from . import outcome, wire
from .failures import exit_message
from .outcome import Ended
from .output import Relayed
from .placement import Placement
from .processes import kill_tree

Answers = queue.SimpleQueue[tuple[int, bytes]]
"""What came of workers, by rank, in the order in which it came."""

_PACKAGE: Final = __package__ or ""
_ROOT: Final = str(Path(__file__).resolve().parents[_PACKAGE.count(".") + 1])
_BOOT: Final = f"from {_PACKAGE}.worker import main; main({{}}, {{}})"

SETTLE_SECONDS: Final = 1.0
"""How long others may still tell how they failed: of two failures, the one that caused the other is to be told."""


def run_here(
    work: Sequence[bytes], placements: Sequence[Placement], environments: Sequence[Mapping[str, str]]
) -> list[bytes]:
    """Run one worker a piece of work and return their answers (`outcome.result`) in the order given.

    Raises:
        Ended: one of them raised or died; none of them lives any more.
    """
    ended: Answers = queue.SimpleQueue()
    workers: list[_Worker] = []
    try:
        for piece, placement, environment in zip(work, placements, environments, strict=True):
            workers.append(_Worker(piece, placement, environment, ended))
        answers: dict[int, bytes] = {}
        while len(answers) < len(workers):
            rank, answer = ended.get()
            if outcome.is_failure(answer):
                raise _the_cause(Ended(rank, answer), ended)
            answers[rank] = answer
        return [answers[placement.rank] for placement in placements]
    finally:
        for worker in workers:
            worker.end()


class _Worker:
    """One process, and the thread that feeds it and hears how it ends.

    The process is started by the caller's thread, which stays until it has ended: the kernel ends a worker with the
    thread that started it.
    """

    def __init__(
        self,
        work: bytes,
        placement: Placement,
        environment: Mapping[str, str],
        ended: Answers,
    ) -> None:
        self._placement = placement
        self._ended = ended
        work_read, work_write = os.pipe()
        answer_read, answer_write = os.pipe()
        self._output = None if placement.world_size == 1 else Relayed(f"[worker {placement.rank}] ")
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-u", "-c", _BOOT.format(work_read, answer_write)],
                stdin=subprocess.DEVNULL,
                stdout=None if self._output is None else self._output.fd,
                stderr=None if self._output is None else self._output.fd,
                env={**os.environ, "PYTHONPATH": _import_path(), **environment},
                pass_fds=(work_read, answer_write),
            )
        except BaseException:
            os.close(work_write)
            os.close(answer_read)
            raise
        finally:
            os.close(work_read)
            os.close(answer_write)
            if self._output is not None:
                self._output.start()
        start = {"placement": placement, "path": list(sys.path), "argv": list(sys.argv)}
        self._pipes = os.fdopen(work_write, "wb"), os.fdopen(answer_read, "rb")
        self._thread = threading.Thread(target=self._attend, args=(pickle.dumps(start), work), daemon=True)
        self._thread.start()

    def _attend(self, start: bytes, work: bytes) -> None:
        to_worker, from_worker = self._pipes
        answer = None
        with contextlib.suppress(BrokenPipeError):
            wire.send(to_worker, start)
            wire.send(to_worker, work)
            answer = wire.receive(from_worker)
        code = self._process.wait()
        if self._output is not None:
            self._output.finish()
        self._ended.put((self._placement.rank, outcome.died(exit_message(code)) if answer is None else answer))

    def end(self) -> None:
        """Kill the process, and what it has started, if it lives. Returns when it is gone."""
        if self._process.poll() is None:
            kill_tree(self._process.pid)
        self._thread.join()
        for pipe in self._pipes:
            with contextlib.suppress(BrokenPipeError):
                pipe.close()


def _the_cause(first: Ended, others: Answers) -> Ended:
    # Where one dies, its peers see broken connections a moment later or, if its death takes long to be told, earlier.
    deadline = time.monotonic() + SETTLE_SECONDS
    while not outcome.is_death(first.answer) and (left := deadline - time.monotonic()) > 0:
        with contextlib.suppress(queue.Empty):
            rank, answer = others.get(timeout=left)
            if outcome.is_death(answer):
                return Ended(rank, answer)
    return first


def _import_path() -> str:
    # Where this package lies, first, for the worker's first import; the rest of sys.path is sent to it.
    before = os.environ.get("PYTHONPATH")
    return f"{_ROOT}{os.pathsep}{before}" if before else _ROOT
