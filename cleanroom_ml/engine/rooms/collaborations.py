"""Collaborations: made by their owner, reviewed and joined by the others. Statuses move by the table in
`states.MEMBER`.
"""

from __future__ import annotations

import secrets
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from cleanroom_ml.engine.contracts.machine import IllegalTransition
from cleanroom_ml.engine.contracts.table import Rows
from cleanroom_ml.engine.load import cancellation
from cleanroom_ml.engine.rooms import access, applications
from cleanroom_ml.engine.rooms.access import Member, identity, key_of
from cleanroom_ml.engine.rooms.current_spec import current_spec
from cleanroom_ml.engine.rooms.offerings import Offerings
from cleanroom_ml.engine.rooms.ports import Caller
from cleanroom_ml.engine.rooms.registries import read_spec
from cleanroom_ml.engine.rooms.role_checks import claim
from cleanroom_ml.engine.rooms.role_checks import collaboration as collaboration_thing
from cleanroom_ml.engine.rooms.states import MEMBER
from cleanroom_ml.engine.rooms.update_requests import UpdateRequests
from cleanroom_ml.engine.sql.errors import SqlError, room_error
from cleanroom_ml.engine.storage.keys import from_micros
from cleanroom_ml.engine.storage.storage import Storage
from cleanroom_ml.error_names import ErrorName
from cleanroom_ml.naming import fold
from cleanroom_ml.specs.collaboration import Collaboration

REGION = "LOCAL"
_INTERRUPTED = "the engine was stopped in the middle; call it again"
_RECOVERY = {"CREATING": "CREATED", "INSTALLING": "INSTALLATION_FAILED", "JOINING": "JOIN_FAILED"}


