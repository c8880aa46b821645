"""A lock that owners have in turns: who asks for it often keeps nobody waiting for more than one turn of each other."""

from __future__ import annotations

import threading

from cleanroom_ml.engine.load.owners import owner
from cleanroom_ml.engine.load.shares import Place, Shares


class FairLock:
    """As `threading.Lock`, between the owners whose work threads do (`owners.owner`); of one owner, first come first.

    An ordinary lock has a queue of threads. Whoever has the most of them in it has it nearly always.
    """

    def __init__(self) -> None:
        self._shares = Shares(1, 1)
        self._held: Place | None = None

    def acquire(self, blocking: bool = True) -> bool:
        """Wait for the lock, unless told not to; whether it is held now."""
        free = self._shares.take(owner.get())
        if free is not None:
            self._held = free
            return True
        if not blocking:
            return False
        woken = threading.Event()
        place = self._shares.ask(owner.get(), lambda _: woken.set())
        try:
            woken.wait()
        except BaseException:
            self._shares.give_back(place)
            raise
        self._held = place
        return True

    def release(self) -> None:
        """Whoever's turn it is has it next.

        Raises:
            RuntimeError: nobody holds it.
        """
        place, self._held = self._held, None
        if place is None:
            raise RuntimeError("the lock is released, and nobody held it")
        self._shares.give_back(place)

    def __enter__(self) -> None:
        self.acquire()

    def __exit__(self, *_: object) -> None:
        self.release()
