"""Progress of work on files, told to whoever wants to show it."""

from __future__ import annotations

from typing import Protocol


class Observer(Protocol):
    """Calls come one at a time, but from several threads."""

    def start(self, total_files: int, total_bytes: int) -> None:
        """Work begins; called once."""

    def advance(self, path: str, bytes: int) -> None:
        """So many more bytes of that file are done."""

    def finish(self) -> None:
        """Work has ended, well or not; called once."""


class Silent:
    """Shows nothing."""

    def start(self, total_files: int, total_bytes: int) -> None:
        pass

    def advance(self, path: str, bytes: int) -> None:
        pass

    def finish(self) -> None:
        pass
