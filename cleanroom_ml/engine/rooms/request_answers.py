"""What is told of update requests: the documented answer, and what only this engine tells of them.

VIEW_UPDATE_REQUESTS answers what its page says and nothing else. Manifests, locks, digests and every decision in detail
are answered by APPROVALS.… of the engine's own database, to exactly those who see the request.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from typing import Final

from cleanroom_ml.engine.contracts.table import Rows
from cleanroom_ml.engine.rooms import access, listing, requests_store
from cleanroom_ml.engine.rooms.access import Member, identity
from cleanroom_ml.engine.rooms.payloads import displayed
from cleanroom_ml.engine.rooms.ports import Caller
from cleanroom_ml.engine.rooms.requests_store import (
    ADD_TEMPLATE,
    EDIT_COLLABORATION,
    LINK_OFFERING,
    REMOVE_TEMPLATE,
    UNLINK_OFFERING,
    Decision,
    Request,
)
from cleanroom_ml.engine.sql.binds import Value
from cleanroom_ml.engine.sql.errors import SqlError, room_error
from cleanroom_ml.engine.storage.database import Database
from cleanroom_ml.engine.storage.keys import from_micros
from cleanroom_ml.error_names import ErrorName

# Source: API reference, VIEW_UPDATE_REQUESTS, "Details column contents". `failure_reason` is there for FAILED alone.
DETAILS: Final[Mapping[str, tuple[str, ...]]] = {
    ADD_TEMPLATE: ("template_id", "share_with", "code_specs", "requested_by", "failure_reason"),
    REMOVE_TEMPLATE: ("template_id", "remove_for", "requested_by", "failure_reason"),
    LINK_OFFERING: ("data_offering_id", "share_with", "requested_by", "failure_reason"),
    UNLINK_OFFERING: ("data_offering_id", "remove_for", "requested_by", "failure_reason"),
    EDIT_COLLABORATION: ("operations", "requested_by", "failure_reason"),
}
_COLUMNS: Final = (
    ("ID", "VARCHAR"),
    ("TYPE", "VARCHAR"),
    ("STATUS", "VARCHAR"),
    ("APPROVAL_LOG", "VARCHAR"),
    ("DETAILS", "VARCHAR"),
    ("SPEC", "VARCHAR"),
    ("UPDATED_ON", "TIMESTAMP_LTZ"),
)
_DECISIONS: Final = (
    ("REQUEST_ID", "VARCHAR"),
    ("APPROVAL_DIGEST", "VARCHAR"),
    ("COLLABORATOR", "VARCHAR"),
    ("ACCOUNT", "VARCHAR"),
    ("DECISION", "VARCHAR"),
    ("REASON", "VARCHAR"),
    ("DECIDED_ON", "TIMESTAMP_LTZ"),
    ("BY_USER", "VARCHAR"),
    ("ATTESTED_BY", "VARCHAR"),
)
_SUBJECT: Final = (
    ("REQUEST_ID", "VARCHAR"),
    ("APPROVAL_DIGEST", "VARCHAR"),
    ("SUBJECT", "VARCHAR"),
    ("PREVIOUS", "VARCHAR"),
)


class RequestAnswers:
    """VIEW_UPDATE_REQUESTS, and APPROVALS.VIEW_DECISIONS and APPROVALS.DESCRIBE_REQUEST of the engine's own."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def view(self, caller: Caller, name: str) -> Rows:
        """VIEW_UPDATE_REQUESTS: those that the caller has sent or can decide on, each with its status as the caller
        sees it.
        """
        member = self._reader(caller, name)
        with self._database.read() as connection:
            rows = [_row(connection, member, request) for request in requests_store.visible(connection, member)]
        return Rows.answer(_COLUMNS, tuple(rows))

    def decisions(self, caller: Caller, name: str) -> Rows:
        """APPROVALS.VIEW_DECISIONS: of the same requests, who decides, and who has decided what, when and how."""
        member = self._reader(caller, name)
        with self._database.read() as connection:
            rows = [
                (request.id, request.digest, *_decision(decision))
                for request in requests_store.visible(connection, member)
                for decision in requests_store.decisions(connection, request.id)
            ]
        return Rows.answer(_DECISIONS, tuple(rows))

    def describe(self, caller: Caller, name: str, request_id: object) -> Rows:
        """APPROVALS.DESCRIBE_REQUEST: all that approving a request to add a template would let run, with its digest.

        Raises:
            SqlError: UpdateRequestNotFoundException, also where it is not the caller's to see, or adds no template.
        """
        member = self._reader(caller, name)
        with self._database.read() as connection:
            seen = requests_store.visible(connection, member)
            request = next((each for each in seen if each.id == request_id and each.type == ADD_TEMPLATE), None)
            if request is None:
                raise not_here(request_id)
            previous = requests_store.previous(connection, member, request)
        subject = json.dumps(displayed(request.payload))
        before = None if previous is None else json.dumps(previous)
        return Rows.answer(_SUBJECT, ((request.id, request.digest, subject, before),))

    def _reader(self, caller: Caller, name: str) -> Member:
        with self._database.read() as connection:
            member = access.reviewed(connection, caller.account, name)
        listing.weigh_requests(self._database, member.collaboration)
        return member


def not_here(request_id: object) -> SqlError:
    """The one answer to whoever asks for a request that is not theirs to see."""
    return room_error(
        ErrorName.UpdateRequestNotFoundException,
        f"there is no update request '{str(request_id)[:100]}' for you here.",
    )


def decision_of(connection: sqlite3.Connection, request: Request, account: str) -> str | None:
    """What an account has decided; None: it has no say."""
    said = requests_store.decisions(connection, request.id)
    return next((decision.decision for decision in said if decision.account == account), None)


def seen_status(status: str, mine: str | None, *, sent: bool = False) -> str:
    """A request's status as one party sees it.

    Args:
        mine: that party's decision, None where it has no say.
        sent: whether that party has sent it; who has sees REQUESTED until it is processed (release notes of 27 August
            2026, version 17.8).
    """
    if mine == "PENDING" and status == "COMPLETED":
        return "PENDING_MY_APPROVAL"  # it has got a say since, about its own data
    if status != "REQUESTED" or mine is None or sent:
        return status
    return "PENDING_MY_APPROVAL" if mine == "PENDING" else "PENDING_PARTNER_APPROVAL"


def _row(connection: sqlite3.Connection, member: Member, request: Request) -> tuple[Value, ...]:
    said = requests_store.decisions(connection, request.id)
    log = [
        {
            "collaborator": decision.alias,
            "decision": decision.decision,
            "reason": decision.reason,
            "decided_on": from_micros(decision.decided_on).isoformat(),
        }
        for decision in said
        if decision.decided_on is not None
    ]
    mine = next((decision.decision for decision in said if decision.account == member.account), None)
    kept = DETAILS.get(request.type, ())
    return (
        request.id,
        request.type,
        seen_status(request.status, mine, sent=request.requester == member.account),
        json.dumps(log),
        json.dumps({key: request.details[key] for key in kept if key in request.details}),
        request.payload.get("template", request.payload.get("spec", "")),
        from_micros(request.updated_on),
    )


def _decision(decision: Decision) -> tuple[Value, ...]:
    return (
        decision.alias,
        identity(decision.account),
        decision.decision,
        decision.reason,
        None if decision.decided_on is None else from_micros(decision.decided_on),
        decision.by_user,
        "engine",
    )
