"""Update requests: who has to approve what, and what happens then (docs/api-digest.md §4).

To share a template with a runner, the runner and every data provider of that runner must approve. The sender's own
approval is automatic. One rejection ends the request, and nothing that was said can be unsaid.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Protocol

from cleanroom_ml.engine.contracts.table import Rows
from cleanroom_ml.engine.load import cancellation
from cleanroom_ml.engine.rooms import access, configuration, requests_store
from cleanroom_ml.engine.rooms.access import Member, key_of
from cleanroom_ml.engine.rooms.code_specs import CodeSpecs, mismatch
from cleanroom_ml.engine.rooms.locks import wheels
from cleanroom_ml.engine.rooms.offerings import alias_keys
from cleanroom_ml.engine.rooms.payloads import digest_of, says_whose, template_payload
from cleanroom_ml.engine.rooms.ports import Caller
from cleanroom_ml.engine.rooms.registries import Registries, Resource, read_spec
from cleanroom_ml.engine.rooms.request_answers import decision_of, not_here
from cleanroom_ml.engine.rooms.requests_store import ADD_TEMPLATE, Request
from cleanroom_ml.engine.rooms.states import ENDED, ENDING
from cleanroom_ml.engine.rooms.template_removal import remove_template, runner_called
from cleanroom_ml.engine.rooms.templates import Templates
from cleanroom_ml.engine.rooms.views import resolve_view
from cleanroom_ml.engine.sql.errors import SqlError, room_error
from cleanroom_ml.engine.storage.storage import Storage
from cleanroom_ml.error_names import ErrorName
from cleanroom_ml.errors import HashMismatchError, UsageError
from cleanroom_ml.json_values import Document
from cleanroom_ml.naming import fold
from cleanroom_ml.specs.collaboration import Collaboration
from cleanroom_ml.specs.template import Template

_MAX_REASON = 1_000


class EditApplying(Protocol):
    """What applies edits (`edit_apply.EditApplier`)."""

    def apply(self, connection: sqlite3.Connection, request: Request) -> None:
        """Applies an approved edit, in the caller's transaction."""

    def end_jobs(self) -> None:
        """Ends what must not go on after it."""


