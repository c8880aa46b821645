"""Threads that owners have fair shares of: whatever others block theirs with, the next owner's first work starts."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, Final, Generic, TypeVar

from cleanroom_ml.engine.load.owners import Owner, owner
from cleanroom_ml.engine.load.shares import Place, Shares

IDLE_SECONDS: Final = 60.0

T = TypeVar("T")


class FairThreads:
    """Runs work on threads, which are started as they are needed and end when they are not.

    They are daemons: a piece of work that does not end keeps nobody from leaving the process.

    Args:
        size: how much work at once.
        most: how much at once, where some of it is of parties that would have nothing running otherwise.
        name: of the threads.
    """

    def __init__(self, size: int, most: int, name: str) -> None:
        self._shares = Shares(size, most)
        self._name = name
        self._handed: queue.SimpleQueue[_Work] = queue.SimpleQueue()
        self._idle = 0
        self._working = 0
        self._closed = False
        self._state = threading.Condition()

    def submit(self, whose: Owner, work: Callable[[], T]) -> Future[T]:
        """Run it when its owner's turn comes; the future has what it gave. One that is cancelled before does not run.

        Raises:
            RuntimeError: closed.
        """
        if self._closed:
            raise RuntimeError(f"the threads {self._name} are closed")
        piece = _Piece(work)
        self._shares.ask(whose, lambda place: self._start(piece, place))
        return piece.future

    def begin(self, whose: Owner, work: Callable[[], T], may: Callable[[], bool]) -> Future[T] | None:
        """Run it now, where a thread is free for which nobody waits, and `may` says so then; else None, and nothing.

        Raises:
            RuntimeError: closed.
        """
        if self._closed:
            raise RuntimeError(f"the threads {self._name} are closed")
        place = self._shares.take(whose)
        if place is None:
            return None
        if not may():
            self._shares.give_back(place)
            return None
        piece = _Piece(work)
        self._start(piece, place)
        return piece.future

    def close(self, seconds: float) -> bool:
        """Begin nothing any more, and wait for what runs; whether it ended in time."""
        deadline = time.monotonic() + seconds
        with self._state:
            self._closed = True
            return self._state.wait_for(lambda: not self._working, max(0.0, deadline - time.monotonic()))

    def _start(self, piece: _Work, place: Place) -> None:
        piece.place = place
        with self._state:
            self._working += 1
            idle = self._idle > 0
            if idle:
                self._idle -= 1
        if idle:
            self._handed.put(piece)
            return
        try:
            threading.Thread(target=self._serve, args=(piece,), name=self._name, daemon=True).start()
        except RuntimeError as error:  # the machine gives no more threads
            piece.future.set_exception(error)
            self._over(piece)

    def _serve(self, piece: _Work | None) -> None:
        while piece is not None:
            piece.run(stopped=self._closed)
            self._over(piece, idle=1)
            piece = None  # nothing of it is kept while there is nothing to do
            piece = self._next()

    def _over(self, piece: _Work, idle: int = 0) -> None:
        with self._state:
            self._working -= 1
            self._idle += idle
            self._state.notify_all()
        assert piece.place is not None
        self._shares.give_back(piece.place)

    def _next(self) -> _Work | None:
        try:
            return self._handed.get(timeout=IDLE_SECONDS)
        except queue.Empty:
            with self._state:
                if self._idle:
                    self._idle -= 1
                    return None
            return self._handed.get()  # it was handed over in this very moment


class _Piece(Generic[T]):
    """One piece of work, and the place that it has once its turn has come."""

    def __init__(self, work: Callable[[], T]) -> None:
        self.future: Future[T] = Future()
        self.place: Place | None = None
        self._work = work

    def run(self, *, stopped: bool) -> None:
        assert self.place is not None
        if stopped:
            self.future.cancel()
        if not self.future.set_running_or_notify_cancel():
            return
        whose = owner.set(self.place.owner)
        try:
            self.future.set_result(self._work())
        except BaseException as error:  # noqa: BLE001 - whoever waits for the future is told
            self.future.set_exception(error)
        finally:
            owner.reset(whose)


_Work = _Piece[Any]
"""A piece of work. Any: what it gives is between its future and who waits for it."""
