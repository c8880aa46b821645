"""What was asked, and what became of it: the record that retries, polling clients and restarts go by."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final, Literal

from cleanroom_ml.engine.contracts.machine import IllegalTransition, Machine
from cleanroom_ml.engine.storage.database import Database, Schema
from cleanroom_ml.engine.storage.errors import AlreadyExists, IllegalState, NotFound, RequestMismatch
from cleanroom_ml.engine.storage.keys import from_micros, to_micros

QueryState = Literal["QUEUED", "RUNNING", "SUCCESS", "FAILED", "ABORTED"]

RETENTION = timedelta(hours=24)

_MOVES: Final[dict[QueryState, tuple[QueryState, ...]]] = {
    "QUEUED": ("RUNNING", "SUCCESS", "FAILED", "ABORTED"),
    "RUNNING": ("RUNNING", "SUCCESS", "FAILED", "ABORTED"),
    # A commit recorded its outcome, and then the front adds what it sends to the client.
    "SUCCESS": ("SUCCESS",),
    "FAILED": (),
    "ABORTED": ("ABORTED",),
}
QUERY: Final = Machine.of("query", ("QUEUED", "RUNNING"), _MOVES)

# Nothing of it was committed: a commit would have recorded SUCCESS with it.
INTERRUPTED: Final = Machine.of("interrupted query", ("FAILED",), {"FAILED": ("RUNNING",), "RUNNING": ()})


def _references(connection: sqlite3.Connection) -> Iterable[str]:
    return (row["sha256"] for row in connection.execute("SELECT DISTINCT sha256 FROM query_objects"))


SCHEMA = Schema(
    "queries",
    1,
    (
        """CREATE TABLE queries (
            query_id TEXT PRIMARY KEY, account TEXT NOT NULL, user TEXT NOT NULL, session_id TEXT NOT NULL,
            request_id TEXT, sql_text_hash TEXT NOT NULL, state TEXT NOT NULL,
            started_on INTEGER NOT NULL, ended_on INTEGER, response TEXT, spool TEXT,
            code INTEGER, sqlstate TEXT, message TEXT) STRICT""",
        """CREATE UNIQUE INDEX queries_by_request ON queries (session_id, request_id)
            WHERE request_id IS NOT NULL""",
        "CREATE INDEX queries_by_account ON queries (account, started_on)",
        "CREATE INDEX queries_by_end ON queries (ended_on)",
        "CREATE INDEX queries_by_spool ON queries (spool) WHERE spool IS NOT NULL",
        """CREATE TABLE query_objects (
            query_id TEXT NOT NULL REFERENCES queries (query_id) ON DELETE CASCADE, sha256 TEXT NOT NULL,
            PRIMARY KEY (query_id, sha256)) STRICT""",
    ),
    references=_references,
)


@dataclass(frozen=True, slots=True)
class QueryRecord:
    """One statement of one session.

    `response` is the JSON text that `finish` was given; `spool` is a path relative to the spool directory; `code`,
    `sqlstate` and `message` are set where it failed. The statement's text is not kept: it may hold data.
    """

    query_id: str
    account: str
    user: str
    session_id: str
    request_id: str | None
    sql_text_hash: str
    state: QueryState
    started_on: datetime
    ended_on: datetime | None
    response: str | None
    spool: str | None
    code: int | None
    sqlstate: str | None
    message: str | None


class Queries:
    """Statements by query id and by request id. States move as QUERY says."""

    def __init__(self, database: Database, spool: Path) -> None:
        """`spool` is the directory (made 0700) that results are spooled to, and that expired ones are deleted from."""
        self._database = database
        self.spool = spool
        spool.mkdir(mode=0o700, parents=True, exist_ok=True)

    def start(
        self,
        query_id: str,
        session_id: str,
        request_id: str | None,
        sql_text_hash: str,
        *,
        state: Literal["QUEUED", "RUNNING"] = "RUNNING",
        durable: bool = True,
    ) -> tuple[QueryRecord, bool]:
        """Records that a statement is about to run, before it runs: (record, True).

        It is not `durable` where nobody is told of it before it has ended: what is lost with the machine's power then
        is the record of a statement of which nothing was committed, as its commit would have kept it.

        Where the session used `request_id` before, nothing is recorded: (the record of that time, False), and the
        caller waits for it or answers with its outcome. Of two calls at once, one gets True.

        Raises:
            RequestMismatch: the request id was used for a statement with another hash.
            NotFound: no such session.
            AlreadyExists: the query id was used.
        """
        with self._database.transaction(durable=durable, counted=False) as connection:
            if request_id is not None and (there := _by_request(connection, session_id, request_id)) is not None:
                if there.sql_text_hash != sql_text_hash:
                    raise RequestMismatch("this request id was used for another statement")
                return there, False
            owner = connection.execute("SELECT account, user FROM sessions WHERE id = ?", (session_id,)).fetchone()
            if owner is None:
                raise NotFound("session", session_id)
            values = (query_id, owner["account"], owner["user"], session_id, request_id, sql_text_hash, state)
            begun = self._database.now_micros()
            made = connection.execute(
                """INSERT OR IGNORE INTO queries
                   (query_id, account, user, session_id, request_id, sql_text_hash, state, started_on)
                   VALUES (?, ?, ?, ?, ?, ?, ?, ?)""",
                (*values, begun),
            )
            if not made.rowcount:
                raise AlreadyExists("query", query_id)
            return QueryRecord(*values, from_micros(begun), *(None,) * 6), True

    def begin_again(self, query_id: str, *, code: int) -> bool:
        """RUNNING once more, if the query FAILED with this code; whether it did. Of two calls at once, one gets True.

        For what was interrupted before anything of it was committed.
        """
        with self._database.transaction() as connection:
            return bool(
                connection.execute(
                    """UPDATE queries SET state = ?, started_on = ?, ended_on = NULL, code = NULL,
                       sqlstate = NULL, message = NULL WHERE query_id = ? AND state = 'FAILED' AND code = ?""",
                    (INTERRUPTED.move("FAILED", "RUNNING"), self._database.now_micros(), query_id, code),
                ).rowcount
            )

    def running(self, query_id: str) -> None:
        """A queued statement got its worker. Raises NotFound, IllegalState."""
        with self._database.transaction() as connection:
            _moved(connection, query_id, "RUNNING")
            connection.execute("UPDATE queries SET state = 'RUNNING' WHERE query_id = ?", (query_id,))

    def finish(
        self,
        query_id: str,
        response: str,
        spool: Path | str | None = None,
        *,
        objects: Iterable[str] = (),
        durable: bool = True,
    ) -> QueryRecord:
        """SUCCESS, with the response's JSON text and the spool file (inside the spool directory), if there is one.

        It need not be `durable` where the statement only read: whoever asks again, runs it again.

        `objects` are hashes that the response refers to and that are to live as long as this record. Called again, the
        newer response takes the place of the older.

        Raises:
            NotFound: no such query.
            IllegalState: it failed or was aborted before; the caller must not act as if it succeeded.
            ValueError: the spool file is not inside the spool directory.
        """
        name = None if spool is None else self._spool_name(Path(spool))
        with self._database.transaction(durable=durable, counted=False) as connection:
            record = _moved(connection, query_id, "SUCCESS")
            name = record.spool if name is None else name
            ended = self._database.now_micros() if record.ended_on is None else to_micros(record.ended_on)
            connection.execute(
                "UPDATE queries SET state = 'SUCCESS', response = ?, spool = ?, ended_on = ? WHERE query_id = ?",
                (response, name, ended, query_id),
            )
            connection.executemany(
                "INSERT OR IGNORE INTO query_objects (query_id, sha256) VALUES (?, ?)",
                ((query_id, sha256) for sha256 in objects),
            )
        return replace(record, state="SUCCESS", response=response, spool=name, ended_on=from_micros(ended))

    def fail(self, query_id: str, *, code: int, sqlstate: str, message: str) -> QueryRecord:
        """FAILED, with the error that the client sees. Raises NotFound, IllegalState (it ended before)."""
        return self._end(query_id, "FAILED", code, sqlstate, message)

    def abort(
        self, query_id: str, *, code: int = 604, sqlstate: str = "57014", message: str = "SQL execution canceled"
    ) -> QueryRecord:
        """ABORTED: from here on no commit of this query succeeds. Raises NotFound, IllegalState (it ended before)."""
        return self._end(query_id, "ABORTED", code, sqlstate, message)

    def get(self, query_id: str) -> QueryRecord | None:
        """The record of a query, None where it is unknown or expired."""
        with self._database.read() as connection:
            return _get(connection, query_id)

    def response(self, query_id: str, *, limit: int) -> tuple[int, str | None]:
        """How many characters the response of a query has, and the response itself where it has at most `limit`."""
        with self._database.read() as connection:
            row = connection.execute(
                """SELECT length(response) AS length, CASE WHEN length(response) <= ? THEN response END AS response
                   FROM queries WHERE query_id = ?""",
                (limit, query_id),
            ).fetchone()
        return (0, None) if row is None else (row["length"] or 0, row["response"])

    def by_request(self, session_id: str, request_id: str) -> QueryRecord | None:
        """What became of this request of this session, None where it never arrived."""
        with self._database.read() as connection:
            return _by_request(connection, session_id, request_id)

    def of_session(self, session_id: str, number: int) -> str | None:
        """The id of the session's n-th statement of those that have ended, counted from 1, or back from -1."""
        if not number or abs(number) > 1 << 31:
            return None
        order = "DESC" if number < 0 else "ASC"
        # A CALL ends after the statements of its procedure that were recorded too, and is the last one then.
        by = "ended_on" if number < 0 else "started_on"
        with self._database.read() as connection:
            row = connection.execute(
                f"""SELECT query_id FROM queries WHERE session_id = ? AND state NOT IN ('QUEUED', 'RUNNING')
                    ORDER BY {by} {order}, rowid {order} LIMIT 1 OFFSET ?""",
                (session_id, abs(number) - 1),
            ).fetchone()
        return None if row is None else str(row["query_id"])

    def history(self, account: str, limit: int = 1000) -> list[QueryRecord]:
        """The account's queries, newest first."""
        with self._database.read() as connection:
            rows = connection.execute(
                "SELECT * FROM queries WHERE account = ? ORDER BY started_on DESC, rowid DESC LIMIT ?",
                (account, limit),
            ).fetchall()
        return [_record(row) for row in rows]

    def fail_interrupted(self, *, code: int, sqlstate: str, message: str) -> int:
        """At the start of the engine: what was under way when it died is FAILED. How many."""
        with self._database.transaction() as connection:
            return connection.execute(
                """UPDATE queries SET state = 'FAILED', ended_on = ?, code = ?, sqlstate = ?, message = ?
                   WHERE state IN ('QUEUED', 'RUNNING')""",
                (self._database.now_micros(), code, sqlstate, message),
            ).rowcount

    def delete_expired(self, retention: timedelta = RETENTION) -> int:
        """Forgets what ended longer ago than `retention`, and deletes spool files without a record. How many.

        What a job asked for is kept as long as its session: it may go on reading until it ends.
        """
        before = self._database.now() - retention
        with self._database.transaction() as connection:
            gone = connection.execute(
                """DELETE FROM queries WHERE ended_on < ? AND session_id NOT IN
                   (SELECT id FROM sessions WHERE job_id IS NOT NULL)""",
                (to_micros(before),),
            ).rowcount
        # The rows first: a file without a row is found again by the next call, a row without its file would be a lie.
        for path in self.spool.iterdir():
            with self._database.read() as connection:
                kept = connection.execute("SELECT 1 FROM queries WHERE spool = ?", (path.name,)).fetchone()
            if not kept and path.is_file() and path.stat().st_mtime < before.timestamp():
                path.unlink(missing_ok=True)
        return gone

    def _end(self, query_id: str, state: QueryState, code: int, sqlstate: str, message: str) -> QueryRecord:
        with self._database.transaction(counted=False) as connection:
            if _moved(connection, query_id, state).state != state:
                connection.execute(
                    """UPDATE queries SET state = ?, ended_on = ?, code = ?, sqlstate = ?, message = ?
                       WHERE query_id = ?""",
                    (state, self._database.now_micros(), code, sqlstate, message, query_id),
                )
            return _existing(connection, query_id)

    def _spool_name(self, path: Path) -> str:
        if path.name != str(path) and path.parent != self.spool:
            raise ValueError("a spool file lies in the spool directory")
        if path.name in ("", ".", ".."):
            raise ValueError("a spool file has a name")
        return path.name


