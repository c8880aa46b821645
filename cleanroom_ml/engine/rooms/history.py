"""VIEW_ACTIVITY_HISTORY: every run, for everybody as much as they may know of it.

Columns and keys are those of the page "Monitor analysis activity in collaborations", and no other.
"""

from __future__ import annotations

import json
import secrets
import sqlite3
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from cleanroom_ml.engine.contracts.table import Rows
from cleanroom_ml.engine.load import cancellation
from cleanroom_ml.engine.rooms import access
from cleanroom_ml.engine.rooms.access import Member
from cleanroom_ml.engine.rooms.ports import Caller
from cleanroom_ml.engine.rooms.states import ACTIVITY
from cleanroom_ml.engine.sql.binds import Value
from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.storage.keys import from_micros
from cleanroom_ml.engine.storage.storage import Storage
from cleanroom_ml.json_values import Document

_REDACTED = "The run failed. Only the analysis runner can see why."
_INTERRUPTED = "The engine was stopped while this ran."


class History:
    """Records runs, and shows them."""

    def __init__(self, storage: Storage) -> None:
        self._database = storage.database
        self._queries = storage.query_history

    @contextmanager
    def recorded(self, member: Member, info: Document, query_id: str) -> Iterator[dict[str, object]]:
        """Around one run: written down before it starts; SUCCESS or ERROR afterwards. In the history of queries of the
        runner's account the query that `query_id` runs has the activity as its tag (cleanrooms/activity-history).

        What the body puts into the dictionary that it gets is added to `info` when it succeeds.
        """
        activity = f"activity_{secrets.token_hex(12)}"
        started = self._database.now_micros()
        with self._database.transaction() as connection:
            (number,) = connection.execute("SELECT coalesce(max(number), 0) + 1 FROM room_activities").fetchone()
            connection.execute(
                "INSERT INTO room_activities (id, number, collaboration, account, started_on, duration_ms,"
                " status, failure, info)"
                " VALUES (?, ?, ?, ?, ?, NULL, 'RUNNING', '', ?)",
                (activity, number, member.collaboration, member.account, started, json.dumps(info, default=str)),
            )
            self._queries.tag_run(query_id, str(uuid.uuid4()), json.dumps({"activity_id": activity}))
        found: dict[str, object] = {}
        try:
            yield found
        except BaseException as error:
            self._finish(activity, started, "ERROR", error.message if isinstance(error, SqlError) else "internal error")
            raise
        self._finish(activity, started, "SUCCESS", "", {**info, **found})

    def recover(self) -> None:
        """After a start: what was running then is running no more."""
        with self._database.transaction() as connection:
            connection.execute(
                "UPDATE room_activities SET status = ?, failure = ?, duration_ms = 0 WHERE status = 'RUNNING'",
                (ACTIVITY.move("RUNNING", "ERROR"), _INTERRUPTED),
            )

    def jobs(self, connection: sqlite3.Connection, member: Member) -> dict[str, str]:
        """The ML jobs that a member's own runs became, each with its run's id. No documented answer tells it."""
        rows = connection.execute(
            "SELECT id, info FROM room_activities WHERE collaboration = ? AND account = ?",
            (member.collaboration, member.account),
        )
        return {str(job): str(row["id"]) for row in rows if (job := json.loads(row["info"]).get("job_id"))}

    def view(self, caller: Caller, name: str) -> Rows:
        """VIEW_ACTIVITY_HISTORY: the caller's runs, and others' runs on the caller's data."""
        with self._database.read() as connection:
            member = access.joined(connection, caller.account, name)
            rows = connection.execute(
                "SELECT * FROM room_activities WHERE collaboration = ? AND status <> 'RUNNING' ORDER BY number",
                (member.collaboration,),
            ).fetchall()
            displayed = [found for row in rows if (found := _row(connection, member, row)) is not None]
        columns = (
            ("ACTIVITY_ID", "VARCHAR"),
            ("ANALYSIS_RUNNER_ALIAS", "VARCHAR"),
            ("START_TS", "TIMESTAMP_LTZ"),
            ("TOTAL_DURATION", "NUMBER(38,0)"),
            ("STATUS", "VARCHAR"),
            ("FAILURE_REASON", "VARCHAR"),
            ("ACTIVITY_TYPE", "VARCHAR"),
            ("ACTIVITY_INFO", "VARIANT"),
        )
        return Rows.answer(columns, tuple(displayed))

    def _finish(self, activity: str, started: int, status: str, failure: str, info: Document | None = None) -> None:
        reported = None if info is None else json.dumps(info, default=str)
        with cancellation.tidying(), self._database.transaction() as connection:
            (before,) = connection.execute("SELECT status FROM room_activities WHERE id = ?", (activity,)).fetchone()
            connection.execute(
                "UPDATE room_activities SET status = ?, failure = ?, duration_ms = ?, info = coalesce(?, info) "
                "WHERE id = ?",
                (
                    ACTIVITY.move(before, status),
                    failure,
                    (self._database.now_micros() - started) // 1000,
                    reported,
                    activity,
                ),
            )


def _row(connection: sqlite3.Connection, member: Member, row: sqlite3.Row) -> tuple[Value, ...] | None:
    own = row["account"] == member.account
    info = _visible_info(json.loads(row["info"]), member, own)
    if info is None:
        return None
    runner = access.by_account(connection, member.collaboration, row["account"])
    failure = row["failure"] if own or not row["failure"] else _REDACTED
    return (
        row["id"],
        runner.alias if runner else "",
        from_micros(row["started_on"]),
        row["duration_ms"],
        row["status"],
        failure or None,
        "RUN",
        info,
    )


# Any: a Document that is taken to pieces.
def _visible_info(info: dict[str, Any], member: Member, own: bool) -> dict[str, object] | None:
    """What a member may know; None: nothing, not even that there was a run. Others see the tables that are theirs."""
    tables = info.pop("tables")
    mine = [table for table in tables if own or table["provider_key"] == member.alias_key]
    submitted = info.pop("submitted_by") == member.account
    if not (own or mine or submitted):
        return None
    parameters = info["request_parameters"]
    visible: dict[str, object] = {
        "template_id": parameters["template_id"],
        "activation_destination": parameters["activation_destination"],
    }
    if mine:
        visible["source_tables"] = [table["name"] for table in mine if not table["local"]]
    if own:
        visible["local_tables"] = [table["name"] for table in tables if table["local"]]
        visible["arguments"] = parameters["arguments"]
    displayed: dict[str, object] = {"request_parameters": visible}
    if own or mine:
        displayed["data_offering_ids"] = sorted({table["offering_id"] for table in mine})
    return displayed
