"""The application of a collaboration, which is upgraded once a template with code was added: a run before that finds no
such function.

Source: docs/api-digest.md §6 and §9; DESCRIBE APPLICATION, "Output" (`upgrade_state`).
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final, TypeVar

from cleanroom_ml.connection import Connection
from cleanroom_ml.connection.literals import identifier
from cleanroom_ml.errors import ServerError, WaitTimeoutError
from cleanroom_ml.services.doctor.finding import properties
from cleanroom_ml.services.pools import application_of
from cleanroom_ml.services.waiting import Pauses, patiently

UPGRADE_SECONDS: Final = 600.0
_UNDER_WAY: Final = frozenset({"INSTALLING", "QUEUED", "UPGRADING", "QUEUED_RETRY"})
"""What ends by itself and soon; QUEUED_DELAYED is for a time in the future, and the others are for a person."""
_NOT_YET: Final = "Unknown user-defined function"

Answer = TypeVar("Answer")


def upgrade_state(connection: Connection, collaboration: str) -> str:
    """How far the upgrade is; empty where the target does not tell. Raises ServerError: nor that there is one."""
    described = connection.execute(f"DESCRIBE APPLICATION {identifier(application_of(collaboration))}")
    return properties(described).get("upgrade_state", "").upper()


def once_upgraded(
    connection: Connection,
    collaboration: str,
    send: Callable[[], Answer],
    *,
    on_wait: Callable[[str], None] | None = None,
    timeout_seconds: float = UPGRADE_SECONDS,
) -> Answer:
    """What `send` answers; where it is refused because the application is being upgraded, once that is done. A run that
    was refused so has not begun, and may be sent again.

    Args:
        on_wait: is told each state that is waited in.

    Raises:
        ServerError: as `send`, also where the upgrade has failed or is not under way.
        WaitTimeoutError: the upgrade takes longer.
    """
    try:
        return send()
    except ServerError as refused:
        if _NOT_YET not in refused.what or not _upgraded(connection, collaboration, on_wait, timeout_seconds):
            raise
    return send()


def _upgraded(
    connection: Connection, collaboration: str, on_wait: Callable[[str], None] | None, timeout_seconds: float
) -> bool:
    """Whether it is COMPLETE, after it was under way."""
    pauses, deadline, last = Pauses(), time.monotonic() + timeout_seconds, ""
    while True:
        try:
            state = patiently(lambda: upgrade_state(connection, collaboration))
        except ServerError:
            return False
        if state not in _UNDER_WAY:
            return state == "COMPLETE"
        if state != last and on_wait is not None:
            on_wait(state)
        last = state
        if time.monotonic() >= deadline:
            raise WaitTimeoutError(
                f"the application of {collaboration} is still {state}",
                why=f"waited {timeout_seconds:g} s; nothing was started, and the upgrade goes on",
                fix=f"DESCRIBE APPLICATION {application_of(collaboration)}, then the same command again",
            )
        pauses.sleep(deadline)
