"""Approve or reject an update request (reference/collaboration-api.md §4). Neither can be taken back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from cleanroom_ml.connection import Connection
from cleanroom_ml.errors import CleanroomError, NotApprovedError
from cleanroom_ml.services.update_requests import UpdateRequest, list_requests


@dataclass(frozen=True, slots=True)
class Decided:
    """What became of a request. `changed` is False where this party had decided so before."""

    request_id: str
    template_id: str
    decision: Literal["approved", "rejected"]
    status: str
    waiting_for: tuple[str, ...]
    changed: bool
    approval_digest: str | None = None


def approve(connection: Connection, collaboration: str, request: UpdateRequest, digest: str) -> Decided:
    """Approve. The server hashes every file that it holds for the request once more before it records the approval.

    Raises:
        HashMismatchError: a file is not what was registered; the request cannot be approved.
        NotApprovedError: the request was rejected or has failed.
    """
    if request.status == "REJECTED":
        raise NotApprovedError(f"the request for {request.template_id} was rejected", why="a rejection is final")
    if request.status == "FAILED":
        raise NotApprovedError(f"the request for {request.template_id} failed", why=request.details or None)
    if request.status != "PENDING_MY_APPROVAL":
        return _decided(request, "approved", changed=False, digest=digest)
    connection.call("COLLABORATION.APPROVE_UPDATE_REQUEST", collaboration, request.id)
    return _decided(_again(connection, collaboration, request), "approved", changed=True, digest=digest)


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


def _again(connection: Connection, collaboration: str, request: UpdateRequest) -> UpdateRequest:
    return next(each for each in list_requests(connection, collaboration) if each.id == request.id)


def _decided(
    request: UpdateRequest, decision: Literal["approved", "rejected"], *, changed: bool, digest: str | None = None
) -> Decided:
    waiting = tuple(entry.collaborator for entry in request.decisions if entry.decision == "PENDING")
    return Decided(request.id, request.template_id, decision, request.status, waiting, changed, digest)
