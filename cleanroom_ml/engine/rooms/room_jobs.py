"""What must not go on in a room, or be answered: of a party that has left, and on the data of one."""

from __future__ import annotations

from cleanroom_ml.engine.contracts.job import JobLauncher
from cleanroom_ml.engine.rooms import access
from cleanroom_ml.engine.rooms.catalog import RoomScope
from cleanroom_ml.engine.storage.database import Database


def end_jobs(
    database: Database, launcher: JobLauncher, uid: str, *, of: str | None = None, runner: str | None = None
) -> None:
    """Cancels the jobs of a collaboration that have not ended. Repeating it changes nothing.

    Args:
        of: an account: those that it runs, and those that read its data. None: all.
        runner: an account: only jobs that it runs.
    """
    with database.read() as connection:
        members = access.members(connection, uid)
    for member in members:
        if runner is not None and member.account != runner:
            continue
        for status in launcher.list(member.account, member.local_name or member.source_name):
            if status.status.terminal:
                continue
            # Jobs are listed by the room's name in the account, which another room may have had before.
            scope = RoomScope.from_json(launcher.request(status.job_id).scope)
            if scope.collaboration_id == uid and (of is None or of in _accounts(scope)):
                launcher.cancel(status.job_id)


def check_standing(database: Database, scope: RoomScope) -> None:
    """To be called when a run has done its work, before anything of it is handed out: who left meanwhile gets nothing,
    and nothing is made of the data of who left.

    Raises:
        SqlError: InvalidCollaborationStatusError.
    """
    with database.read() as connection:
        for account in sorted(_accounts(scope)):
            if not access.stands(connection, scope.collaboration_id, account):
                member = access.by_account(connection, scope.collaboration_id, account)
                raise access.invalid_status(("JOINED",), "LEFT" if member is None else member.status)


def _accounts(scope: RoomScope) -> set[str]:
    return {scope.account, *(view.provider_account for view in scope.views)}
