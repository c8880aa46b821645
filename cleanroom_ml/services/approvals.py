"""Approve or reject an update request (docs/api-digest.md §4). Neither can be taken back."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal

from cleanroom_ml.connection import Connection
from cleanroom_ml.errors import CleanroomError, NotApprovedError, ServerError, UsageError
from cleanroom_ml.services.change_review import ChangeReview
from cleanroom_ml.services.review import Review
from cleanroom_ml.services.update_requests import OPEN, UpdateRequest, list_requests
from cleanroom_ml.services.verification import check_seen
from cleanroom_ml.services.whose import check_request, expected_owner, own_account, own_names, own_spec
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
    review: Review | ChangeReview,
    *,
    project: Project | None = None,
    unverified_ok: bool = False,
) -> Decided:
    """Approve. The server hashes every file that it holds for the request once more before it records the approval.

    Before it is asked to, the accounts of the request are compared with what this party knows: its own account, and the
    owner and aliases that its project holds.

    Raises:
        WrongPartyError: the request is of other accounts.
        HashMismatchError: a file is not what was registered, or the request does not say whose it is.
        NotApprovedError: the request was rejected or has failed.
        UsageError: not all that would run is shown by this account, and that was not agreed to.
    """
    digest = review.approval_digest
    if request.withdrawn:
        raise NotApprovedError(
            f"the request for {request.subject} was withdrawn by {request.requester}", why="it has ended for good"
        )
    if request.status == "REJECTED":
        raise NotApprovedError(f"the request for {request.subject} was rejected", why="a rejection is final")
    if request.status == "FAILED":
        raise NotApprovedError(f"the request for {request.subject} failed", why=request.failure_reason or None)
    if request.status not in OPEN | {"APPROVED", "COMPLETED"}:
        raise NotApprovedError(
            f"the request for {request.subject} is {request.status}",
            why="that is no status that is known here: nothing was approved",
            fix="cleanroom-ml requests --all",
        )
    if not decides(connection, collaboration, request):
        return _decided(request, "approved", changed=False, digest=digest)
    check_whose(connection, review, project)
    check_seen(review, unverified_ok=unverified_ok)
    connection.call("COLLABORATION.APPROVE_UPDATE_REQUEST", collaboration, request.id)
    return _decided(_again(connection, collaboration, request), "approved", changed=True, digest=digest)


def decides(connection: Connection, collaboration: str, request: UpdateRequest) -> bool:
    """Whether a request waits for this party, as far as can be told from here; the target knows it for certain."""
    if request.status == "REQUESTED":  # what its sender is shown, who has approved by sending it
        return not sent_by(request, own_names(connection, collaboration))
    return request.status == "PENDING_MY_APPROVAL"


def check_whose(connection: Connection, review: Review | ChangeReview, project: Project | None) -> None:
    """Compare the accounts of a request with this party's own account, and with what its project says of the room.

    Raises:
        WrongPartyError: they are others.
    """
    check_request(
        review.parties,
        review.source_name,
        account=own_account(connection),
        owner=expected_owner(project),
        spec=own_spec(project),
    )


def reject(connection: Connection, collaboration: str, request: UpdateRequest, reason: str) -> Decided:
    """Reject, for everybody and for good.

    Raises:
        CleanroomError: it is decided already, the other way.
    """
    if request.status == "REJECTED":
        return _decided(request, "rejected", changed=False)
    if not request.open:
        raise CleanroomError(
            f"the request for {request.subject} is {request.status} already",
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
    if not sent_by(request, own_names(connection, collaboration)):
        raise UsageError(
            f"the request for {request.subject} was sent by {request.requester}",
            why="only its sender can withdraw a request",
            fix=f"cleanroom-ml reject {request.id}",
        )
    if request.withdrawn:
        return _decided(request, "withdrawn", changed=False)
    if not request.open:
        raise CleanroomError(
            f"the request for {request.subject} is {request.status} already", why="only what waits can be withdrawn"
        )
    try:
        connection.call("COLLABORATION.REJECT_UPDATE_REQUEST", collaboration, request.id, reason)
    except ServerError as error:
        error.fix = error.fix or f"ask one of those who decide: cleanroom-ml reject {request.id}"
        raise
    return _decided(_again(connection, collaboration, request), "withdrawn", changed=True)


def sent_by(request: UpdateRequest, names: Collection[str]) -> bool:
    """Whether the one that goes by these names (`whose.own_names`) has sent a request; of one that does not say who
    asks, the target alone knows.
    """
    return not request.requester or request.requester.upper() in names


def _again(connection: Connection, collaboration: str, request: UpdateRequest) -> UpdateRequest:
    """The request as it is now; as it was, where the target does not list it (any more)."""
    return next((each for each in list_requests(connection, collaboration) if each.id == request.id), request)


def _decided(request: UpdateRequest, decision: Ending, *, changed: bool, digest: str | None = None) -> Decided:
    return Decided(request.id, request.subject, decision, request.status, request.waiting_for, changed, digest)