class Collaborations:
    """INITIALIZE, REVIEW, JOIN, GET_STATUS, VIEW_COLLABORATIONS."""

    def __init__(self, storage: Storage, offerings: Offerings, requests: UpdateRequests) -> None:
        self._storage = storage
        self._database = storage.database
        self._offerings = offerings
        self._requests = requests

    def initialize(self, caller: Caller, spec_text: object, warehouse: object | None = None) -> Rows:
        """INITIALIZE: makes the collaboration; joins it too where a warehouse is named.

        Raises:
            SqlError: SpecValidationError; CollaborationAlreadyExistsException.
        """
        spec = read_spec(Collaboration, spec_text)
        owner = spec.account_of(spec.owner)
        if owner is None or owner.upper() != identity(caller.account):
            raise room_error(
                ErrorName.SpecValidationError, f"owner '{spec.owner}' is not your account, {identity(caller.account)}"
            )
        if warehouse is not None:
            self._check_warehouse(caller, warehouse)
        accounts = {alias: self._account(alias, text) for alias, text in spec.collaborator_identifier_aliases.items()}
        uid = secrets.token_hex(16)
        with self._database.transaction() as connection:
            self._insert(connection, uid, caller, spec, str(spec_text), accounts)
            claim(self._storage, caller, collaboration_thing(uid))
            self._requests.submit_declared(connection, caller, uid, spec)
        self._move(uid, caller.account, "CREATED")
        if warehouse is not None:
            self._install(uid, caller.account, fold(spec.name))
            self._join(caller, uid)
        columns = (("COLLABORATION_NAME", "VARCHAR"), ("MESSAGE", "VARCHAR"), ("AUTO_JOIN_TASK", "VARCHAR"))
        message = f"Collaboration {spec.name} was created" + (
            " and joined." if warehouse is not None else "; now join it."
        )
        return Rows.answer(columns, ((spec.name, message, None if warehouse is None else "COMPLETED"),))

    def review(self, caller: Caller, source_name: str, owner_account: str, local_name: object | None = None) -> Rows:
        """REVIEW: installs the collaboration in the caller's account, and shows what it is."""
        member = self._invitation(caller, source_name, owner_account)
        chosen = member.source_name if local_name is None else str(local_name)
        local_key = key_of(chosen, "collaboration name")
        if member.local_key is not None and member.local_key != local_key:
            raise room_error(
                ErrorName.CollaborationStateException, f"you have reviewed it already, as '{member.local_name}'."
            )
        if member.status not in ("INVITED", "IN_REVIEW", "INSTALLATION_FAILED", "JOIN_FAILED"):
            raise room_error(
                ErrorName.CollaborationStateException,
                f"it cannot be reviewed any more: your status is {member.status}.",
            )
        if member.status in ("INVITED", "INSTALLATION_FAILED"):
            with self._database.transaction() as connection:
                self._claim_name(connection, caller.account, member.collaboration, chosen, local_key)
                claim(self._storage, caller, collaboration_thing(member.collaboration))
            self._install(member.collaboration, caller.account, local_key)
        with self._database.read() as connection:
            spec = current_spec(connection, member.collaboration)
        columns = (
            ("COLLABORATION_NAME", "VARCHAR"),
            ("SOURCE_NAME", "VARCHAR"),
            ("OWNER_ACCOUNT", "VARCHAR"),
            ("COLLABORATION_SPEC", "VARCHAR"),
        )
        return Rows.answer(columns, ((chosen, member.source_name, identity(member.owner_account), spec),))

    def join(self, caller: Caller, name: str) -> Rows:
        """JOIN: the owner from CREATED on, everybody else after REVIEW."""
        with self._database.read() as connection:
            member = access.find(connection, caller.account, name)
        if member.status == "JOINED":
            raise room_error(ErrorName.CollaborationStateException, f"you have joined '{name}' already.")
        if member.is_owner and member.status in ("CREATED", "INSTALLATION_FAILED"):
            self._install(member.collaboration, caller.account, fold(member.source_name))
        elif member.status not in ("IN_REVIEW", "JOIN_FAILED"):
            raise room_error(
                ErrorName.CollaborationStateException, f"review '{name}' first: your status is {member.status}."
            )
        self._join(caller, member.collaboration)
        return Rows.one("JOIN", f"You have joined collaboration {name}.")

    def status(self, caller: Caller, name: str) -> Rows:
        """GET_STATUS: every collaborator, with roles and status."""
        with self._database.read() as connection:
            member = access.find(connection, caller.account, name)
            rows = connection.execute(
                "SELECT * FROM room_members WHERE collaboration = ? ORDER BY is_owner DESC, alias_key",
                (member.collaboration,),
            ).fetchall()
            roles = {row["alias_key"]: _roles(connection, member.collaboration, row) for row in rows}
        columns = (
            ("UPDATED_ON", "TIMESTAMP_LTZ"),
            ("COLLABORATOR_ACCOUNT", "VARCHAR"),
            ("COLLABORATOR_NAME", "VARCHAR"),
            ("ROLES", "ARRAY"),
            ("STATUS", "VARCHAR"),
            ("DETAILS", "VARCHAR"),
            ("REGION", "VARCHAR"),
        )
        return Rows.answer(
            columns,
            tuple(
                (
                    from_micros(row["updated_on"]),
                    identity(row["account"]),
                    row["alias"],
                    roles[row["alias_key"]],
                    row["status"],
                    row["details"] if row["account"] == caller.account else "",
                    REGION,
                )
                for row in rows
            ),
        )

    def view(self, caller: Caller) -> Rows:
        """VIEW_COLLABORATIONS: what the account owns, was invited to, or has joined."""
        with self._database.read() as connection:
            found = access.memberships(connection, caller.account)
            specs = {member.collaboration: current_spec(connection, member.collaboration) for member in found}
            updated = {
                member.collaboration: connection.execute(
                    "SELECT updated_on FROM room_collaborations WHERE uid = ?", (member.collaboration,)
                ).fetchone()["updated_on"]
                for member in found
            }
        columns = (
            ("SOURCE_NAME", "VARCHAR"),
            ("COLLABORATION_NAME", "VARCHAR"),
            ("OWNER_ACCOUNT", "VARCHAR"),
            ("UPDATED_ON", "TIMESTAMP_LTZ"),
            ("COLLABORATION_SPEC", "VARCHAR"),
        )
        return Rows.answer(
            columns,
            tuple(
                (
                    member.source_name,
                    member.local_name,
                    identity(member.owner_account),
                    from_micros(updated[member.collaboration]),
                    specs[member.collaboration],
                )
                for member in found
            ),
        )

    def recover(self) -> None:
        """After a start: what a killed engine left half-way goes where its owner can call it again."""
        with self._database.transaction() as connection:
            rows = connection.execute(
                "SELECT collaboration, account, status FROM room_members WHERE status IN (?, ?, ?)",
                tuple(_RECOVERY),
            ).fetchall()
            for row in rows:
                self._move(row["collaboration"], row["account"], _RECOVERY[row["status"]], _INTERRUPTED)

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
            "INSERT INTO room_collaborations VALUES (?, ?, ?, ?, ?, ?, ?)",
            (uid, spec.name, key, caller.account, text, now, now),
        )
        for alias, account in accounts.items():
            own = account == caller.account
            status, local, local_key = ("CREATING", spec.name, key) if own else ("INVITED", None, None)
            connection.execute(
                "INSERT INTO room_members VALUES (?, ?, ?, ?, ?, ?, ?, ?, '', ?)",
                (uid, account, alias, fold(alias), int(own), local, local_key, status, now),
            )
        for alias, runner in spec.analysis_runners.items():
            for provider, offered in runner.data_providers.items():
                row = (uid, fold(alias), fold(provider))
                connection.execute("INSERT INTO room_runners VALUES (?, ?, ?)", row)
                connection.executemany(
                    "INSERT INTO room_links VALUES (?, ?, ?, ?, ?)",
                    [(*row, fold(reference.id), now) for reference in offered.data_offerings],
                )
            connection.executemany(
                "INSERT OR IGNORE INTO room_destinations VALUES (?, ?, ?)",
                [(uid, fold(alias), fold(destination)) for destination in runner.destinations],
            )

    def _account(self, alias: str, text: str) -> str:
        organization, _, account = text.upper().partition(".")
        if organization != access.ORGANIZATION or not self._storage.accounts.exists(account):
            raise room_error(ErrorName.SpecValidationError, f"'{text}' (alias {alias}) is no account of this engine")
        if fold(alias).startswith(access.APPLICATION_PREFIX) or fold(alias) == access.INTERNAL_SCHEMA:
            raise room_error(ErrorName.SpecValidationError, f"the alias '{alias}' is reserved")
        return account

    def _check_warehouse(self, caller: Caller, warehouse: object) -> None:
        key = key_of(warehouse, "warehouse name")
        if self._storage.warehouses.get(caller.account, key) is None:
            raise SqlError.not_found("WAREHOUSE", key)

    def _invitation(self, caller: Caller, source_name: str, owner_account: str) -> Member:
        key = key_of(source_name, "source name")
        with self._database.read() as connection:
            for member in access.memberships(connection, caller.account):
                if fold(member.source_name) == key and identity(member.owner_account) == str(owner_account).upper():
                    if member.is_owner:
                        raise room_error(
                            ErrorName.CollaborationStateException,
                            "owners do not review their own collaboration: join it.",
                        )
                    return member
        raise access.not_found(source_name)

    def _claim_name(self, connection: sqlite3.Connection, account: str, uid: str, name: str, key: str) -> None:
        taken = connection.execute(
            "SELECT 1 FROM room_members WHERE account = ? AND local_key = ? AND collaboration <> ?", (account, key, uid)
        ).fetchone()
        if taken:
            raise room_error(
                ErrorName.CollaborationAlreadyExistsException,
                f"you have a collaboration '{name}' already; "
                "give this one another name, as the third argument of REVIEW.",
            )
        connection.execute(
            "UPDATE room_members SET local_name = ?, local_key = ? WHERE collaboration = ? AND account = ?",
            (name, key, uid, account),
        )

    def _install(self, uid: str, account: str, local_key: str) -> None:
        self._move(uid, account, "INSTALLING")
        with self._failing(uid, account, "INSTALLATION_FAILED"):
            applications.install(self._storage, account, local_key)
            self._move(uid, account, "IN_REVIEW")

    def _join(self, caller: Caller, uid: str) -> None:
        self._move(uid, caller.account, "JOINING")
        with self._failing(uid, caller.account, "JOIN_FAILED"), self._database.transaction() as connection:
            member = access.by_account(connection, uid, caller.account)
            assert member is not None
            self._offerings.check_declared(connection, member, caller)
            self._move(uid, caller.account, "JOINED")
            self._requests.approve_by_joining(connection, caller, member)
        self._requests.finish_approved()

    @contextmanager
    def _failing(self, uid: str, account: str, status: str) -> Iterator[None]:
        try:
            yield
        except SqlError as error:
            with cancellation.tidying():
                self._move(uid, account, status, error.message)
            raise

    def _move(self, uid: str, account: str, wanted: str, details: str = "") -> None:
        with self._database.transaction() as connection:
            row = connection.execute(
                "SELECT status FROM room_members WHERE collaboration = ? AND account = ?", (uid, account)
            ).fetchone()
            try:
                status = MEMBER.move(row["status"], wanted)
            except IllegalTransition as error:
                raise room_error(ErrorName.CollaborationStateException, str(error)) from None
            now = self._database.now_micros()
            connection.execute(
                "UPDATE room_members SET status = ?, details = ?, updated_on = ?"
                " WHERE collaboration = ? AND account = ?",
                (status, details, now, uid, account),
            )
            connection.execute("UPDATE room_collaborations SET updated_on = ? WHERE uid = ?", (now, uid))


def _roles(connection: sqlite3.Connection, uid: str, row: sqlite3.Row) -> list[str]:
    roles = ["owner"] if row["is_owner"] else []
    provides = connection.execute(
        "SELECT 1 FROM room_runners WHERE collaboration = ? AND provider_key = ? LIMIT 1", (uid, row["alias_key"])
    ).fetchone()
    if provides:
        roles.append("data_provider")
    if access.is_runner(connection, uid, row["alias_key"]):
        roles.append("analysis_runner")
    return roles
