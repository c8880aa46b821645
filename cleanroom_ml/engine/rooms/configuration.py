"""Settings of a collaboration: TEMPLATE_AUTO_APPROVAL is each caller's own, ALLOW_ML_JOBS_MONITORING is the owner's
for all.
"""

from __future__ import annotations

import sqlite3

from cleanroom_ml.engine.contracts.table import Rows
from cleanroom_ml.engine.load import cancellation
from cleanroom_ml.engine.rooms import access
from cleanroom_ml.engine.rooms.access import Member
from cleanroom_ml.engine.rooms.ports import Caller
from cleanroom_ml.engine.sql.errors import room_error
from cleanroom_ml.engine.storage.database import Database
from cleanroom_ml.error_names import ErrorName

AUTO_APPROVAL = "TEMPLATE_AUTO_APPROVAL"
MONITORING = "ALLOW_ML_JOBS_MONITORING"
DEFAULTS = {AUTO_APPROVAL: "false", MONITORING: "true"}
_ACCEPTED = "The configuration change was accepted."


def value_of(connection: sqlite3.Connection, member: Member, name: str) -> str:
    """The value that holds for a member: its own, or the owner's for what only the owner can set."""
    row = connection.execute(
        "SELECT value FROM room_settings WHERE collaboration = ? AND account = ? AND name = ?",
        (member.collaboration, _whose(member, name), name),
    ).fetchone()
    return DEFAULTS[name] if row is None else str(row["value"])


def _whose(member: Member, name: str) -> str:
    """The account whose value holds for a member."""
    return member.owner_account if name == MONITORING else member.account


def _changes(connection: sqlite3.Connection, member: Member, name: str) -> bool:
    row = connection.execute(
        "SELECT 1 FROM room_pending_settings WHERE collaboration = ? AND account = ? AND name = ?",
        (member.collaboration, _whose(member, name), name),
    ).fetchone()
    return row is not None


class Configuration:
    """GET_CONFIGURATION, SET_CONFIGURATION."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, caller: Caller, name: str) -> Rows:
        """Every setting with the value that holds; PENDING where another one was asked for and does not hold yet."""
        with self._database.read() as connection:
            member = access.joined(connection, caller.account, name)
            rows = tuple(
                (key, value_of(connection, member, key), "PENDING" if _changes(connection, member, key) else "ACTIVE")
                for key in DEFAULTS
            )
        return Rows.answer((("CONFIGURATION", "VARCHAR"), ("VALUE", "VARCHAR"), ("STATUS", "VARCHAR")), rows)

    def set(self, caller: Caller, name: str, setting: object, value: object) -> Rows:
        """SET_CONFIGURATION: the change is PENDING once it is on disk, and ACTIVE when it holds.

        Raises:
            SqlError: SpecValidationError; PermissionDeniedException, it is the owner's to set.
        """
        key = str(setting).upper()
        text = str(value).lower()
        if key not in DEFAULTS or text not in ("true", "false"):
            raise room_error(ErrorName.SpecValidationError, f"set one of {', '.join(DEFAULTS)} to true or false")
        with self._database.transaction() as connection:
            member = access.joined(connection, caller.account, name)
            if key == MONITORING and not member.is_owner:
                raise room_error(
                    ErrorName.PermissionDeniedException, f"only the collaboration's owner can change {MONITORING}."
                )
            connection.execute(
                "INSERT OR REPLACE INTO room_pending_settings (collaboration, account, name, value)"
                " VALUES (?, ?, ?, ?)",
                (member.collaboration, member.account, key, text),
            )
        self.apply_pending()
        return Rows.one("SET_CONFIGURATION", _ACCEPTED)

    def apply_pending(self) -> None:
        """Makes hold what was accepted: now, or after a start what a killed engine had accepted."""
        with cancellation.tidying(), self._database.transaction() as connection:
            connection.execute(
                "INSERT OR REPLACE INTO room_settings (collaboration, account, name, value)"
                " SELECT collaboration, account, name, value FROM room_pending_settings"
            )
            connection.execute("DELETE FROM room_pending_settings")
