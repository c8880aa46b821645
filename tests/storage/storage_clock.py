"""A clock that tests move."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta


class MovingClock:
    """The machine's clock, and what was added to it."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.ahead

    def advance(self, **delta: float) -> None:
        self.ahead += timedelta(**delta)
