"""REMOVE_TEMPLATE: who shared a template takes it away again; nobody has to approve that."""

from __future__ import annotations

import sqlite3

from cleanroom_ml.engine.contracts.table import Rows
from cleanroom_ml.engine.rooms import access, requests_store
from cleanroom_ml.engine.rooms.access import Member, key_of
from cleanroom_ml.engine.rooms.offerings import alias_keys
from cleanroom_ml.engine.rooms.ports import Caller
from cleanroom_ml.engine.rooms.request_answers import decision_of
from cleanroom_ml.engine.rooms.requests_store import REMOVE_TEMPLATE, Request
from cleanroom_ml.engine.sql.errors import room_error
from cleanroom_ml.engine.storage.database import Database
from cleanroom_ml.error_names import ErrorName
from cleanroom_ml.naming import display


def remove_template(database: Database, caller: Caller, name: str, template_id: object, remove_for: object) -> Rows:
    """REMOVE_TEMPLATE(name, template id, aliases): for all of these runners, or for none of them.

    From then on they neither see it nor can run it, nor its code specs where no other template of theirs uses them.
    What runs already goes on: it was approved when it was started. The request and its approvals stay as evidence.

    Raises:
        SqlError: CollaboratorAliasNotFoundInCollaboration, SpecValidationError (no runner),
            TemplateNotFoundForOwnerException (it is not shared with one of them, or not the caller's to know of),
            PermissionDeniedException (somebody else shared it).
    """
    template_key = key_of(template_id, "template id")
    with database.transaction() as connection:
        member = access.joined(connection, caller.account, name)
        runners = [runner_called(connection, member, alias_key) for alias_key in alias_keys(remove_for)]
        requests = [_shared(connection, member, runner, template_key) for runner in runners]
        now = database.now_micros()
        connection.executemany(
            "DELETE FROM room_templates WHERE collaboration = ? AND runner_key = ? AND template_key = ?",
            [(member.collaboration, runner.alias_key, template_key) for runner in runners],
        )
        details: dict[str, object] = {
            "template_id": requests[0].payload["template_id"],
            "remove_for": [runner.alias for runner in runners],
            "requested_by": member.alias,
        }
        keys = [runner.alias_key for runner in runners]
        text = requests[0].payload["template"]
        requests_store.record(connection, member, REMOVE_TEMPLATE, details, text, now, runner_keys=keys)
        connection.execute("UPDATE room_collaborations SET updated_on = ? WHERE uid = ?", (now, member.collaboration))
    removed = ", ".join(runner.alias for runner in runners)
    return Rows.one("REMOVE_TEMPLATE", f"Template {template_id} was removed for {removed}.")


def runner_called(connection: sqlite3.Connection, member: Member, alias_key: str) -> Member:
    """The analysis runner that goes by an alias in the member's collaboration.

    Raises:
        SqlError: CollaboratorAliasNotFoundInCollaboration; SpecValidationError, no runner.
    """
    runner = access.by_alias(connection, member.collaboration, alias_key)
    if runner is None:
        raise room_error(
            ErrorName.CollaboratorAliasNotFoundInCollaboration,
            f"no collaborator has the alias '{display(alias_key)}'.",
        )
    if not access.is_runner(connection, member.collaboration, alias_key):
        raise room_error(ErrorName.SpecValidationError, f"'{runner.alias}' is no analysis runner of this collaboration")
    return runner


def _shared(connection: sqlite3.Connection, member: Member, runner: Member, template_key: str) -> Request:
    """The request by which the member shared a template with a runner."""
    row = connection.execute(
        """SELECT q.* FROM room_templates t JOIN room_requests q ON q.id = t.request
           WHERE t.collaboration = ? AND t.runner_key = ? AND t.template_key = ?""",
        (member.collaboration, runner.alias_key, template_key),
    ).fetchone()
    request = None if row is None else requests_store.from_row(connection, row)
    if request is not None and request.requester == member.account:
        return request
    if request is not None and (
        runner.account == member.account or decision_of(connection, request, member.account) is not None
    ):
        raise room_error(
            ErrorName.PermissionDeniedException, "only the collaborator who shared a template can remove it."
        )
    raise room_error(
        ErrorName.TemplateNotFoundForOwnerException,
        f"you have shared no template '{display(template_key)}' with {runner.alias}.",
    )