def _moved(connection: sqlite3.Connection, query_id: str, wanted: QueryState) -> QueryRecord:
    """The record of a query that may move to this state, as it is before. Raises NotFound, IllegalState."""
    record = _existing(connection, query_id)
    try:
        QUERY.move(record.state, wanted)
    except IllegalTransition:
        raise IllegalState(query_id, record.state, wanted) from None
    return record


def _get(connection: sqlite3.Connection, query_id: str) -> QueryRecord | None:
    row = connection.execute("SELECT * FROM queries WHERE query_id = ?", (query_id,)).fetchone()
    return None if row is None else _record(row)


def _existing(connection: sqlite3.Connection, query_id: str) -> QueryRecord:
    record = _get(connection, query_id)
    if record is None:
        raise NotFound("query", query_id)
    return record


def _by_request(connection: sqlite3.Connection, session_id: str, request_id: str) -> QueryRecord | None:
    row = connection.execute(
        "SELECT * FROM queries WHERE session_id = ? AND request_id = ?", (session_id, request_id)
    ).fetchone()
    return None if row is None else _record(row)


def _record(row: sqlite3.Row) -> QueryRecord:
    values = dict(row)
    values["started_on"] = from_micros(row["started_on"])
    values["ended_on"] = None if row["ended_on"] is None else from_micros(row["ended_on"])
    return QueryRecord(**values)
