"""EDIT: the owner asks for another spec of an existing collaboration. It is one request, whose operations are applied
once everybody who is affected has approved it.

Source: user-guide/cleanrooms/collaboration-api-reference, EDIT and VIEW_UPDATE_REQUESTS.
"""

from __future__ import annotations

import json
import secrets
import sqlite3
from collections.abc import Sequence

from cleanroom_ml.engine.contracts.table import Rows
from cleanroom_ml.engine.rooms import access, edit_plan, requests_store
from cleanroom_ml.engine.rooms.access import Member, identity
from cleanroom_ml.engine.rooms.collaborations import account_of
from cleanroom_ml.engine.rooms.current_spec import current_spec
from cleanroom_ml.engine.rooms.edit_apply import EditApplier
from cleanroom_ml.engine.rooms.edit_plan import Operation
from cleanroom_ml.engine.rooms.payloads import digest_of
from cleanroom_ml.engine.rooms.ports import Caller
from cleanroom_ml.engine.rooms.registries import read_spec
from cleanroom_ml.engine.rooms.requests_store import EDIT_COLLABORATION
from cleanroom_ml.engine.rooms.update_requests import UpdateRequests
from cleanroom_ml.engine.sql.errors import room_error
from cleanroom_ml.engine.storage.storage import Storage
from cleanroom_ml.error_names import ErrorName
from cleanroom_ml.evidence.parties import OWNER, Party
from cleanroom_ml.naming import fold
from cleanroom_ml.specs.collaboration import Collaboration


class Editing:
    """EDIT."""

    def __init__(self, storage: Storage, requests: UpdateRequests, applier: EditApplier) -> None:
        self._storage = storage
        self._database = storage.database
        self._requests = requests
        self._applier = applier

    def edit(self, caller: Caller, name: str, spec_text: object) -> Rows:
        """EDIT: sends the request, and applies it at once where nobody else is affected.

        Raises:
            SqlError: PermissionDeniedException, the caller is not the owner; SpecValidationError, it changes what
                cannot be changed, or nothing, or names what is not there; UpdateRequestStateException, another edit
                waits for approval.
        """
        wanted = read_spec(Collaboration, spec_text)
        with self._database.transaction() as connection:
            owner = access.joined(connection, caller.account, name)
            if not owner.is_owner:
                raise room_error(ErrorName.PermissionDeniedException, "only the owner can edit a collaboration.")
            _check_none_waits(connection, owner)
            operations = edit_plan.operations(current_spec(connection, owner.collaboration), wanted)
            self._check(connection, owner, operations, wanted)
            request_id = self._insert(connection, owner, operations, str(spec_text))
            request = requests_store.load(connection, owner.collaboration, request_id)
            assert request is not None
            requests_store.decide(
                connection,
                request,
                owner.account,
                "APPROVED",
                reason="the sender's own",
                user=caller.user,
                now=self._database.now_micros(),
            )
        self._requests.finish_approved()
        return Rows.one("EDIT", f"The request to edit collaboration {name} was submitted.")

    def _check(
        self, connection: sqlite3.Connection, owner: Member, operations: Sequence[Operation], wanted: Collaboration
    ) -> None:
        """Whatever can be known now to fail is refused now. Raises SqlError."""
        added = {fold(each.fields["collaborator"]) for each in operations if each.type == edit_plan.ADD_COLLABORATOR}
        for operation in operations:
            fields = operation.fields
            if operation.type == edit_plan.ADD_COLLABORATOR:
                account = account_of(self._storage, fields["collaborator"], fields["account"])
                _check_new(connection, owner.collaboration, fields["collaborator"], account)
            elif operation.type == edit_plan.LINK_DATA_OFFERING and fold(fields["data_provider"]) not in added:
                self._applier.check_link(connection, owner, fields["data_provider"], fields["data_offering_id"])
            elif operation.type == edit_plan.ADD_TEMPLATE:
                self._applier.templates.source(connection, owner, fields["template_id"])

    def _insert(
        self, connection: sqlite3.Connection, owner: Member, operations: Sequence[Operation], spec_text: str
    ) -> str:
        uid, now = owner.collaboration, self._database.now_micros()
        affected = frozenset().union(*(each.affects for each in operations))
        members = access.members(connection, uid)
        approvers = [
            member
            for member in members
            if member.is_owner or (member.alias_key in affected and member.status == "JOINED")
        ]
        payload: dict[str, object] = {
            "type": EDIT_COLLABORATION,
            "room": uid,
            "collaboration": owner.source_name,
            "parties": [
                Party(identity(member.account), member.alias, (OWNER,) if member.is_owner else ()).to_json()
                for member in members
            ],
            "requester": owner.alias,
            "runner": "",
            "template_id": "",
            "template": spec_text,
            "code_specs": [],
            "dependency_lock": {},
            "operations": [operation.to_json() for operation in operations],
        }
        details = {
            "operations": [{**operation.to_json(), "status": "REQUESTED"} for operation in operations],
            "requested_by": owner.alias,
        }
        request_id = f"request_{secrets.token_hex(12)}"
        (number,) = connection.execute("SELECT coalesce(max(number), 0) + 1 FROM room_requests").fetchone()
        # An edit is for no runner and of no template; its own id keeps it apart from every other request.
        connection.execute(
            "INSERT INTO room_requests (id, number, collaboration, type, status, requester, runner_key, template_key,"
            " template_name, payload, digest, details, created_on, updated_on)"
            " VALUES (?, ?, ?, ?, 'REQUESTED', ?, '', ?, '', ?, ?, ?, ?, ?)",
            (
                request_id,
                number,
                uid,
                EDIT_COLLABORATION,
                owner.account,
                request_id,
                json.dumps(payload),
                digest_of(payload),
                json.dumps(details),
                now,
                now,
            ),
        )
        connection.executemany(
            "INSERT INTO room_decisions (request, account, alias, decision, reason, decided_on, by_user)"
            " VALUES (?, ?, ?, 'PENDING', '', NULL, NULL)",
            [(request_id, approver.account, approver.alias) for approver in approvers],
        )
        return request_id


def _check_none_waits(connection: sqlite3.Connection, owner: Member) -> None:
    waiting = connection.execute(
        "SELECT id FROM room_requests WHERE collaboration = ? AND type = ? AND status = 'REQUESTED'",
        (owner.collaboration, EDIT_COLLABORATION),
    ).fetchone()
    if waiting is not None:
        raise room_error(
            ErrorName.UpdateRequestStateException,
            f"another edit of this collaboration waits for approval (request {waiting['id']}).",
        )


def _check_new(connection: sqlite3.Connection, uid: str, alias: str, account: str) -> None:
    """Who was in it before cannot come back, and nobody gets the alias of somebody else. Raises SqlError."""
    for member in access.members(connection, uid):
        if member.account == account:
            raise room_error(
                ErrorName.SpecValidationError, f"{identity(account)} was in the collaboration and cannot rejoin it"
            )
        if member.alias_key == fold(alias):
            raise room_error(
                ErrorName.SpecValidationError,
                f"the alias {alias} was that of {identity(member.account)}, and cannot be another account's",
            )
