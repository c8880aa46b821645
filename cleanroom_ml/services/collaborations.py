"""Create, review and join collaborations, and what is configured in them (docs/api-digest.md §3)."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from cleanroom_ml.connection import Connection
from cleanroom_ml.connection.session import Row
from cleanroom_ml.error_names import ErrorName
from cleanroom_ml.errors import ServerError, UsageError, WaitTimeoutError, WrongPartyError
from cleanroom_ml.services.answers import named_rows, spec_text
from cleanroom_ml.services.collaboration_changes import check_created_from
from cleanroom_ml.services.memberships import expect, me, settled
from cleanroom_ml.services.times import rfc3339
from cleanroom_ml.services.tolerant_specs import collaboration_of
from cleanroom_ml.services.update_requests import UpdateRequest, list_requests, waits_for_me
from cleanroom_ml.services.whose import check_owner, own_account
from cleanroom_ml.specs.collaboration import Collaboration
from cleanroom_ml.specs.load import load_spec
from cleanroom_ml.specs.write import dump_spec

_NEXT = {
    "INVITED": "REVIEW",
    "INSTALLATION_FAILED": "REVIEW",
    "CREATED": "JOIN",
    "IN_REVIEW": "JOIN",
    "REVIEWING": "JOIN",  # so it is called for whom an edit has added (collaboration-api-reference, EDIT)
    "JOIN_FAILED": "JOIN",
}
_CURRENT = re.compile(r"Current status: ([A-Z_]+)")
_BEYOND = frozenset({"CREATING", "INSTALLING", "REPLICATING", "JOINING", "JOINED"})
_NO_INVITATION = (ErrorName.CollaborationInvitationNotFound, ErrorName.InvalidCollaborationStatusError)
_REVIEWED = frozenset({"IN_REVIEW", "REVIEWING", "JOINING", "JOIN_FAILED", "JOINED"})
_TRIES = 3
_REPLICATES = ErrorName.CollaborationListingReplicationPending
_PAUSE = 5.0
_LOOK = 0.5
_LISTED_SECONDS = 30.0
"""How long what was just created may not be found: nobody says, and other answers are seconds late."""
_REVIEW_SECONDS = 600.0
_SETTING_SECONDS = 60.0


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
            str(row["collaboration_name"]) if row.get("collaboration_name") else None,
            str(row["owner_account"]),
            rfc3339(row.get("updated_on")),
            spec_text(row.get("collaboration_spec")),
        )
        for row in named_rows(connection.call("COLLABORATION.VIEW_COLLABORATIONS"), "source_name")
    )


def create(
    connection: Connection, spec: Collaboration, *, timeout_seconds: float = 600, path: Path | None = None
) -> Joined:
    """INITIALIZE, JOIN, and wait until the owner has joined. This account's own collaboration of that spec is kept.

    Args:
        path: the spec's file, where the commands would not find it themselves.

    Raises:
        ConflictError: this account has made a collaboration of that name from another spec.
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
    if existing is not None:
        check_created_from(spec, existing.spec, path=path)
    else:
        connection.call("COLLABORATION.INITIALIZE", dump_spec(spec))
    done = _bring_in(connection, existing or Listed(spec.name, spec.name, account, "", ""), "create", timeout_seconds)
    return Joined(spec.name, done.status, existing is None, account)


def review(connection: Connection, name: str, *, owner_account: str | None = None) -> Listed:
    """What an invitation asks for; calls REVIEW, which installs the application, and tells the server that it was seen.

    An edit may have changed what was reviewed before; what has been joined is only looked at.

    Raises:
        UsageError: this account is not invited to a collaboration of that name.
        WrongPartyError: it is, and by another account than `owner_account`.
    """
    invitation = find(connection, name, owner_account)
    source, owner = invitation.source_name, invitation.owner_account
    if _same(owner, own_account(connection)):
        return invitation
    again, deadline = f"cleanroom-ml collaboration review {name}", time.monotonic() + _REVIEW_SECONDS
    try:
        _review(connection, source, owner, invitation.name or source, again, deadline)
    except ServerError as error:
        if invitation.name is None or not _reviewed_before(connection, invitation.name, error):
            raise
        return invitation
    return find(connection, name, owner)


def _reviewed_before(connection: Connection, name: str, refused: ServerError) -> bool:
    """Whether a review is refused because it was done: a join that failed, say, is joined again and not reviewed. What
    is no invitation any more may have been left half way instead: its status tells.
    """
    if ErrorName.CollaborationAlreadyReviewed in refused.what:
        return True
    if not any(each in refused.what for each in _NO_INVITATION):
        return False
    found = me(connection, name)
    return found is not None and found.status in _REVIEWED


def join(connection: Connection, name: str, *, owner_account: str, timeout_seconds: float = 600) -> Joined:
    """Review if that is still to do, JOIN, and wait until joined; repeating is safe.

    `owner_account` is whose collaboration is meant, and nobody else's of that name is joined.
    """
    return _bring_in(connection, find(connection, name, owner_account), f"join {name}", timeout_seconds)