class UpdateRequests:
    """ADD_TEMPLATE_REQUEST, REMOVE_TEMPLATE, APPROVE_UPDATE_REQUEST, REJECT_UPDATE_REQUEST."""

    def __init__(self, storage: Storage, registries: Registries, templates: Templates, code_specs: CodeSpecs) -> None:
        self._storage = storage
        self._database = storage.database
        self._registries = registries
        self._templates = templates
        self._code_specs = code_specs
        self.edits: EditApplying | None = None
        """Applies edits; set once there is one."""

    def registered(self, account: str, template_key: str) -> Resource | None:
        """What an account has registered as a template under a folded id."""
        return self._registries.by_key(account, "TEMPLATE", template_key)

    def code_of(self, template: Resource) -> list[Resource]:
        """The code of a registered template, as it can be sent. Raises SqlError where it cannot."""
        return self._submittable(template.account, template.id)[2]

    def add_template(self, caller: Caller, name: str, template_id: object, share_with: object) -> Rows:
        """ADD_TEMPLATE_REQUEST: one request for all of these runners; none where one of them cannot be asked for.

        Raises:
            SqlError: ContentHashMismatchError, where the stage holds other code than what was registered.
        """
        resource, spec, codes = self._submittable(caller.account, template_id)
        with self._database.transaction() as connection:
            member = access.joined(connection, caller.account, name)
            self._submit(connection, caller, member, resource, spec, codes, alias_keys(share_with), {})
        self.finish_approved()
        return Rows.one("ADD_TEMPLATE_REQUEST", f"The request to share template {resource.id} was sent.")

    def remove_template(self, caller: Caller, name: str, template_id: object, remove_for: object) -> Rows:
        """REMOVE_TEMPLATE (see `template_removal`). Raises SqlError."""
        return remove_template(self._database, caller, name, template_id, remove_for)

    def submit_declared(self, connection: sqlite3.Connection, caller: Caller, uid: str, spec: Collaboration) -> None:
        """The templates that a new collaboration's spec lists: requests of its owner, to be approved like any other.

        One for each runner: who joins first may run what its own providers have approved.
        """
        owner = access.by_account(connection, uid, caller.account)
        assert owner is not None
        for alias, runner in spec.analysis_runners.items():
            for reference in runner.templates:
                resource, template, codes = self._submittable(caller.account, reference.id)
                self._submit(connection, caller, owner, resource, template, codes, [fold(alias)], {"declared": True})

    def approve_by_joining(self, connection: sqlite3.Connection, caller: Caller, member: Member) -> None:
        """Joining approves the templates that the spec lists, as REVIEW has shown it; never those that run code."""
        for request in requests_store.visible(connection, member):
            mine = decision_of(connection, request, member.account)
            listed = request.details.get("declared") or request.status == "COMPLETED"
            declared = listed and request.type == ADD_TEMPLATE and not request.payload.get("code_specs")
            if declared and request.status in ("REQUESTED", "COMPLETED") and mine == "PENDING":
                self._decide(connection, caller, request, "APPROVED", "by joining")

    def approve(self, caller: Caller, name: str, request_id: str) -> Rows:
        """APPROVE_UPDATE_REQUEST: everything that is approved is hashed again first, on the engine's own disk.

        Raises:
            SqlError: UpdateRequestNotFoundException, PermissionDeniedException, UpdateRequestStateException,
                ContentHashMismatchError.
        """
        with self._database.read() as connection:
            request = self._decidable(connection, caller, name, request_id)
        self._verify(request)
        with self._database.transaction() as connection:
            request = self._decidable(connection, caller, name, request_id)
            self._decide(connection, caller, request, "APPROVED", "")
        self.finish_approved()
        return Rows.one("APPROVE_UPDATE_REQUEST", f"You have approved request {request_id}.")

    def reject(self, caller: Caller, name: str, request_id: str, reason: object) -> Rows:
        """REJECT_UPDATE_REQUEST: ends the request, for everybody and for good.

        The sender withdraws with it, as long as not everybody has approved (release notes of 26 March 2026, API 13.9:
        requesters may change their own approval until a request is fully approved or ended).
        """
        if not isinstance(reason, str) or len(reason) > _MAX_REASON:
            raise room_error(
                ErrorName.SpecValidationError,
                f"the reason must be a text of at most {_MAX_REASON} characters; it may be empty",
            )
        with self._database.transaction() as connection:
            member = access.joined(connection, caller.account, name)
            request = requests_store.load(connection, member.collaboration, str(request_id))
            if request is not None and request.requester == caller.account and request.status == "REQUESTED":
                requests_store.has_a_say(connection, request.id, member)
            request = self._decidable(connection, caller, name, request_id)
            self._decide(connection, caller, request, "REJECTED", reason)
        return Rows.one("REJECT_UPDATE_REQUEST", f"You have rejected request {request_id}.")

    def finish_approved(self) -> None:
        """Applies what everybody has approved. Also called after a start: a killed engine leaves APPROVED ones."""
        with cancellation.tidying():  # it is decided already: who ends the statement that decided it changes nothing
            while waiting := self._approved():
                for request_id in waiting:
                    self._apply(request_id)

    def _approved(self) -> list[str]:
        with self._database.read() as connection:
            return [row["id"] for row in connection.execute("SELECT id FROM room_requests WHERE status = 'APPROVED'")]

    def _apply(self, request_id: str) -> None:
        edited = False
        with self._database.transaction() as connection:
            row = connection.execute(
                "SELECT * FROM room_requests WHERE id = ? AND status = 'APPROVED'", (request_id,)
            ).fetchone()
            if row is None:
                return
            if row["type"] == requests_store.EDIT_COLLABORATION:
                request = requests_store.load(connection, row["collaboration"], request_id)
                assert request is not None
                assert self.edits is not None  # the rooms are put together before anybody calls
                self.edits.apply(connection, request)
                edited = True
            else:
                self._add(connection, row)
        if edited and self.edits is not None:
            self.edits.end_jobs()

    def _add(self, connection: sqlite3.Connection, row: sqlite3.Row) -> None:
        now = self._database.now_micros()
        connection.execute(
            """INSERT OR REPLACE INTO room_templates (collaboration, runner_key, template_key, request, added_on)
               SELECT r.collaboration, n.runner_key, r.template_key, r.id, ?2
               FROM room_requests r JOIN room_request_runners n ON n.request = r.id WHERE r.id = ?1""",
            (row["id"], now),
        )
        requests_store.move(connection, row["id"], "COMPLETED", now)
        connection.execute("UPDATE room_collaborations SET updated_on = ? WHERE uid = ?", (now, row["collaboration"]))

    def _submittable(self, account: str, template_id: object) -> tuple[Resource, Template, list[Resource]]:
        resource = self._registries.by_key(account, "TEMPLATE", key_of(template_id, "template id"))
        if resource is None:
            raise room_error(
                ErrorName.TemplateNotFoundForOwnerException, f"you have not registered a template '{template_id}'."
            )
        spec = read_spec(Template, resource.spec)
        codes = self._templates.code_specs_of(account, spec)
        for code in codes:
            self._code_specs.check_unchanged(code)
            self._code_specs.check_pinned(code.detail["ml_jobs"], code.detail.get("artifacts") or ())
        return resource, spec, codes

    def _submit(
        self,
        connection: sqlite3.Connection,
        caller: Caller,
        requester: Member,
        resource: Resource,
        spec: Template,
        codes: Sequence[Resource],
        runner_keys: Sequence[str],
        extra: Document,
    ) -> None:
        runners = [runner_called(connection, requester, key) for key in runner_keys]
        for preset in spec.preset_tables if not extra else ():
            for runner in runners:
                resolve_view(connection, self._registries, runner, preset.template_view_name)
        for code in codes:
            jobs = code.detail["ml_jobs"]
            self._storage.objects.require(file["sha256"] for job in jobs for file in job["content_manifest"])
            self._storage.objects.require(sha256 for job in jobs for _, sha256 in wheels(job["dependency_lock"]))
            self._storage.objects.require(each["sha256"] for each in code.detail.get("artifacts") or ())
        payload = template_payload(connection, requester, runners, resource, codes)
        details: dict[str, object] = {
            "template_id": resource.id,
            "share_with": [runner.alias for runner in runners],
            "requested_by": requester.alias,
            **extra,
        }
        if codes:
            details["code_specs"] = [code.id for code in codes]
        approvers = _approvers(connection, runners)
        now = self._database.now_micros()
        request_id = requests_store.insert(connection, requester, runners, spec, payload, details, approvers, now)
        for approver in approvers:
            request = requests_store.load(connection, requester.collaboration, request_id)
            assert request is not None
            if approver.account == requester.account:
                self._decide(connection, caller, request, "APPROVED", "the sender's own")
            elif configuration.value_of(connection, approver, configuration.AUTO_APPROVAL) == "true":
                requests_store.decide(
                    connection,
                    request,
                    approver.account,
                    "APPROVED",
                    reason="automatically",
                    user=configuration.AUTO_APPROVAL,
                    now=now,
                )

    def _decide(
        self, connection: sqlite3.Connection, caller: Caller, request: Request, wanted: str, reason: str
    ) -> None:
        requests_store.decide(
            connection,
            request,
            caller.account,
            wanted,
            reason=reason,
            user=caller.user,
            now=self._database.now_micros(),
        )

    def _decidable(self, connection: sqlite3.Connection, caller: Caller, name: str, request_id: str) -> Request:
        """The request, where the caller is one of those who decide."""
        member = access.joined(connection, caller.account, name)
        request = requests_store.load(connection, member.collaboration, str(request_id))
        approver = request is not None and decision_of(connection, request, caller.account) is not None
        if request is None or not (approver or request.requester == caller.account):
            raise not_here(request_id)
        if not approver:
            raise room_error(ErrorName.PermissionDeniedException, "you are not among those who decide on this request.")
        return request

    def _verify(self, request: Request) -> None:
        if request.type != ADD_TEMPLATE:
            return
        for code in request.payload["code_specs"]:
            self._code_specs.check_pinned(code["ml_jobs"], code.get("artifacts") or ())
        self._code_specs.check_wheels(request.payload["dependency_lock"].values())
        if not says_whose(request.payload):
            raise room_error(
                ErrorName.UpdateRequestStateException,
                "the request was sent before requests said whose they are: it names no accounts. "
                "Whoever sent it withdraws it and sends it again.",
            )
        try:
            digest = digest_of(request.payload)
        except (UsageError, HashMismatchError):
            digest = ""
        if digest != request.digest:
            raise mismatch("the request is not what was sent", [f"changed: {request.id}"])


