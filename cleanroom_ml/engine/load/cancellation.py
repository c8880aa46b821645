"""The one way to end work from outside: a token that whatever blocks goes by.

The token belongs to the thread that does the work (`entered`), and is looked up there by what blocks (`current`,
`check`), not handed from function to function: a new place cannot forget to pass it on. Once cancelled it stays so.
What catches the error and goes on is ended by the next thing that it waits for.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from cleanroom_ml.engine.load.owners import ENGINE, Owner, owner

_current: ContextVar[Cancellation | None] = ContextVar("cancellation", default=None)


class Cancellation:
    """A piece of work of one owner, as another thread may end it. Thread-safe."""

    def __init__(self, whose: Owner = ENGINE) -> None:
        self.owner = whose
        self._reason: Exception | None = None
        self._enders: list[Callable[[], None]] = []
        self._lock = threading.Lock()

    @property
    def reason(self) -> Exception | None:
        """Why it was cancelled; None while it may go on."""
        return self._reason

    def check(self) -> None:
        """Raises the reason, once there is one."""
        if self._reason is not None:
            raise self._reason

    def cancel(self, reason: Exception) -> None:
        """End it: what it waits for now is ended, and everything that it would wait for later. The first reason counts.

        Never blocks.
        """
        with self._lock:
            if self._reason is None:
                self._reason = reason
            enders = list(self._enders)
        for end in enders:
            end()

    @contextmanager
    def ending(self, end: Callable[[], None]) -> Iterator[None]:
        """Around something that blocks: `end` makes it stop, and is called at once where this was cancelled before.

        `end` may be called more than once, from any thread, and a moment after the block is over; it must not block.
        """
        with self._lock:
            self._enders.append(end)
            over = self._reason is not None
        try:
            if over:
                end()
            yield
        finally:
            with self._lock:
                self._enders.remove(end)

    @contextmanager
    def entered(self) -> Iterator[None]:
        """Around the work: what blocks in this thread goes by this token, and counts as its owner's."""
        work, whose = _current.set(self), owner.set(self.owner)
        try:
            yield
        finally:
            owner.reset(whose)
            _current.reset(work)


@contextmanager
def tidying() -> Iterator[None]:
    """Around what is put in order after work that may have been ended: it is done all the same. Not for the work."""
    work = _current.set(None)
    try:
        yield
    finally:
        _current.reset(work)


def current() -> Cancellation:
    """The token of what this thread does; outside of any, one that nobody cancels."""
    found = _current.get()
    return Cancellation(owner.get()) if found is None else found


def check() -> None:
    """Raises why the work of this thread was ended, if it was: to be called wherever it could go on for long."""
    found = _current.get()
    if found is not None:
        found.check()
