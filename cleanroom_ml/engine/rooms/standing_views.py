"""Who is where: GET_STATUS and VIEW_COLLABORATIONS."""

from __future__ import annotations

import sqlite3

from cleanroom_ml.engine.contracts.table import Rows
from cleanroom_ml.engine.rooms import access
from cleanroom_ml.engine.rooms.access import Member, identity
from cleanroom_ml.engine.rooms.current_spec import current_spec_text
from cleanroom_ml.engine.rooms.ports import Caller
from cleanroom_ml.engine.rooms.states import ENDED, ENDING, NOT_INSTALLED
from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.storage.database import Database
from cleanroom_ml.engine.storage.keys import from_micros

REGION = "LOCAL"
_STATUS = (
    ("UPDATED_ON", "TIMESTAMP_LTZ"),
    ("COLLABORATOR_ACCOUNT", "VARCHAR"),
    ("COLLABORATOR_NAME", "VARCHAR"),
    ("ROLES", "ARRAY"),
    ("STATUS", "VARCHAR"),
    ("DETAILS", "VARCHAR"),
    ("REGION", "VARCHAR"),
)
_COLLABORATIONS = (
    ("SOURCE_NAME", "VARCHAR"),
    ("COLLABORATION_NAME", "VARCHAR"),
    ("OWNER_ACCOUNT", "VARCHAR"),
    ("UPDATED_ON", "TIMESTAMP_LTZ"),
    ("COLLABORATION_SPEC", "VARCHAR"),
)


class StandingViews:
    """GET_STATUS, VIEW_COLLABORATIONS."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def status(self, caller: Caller, name: str) -> Rows:
        """GET_STATUS: every collaborator, with roles and status; of who is leaving or has left, only the own."""
        with self._database.read() as connection:
            member = self._place(connection, caller, name)
            rows = connection.execute(
                "SELECT * FROM room_members WHERE collaboration = ? ORDER BY is_owner DESC, alias_key",
                (member.collaboration,),
            ).fetchall()
            if member.status in ENDING | ENDED and not member.is_owner:
                rows = [row for row in rows if row["account"] == caller.account]
            roles = {row["alias_key"]: _roles(connection, member.collaboration, row) for row in rows}
        return Rows.answer(
            _STATUS,
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
        """VIEW_COLLABORATIONS: what the account owns, was invited to, or has joined.

        COLLABORATION_NAME is empty until it is installed. What the account is leaving has no spec for it any more.
        """
        with self._database.read() as connection:
            found = access.memberships(connection, caller.account)
            specs = {
                member.collaboration: current_spec_text(connection, member.collaboration)
                for member in found
                if member.status not in ENDING
            }
            updated = {
                member.collaboration: connection.execute(
                    "SELECT updated_on FROM room_collaborations WHERE uid = ?", (member.collaboration,)
                ).fetchone()["updated_on"]
                for member in found
            }
        return Rows.answer(
            _COLLABORATIONS,
            tuple(
                (
                    member.source_name,
                    None if member.status in NOT_INSTALLED else member.local_name,
                    identity(member.owner_account),
                    from_micros(updated[member.collaboration]),
                    specs.get(member.collaboration),
                )
                for member in found
            ),
        )

    def _place(self, connection: sqlite3.Connection, caller: Caller, name: str) -> Member:
        try:
            return access.place(connection, caller.account, name)
        except SqlError:
            over = access.ended(connection, caller.account, name)
            if over is None:
                raise
            return over


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
