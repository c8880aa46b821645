"""Collaborations as their owners make them: INITIALIZE. Statuses move by the table in `states.MEMBER`."""

from __future__ import annotations

import json
import secrets
import sqlite3

from cleanroom_ml.engine.contracts.table import Rows
from cleanroom_ml.engine.rooms import access
from cleanroom_ml.engine.rooms.access import identity, key_of
from cleanroom_ml.engine.rooms.edit_plan import check_roles
from cleanroom_ml.engine.rooms.joining import Joining
from cleanroom_ml.engine.rooms.ports import Caller
from cleanroom_ml.engine.rooms.registries import read_spec
from cleanroom_ml.engine.rooms.role_checks import claim
from cleanroom_ml.engine.rooms.role_checks import collaboration as collaboration_thing
from cleanroom_ml.engine.rooms.statuses import Statuses
from cleanroom_ml.engine.rooms.update_requests import UpdateRequests
from cleanroom_ml.engine.sql.errors import SqlError, room_error
from cleanroom_ml.engine.storage.storage import Storage
from cleanroom_ml.error_names import ErrorName
from cleanroom_ml.naming import fold
from cleanroom_ml.specs.collaboration import Collaboration

_INTERRUPTED = "the engine was stopped in the middle; call it again"
_RECOVERY = {"CREATING": "CREATED", "INSTALLING": "INSTALLATION_FAILED", "JOINING": "JOIN_FAILED"}
_AUTO_JOIN_CREATED = "The auto-join task was created."


class Collaborations:
    """INITIALIZE."""

    def __init__(self, storage: Storage, statuses: Statuses, joining: Joining, requests: UpdateRequests) -> None:
        self._storage = storage
        self._database = storage.database
        self._statuses = statuses
        self._joining = joining
        self._requests = requests

    def initialize(self, caller: Caller, spec_text: object, warehouse: object | None = None) -> Rows:
        """INITIALIZE: makes the collaboration; joins it too where a warehouse is named.

        Joining comes after creating: what keeps it from joining is told by GET_STATUS, and JOIN can be called then.

        Raises:
            SqlError: SpecValidationError; CollaborationAlreadyExistsException; there is no such warehouse.
        """
        spec = read_spec(Collaboration, spec_text)
        owner = spec.account_of(spec.owner)
        if owner is None or owner.upper() != identity(caller.account):
            raise room_error(
                ErrorName.SpecValidationError, f"owner '{spec.owner}' is not your account, {identity(caller.account)}"
            )
        check_roles(spec)
        if warehouse is not None:
            self._check_warehouse(caller, warehouse)
        accounts = {
            alias: account_of(self._storage, alias, text)
            for alias, text in spec.collaborator_identifier_aliases.items()
        }
        uid = secrets.token_hex(16)
        with self._database.transaction() as connection:
            self._insert(connection, uid, caller, spec, str(spec_text), accounts)
            claim(self._storage, caller, collaboration_thing(uid))
            self._requests.submit_declared(connection, caller, uid, spec)
        self._statuses.move(uid, caller.account, "CREATED")
        if warehouse is not None:
            self._auto_join(caller, uid)
        columns = (("COLLABORATION_NAME", "VARCHAR"), ("MESSAGE", "VARCHAR"), ("AUTO_JOIN_TASK", "VARCHAR"))
        joins = "it is joined next; see GET_STATUS." if warehouse is not None else "now join it."
        message = f"Collaboration {spec.name} was created; {joins}"
        return Rows.answer(columns, ((spec.name, message, None if warehouse is None else _AUTO_JOIN_CREATED),))

    def recover(self) -> None:
        """After a start: what a killed engine left half-way goes where its owner can call it again."""
        with self._database.transaction() as connection:
            rows = connection.execute(
                "SELECT collaboration, account, status FROM room_members WHERE status IN (?, ?, ?)",
                tuple(_RECOVERY),
            ).fetchall()
            for row in rows:
                self._statuses.move(row["collaboration"], row["account"], _RECOVERY[row["status"]], _INTERRUPTED)

    def _auto_join(self, caller: Caller, uid: str) -> None:
        """Joins, or writes down why not, as the service's own task does (docs/api-digest.md §9)."""
        with self._database.read() as connection:
            owner = access.by_account(connection, uid, caller.account)
        assert owner is not None
        try:
            self._joining.check(caller, owner)
            self._joining.bring_in(caller, owner)
        except SqlError as error:
            failed = {"auto_join": {"enabled": False, "failure_summary": error.message, "phase": "failed"}}
            self._statuses.tell(uid, caller.account, json.dumps(failed))

    def _insert(
        self,
        connection: sqlite3.Connection,
        uid: str,
        caller: Caller,
        spec: Collaboration,
        text: str,
        accounts: dict[str, str],
    ) -> None:
        now = self._database.now_micros()
        key = fold(spec.name)
        taken = connection.execute(
            "SELECT 1 FROM room_collaborations WHERE owner_account = ?1 AND name_key = ?2"
            " UNION ALL SELECT 1 FROM room_members WHERE account = ?1 AND local_key = ?2",
            (caller.account, key),
        ).fetchone()
        if taken:
            raise room_error(
                ErrorName.CollaborationAlreadyExistsException, f"collaboration '{spec.name}' exists already."
            )
        connection.execute(
            "INSERT INTO room_collaborations (uid, name, name_key, owner_account, spec, created_on, updated_on)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            (uid, spec.name, key, caller.account, text, now, now),
        )
        for alias, account in accounts.items():
            own = account == caller.account
            status, local, local_key = ("CREATING", spec.name, key) if own else ("INVITED", None, None)
            connection.execute(
                "INSERT INTO room_members (collaboration, account, alias, alias_key, is_owner, local_name,"
                " local_key, status, details, updated_on)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, '', ?)",
                (uid, account, alias, fold(alias), int(own), local, local_key, status, now),
            )
        for alias, runner in spec.analysis_runners.items():
            for provider, offered in runner.data_providers.items():
                row = (uid, fold(alias), fold(provider))
                connection.execute(
                    "INSERT INTO room_runners (collaboration, runner_key, provider_key) VALUES (?, ?, ?)", row
                )
                connection.executemany(
                    "INSERT INTO room_links (collaboration, runner_key, provider_key, offering_key, created_on)"
                    " VALUES (?, ?, ?, ?, ?)",
                    [(*row, fold(reference.id), now) for reference in offered.data_offerings],
                )
            connection.executemany(
                "INSERT OR IGNORE INTO room_destinations (collaboration, runner_key, alias_key) VALUES (?, ?, ?)",
                [(uid, fold(alias), fold(destination)) for destination in runner.destinations],
            )

    def _check_warehouse(self, caller: Caller, warehouse: object) -> None:
        key = key_of(warehouse, "warehouse name")
        if self._storage.warehouses.get(caller.account, key) is None:
            raise SqlError.not_found("WAREHOUSE", key)


def account_of(storage: Storage, alias: str, text: str) -> str:
    """The account that a spec names. Raises SqlError SpecValidationError: there is none, or the alias is reserved."""
    organization, _, account = text.upper().partition(".")
    if organization != access.ORGANIZATION or not storage.accounts.exists(account):
        raise room_error(ErrorName.SpecValidationError, f"'{text}' (alias {alias}) is no account of this engine")
    if fold(alias).startswith(access.APPLICATION_PREFIX) or fold(alias) == access.INTERNAL_SCHEMA:
        raise room_error(ErrorName.SpecValidationError, f"the alias '{alias}' is reserved")
    return account
