"""An approved edit, applied: each operation by itself, so that the request can tell what became of each."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Mapping

from cleanroom_ml.engine.contracts.job import JobLauncher
from cleanroom_ml.engine.rooms import access, departures, edit_plan, requests_store
from cleanroom_ml.engine.rooms.access import Member, key_of
from cleanroom_ml.engine.rooms.collaborations import account_of
from cleanroom_ml.engine.rooms.edit_templates import EditTemplates
from cleanroom_ml.engine.rooms.registries import Registries
from cleanroom_ml.engine.rooms.requests_store import Request
from cleanroom_ml.engine.rooms.room_jobs import end_jobs
from cleanroom_ml.engine.rooms.states import ENDED, ENDING
from cleanroom_ml.engine.rooms.statuses import Statuses
from cleanroom_ml.engine.sql.errors import SqlError, room_error
from cleanroom_ml.engine.storage.storage import Storage
from cleanroom_ml.error_names import ErrorName
from cleanroom_ml.naming import fold

_SOME_FAILED = "not every operation could be applied; see operations"
_TAKEN_OUT = "the owner has taken the template out of the collaboration's spec"
_Apply = Callable[[sqlite3.Connection, Request, Mapping[str, str]], None]


class EditApplier:
    """Applies the operations of approved edits."""

    def __init__(
        self,
        storage: Storage,
        registries: Registries,
        statuses: Statuses,
        templates: EditTemplates,
        launcher: JobLauncher,
    ) -> None:
        self._storage = storage
        self._database = storage.database
        self._registries = registries
        self._statuses = statuses
        self.templates = templates
        self._launcher = launcher
        self._by_type: Mapping[str, _Apply] = {
            edit_plan.ADD_COLLABORATOR: self._add_collaborator,
            edit_plan.REMOVE_COLLABORATOR: self._remove_collaborator,
            edit_plan.ADD_ANALYSIS_RUNNER: self._known,
            edit_plan.REMOVE_ANALYSIS_RUNNER: self._remove_runner,
            edit_plan.ADD_DATA_PROVIDER: self._add_provider,
            edit_plan.REMOVE_DATA_PROVIDER: self._remove_provider,
            edit_plan.LINK_DATA_OFFERING: self._link,
            edit_plan.UNLINK_DATA_OFFERING: self._unlink,
            edit_plan.ADD_TEMPLATE: self._add_template,
            edit_plan.REMOVE_TEMPLATE: self._remove_template,
            edit_plan.SET_DISTRIBUTION: self._known,
        }

    def apply(self, connection: sqlite3.Connection, request: Request) -> None:
        """Applies a request, in the transaction of the caller, and moves it to COMPLETED, or FAILED with the reason."""
        now = self._database.now_micros()
        done: list[dict[str, object]] = []
        for operation in request.payload["operations"]:
            outcome: dict[str, object] = {**operation, "status": "COMPLETED"}
            try:
                with self._database.transaction():
                    self._by_type[operation["operation_type"]](connection, request, operation)
            except SqlError as error:
                outcome |= {"status": "FAILED", "failure_reason": error.message}
            done.append(outcome)
        connection.execute(
            "UPDATE room_collaborations SET spec = ?, updated_on = ? WHERE uid = ?",
            (request.payload["template"], now, request.collaboration),
        )
        # Whoever has reviewed and not joined yet has seen another spec, and reviews it again before it joins.
        connection.execute("DELETE FROM room_reviews WHERE collaboration = ?", (request.collaboration,))
        connection.execute(
            "UPDATE room_requests SET details = ? WHERE id = ?",
            (json.dumps({**request.details, "operations": done}), request.id),
        )
        failed = any(outcome["status"] == "FAILED" for outcome in done)
        requests_store.move(
            connection, request.id, "FAILED" if failed else "COMPLETED", now, failure=_SOME_FAILED if failed else None
        )

    def end_jobs(self) -> None:
        """Ends the jobs of those that an edit has taken out. To be called after it is on disk; repeating is safe."""
        with self._database.read() as connection:
            gone = connection.execute(
                "SELECT collaboration, account FROM room_members WHERE status = 'LOCAL_DROP_PENDING'"
            ).fetchall()
        for row in gone:
            end_jobs(self._database, self._launcher, row["collaboration"], of=row["account"])

    def check_link(self, connection: sqlite3.Connection, owner: Member, provider: str, offering_id: str) -> None:
        """An edit shares what its provider has linked already, or what the owner has registered. Raises SqlError."""
        key = key_of(offering_id, "data offering id")
        linked = connection.execute(
            "SELECT 1 FROM room_links WHERE collaboration = ? AND provider_key = ? AND offering_key = ?",
            (owner.collaboration, fold(provider), key),
        ).fetchone()
        own = fold(provider) == owner.alias_key
        if linked is None and not (own and self._registries.by_key(owner.account, "DATA OFFERING", key)):
            raise room_error(
                ErrorName.SpecValidationError,
                f"{provider} has not linked a data offering '{offering_id}': an edit shares what is linked already",
            )

    def _known(self, connection: sqlite3.Connection, request: Request, fields: Mapping[str, str]) -> None:
        """Nothing is to be done but to keep the spec, which is done for all operations at once."""

    def _add_collaborator(self, connection: sqlite3.Connection, request: Request, fields: Mapping[str, str]) -> None:
        alias = fields["collaborator"]
        account = account_of(self._storage, alias, fields["account"])
        connection.execute(
            "INSERT INTO room_members (collaboration, account, alias, alias_key, is_owner, status, details, updated_on)"
            " VALUES (?, ?, ?, ?, 0, 'INVITED', '', ?)",
            (request.collaboration, account, alias, fold(alias), self._database.now_micros()),
        )

    def _remove_collaborator(self, connection: sqlite3.Connection, request: Request, fields: Mapping[str, str]) -> None:
        uid = request.collaboration
        member = self._member(connection, uid, fields["collaborator"])
        departures.withdraw(connection, uid, member.account, self._database.now_micros())
        connection.execute(
            "DELETE FROM room_runners WHERE collaboration = ?1 AND (runner_key = ?2 OR provider_key = ?2)",
            (uid, member.alias_key),
        )
        connection.execute(
            "DELETE FROM room_destinations WHERE collaboration = ?1 AND (runner_key = ?2 OR alias_key = ?2)",
            (uid, member.alias_key),
        )
        if member.status not in ENDING | ENDED:
            wanted = departures.after_teardown(member)
            assert wanted is not None
            self._statuses.move(uid, member.account, wanted, "removed from the collaboration by its owner")

    def _remove_runner(self, connection: sqlite3.Connection, request: Request, fields: Mapping[str, str]) -> None:
        member = self._member(connection, request.collaboration, fields["analysis_runner"])
        row = (request.collaboration, member.alias_key)
        departures.stop_running(connection, request.collaboration, member, self._database.now_micros())
        for table in ("room_links", "room_runners", "room_destinations"):
            connection.execute(f"DELETE FROM {table} WHERE collaboration = ? AND runner_key = ?", row)

    def _add_provider(self, connection: sqlite3.Connection, request: Request, fields: Mapping[str, str]) -> None:
        runner = self._member(connection, request.collaboration, fields["analysis_runner"])
        provider = self._member(connection, request.collaboration, fields["data_provider"])
        connection.execute(
            "INSERT OR IGNORE INTO room_runners (collaboration, runner_key, provider_key) VALUES (?, ?, ?)",
            (request.collaboration, runner.alias_key, provider.alias_key),
        )
        self.templates.ask(connection, request, runner, provider)

    def _remove_provider(self, connection: sqlite3.Connection, request: Request, fields: Mapping[str, str]) -> None:
        row = (request.collaboration, fold(fields["analysis_runner"]), fold(fields["data_provider"]))
        for table in ("room_links", "room_runners"):
            connection.execute(
                f"DELETE FROM {table} WHERE collaboration = ? AND runner_key = ? AND provider_key = ?", row
            )

    def _link(self, connection: sqlite3.Connection, request: Request, fields: Mapping[str, str]) -> None:
        uid = request.collaboration
        owner = access.by_account(connection, uid, request.requester)
        provider = self._member(connection, uid, fields["data_provider"])
        assert owner is not None
        if provider.status == "JOINED":  # who joins later is asked then whether it is registered
            self.check_link(connection, owner, provider.alias, fields["data_offering_id"])
        row = (uid, fold(fields["share_with"]), provider.alias_key, fold(fields["data_offering_id"]))
        connection.execute(
            "INSERT OR IGNORE INTO room_links (collaboration, runner_key, provider_key, offering_key, created_on)"
            " VALUES (?, ?, ?, ?, ?)",
            (*row, self._database.now_micros()),
        )

    def _unlink(self, connection: sqlite3.Connection, request: Request, fields: Mapping[str, str]) -> None:
        connection.execute(
            "DELETE FROM room_links"
            " WHERE collaboration = ? AND runner_key = ? AND provider_key = ? AND offering_key = ?",
            (
                request.collaboration,
                fold(fields["remove_for"]),
                fold(fields["data_provider"]),
                fold(fields["data_offering_id"]),
            ),
        )

    def _add_template(self, connection: sqlite3.Connection, request: Request, fields: Mapping[str, str]) -> None:
        runner = self._member(connection, request.collaboration, fields["share_with"])
        self.templates.share(connection, request, runner, fields["template_id"])

    def _remove_template(self, connection: sqlite3.Connection, request: Request, fields: Mapping[str, str]) -> None:
        """What the runner has, and what was declared for it and still waits for somebody."""
        row = (request.collaboration, fold(fields["remove_for"]), fold(fields["template_id"]))
        connection.execute(
            "DELETE FROM room_templates WHERE collaboration = ? AND runner_key = ? AND template_key = ?", row
        )
        waiting = connection.execute(
            """SELECT r.id FROM room_requests r JOIN room_request_runners n ON n.request = r.id
               WHERE r.collaboration = ? AND n.runner_key = ? AND r.template_key = ? AND r.status = 'REQUESTED'""",
            row,
        ).fetchall()
        for each in waiting:
            requests_store.move(connection, each["id"], "FAILED", self._database.now_micros(), failure=_TAKEN_OUT)

    def _member(self, connection: sqlite3.Connection, uid: str, alias: str) -> Member:
        member = access.by_alias(connection, uid, fold(alias))
        if member is None:
            raise room_error(
                ErrorName.CollaboratorAliasNotFoundInCollaboration, f"no collaborator has the alias '{alias}'."
            )
        return member