def missing_approvals(connection: sqlite3.Connection, runner: Member, template_key: str, template_id: str) -> SqlError:
    """Why a runner may not run a template: who has not approved, who has rejected, or that nobody has asked."""
    request = requests_store.latest(connection, runner.collaboration, runner.alias_key, template_key)
    if request is None:
        text = f"no template '{template_id[:100]}' was shared with {runner.alias}."
        return room_error(ErrorName.TemplateNotApprovedException, text)
    if request.status == "COMPLETED":
        text = f"template '{template_id}' is not shared with {runner.alias} any more: it was removed."
        return room_error(ErrorName.TemplateNotApprovedException, text)
    said = requests_store.decisions(connection, request.id)
    if request.status == "REJECTED":
        by = ", ".join(decision.alias for decision in said if decision.decision == "REJECTED")
        return room_error(ErrorName.TemplateNotApprovedException, f"template '{template_id}' was rejected by {by}.")
    waiting = ", ".join(decision.alias for decision in said if decision.decision == "PENDING")
    if waiting:
        return room_error(
            ErrorName.TemplateNotApprovedException, f"template '{template_id}' still needs the approval of: {waiting}."
        )
    return room_error(
        ErrorName.TemplateNotApprovedException, f"template '{template_id}' is {request.status}: it is not ready to run."
    )


def _approvers(connection: sqlite3.Connection, runners: Sequence[Member]) -> list[Member]:
    """Each runner and each of its data providers, once."""
    keys = [
        key
        for runner in runners
        for key in (runner.alias_key, *access.providers_of(connection, runner.collaboration, runner.alias_key))
    ]
    found = [access.by_alias(connection, runners[0].collaboration, key) for key in dict.fromkeys(keys)]
    return [member for member in found if member is not None and member.status not in ENDING | ENDED]
