"""Into a collaboration: REVIEW installs it and shows what it asks for, JOIN begins to take part in it."""

from __future__ import annotations

import sqlite3

from cleanroom_ml.engine.contracts.table import Rows
from cleanroom_ml.engine.rooms import access, applications
from cleanroom_ml.engine.rooms.access import Member, identity, key_of
from cleanroom_ml.engine.rooms.current_spec import current_spec_text
from cleanroom_ml.engine.rooms.offerings import Offerings
from cleanroom_ml.engine.rooms.ports import Caller
from cleanroom_ml.engine.rooms.role_checks import claim, require_to_activate
from cleanroom_ml.engine.rooms.role_checks import collaboration as collaboration_thing
from cleanroom_ml.engine.rooms.states import ENDING
from cleanroom_ml.engine.rooms.statuses import Statuses
from cleanroom_ml.engine.rooms.update_requests import UpdateRequests
from cleanroom_ml.engine.sql.errors import SqlError, room_error
from cleanroom_ml.engine.storage.storage import Storage
from cleanroom_ml.error_names import ErrorName
from cleanroom_ml.naming import fold

_TO_INSTALL = ("INVITED", "INSTALLATION_FAILED")
_OWNER_JOINS_FROM = ("CREATED", "INSTALLATION_FAILED", "IN_REVIEW", "JOIN_FAILED")
_JOINS_FROM = ("IN_REVIEW", "JOIN_FAILED")


class Joining:
    """REVIEW, JOIN."""

    def __init__(self, storage: Storage, statuses: Statuses, offerings: Offerings, requests: UpdateRequests) -> None:
        self._storage = storage
        self._database = storage.database
        self._statuses = statuses
        self._offerings = offerings
        self._requests = requests

    def review(self, caller: Caller, source_name: str, owner_account: str, local_name: object | None = None) -> Rows:
        """REVIEW: installs the collaboration in the caller's account, and shows what it is.

        Until it is joined it can be called again, and installs again what has failed: under the same name.

        Raises:
            SqlError: CollaborationInvitationNotFound, also for the owner, and for what the account is leaving;
                CollaborationAlreadyReviewed, it has joined, or reviewed under another name.
        """
        member = self._invitation(caller, source_name, owner_account)
        chosen = local_name if local_name is not None else member.local_name or member.source_name
        local_key = key_of(chosen, "collaboration name")
        if member.local_key is not None and member.local_key != local_key:
            raise _already_reviewed(member)
        if member.status in _TO_INSTALL:
            with self._database.transaction() as connection:
                self._claim_name(connection, caller.account, member.collaboration, str(chosen), local_key)
                claim(self._storage, caller, collaboration_thing(member.collaboration))
                self._statuses.move(member.collaboration, caller.account, "INSTALLING")
            self._install(member.collaboration, caller.account, local_key)
        elif member.status not in _JOINS_FROM:
            raise _already_reviewed(member)
        with self._database.transaction() as connection:
            spec = current_spec_text(connection, member.collaboration)
            connection.execute(
                "INSERT OR REPLACE INTO room_reviews (collaboration, account, reviewed_on) VALUES (?, ?, ?)",
                (member.collaboration, caller.account, self._database.now_micros()),
            )
        columns = (
            ("COLLABORATION_NAME", "VARCHAR"),
            ("SOURCE_NAME", "VARCHAR"),
            ("OWNER_ACCOUNT", "VARCHAR"),
            ("COLLABORATION_SPEC", "VARCHAR"),
        )
        return Rows.answer(columns, ((str(chosen), member.source_name, identity(member.owner_account), spec),))

    def join(self, caller: Caller, name: str) -> Rows:
        """JOIN: the owner from CREATED on, everybody else after REVIEW; again after it has failed.

        Raises:
            SqlError: CollaborationNotFoundException; InvalidCollaborationStatusError; CollaborationStateException, it
                was edited since; insufficient privileges, to join where one can activate; what keeps it from joining.
        """
        with self._database.read() as connection:
            member = access.find(connection, caller.account, name)
        wanted = _OWNER_JOINS_FROM if member.is_owner else _JOINS_FROM
        if member.status not in wanted:
            raise access.invalid_status(wanted, member.status)
        with self._database.read() as connection:
            require_to_activate(self._storage, connection, caller, member)
            _check_seen(connection, member)
        self.bring_in(caller, member)
        return Rows.one("JOIN", f"You have joined collaboration {name}.")

    def bring_in(self, caller: Caller, member: Member) -> None:
        """Installs where that is still to do, and joins. Raises SqlError, with the failure written down."""
        if member.status in ("CREATED", "INSTALLATION_FAILED"):
            self._statuses.move(member.collaboration, caller.account, "INSTALLING")
            self._install(member.collaboration, caller.account, member.local_key or fold(member.source_name))
        uid = member.collaboration
        self._statuses.move(uid, caller.account, "JOINING")
        with (
            self._statuses.failing(uid, caller.account, "JOIN_FAILED"),
            self._database.transaction() as connection,
        ):
            _check_seen(connection, member)
            self._offerings.check_declared(connection, member, caller)
            self._statuses.move(uid, caller.account, "JOINED")
            self._requests.approve_by_joining(connection, caller, member)
        self._requests.finish_approved()

    def check(self, caller: Caller, member: Member) -> None:
        """Raises SqlError for what would keep a member from joining, and changes nothing."""
        applications.check_free(self._storage, member.account, member.local_key or fold(member.source_name))
        with self._database.read() as connection:
            require_to_activate(self._storage, connection, caller, member)
            self._offerings.check_declared(connection, member, caller)

    def _install(self, uid: str, account: str, local_key: str) -> None:
        """Makes the application database of who is INSTALLING. Raises SqlError, with the failure written down."""
        with self._statuses.failing(uid, account, "INSTALLATION_FAILED"):
            applications.install(self._storage, account, local_key)
            self._statuses.move(uid, account, "IN_REVIEW")

    def _invitation(self, caller: Caller, source_name: str, owner_account: str) -> Member:
        key = key_of(source_name, "source name")
        with self._database.read() as connection:
            for member in access.memberships(connection, caller.account):
                same = fold(member.source_name) == key and identity(member.owner_account) == str(owner_account).upper()
                if same and not member.is_owner and member.status not in ENDING:
                    return member
        raise room_error(
            ErrorName.CollaborationInvitationNotFound,
            f"Pending invitation for collaboration: {str(source_name)[:100]} not found",
        )

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


def _check_seen(connection: sqlite3.Connection, member: Member) -> None:
    """Whoever joins has reviewed the spec as it is: joining agrees to it, and an edit may have changed it since.

    The owner wrote it, and approves every edit.

    Raises:
        SqlError: CollaborationStateException.
    """
    row = connection.execute(
        "SELECT 1 FROM room_reviews WHERE collaboration = ? AND account = ?", (member.collaboration, member.account)
    ).fetchone()
    if row is None and not member.is_owner:
        raise room_error(
            ErrorName.CollaborationStateException,
            "the collaboration was edited since you have reviewed it: call REVIEW again, then JOIN.",
        )


def _already_reviewed(member: Member) -> SqlError:
    return room_error(
        ErrorName.CollaborationAlreadyReviewed,
        f"collaboration {member.source_name} has been reviewed already, as '{member.local_name}'. "
        f"Current status: {member.status}.",
    )
