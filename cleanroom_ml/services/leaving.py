"""Out of a collaboration, with the second call that each way out needs (docs/api-digest.md §3 and §9)."""

from __future__ import annotations

import time
from dataclasses import dataclass

from cleanroom_ml.connection import Connection
from cleanroom_ml.errors import ServerError, UsageError, WrongPartyError
from cleanroom_ml.services.collaborations import Listed, find, list_collaborations
from cleanroom_ml.services.memberships import expect, mine, settled
from cleanroom_ml.services.whose import own_account

PENDING = "LOCAL_DROP_PENDING"


@dataclass(frozen=True, slots=True)
class Ended:
    """`changed` is False where there was nothing left to do."""

    collaboration: str
    status: str
    changed: bool


def leave(
    connection: Connection, name: str, *, owner_account: str | None = None, timeout_seconds: float = 600
) -> Ended:
    """LEAVE, wait, LEAVE again; goes on from wherever an earlier call has stopped.

    Raises:
        UsageError: this account owns the collaboration.
        WrongPartyError: a collaboration of that name is another account's than `owner_account`.
        ServerError: this account has not joined it; or leaving failed.
        WaitTimeoutError: it takes longer.
    """
    return _end(connection, name, "LEAVE", "LEFT", owner_account, timeout_seconds)


def teardown(connection: Connection, name: str, *, timeout_seconds: float = 600) -> Ended:
    """TEARDOWN, wait, TEARDOWN again; goes on from wherever an earlier call has stopped.

    Raises:
        WrongPartyError: another account owns the collaboration.
        ServerError: the owner has not joined it; or it failed.
        WaitTimeoutError: it takes longer.
    """
    return _end(connection, name, "TEARDOWN", "DROPPED", own_account(connection), timeout_seconds)


def _end(
    connection: Connection, name: str, procedure: str, done: str, owner_account: str | None, timeout_seconds: float
) -> Ended:
    verb = procedure.lower()
    again = f"cleanroom-ml collaboration {verb} {name} --yes"
    before = mine(connection, name)
    if before is not None and before.status in ("LEFT", "DROPPED"):
        return Ended(name, before.status, False)
    found = find(connection, name, owner_account)
    owns = found.owner_account.upper() == own_account(connection)
    if owns and procedure == "LEAVE":
        raise UsageError(
            f"the owner cannot leave {name}",
            why="ownership cannot be transferred",
            fix=f"cleanroom-ml collaboration teardown {name}, which ends it for everybody",
        )
    if not owns and procedure == "TEARDOWN":
        raise WrongPartyError(
            f"{name} is owned by {found.owner_account}",
            why="only its owner can tear a collaboration down",
            fix=f"cleanroom-ml collaboration leave {name}",
        )
    local = found.name or found.source_name
    deadline = time.monotonic() + timeout_seconds
    was = before.status if before is not None else ""
    if was not in (PENDING, "LEAVING", "DROPPING"):
        connection.call(f"COLLABORATION.{procedure}", local)
        reached = settled(connection, local, command=again, deadline=deadline, before=was)
    else:
        reached = settled(connection, local, command=again, deadline=deadline)
    if expect(reached, {PENDING, done, "DROPPED"}, name) == PENDING:
        connection.call(f"COLLABORATION.{procedure}", local)
        reached = settled(connection, local, command=again, deadline=deadline, before=PENDING)
        expect(reached, {done, "DROPPED"}, name)
    if reached is None:
        _check_gone(connection, found, again)
    return Ended(name, done, True)


def _check_gone(connection: Connection, left: Listed, again: str) -> None:
    """An account that has nothing of a collaboration any more may not be told where it is in it; nor is it listed then.

    Raises:
        ServerError: it is listed still.
    """
    for item in list_collaborations(connection):
        same = (item.source_name.upper(), item.owner_account.upper()) == (
            left.source_name.upper(),
            left.owner_account.upper(),
        )
        if same and item.name:
            raise ServerError(
                f"the target does not tell where this account is in the collaboration {item.name}",
                why="it is listed, and its statuses have none of this account",
                fix=again,
            )
