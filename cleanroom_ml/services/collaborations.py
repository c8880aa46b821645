"""Create, review and join collaborations, and what is configured in them (docs/api-digest.md §3)."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

from cleanroom_ml.connection import Connection
from cleanroom_ml.connection.session import Row
from cleanroom_ml.errors import ServerError, UsageError, WaitTimeoutError, WrongPartyError
from cleanroom_ml.services.times import rfc3339
from cleanroom_ml.services.update_requests import UpdateRequest, list_requests, waits_for_me
from cleanroom_ml.services.whose import check_owner, own_account
from cleanroom_ml.specs.collaboration import Collaboration
from cleanroom_ml.specs.load import load_spec
from cleanroom_ml.specs.parse import parse_spec
from cleanroom_ml.specs.write import dump_spec

_FAILED = frozenset({"CREATE_FAILED", "INSTALLATION_FAILED", "JOIN_FAILED"})


@dataclass(frozen=True, slots=True)
class Membership:
    """One collaborator's state in a collaboration."""

    collaborator: str
    account: str
    roles: str
    status: str
    details: str
    updated_on: str


@dataclass(frozen=True, slots=True)
class Listed:
    """A collaboration that this account owns, joined, or is invited to. `name` is None until it is installed here."""

    source_name: str
    name: str | None
    owner_account: str
    updated_on: str
    spec: str


@dataclass(frozen=True, slots=True)
class Joined:
    """`changed` is False where there was nothing left to do."""

    collaboration: str
    status: str
    changed: bool
    owner_account: str


def list_collaborations(connection: Connection) -> tuple[Listed, ...]:
    """The collaborations that this account can see."""
    return tuple(
        Listed(
            str(row["source_name"]),
            str(row["collaboration_name"]) if row["collaboration_name"] else None,
            str(row["owner_account"]),
            rfc3339(row["updated_on"]),
            str(row["collaboration_spec"]),
        )
        for row in connection.call("COLLABORATION.VIEW_COLLABORATIONS")
    )


def create(connection: Connection, spec: Collaboration, *, timeout_seconds: float = 600) -> Joined:
    """INITIALIZE, JOIN, and wait until the owner has joined. This account's own collaboration of that name is kept.

    Raises:
        WrongPartyError: another account's collaboration goes by that name in this account, or the spec's owner is
            another account.
        ServerError: the server refused the spec, or creating failed.
    """
    account = own_account(connection)
    owner = spec.account_of(spec.owner) or ""
    if not _same(owner, account):
        raise WrongPartyError(
            f"the owner of {spec.name} is {owner}, and this connection is of {account}",
            why="a collaboration is created by its owner",
            fix="cleanroom-ml connection use NAME, with the owner's connection",
        )
    listed = list_collaborations(connection)
    for item in listed:
        if _same(item.name or "", spec.name):
            check_owner(spec.name, item.owner_account, account)
    existing = next(
        (item for item in listed if _same(item.source_name, spec.name) and _same(item.owner_account, account)), None
    )
    if existing is None:
        connection.call("COLLABORATION.INITIALIZE", dump_spec(spec))
    # Without a warehouse to join with, INITIALIZE ends in CREATED and leaves the joining to its owner.
    if _wait(connection, spec.name, {"CREATED", "IN_REVIEW", "JOINED"}, timeout_seconds) != "JOINED":
        connection.call("COLLABORATION.JOIN", spec.name)
    return Joined(spec.name, _wait(connection, spec.name, {"JOINED"}, timeout_seconds), existing is None, account)


def review(connection: Connection, name: str, *, owner_account: str | None = None) -> Listed:
    """What an invitation asks for; calls REVIEW, which installs the application, unless that has been done.

    Raises:
        UsageError: this account is not invited to a collaboration of that name.
        WrongPartyError: it is, and by another account than `owner_account`.
    """
    invitation = find(connection, name, owner_account)
    if invitation.name is None:
        connection.call("COLLABORATION.REVIEW", invitation.source_name, invitation.owner_account)
        invitation = find(connection, name, invitation.owner_account)
    return invitation


def join(connection: Connection, name: str, *, owner_account: str, timeout_seconds: float = 600) -> Joined:
    """Review if that is still to do, JOIN, and wait until joined; repeating is safe.

    `owner_account` is whose collaboration is meant, and nobody else's of that name is joined.
    """
    invitation = review(connection, name, owner_account=owner_account)
    local = invitation.name or invitation.source_name
    mine = _my_status(connection, local)
    if mine == "JOINED":
        return Joined(local, mine, False, invitation.owner_account)
    connection.call("COLLABORATION.JOIN", local)
    return Joined(local, _wait(connection, local, {"JOINED"}, timeout_seconds), True, invitation.owner_account)


