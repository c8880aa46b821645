"""Where everybody is in a collaboration, and waiting until this party has got somewhere (docs/api-digest.md §3, §9)."""

from __future__ import annotations

import time
from collections.abc import Collection
from dataclasses import dataclass

from cleanroom_ml.connection import Connection
from cleanroom_ml.error_names import ErrorName
from cleanroom_ml.errors import ServerError, WaitTimeoutError
from cleanroom_ml.remedies import remedy_for
from cleanroom_ml.services.answers import named_rows, texts_of
from cleanroom_ml.services.reported import reported_mapping
from cleanroom_ml.services.times import rfc3339
from cleanroom_ml.services.whose import own_account

GONE = (ErrorName.CollaborationNotFoundException.value, "does not exist")
# What is on its way somewhere by itself; everything else waits for somebody's call.
UNDER_WAY = frozenset({"CREATING", "INSTALLING", "REPLICATING", "JOINING", "LEAVING", "DROPPING"})
_REVIEWING = "REVIEWING"
"""What the page on EDIT calls a review of who was added later: under way, or done; which, nobody says."""
RUNNER = "analysis_runner"
_MEND = "mend what it says"
_OTHER_NAME = (
    "give it another name (`name:` in its spec, `collaboration:` in cleanroom.yaml); "
    "then: cleanroom-ml collaboration create"
)
_HELPS = {
    "CREATE_FAILED": _OTHER_NAME,
    "CREATE_TIMED_OUT": _OTHER_NAME,
    "INSTALLATION_FAILED": _MEND + "; then: {again}",
    "JOIN_FAILED": _MEND + "; then: {again}",
    "LEAVE_FAILED": "cleanroom-ml collaboration leave {name} --yes",
    "DROP_FAILED": "cleanroom-ml collaboration teardown {name} --yes",
    "LOCAL_DROP_PENDING": "cleanroom-ml collaboration leave {name} --yes",
    "LEFT": "the owner invites this account to another collaboration",
    "DROPPED": "the owner creates another collaboration",
}
_LONGEST_PAUSE = 5.0
_SEEN_SECONDS = 15.0


@dataclass(frozen=True, slots=True)
class Membership:
    """One collaborator's state in a collaboration. `roles` are as documented, in lower case."""

    collaborator: str
    account: str
    roles: tuple[str, ...]
    status: str
    details: str
    updated_on: str


def members(connection: Connection, name: str) -> tuple[Membership, ...]:
    """Everybody's state in the collaboration."""
    return tuple(
        Membership(
            str(row["collaborator_name"]),
            str(row["collaborator_account"]),
            roles_of(row.get("roles")),
            str(row["status"]).upper(),
            str(row.get("details") or ""),
            rfc3339(row.get("updated_on")),
        )
        for row in named_rows(connection.call("COLLABORATION.GET_STATUS", name), "collaborator_account")
    )


def roles_of(value: object) -> tuple[str, ...]:
    """Roles as they are told: an array, its JSON text, or a text of words, in either case."""
    return tuple(text.lower().replace(" ", "_") for text in texts_of(value))


def runners(connection: Connection, name: str) -> tuple[str, ...]:
    """The aliases of those who run analyses in the collaboration."""
    return tuple(each.collaborator for each in members(connection, name) if RUNNER in each.roles)


def me(connection: Connection, name: str) -> Membership | None:
    """This account's own membership; None where it is no member."""
    account = own_account(connection)
    return next((each for each in members(connection, name) if each.account.upper() == account.upper()), None)


def mine(connection: Connection, name: str) -> Membership | None:
    """The same; None too where the account is out of it altogether."""
    try:
        return me(connection, name)
    except ServerError as error:
        if any(text in error.what for text in GONE):
            return None
        raise


def settled(
    connection: Connection, name: str, *, command: str, deadline: float, before: str = "", passing: str = ""
) -> Membership | None:
    """This party's membership, once it is not under way any more; None: it has none.

    After a call, `before` is the status from before it, which may be told some seconds longer, and `passing` one that
    is only passed on the way.

    Raises:
        WaitTimeoutError: it is still under way at `deadline` (of the monotonic clock); it names the state, and
            `command`, which goes on from there.
    """
    pause, begun = 0.1, time.monotonic()
    while True:
        found, now = mine(connection, name), time.monotonic()
        if found is None:
            return None
        if found.status != before:
            before = ""  # once it has moved, it may come back there, and that is the end of it
        stale = found.status in (before, passing, _REVIEWING) and now - begun < _SEEN_SECONDS
        if not (found.status in UNDER_WAY or stale):
            return found
        if now > deadline:
            raise WaitTimeoutError(
                f"the collaboration {name} is still {found.status}",
                why="the server goes on with it; nothing was undone",
                fix=f"cleanroom-ml collaboration status {name}, then: {command}",
            )
        time.sleep(pause)
        pause = min(pause * 2, _LONGEST_PAUSE)


def expect(found: Membership | None, wanted: Collection[str], name: str, *, again: str | None = None) -> str:
    """The status, where it is one of those wanted. `again`: the command that goes on, once its reason is mended.

    Raises:
        ServerError: it is another one; with what the server says of it, and what helps.
    """
    status = found.status if found is not None else "DROPPED"
    if status not in wanted:
        why = reasons(found.details) if found is not None else None
        helps = _HELPS.get(status, "cleanroom-ml collaboration status {name}")
        if (remedy := remedy_for(why or "")) is not None:
            helps = helps.replace(_MEND, remedy.fix)
        fix = helps.replace("{name}", name).replace("{again}", again or f"cleanroom-ml collaboration join {name}")
        raise ServerError(f"the collaboration {name} is {status}", why=why, fix=fix)
    return status


def reasons(details: str) -> str | None:
    """What the details of a status say, without their wrapping."""
    told = reported_mapping(details).get("auto_join")
    if isinstance(told, dict) and told.get("failure_summary"):
        return str(told["failure_summary"])
    return details or None
