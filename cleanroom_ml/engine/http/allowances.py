"""So much of something for each owner. Whoever wants more waits for what they hold themselves, never for another."""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass, field

from cleanroom_ml.engine.load.owners import Owner
from cleanroom_ml.engine.protocol.errors import WireError


@dataclass(slots=True)
class _Held:
    used: int = 0
    waiting: deque[tuple[int, asyncio.Future[None]]] = field(default_factory=deque)


class Allowances:
    """Amounts of one thing by owner. Used on the event loop only.

    Args:
        each: what one owner may hold at once. One request may have all of it.
        what: how a refusal names it.
        patience: seconds that a request waits for its turn.
    """

    def __init__(self, *, each: int, what: str, patience: float) -> None:
        self._each = each
        self._what = what
        self._patience = patience
        self._owners: dict[Owner, _Held] = {}

    async def take(self, owner: Owner, amount: int) -> None:
        """Hold `amount` more for this owner, in turn; `give` it back.

        Raises:
            WireError: it is more than anybody may have; or too little was given back in time (503: the client retries).
        """
        if amount > self._each:
            raise WireError(390400, f"That is more than {self._each} {self._what}.", sqlstate="08000", status=413)
        own = self._owners.setdefault(owner, _Held())
        if not own.waiting and own.used + amount <= self._each:
            own.used += amount
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        own.waiting.append((amount, turn))
        try:
            await asyncio.wait_for(turn, self._patience)
        except BaseException as error:
            if turn.done() and not turn.cancelled():  # it was given as we gave up
                self.give(owner, amount)
            else:
                own.waiting = deque(entry for entry in own.waiting if entry[1] is not turn)
                self._serve(owner)
            if not isinstance(error, TimeoutError):
                raise
            message = f"{owner.label} has {self._each} {self._what} in use."
            raise WireError(390400, message, sqlstate="53300", status=503) from None

    def give(self, owner: Owner, amount: int) -> None:
        """Give back what `take` gave."""
        self._owners[owner].used -= amount
        self._serve(owner)

    def _serve(self, owner: Owner) -> None:
        own = self._owners.get(owner)
        if own is None:
            return
        while own.waiting and own.used + own.waiting[0][0] <= self._each:
            amount, turn = own.waiting.popleft()
            if not turn.done():
                own.used += amount
                turn.set_result(None)
        if not own.used and not own.waiting:
            del self._owners[owner]