def approved_by_joining(connection: Connection, invitation: Listed) -> tuple[UpdateRequest, ...]:
    """The requests that joining would approve: of templates that the spec lists and that run no code."""
    spec = parse_spec(invitation.spec, source=invitation.source_name)
    if not isinstance(spec, Collaboration) or not any(runner.templates for runner in spec.analysis_runners.values()):
        return ()
    listed = {reference.id.upper() for runner in spec.analysis_runners.values() for reference in runner.templates}
    requests = list_requests(connection, invitation.name or invitation.source_name)
    return tuple(
        request
        for request in requests
        if waits_for_me(request) and request.template_id.upper() in listed and not request.runs_code
    )


def members(connection: Connection, name: str) -> tuple[Membership, ...]:
    """Everybody's state in the collaboration."""
    return tuple(
        Membership(
            str(row["collaborator_name"]),
            str(row["collaborator_account"]),
            str(row["roles"]),
            str(row["status"]),
            str(row.get("details") or ""),
            rfc3339(row["updated_on"]),
        )
        for row in connection.call("COLLABORATION.GET_STATUS", name)
    )


def configuration(connection: Connection, name: str) -> list[Row]:
    """The collaboration's configuration: CONFIGURATION, VALUE, STATUS."""
    return connection.call("COLLABORATION.GET_CONFIGURATION", name)


def configure(connection: Connection, name: str, key: str, value: str) -> list[Row]:
    """Set one configuration value; returns the configuration after it."""
    connection.call("COLLABORATION.SET_CONFIGURATION", name, key.upper(), value)
    return configuration(connection, name)


def read(path: Path) -> Collaboration:
    """The collaboration spec of a file. Raises SpecProblems, or UsageError for another kind of spec."""
    spec = load_spec(path)
    if not isinstance(spec, Collaboration):
        raise UsageError(f"{path} is a {spec.spec_type}", why="a collaboration spec is expected here")
    return spec


def find(connection: Connection, name: str, owner_account: str | None = None) -> Listed:
    """The collaboration that a name means to this account.

    Raises:
        UsageError: none, or several owners' ones.
        WrongPartyError: there is one of that name, and it is not that of `owner_account`.
    """
    listed = list_collaborations(connection)
    named = [item for item in listed if _same(item.source_name, name) or _same(item.name or "", name)]
    if not named:
        raise UsageError(
            f"this account is not invited to a collaboration named {name!r}",
            fix="cleanroom-ml collaboration list; the owner's spec names the accounts",
        )
    matching = [item for item in named if owner_account is None or _same(item.owner_account, owner_account)]
    if not matching and owner_account is not None:
        check_owner(name, ", ".join(item.owner_account for item in named), owner_account)
    # What is installed under the name is what every other command means by it.
    installed = [item for item in matching if _same(item.name or "", name)]
    if len(matching) > 1 and len(installed) != 1:
        owners = ", ".join(item.owner_account for item in matching)
        raise UsageError(f"several invitations are named {name!r}: from {owners}", fix="--owner ORG.ACCOUNT")
    return installed[0] if installed else matching[0]


def me(connection: Connection, name: str) -> Membership | None:
    """This account's own membership; None where it is no member."""
    rows = connection.execute("SELECT CURRENT_ORGANIZATION_NAME() || '.' || CURRENT_ACCOUNT_NAME() AS ACCOUNT")
    account = str(rows[0]["account"])
    return next((member for member in members(connection, name) if _same(member.account, account)), None)


def has_joined(connection: Connection, name: str) -> bool:
    """Whether this account has joined."""
    return _my_status(connection, name) == "JOINED"


def _my_status(connection: Connection, name: str) -> str:
    mine = me(connection, name)
    return mine.status if mine else ""


def _wait(connection: Connection, name: str, wanted: set[str], timeout_seconds: float) -> str:
    deadline, pause = time.monotonic() + timeout_seconds, 0.1
    while (status := _my_status(connection, name)) not in wanted:
        if status in _FAILED:
            details = "; ".join(member.details for member in members(connection, name) if member.details)
            raise ServerError(f"the collaboration {name} ended in {status}", why=details or None)
        if time.monotonic() > deadline:
            raise WaitTimeoutError(
                f"the collaboration {name} is still {status}", fix="cleanroom-ml collaboration status"
            )
        time.sleep(pause)
        pause = min(pause * 2, 5.0)
    return status


def _same(one: str, other: str) -> bool:
    return one.upper() == other.upper()
