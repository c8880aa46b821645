"""Where each collaborator is: every move by `states.MEMBER`, and on disk before anything is done about it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from cleanroom_ml.engine.contracts.machine import IllegalTransition
from cleanroom_ml.engine.load import cancellation
from cleanroom_ml.engine.rooms import access
from cleanroom_ml.engine.rooms.states import MEMBER, leading_to
from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.storage.database import Database


class Statuses:
    """The statuses of all collaborators."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def move(self, uid: str, account: str, wanted: str, details: str = "") -> None:
        """Persists a status.

        Raises:
            SqlError: InvalidCollaborationStatusError, nothing leads there from where the collaborator is.
        """
        with self._database.transaction() as connection:
            status = self.of(connection, uid, account)
            try:
                self._write(connection, uid, account, MEMBER.move(status, wanted), details)
            except IllegalTransition:
                raise access.invalid_status(leading_to(wanted), status) from None

    def tell(self, uid: str, account: str, details: str) -> None:
        """Details of the status that a collaborator is in."""
        with self._database.transaction() as connection:
            self._write(connection, uid, account, self.of(connection, uid, account), details)

    @contextmanager
    def failing(self, uid: str, account: str, status: str) -> Iterator[None]:
        """Around what may fail: the collaborator ends in `status` then, unless it was taken out of there meanwhile."""
        try:
            yield
        except SqlError as error:
            with cancellation.tidying(), self._database.transaction() as connection:
                before = self.of(connection, uid, account)
                if status in MEMBER.moves[before]:
                    self._write(connection, uid, account, MEMBER.move(before, status), error.message)
            raise

    def of(self, connection: sqlite3.Connection, uid: str, account: str) -> str:
        """A member's status."""
        row = connection.execute(
            "SELECT status FROM room_members WHERE collaboration = ? AND account = ?", (uid, account)
        ).fetchone()
        return str(row["status"])

    def _write(self, connection: sqlite3.Connection, uid: str, account: str, status: str, details: str) -> None:
        now = self._database.now_micros()
        connection.execute(
            "UPDATE room_members SET status = ?, details = ?, updated_on = ? WHERE collaboration = ? AND account = ?",
            (status, details, now, uid, account),
        )
        connection.execute("UPDATE room_collaborations SET updated_on = ? WHERE uid = ?", (now, uid))
