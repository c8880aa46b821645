"""Templates of an edited collaboration: for a runner that gets one, and for a provider whose data it can reach now.

Each runner's approval of a template is a request of its own, and whoever approves an edit that says so approves it with
it: as long as it runs no code, or exactly the code that the same party has approved in this collaboration before. What
nobody has seen is not approved by a list of ids.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from cleanroom_ml.engine.rooms import access, requests_store
from cleanroom_ml.engine.rooms.access import Member, key_of
from cleanroom_ml.engine.rooms.payloads import parties_now, template_payload
from cleanroom_ml.engine.rooms.registries import Resource, read_spec
from cleanroom_ml.engine.rooms.requests_store import ADD_TEMPLATE, Request
from cleanroom_ml.engine.rooms.states import ENDED, ENDING
from cleanroom_ml.engine.rooms.update_requests import UpdateRequests
from cleanroom_ml.engine.sql.errors import room_error
from cleanroom_ml.engine.storage.database import Database
from cleanroom_ml.error_names import ErrorName
from cleanroom_ml.json_values import Document
from cleanroom_ml.specs.template import Template

_BY_EDIT = "by approving the edit"
_CONTENT = ("template", "code_specs", "dependency_lock")


class EditTemplates:
    """What edits do with templates."""

    def __init__(self, database: Database, requests: UpdateRequests) -> None:
        self._database = database
        self._requests = requests

    def source(self, connection: sqlite3.Connection, owner: Member, template_id: str) -> Request | Resource:
        """Where a template comes from: a request by which somebody has it here, or what the owner has registered.

        Raises:
            SqlError: SpecValidationError, it is neither; what keeps the owner's from being shared.
        """
        key = key_of(template_id, "template id")
        shared = self._shared(connection, owner.collaboration, key)
        if shared is not None:
            return shared
        resource = self._requests.registered(owner.account, key)
        if resource is None:
            raise room_error(ErrorName.SpecValidationError, f"Templates '{template_id}' do not exist")
        return resource

    def share(self, connection: sqlite3.Connection, edit: Request, runner: Member, template_id: str) -> None:
        """Sends the template for a runner, with the approvals that the edit holds. Raises SqlError."""
        owner = access.by_account(connection, edit.collaboration, edit.requester)
        assert owner is not None
        found = self.source(connection, owner, template_id)
        if isinstance(found, Request):
            sender = access.by_account(connection, edit.collaboration, found.requester)
            if sender is None or sender.status in ENDING | ENDED:
                raise room_error(ErrorName.SpecValidationError, f"whoever provides template '{template_id}' has left")
            parties = parties_now(connection, sender, [runner])
            payload: Document = {**found.payload, "parties": parties, "share_with": [runner.alias]}
        else:
            sender = owner
            payload = dict(template_payload(connection, owner, [runner], found, self._requests.code_of(found)))
        details: dict[str, object] = {
            "template_id": payload["template_id"],
            "share_with": [runner.alias],
            "requested_by": sender.alias,
            "declared": True,
        }
        if payload["code_specs"]:
            details["code_specs"] = _ids(payload)
        approvers = self._approvers(connection, runner)
        now = self._database.now_micros()
        template = read_spec(Template, payload["template"])
        request_id = requests_store.insert(connection, sender, [runner], template, payload, details, approvers, now)
        for approver in approvers:
            self._decide_by_edit(connection, edit, request_id, approver, now)

    def ask(self, connection: sqlite3.Connection, edit: Request, runner: Member, provider: Member) -> None:
        """A runner can reach a provider's data now: the provider has a say in every template that the runner has."""
        rows = connection.execute(
            """SELECT r.id FROM room_requests r JOIN room_request_runners n ON n.request = r.id AND n.runner_key = ?2
               WHERE r.collaboration = ?1 AND r.type = ?3 AND (r.status = 'REQUESTED' OR EXISTS (
                   SELECT 1 FROM room_templates t WHERE t.request = r.id AND t.runner_key = ?2))""",
            (edit.collaboration, runner.alias_key, ADD_TEMPLATE),
        ).fetchall()
        now = self._database.now_micros()
        for row in rows:
            requests_store.has_a_say(connection, row["id"], provider)
            self._decide_by_edit(connection, edit, row["id"], provider, now)

    def _decide_by_edit(
        self, connection: sqlite3.Connection, edit: Request, request_id: str, approver: Member, now: int
    ) -> None:
        request = requests_store.load(connection, edit.collaboration, request_id)
        assert request is not None
        said = {decision.account: decision for decision in requests_store.decisions(connection, request_id)}
        agreed = {
            decision.account
            for decision in requests_store.decisions(connection, edit.id)
            if decision.decision == "APPROVED"
        }
        mine = said.get(approver.account)
        sent_it = approver.account == request.requester and request.status == "REQUESTED"
        if mine is None or mine.decision != "PENDING" or not (sent_it or approver.account in agreed):
            return
        if sent_it or not request.payload["code_specs"] or self._has_approved(connection, request, approver):
            requests_store.decide(
                connection, request, approver.account, "APPROVED", reason=_BY_EDIT, user=_BY_EDIT, now=now
            )

    def _has_approved(self, connection: sqlite3.Connection, request: Request, approver: Member) -> bool:
        """Whether a party has approved the very same content for another runner of this collaboration."""
        rows = connection.execute(
            """SELECT r.id FROM room_requests r JOIN room_decisions d ON d.request = r.id
               WHERE r.collaboration = ? AND r.template_key = ? AND r.id <> ? AND d.account = ?
               AND d.decision = 'APPROVED'""",
            (request.collaboration, request.template_key, request.id, approver.account),
        ).fetchall()
        earlier = (requests_store.load(connection, request.collaboration, row["id"]) for row in rows)
        return any(
            other is not None and all(other.payload[key] == request.payload[key] for key in _CONTENT)
            for other in earlier
        )

    def _shared(self, connection: sqlite3.Connection, uid: str, template_key: str) -> Request | None:
        row = connection.execute(
            "SELECT t.request FROM room_templates t WHERE t.collaboration = ? AND t.template_key = ?"
            " ORDER BY t.added_on DESC LIMIT 1",
            (uid, template_key),
        ).fetchone()
        return None if row is None else requests_store.load(connection, uid, row["request"])

    def _approvers(self, connection: sqlite3.Connection, runner: Member) -> Sequence[Member]:
        keys = dict.fromkeys(
            [runner.alias_key, *access.providers_of(connection, runner.collaboration, runner.alias_key)]
        )
        found = (access.by_alias(connection, runner.collaboration, key) for key in keys)
        return [member for member in found if member is not None and member.status not in ENDING | ENDED]


def _ids(payload: Document) -> list[str]:
    return [str(code["id"]) for code in payload["code_specs"]]
