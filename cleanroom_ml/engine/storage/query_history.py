"""What the records of statements tell of them afterwards: QUERY_HISTORY, as long as the records are kept.

The texts of statements, and what they bound, are not kept, and so are in no history.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from cleanroom_ml.engine.storage.database import Database
from cleanroom_ml.engine.storage.keys import from_micros

MOST: Final = 10_000
"""sql-reference/functions/query_history, RESULT_LIMIT."""
_LONGEST_ERROR: Final = 5_000
_LONGEST_RESPONSE: Final = 65_536


@dataclass(frozen=True, slots=True)
class Recorded:
    """One statement of a client. `ended_on` None: it runs. `statement_type`, `rows`: where its outcome tells them."""

    query_id: str
    user: str
    session_id: str
    role: str | None
    warehouse: str | None
    database: str | None
    schema: str | None
    tag: str | None
    state: str
    started_on: datetime
    ended_on: datetime | None
    code: int | None
    message: str | None
    statement_type: int | None
    rows: int | None


class QueryHistory:
    """Statements of all accounts' clients; not those of jobs and rooms, nor of procedures with their owner's rights,
    whose errors may be of data that their callers do not see.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def tag_run(self, query_id: str, run_id: str, tag: str) -> None:
        """The statement `query_id` ran an analysis: the query under it has an id and a tag of its own, and the times
        and the outcome of the statement.
        """
        with self._database.transaction() as connection:
            connection.execute(
                "INSERT OR IGNORE INTO query_runs (query_id, statement, tag)"
                " SELECT ?, query_id, ? FROM queries WHERE query_id = ?",
                (run_id, tag, query_id),
            )

    def list(self, account: str) -> list[Recorded]:
        """The newest MOST statements of an account: what runs first, then what ended last."""
        with self._database.read() as connection:
            rows = connection.execute(_ALL, {"account": account, "most": MOST, "longest": _LONGEST_RESPONSE}).fetchall()
        return [_recorded(row) for row in rows]


def _recorded(row: sqlite3.Row) -> Recorded:
    message = row["message"]
    return Recorded(
        *(row["query_id"], row["user"], row["session_id"], row["role"], row["warehouse"], row["database"]),
        *(row["schema"], row["query_tag"], row["state"], from_micros(row["started_on"])),
        None if row["ended_on"] is None else from_micros(row["ended_on"]),
        row["code"],
        None if message is None else str(message)[:_LONGEST_ERROR],
        row["type"],
        row["rows"],
    )


_TOLD: Final = (
    "CASE WHEN q.state = 'SUCCESS' AND length(q.response) <= :longest THEN json_extract(q.response, '{}') END"
)
_COLUMNS: Final = f"""q.user, q.session_id, q.role, q.warehouse, q.database, q.schema, q.state, q.started_on,
    q.ended_on, q.code, q.message, {_TOLD.format("$.type")} AS type, {_TOLD.format("$.arrow.total")} AS rows"""
_ALL: Final = f"""
    SELECT * FROM (
        SELECT q.query_id, q.query_tag, {_COLUMNS} FROM queries q WHERE q.account = :account AND q.asked_by = 'client'
        UNION ALL
        SELECT r.query_id, r.tag, {_COLUMNS} FROM query_runs r JOIN queries q ON q.query_id = r.statement
        WHERE q.account = :account AND q.asked_by = 'client')
    ORDER BY ended_on IS NOT NULL, ended_on DESC, started_on DESC LIMIT :most"""
