"""Approve or reject an update request (docs/api-digest.md §4). Neither can be taken back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from cleanroom_ml.connection import Connection
from cleanroom_ml.errors import CleanroomError, NotApprovedError, ServerError, UsageError
from cleanroom_ml.services.update_requests import UpdateRequest, list_requests
from cleanroom_ml.services.whose import check_request, expected_owner, own_account, own_spec
from cleanroom_ml.specs.project import Project

Ending = Literal["approved", "rejected", "withdrawn"]


@dataclass(frozen=True, slots=True)
class Decided:
    """What became of a request. `changed` is False where this party had decided so before."""

    request_id: str
    template_id: str
    decision: Ending
    status: str
    waiting_for: tuple[str, ...]
    changed: bool
    approval_digest: str | None = None


def approve(
    connection: Connection,
    collaboration: str,
    request: UpdateRequest,
    digest: str,
    *,
    project: Project | None = None,
) -> Decided:
    """Approve. The server hashes every file that it holds for the request once more before it records the approval.

    Before it is asked to, the accounts of the request are compared with what this party knows: its own account, and the
    owner and aliases that its project holds.

    Raises:
        WrongPartyError: the request is of other accounts.
        HashMismatchError: a file is not what was registered, or the request does not say whose it is.
        NotApprovedError: the request was rejected or has failed.
    """
    if request.withdrawn:
        raise NotApprovedError(
            f"the request for {request.template_id} was withdrawn by {request.requester}", why="it has ended for good"
        )
    if request.status == "REJECTED":
        raise NotApprovedError(f"the request for {request.template_id} was rejected", why="a rejection is final")
    if request.status == "FAILED":
        raise NotApprovedError(f"the request for {request.template_id} failed", why=request.details or None)
    if request.status != "PENDING_MY_APPROVAL":
        return _decided(request, "approved", changed=False, digest=digest)
    check_whose(connection, request, project)
    connection.call("COLLABORATION.APPROVE_UPDATE_REQUEST", collaboration, request.id)
    return _decided(_again(connection, collaboration, request), "approved", changed=True, digest=digest)


def check_whose(connection: Connection, request: UpdateRequest, project: Project | None) -> None:
    """Compare the accounts of a request with this party's own account, and with what its project says of the room.

    Raises:
        WrongPartyError: they are others.
        HashMismatchError: the request does not say whose it is.
    """
    check_request(request.spec, account=own_account(connection), owner=expected_owner(project), spec=own_spec(project))


def reject(connection: Connection, collaboration: str, request: UpdateRequest, reason: str) -> Decided:
    """Reject, for everybody and for good.

    Raises:
        CleanroomError: it is decided already, the other way.
    """
    if request.status == "REJECTED":
        return _decided(request, "rejected", changed=False)
    if not request.open:
        raise CleanroomError(
            f"the request for {request.template_id} is {request.status} already",
            why="an approval cannot become a rejection",
        )
    connection.call("COLLABORATION.REJECT_UPDATE_REQUEST", collaboration, request.id, reason)
    return _decided(_again(connection, collaboration, request), "rejected", changed=True)


def withdraw(connection: Connection, collaboration: str, request: UpdateRequest, reason: str) -> Decided:
    """Take back a request of one's own that waits; it can never be approved afterwards. Repeating is safe.

    It is the sender's REJECT_UPDATE_REQUEST, which ends a request as any rejection does.

    Raises:
        UsageError: somebody else sent it.
        CleanroomError: it is approved, or has ended otherwise.
        ServerError: the target does not let a sender end a request (Snowflake does since API version 13.9).
    """
    if not sent_by(request, own_account(connection)):
        raise UsageError(
            f"the request for {request.template_id} was sent by {request.requester}",
            why="only its sender can withdraw a request",
            fix=f"cleanroom-ml reject {request.id}",
        )
    if request.withdrawn:
        return _decided(request, "withdrawn", changed=False)
    if not request.open:
        raise CleanroomError(
            f"the request for {request.template_id} is {request.status} already", why="only what waits can be withdrawn"
        )
    try:
        connection.call("COLLABORATION.REJECT_UPDATE_REQUEST", collaboration, request.id, reason)
    except ServerError as error:
        if connection.target.kind == "engine":
            raise
        refused = ServerError(
            f"the target does not withdraw the request for {request.template_id}",
            why=f"{error.what}; a sender can end an open request since API version 13.9 of the clean rooms",
            fix="ask one of those who decide: cleanroom-ml reject " + request.id,
        )
        refused.code, refused.sqlstate, refused.query_id = error.code, error.sqlstate, error.query_id
        raise refused from error
    return _decided(_again(connection, collaboration, request), "withdrawn", changed=True)


def sent_by(request: UpdateRequest, account: str) -> bool:
    """Whether an account has sent a request; one that does not say whose it is, is told by the engine alone."""
    listed = request.spec.get("parties")
    parties = listed if isinstance(listed, list) else []
    senders = {str(each.get("account", "")).upper() for each in parties if "requester" in each.get("roles", ())}
    return account.upper() in senders or not senders


def _again(connection: Connection, collaboration: str, request: UpdateRequest) -> UpdateRequest:
    return next(each for each in list_requests(connection, collaboration) if each.id == request.id)


def _decided(request: UpdateRequest, decision: Ending, *, changed: bool, digest: str | None = None) -> Decided:
    waiting = tuple(entry.collaborator for entry in request.decisions if entry.decision == "PENDING")
    return Decided(request.id, request.template_id, decision, request.status, waiting, changed, digest)
