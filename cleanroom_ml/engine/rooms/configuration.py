"""Settings of a collaboration: TEMPLATE_AUTO_APPROVAL is each caller's own, ALLOW_ML_JOBS_MONITORING is the owner's
for all.
"""

from __future__ import annotations

import sqlite3

from cleanroom_ml.engine.contracts.table import Rows
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
    account = member.owner_account if name == MONITORING else member.account
    row = connection.execute(
        "SELECT value FROM room_settings WHERE collaboration = ? AND account = ? AND name = ?",
        (member.collaboration, account, name),
    ).fetchone()
    return DEFAULTS[name] if row is None else str(row["value"])


class Configuration:
    """GET_CONFIGURATION, SET_CONFIGURATION."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, caller: Caller, name: str) -> Rows:
        """Every setting with its value. Changes apply at once here, so that the status is always ACTIVE."""
        with self._database.read() as connection:
            member = access.joined(connection, caller.account, name)
            rows = tuple((key, value_of(connection, member, key), "ACTIVE") for key in DEFAULTS)
        return Rows.answer((("CONFIGURATION", "VARCHAR"), ("VALUE", "VARCHAR"), ("STATUS", "VARCHAR")), rows)

    def set(self, caller: Caller, name: str, setting: object, value: object) -> Rows:
        """SET_CONFIGURATION.

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
                "INSERT OR REPLACE INTO room_settings VALUES (?, ?, ?, ?)",
                (member.collaboration, member.account, key, text),
            )
        return Rows.one("SET_CONFIGURATION", _ACCEPTED)
