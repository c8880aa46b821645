"""A change that needs nobody's approval and is applied a while after it was sent: linking, unlinking, removing.

Source: service-behaviour, "What is asynchronous, and how it ends": such a call is done when the view shows it, and it
is an update request, which may fail.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from cleanroom_ml.connection import Connection
from cleanroom_ml.errors import ServerError, WaitTimeoutError
from cleanroom_ml.services.update_requests import OPEN, UpdateRequest, list_requests
from cleanroom_ml.services.waiting import Pauses, patiently

APPLIED_SECONDS: Final = 120.0
REFUSED_SECONDS: Final = 3.0
"""So long it is looked whether something was taken away before, when taking it away is refused."""
_ENDED_BADLY: Final = frozenset({"FAILED", "REJECTED"})
_SO_ALREADY: Final = re.compile(r"already", re.IGNORECASE)
"""service-behaviour: "linking what is shared already is an error"; how it is called, nobody says. What is taken away a
second time is not there, which is told like anything else that is not there.
"""
_UNDER_WAY: Final = OPEN | {"APPROVED"}


@dataclass(frozen=True, slots=True)
class Change:
    """`what`: as a sentence's subject, "linking x_V1". `kind`: its requests' type (UpdateRequest.kind); `subject`: the
    offering or template that they are about; `runners`: the aliases. `look`: the command that shows what came of it.
    """

    what: str
    kind: str
    subject: str
    runners: tuple[str, ...]
    look: str

    @property
    def takes_away(self) -> bool:
        """Whether it unlinks or removes."""
        return self.kind.startswith(("UNLINK", "REMOVE"))

    def asked_by(self, request: UpdateRequest) -> bool:
        """Whether a request is about the same thing."""
        return request.kind == self.kind and request.subject.upper() == self.subject.upper()

    def is_all_of(self, request: UpdateRequest) -> bool:
        """Whether a request asks for all of it."""
        return {each.upper() for each in self.runners} <= {each.upper() for each in request.share_with}


def apply(
    connection: Connection,
    collaboration: str,
    change: Change,
    send: Callable[[], object],
    seen: Callable[[], bool],
) -> None:
    """Send a change, and return once `seen` says that it is so. One that is on its way is not sent a second time.

    What was sent before, and is neither listed nor shown yet, is sent again: the target refuses that, and what it shows
    a while later decides.

    Raises:
        ServerError: the target refused it, or its request has failed; with the reason. Where it says that it is so
            already, or refuses to take away, only if the view does not come to show it.
        WaitTimeoutError: it was sent, and is not shown yet.
    """
    before = _asked(connection, collaboration, change)
    under_way = [each for each in before if each.status in _UNDER_WAY and change.is_all_of(each)]
    refused = None if under_way else _sent(send)
    done = {each.id for each in before} - {each.id for each in under_way}
    doubted = refused is not None and not _SO_ALREADY.search(refused.what)
    if refused is not None and doubted and not change.takes_away:
        raise refused
    pauses, begun = Pauses(), time.monotonic()
    while not patiently(seen):
        asked = patiently(lambda: _asked(connection, collaboration, change))
        ours = [each for each in asked if each.id not in done]
        failed = next((each for each in ours if each.status in _ENDED_BADLY), None)
        if failed is not None:
            what = f"{change.what} has {'failed' if failed.status == 'FAILED' else 'been rejected'}"
            raise ServerError(what, why=failed.failure_reason or None, fix=change.look)
        doubted = doubted and not any(each.status in _UNDER_WAY and change.is_all_of(each) for each in ours)
        deadline = begun + (REFUSED_SECONDS if doubted else APPLIED_SECONDS)
        if time.monotonic() >= deadline:
            if refused is not None:
                raise refused
            raise WaitTimeoutError(
                f"{change.what} is {ours[-1].status if ours else 'sent'}, and not shown yet",
                why=f"waited {APPLIED_SECONDS:g} s; the target goes on with it, and repeating is safe",
                fix=change.look,
            )
        pauses.sleep(deadline)


def _sent(send: Callable[[], object]) -> ServerError | None:
    """The refusal: it may be so already, and the view, which may be late, says whether it is."""
    try:
        send()
    except ServerError as error:
        return error
    return None


def _asked(connection: Connection, collaboration: str, change: Change) -> Sequence[UpdateRequest]:
    """The requests for such a change; a role that may not see requests is shown none."""
    try:
        return [each for each in list_requests(connection, collaboration) if change.asked_by(each)]
    except ServerError:
        return ()