def approved_by_joining(connection: Connection, invitation: Listed) -> tuple[UpdateRequest, ...]:
    """The requests that joining would approve: of templates that the spec lists and that run no code."""
    if not invitation.spec:
        return ()
    spec = collaboration_of(invitation.spec, invitation.source_name)
    if not any(runner.templates for runner in spec.analysis_runners.values()):
        return ()
    listed = {reference.id.upper() for runner in spec.analysis_runners.values() for reference in runner.templates}
    requests = list_requests(connection, invitation.name or invitation.source_name)
    return tuple(
        request
        for request in requests
        if waits_for_me(request) and request.template_id.upper() in listed and not request.runs_code
    )


def configuration(connection: Connection, name: str) -> list[Row]:
    """The collaboration's configuration: CONFIGURATION, VALUE, STATUS."""
    return connection.call("COLLABORATION.GET_CONFIGURATION", name)


def configure(connection: Connection, name: str, key: str, value: str) -> list[Row]:
    """Set one configuration value; returns the configuration after it, waiting a while for the change to hold.

    What does not hold yet is told as PENDING.
    """
    connection.call("COLLABORATION.SET_CONFIGURATION", name, key.upper(), value)
    deadline, pause = time.monotonic() + _SETTING_SECONDS, 0.1
    while True:
        rows = configuration(connection, name)
        if all(str(row.get("status")).upper() != "PENDING" for row in rows) or time.monotonic() > deadline:
            return rows
        time.sleep(pause)
        pause = min(pause * 2, _PAUSE)


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


def has_joined(connection: Connection, name: str) -> bool:
    """Whether this account has joined."""
    found = me(connection, name)
    return found is not None and found.status == "JOINED"


def _bring_in(connection: Connection, listed: Listed, command: str, timeout_seconds: float) -> Joined:
    """Calls REVIEW and JOIN as often as each is needed, until this party has joined.

    Where the collaboration comes from another region, REVIEW and JOIN are called again once it has arrived; what has
    failed before is tried once more.
    """
    local = listed.name or listed.source_name
    begun, called = time.monotonic(), list[str]()
    deadline = begun + timeout_seconds
    again, before = f"cleanroom-ml collaboration {command}", ""
    owns = _same(listed.owner_account, own_account(connection))
    while True:
        passing = "IN_REVIEW" if called[-1:] == ["JOIN"] else ""
        found = settled(connection, local, command=again, deadline=deadline, before=before, passing=passing)
        if found is None and time.monotonic() - begun < min(timeout_seconds, _LISTED_SECONDS):
            time.sleep(_LOOK)
            continue
        before = found.status if found is not None else ""
        if before == "JOINED":
            return Joined(local, before, bool(called), listed.owner_account)
        step = "JOIN" if owns and before == "INSTALLATION_FAILED" else _NEXT.get(before)
        # A second failure of the same kind, or a status that nothing of ours leads on from, is for a person.
        if step is None or called.count(step) >= _TRIES or (before.endswith("_FAILED") and step in called):
            expect(found, {"JOINED"}, local, again=again)
        called.append(str(step))
        try:
            if step == "REVIEW":
                _review(connection, listed.source_name, listed.owner_account, local, again, deadline)
            else:
                _once_arrived(connection, lambda: connection.call("COLLABORATION.JOIN", local), local, again, deadline)
        except ServerError as error:
            if not _is_further(error, step):
                raise


def _is_further(error: ServerError, step: str | None) -> bool:
    """Whether a step is refused because it was taken before: its answer never came, or its status is told late."""
    if ErrorName.CollaborationAlreadyReviewed in error.what:
        return step == "REVIEW"
    status = _CURRENT.search(error.what) if ErrorName.InvalidCollaborationStatusError in error.what else None
    return status is not None and (status[1] in _BEYOND or _NEXT.get(status[1], step) != step)


def _review(connection: Connection, source: str, owner: str, local: str, again: str, deadline: float) -> None:
    arguments = (source, owner, *(() if local == source else (local,)))
    _once_arrived(connection, lambda: connection.call("COLLABORATION.REVIEW", *arguments), local, again, deadline)


def _once_arrived(connection: Connection, call: Callable[[], object], local: str, again: str, deadline: float) -> None:
    """REVIEW, or the owner's JOIN; again once what comes from another region has arrived."""
    while True:
        try:
            call()
        except ServerError as error:
            if _REPLICATES not in error.what:
                raise
        else:
            return
        settled(connection, local, command=again, deadline=deadline)
        if time.monotonic() > deadline:
            raise WaitTimeoutError(
                f"the collaboration {local} is still REPLICATING to this account's region", fix=again
            )
        time.sleep(_PAUSE)


def _same(one: str, other: str) -> bool:
    return one.upper() == other.upper()
