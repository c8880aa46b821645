"""Whose a piece of work is, so that one party's load is kept apart from another's."""

from __future__ import annotations

from contextvars import ContextVar
from typing import Final, NamedTuple


class Owner(NamedTuple):
    """A party: the people of an account, or one job of it (`job` is its id)."""

    account: str
    job: str = ""

    @property
    def party(self) -> tuple[str, bool]:
        """What is never left without a turn: the people of an account together, and its jobs together.

        Each job counts apart where several wait, but a hundred jobs are no hundred guarantees.
        """
        return self.account, bool(self.job)

    @property
    def label(self) -> str:
        """How a refusal names them."""
        return self.job or self.account or "the operator"


ENGINE: Final = Owner("")
"""The engine itself, and whoever has not said yet who they are."""

owner: ContextVar[Owner] = ContextVar("owner", default=ENGINE)
"""Whose work this thread, or this task of the event loop, is doing."""
