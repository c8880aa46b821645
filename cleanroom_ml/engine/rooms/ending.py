"""Out of a collaboration: LEAVE takes one collaborator out, TEARDOWN by the owner ends it for all.

Each is called twice. The first call takes away everything that the collaboration gives, at once and for good; the
second one clears away what is left of it in the account.
"""

from __future__ import annotations

from contextlib import suppress

from cleanroom_ml.engine.contracts.job import JobLauncher
from cleanroom_ml.engine.contracts.table import Rows
from cleanroom_ml.engine.load import cancellation
from cleanroom_ml.engine.rooms import access, applications, departures
from cleanroom_ml.engine.rooms.access import Member
from cleanroom_ml.engine.rooms.ports import Caller
from cleanroom_ml.engine.rooms.room_jobs import end_jobs
from cleanroom_ml.engine.rooms.statuses import Statuses
from cleanroom_ml.engine.sql.errors import SqlError, room_error
from cleanroom_ml.engine.storage.storage import Storage
from cleanroom_ml.error_names import ErrorName

# What the service says of LEAVE, as it was seen (docs/api-digest.md §9): it names neither JOINED nor LEAVE_FAILED.
_LEAVE_NEEDS = ("LOCAL_DROP_PENDING", "LEAVING")
_TEARDOWN_NEEDS = ("JOINED", "DROPPING", "DROP_FAILED", "LOCAL_DROP_PENDING")
_JOIN_FIRST = " You must join it before you can tear it down."


class Ending:
    """LEAVE, TEARDOWN."""

    def __init__(self, storage: Storage, statuses: Statuses, launcher: JobLauncher) -> None:
        self._storage = storage
        self._database = storage.database
        self._statuses = statuses
        self._launcher = launcher

    def leave(self, caller: Caller, name: str) -> Rows:
        """LEAVE: the first call ends the caller's part in it, the second one removes the application.

        Raises:
            SqlError: CollaborationNotFoundException; PermissionDeniedException, owners cannot leave;
                InvalidCollaborationStatusError, the caller has not joined.
        """
        member = self._place(caller, name)
        if member.is_owner:
            raise room_error(
                ErrorName.PermissionDeniedException,
                "the owner cannot leave a collaboration; end it for all with TEARDOWN.",
            )
        if member.status == "LOCAL_DROP_PENDING":
            self._drop(member, "LEFT")
            return Rows.one("LEAVE", f"You have left collaboration {name}.")
        if member.status not in ("JOINED", "LEAVING", "LEAVE_FAILED"):
            raise access.invalid_status(_LEAVE_NEEDS, member.status)
        if member.status != "LEAVING":
            self._statuses.move(member.collaboration, member.account, "LEAVING")
        self._leave(member.collaboration, member.account)
        return Rows.one("LEAVE", _started(name, "LEAVE"))

    def teardown(self, caller: Caller, name: str) -> Rows:
        """TEARDOWN: the first call ends the collaboration for all, the second one removes the owner's application.

        Raises:
            SqlError: CollaborationNotFoundException; PermissionDeniedException, the caller is not the owner;
                InvalidCollaborationStatusError, the owner has not joined.
        """
        member = self._place(caller, name)
        if not member.is_owner:
            raise room_error(
                ErrorName.PermissionDeniedException,
                "only the owner can tear a collaboration down; take yourself out of it with LEAVE.",
            )
        if member.status == "LOCAL_DROP_PENDING":
            self._drop(member, "DROPPED")
            return Rows.one("TEARDOWN", f"Collaboration {name} was torn down.")
        if member.status not in _TEARDOWN_NEEDS:
            raise access.invalid_status(_TEARDOWN_NEEDS, member.status, _JOIN_FIRST)
        if member.status != "DROPPING":
            self._statuses.move(member.collaboration, member.account, "DROPPING")
        self._tear_down(member.collaboration, member.account)
        return Rows.one("TEARDOWN", _started(name, "TEARDOWN"))

    def recover(self) -> None:
        """After a start: what a killed engine left half-way is carried through. Nobody had anything of it meanwhile."""
        with self._database.read() as connection:
            rows = connection.execute(
                "SELECT collaboration, account, status FROM room_members WHERE status IN ('LEAVING', 'DROPPING')"
            ).fetchall()
        for row in rows:
            carry_on = self._leave if row["status"] == "LEAVING" else self._tear_down
            with suppress(SqlError):  # it is written down as LEAVE_FAILED or DROP_FAILED, and can be called again
                carry_on(row["collaboration"], row["account"])

    def _place(self, caller: Caller, name: str) -> Member:
        with self._database.read() as connection:
            return access.place(connection, caller.account, name)

    def _leave(self, uid: str, account: str) -> None:
        with cancellation.tidying(), self._statuses.failing(uid, account, "LEAVE_FAILED"):
            end_jobs(self._database, self._launcher, uid, of=account)
            with self._database.transaction() as connection:
                if self._statuses.of(connection, uid, account) != "LEAVING":
                    return  # another call of the same account has carried it through
                departures.withdraw(connection, uid, account, self._database.now_micros())
                self._statuses.move(uid, account, "LOCAL_DROP_PENDING")

    def _tear_down(self, uid: str, account: str) -> None:
        with cancellation.tidying(), self._statuses.failing(uid, account, "DROP_FAILED"):
            end_jobs(self._database, self._launcher, uid)
            with self._database.transaction() as connection:
                if self._statuses.of(connection, uid, account) != "DROPPING":
                    return
                departures.close(connection, uid, self._database.now_micros())
                for member in access.members(connection, uid):
                    if (wanted := departures.after_teardown(member)) is not None:
                        self._statuses.move(uid, member.account, wanted)

    def _drop(self, member: Member, wanted: str) -> None:
        with self._database.transaction() as connection:
            self._statuses.move(member.collaboration, member.account, wanted)
            if member.local_key is not None:
                applications.remove(self._storage, member.account, member.local_key)
            departures.forget_name(connection, member)


def _started(name: str, procedure: str) -> str:
    return (
        f"{procedure} of collaboration {name} has started. "
        f"Once GET_STATUS says LOCAL_DROP_PENDING, call {procedure} again to finish it."
    )
