"""How often a job is looked at while somebody waits, and how long a broken connection is borne meanwhile."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final, TypeVar

from cleanroom_ml.connection import Connection
from cleanroom_ml.errors import CommunicationError

Answer = TypeVar("Answer")

FIRST_SECONDS: Final = 0.1
ENGINE_SECONDS: Final = 2.0
ACCOUNT_SECONDS: Final = 30.0
"""The longest pause between two looks: at the engine, and at an account whose warehouse each look costs."""
PATIENCE_SECONDS: Final = 60.0
_GROWTH: Final = 1.5


class Pauses:
    """Pauses that grow while nothing changes."""

    def __init__(self, slowest: Callable[[], float] = lambda: ACCOUNT_SECONDS) -> None:
        """`slowest`: the longest of them, as far as the target is known by then."""
        self._slowest = slowest
        self._next = FIRST_SECONDS

    def changed(self) -> None:
        """Something happened: the next look is soon."""
        self._next = FIRST_SECONDS

    def sleep(self, deadline: float | None) -> None:
        """The next pause, not past the deadline (of `time.monotonic`)."""
        slowest = self._slowest()
        pause = min(self._next, slowest)
        time.sleep(pause if deadline is None else max(0.0, min(pause, deadline - time.monotonic())))
        self._next = min(self._next * _GROWTH, slowest)


def of_a_job(connection: Connection) -> Pauses:
    """Between looks at a job: short where the target is an engine, which tells more of it than is documented."""
    return Pauses(lambda: ENGINE_SECONDS if connection.capabilities.has_procedure("JOBS.STATUS") else ACCOUNT_SECONDS)


def patiently(look: Callable[[], Answer], *, patience_seconds: float = PATIENCE_SECONDS) -> Answer:
    """What `look` answers, asked again while the connection is broken: it changes nothing, so that repeating is safe.

    Raises:
        CommunicationError: it has been broken for `patience_seconds`.
    """
    begun, pause = time.monotonic(), FIRST_SECONDS
    while True:
        try:
            return look()
        except CommunicationError:
            if time.monotonic() - begun + pause >= patience_seconds:
                raise
        time.sleep(pause)
        pause *= 2
