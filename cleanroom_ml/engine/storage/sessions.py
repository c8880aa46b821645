"""Sessions: who is logged in, with which context. Only hashes of tokens are stored; everything survives a restart."""

from __future__ import annotations

import hashlib
import json
import secrets
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

from cleanroom_ml.engine.contracts.values import Value
from cleanroom_ml.engine.storage.database import Database, Schema
from cleanroom_ml.engine.storage.errors import NotFound, SessionGone, TokenExpired
from cleanroom_ml.engine.storage.keys import from_micros, to_micros
from cleanroom_ml.engine.storage.unchanged import Unchanged

SessionKind = Literal["client", "job", "room"]

# Snowflake's own: a session token lives an hour, a session four hours after its last sign of life.
TOKEN_LIFE = timedelta(hours=1)
IDLE_LIFE = timedelta(hours=4)
# What CURRENT_ROLE() is in a run, whatever role its caller uses.
RUN_ROLE = "ACCOUNTADMIN"
# A client whose renewal was answered into the void renews again with the old master token, and its other threads still
# send the old session token.
OVERLAP = timedelta(minutes=5)
# A sign of life is written down this often at most: each is a write that waits for the disk.
_TOUCH = timedelta(minutes=1)

SCHEMA = Schema(
    "sessions",
    1,
    (
        """CREATE TABLE sessions (
            id TEXT PRIMARY KEY, account TEXT NOT NULL, user TEXT NOT NULL, role TEXT NOT NULL,
            database TEXT, schema TEXT, warehouse TEXT, parameters TEXT NOT NULL, variables TEXT NOT NULL,
            kind TEXT NOT NULL, job_id TEXT, created_on INTEGER NOT NULL, last_used_on INTEGER NOT NULL,
            FOREIGN KEY (account, user) REFERENCES users (account, name) ON DELETE CASCADE) STRICT""",
        "CREATE INDEX sessions_by_job ON sessions (job_id) WHERE job_id IS NOT NULL",
        """CREATE TABLE session_tokens (
            hash TEXT PRIMARY KEY, session_id TEXT NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
            kind TEXT NOT NULL, expires_on INTEGER NOT NULL) STRICT""",
        "CREATE INDEX session_tokens_by_session ON session_tokens (session_id)",
    ),
)


@dataclass(slots=True)
class Session:
    """A logged-in client, job or room. Changes of the context are kept by `Sessions.update`."""

    id: str
    account: str
    user: str
    role: str
    database: str | None = None
    schema: str | None = None
    warehouse: str | None = None
    parameters: dict[str, str] = field(default_factory=dict)
    variables: dict[str, Value] = field(default_factory=dict)
    kind: SessionKind = "client"
    job_id: str | None = None
    created_on: datetime | None = None


@dataclass(frozen=True, slots=True, repr=False)
class Tokens:
    """What the client holds. They are nowhere else: storage keeps their SHA-256 only. Not shown by repr."""

    session_token: str
    master_token: str
    session_seconds: int
    master_seconds: int


class Sessions:
    """Sessions of all accounts."""

    def __init__(
        self, database: Database, *, token_life: timedelta = TOKEN_LIFE, idle_life: timedelta = IDLE_LIFE
    ) -> None:
        self._database = database
        self._token_life = token_life
        self._idle_life = idle_life
        self._on_end: list[Callable[[str], None]] = []
        self._known: Unchanged[str, sqlite3.Row] = Unchanged(database)
        self._found: Unchanged[str, sqlite3.Row | None] = Unchanged(database)

    def on_end(self, ended: Callable[[str], None]) -> None:
        """From now on `ended` is called with the id of every session that ends, whichever way: what somebody keeps for
        a session in memory goes with it.
        """
        self._on_end.append(ended)

    def create(
        self,
        account: str,
        user: str,
        *,
        role: str = "ACCOUNTADMIN",
        database: str | None = None,
        schema: str | None = None,
        warehouse: str | None = None,
        parameters: dict[str, str] | None = None,
        kind: SessionKind = "client",
        job_id: str | None = None,
    ) -> tuple[Session, Tokens]:
        """Opens a session for a user who has proved to be that user. Raises NotFound: no such user."""
        now = self._database.now_micros()
        session = Session(
            id=_new_id(),
            account=account,
            user=user,
            role=role,
            database=database,
            schema=schema,
            warehouse=warehouse,
            parameters=dict(parameters or {}),
            kind=kind,
            job_id=job_id,
            created_on=from_micros(now),
        )
        with self._database.transaction() as connection:
            _insert(connection, session, now)
            return session, self._issue(connection, session.id)

    def open_run(self, account: str, user: str, *, parameters: dict[str, str] | None = None) -> Session:
        """A session of kind `room` for one run of a template. It has no tokens, so that nobody logs into it, and lives
        until it is closed, however long the run takes; `close_runs` ends those that a killed engine left.

        Raises:
            NotFound: no such user.
        """
        now = self._database.now_micros()
        session = Session(
            id=_new_id(),
            account=account,
            user=user,
            role=RUN_ROLE,
            parameters=dict(parameters or {}),
            kind="room",
            created_on=from_micros(now),
        )
        with self._database.transaction() as connection:
            _insert(connection, session, now)
        return session

    def by_token(self, token: str) -> Session:
        """The session of a session token, which counts as a sign of life.

        Raises:
            TokenExpired: the session lives; its client renews with the master token.
            SessionGone: unknown, closed, or idle for longer than a session lives.
        """
        now = self._database.now()

        def read() -> sqlite3.Row:
            with self._database.read() as connection:
                row = self._row(connection, token, "session", now)
            if row["expires_on"] < to_micros(now):
                raise TokenExpired("the session token has expired")
            return row

        row = self._known.read(_hash(token), read)
        if self._is_to_be_touched(row, now):
            # Where somebody writes, the next request says it: who asks for a result does not wait for another's commit.
            with self._database.transaction_if_free() as connection:
                if connection is not None:
                    self._touch(connection, row["id"])
        return _session(row)

    def known(self, token: str) -> Session | None:
        """What `by_token` would give, where it gave that before and nothing at all was committed since; None: ask that.
        Never blocks.
        """
        row = self._known.seen(_hash(token))
        now = self._database.now()
        if row is None or row["expires_on"] < to_micros(now):
            return None
        return None if self._is_to_be_touched(row, now) or not self._lives(row, now) else _session(row)

    def get(self, session_id: str) -> Session | None:
        """The session with this id, None where it is gone."""
        now = self._database.now()

        def read() -> sqlite3.Row | None:
            with self._database.read() as connection:
                found: sqlite3.Row | None = connection.execute(
                    "SELECT * FROM sessions WHERE id = ?", (session_id,)
                ).fetchone()
            return found

        row = None if self._database.entered else self._found.seen(session_id)
        if row is None or self._is_to_be_touched(row, now):  # a sign of life since is no change that is counted
            row = self._found.read(session_id, read)
        return _session(row) if row is not None and self._lives(row, now) else None

    def list(self, account: str | None = None, *, job_id: str | None = None) -> list[Session]:
        """Sessions that live, of one account and one job where they are given, oldest first."""
        now = self._database.now()
        with self._database.read() as connection:
            rows = connection.execute(
                """SELECT * FROM sessions WHERE (?1 IS NULL OR account = ?1) AND (?2 IS NULL OR job_id = ?2)
                   ORDER BY created_on, id""",
                (account, job_id),
            ).fetchall()
        return [_session(row) for row in rows if self._lives(row, now)]

    def renew(self, master_token: str) -> tuple[Session, Tokens]:
        """New tokens for a session; the old ones last some minutes more, for requests that are on their way.

        Raises:
            SessionGone: unknown master token, expired, or the session is gone.
        """
        now = self._database.now()
        with self._database.transaction() as connection:
            row = self._row(connection, master_token, "master", now)
            if row["expires_on"] < to_micros(now):
                raise SessionGone("the session is gone")
            connection.execute(
                "DELETE FROM session_tokens WHERE session_id = ? AND expires_on < ?", (row["id"], to_micros(now))
            )
            connection.execute(
                "UPDATE session_tokens SET expires_on = min(expires_on, ?) WHERE session_id = ?",
                (to_micros(now + OVERLAP), row["id"]),
            )
            connection.execute("UPDATE sessions SET last_used_on = ? WHERE id = ?", (to_micros(now), row["id"]))
            return _session(row), self._issue(connection, row["id"])

    def heartbeat(self, session_id: str) -> None:
        """A sign of life: the session, and its master token, last on from now. Harmless where the session is gone."""
        with self._database.transaction() as connection:
            self._touch(connection, session_id)

    def update(self, session: Session) -> None:
        """Keeps the session's context: role, database, schema, warehouse, parameters, variables.

        Raises:
            SessionGone: it was closed meanwhile.
        """
        with self._database.transaction() as connection:
            if not connection.execute(
                """UPDATE sessions SET role = ?, database = ?, schema = ?, warehouse = ?, parameters = ?, variables = ?
                   WHERE id = ?""",
                (
                    *(session.role, session.database, session.schema, session.warehouse),
                    *(json.dumps(session.parameters), json.dumps(session.variables), session.id),
                ),
            ).rowcount:
                raise SessionGone("the session is gone")

    def close(self, session_id: str) -> bool:
        """Ends a session, its tokens, upload tickets and temporary tables, stages and formats; whether it lived."""
        return bool(self._end("id = ?", session_id))

    def close_job(self, job_id: str) -> int:
        """Ends every session of a job; how many."""
        return self._end("job_id = ?", job_id)

    def close_runs(self) -> int:
        """Ends the sessions of all runs; how many. For an engine that starts: whoever ran them is dead."""
        return self._end("kind = ?", "room")

    def close_idle(self) -> int:
        """Ends every session that was idle for too long, and forgets dead tokens; how many sessions."""
        now = self._database.now()
        with self._database.transaction() as connection:
            connection.execute(
                "DELETE FROM session_tokens WHERE kind = 'session' AND expires_on < ?",
                (to_micros(now - self._idle_life),),
            )
        return self._end("kind <> 'room' AND last_used_on < ?", to_micros(now - self._idle_life))

    def _end(self, condition: str, value: str | int) -> int:
        if self._database.entered:
            raise RuntimeError(
                "a session ends outside of any transaction: whoever is told may hold a lock and wait for it"
            )
        with self._database.transaction() as connection:
            rows = connection.execute(f"DELETE FROM sessions WHERE {condition} RETURNING id", (value,)).fetchall()
        # Only what is gone for good is told: nobody can put anything under that id afterwards.
        for row in rows:
            for ended in self._on_end:
                ended(row["id"])
        return len(rows)

    def _touch(self, connection: sqlite3.Connection, session_id: str) -> None:
        now = self._database.now()
        connection.execute("UPDATE sessions SET last_used_on = ? WHERE id = ?", (to_micros(now), session_id))
        # The newest master token only: one that was renewed keeps its short end.
        connection.execute(
            """UPDATE session_tokens SET expires_on = ?1 WHERE rowid = (SELECT max(rowid) FROM session_tokens
               WHERE session_id = ?2 AND kind = 'master') AND expires_on >= ?3""",
            (to_micros(now + self._idle_life), session_id, to_micros(now)),
        )

    def _issue(self, connection: sqlite3.Connection, session_id: str) -> Tokens:
        now = self._database.now()
        tokens = Tokens(
            session_token=secrets.token_urlsafe(32),
            master_token=secrets.token_urlsafe(32),
            session_seconds=int(self._token_life.total_seconds()),
            master_seconds=int(self._idle_life.total_seconds()),
        )
        for kind, token, life in (
            ("session", tokens.session_token, self._token_life),
            ("master", tokens.master_token, self._idle_life),
        ):
            connection.execute(
                "INSERT INTO session_tokens (hash, session_id, kind, expires_on) VALUES (?, ?, ?, ?)",
                (_hash(token), session_id, kind, to_micros(now + life)),
            )
        return tokens

    def _row(self, connection: sqlite3.Connection, token: str, kind: str, now: datetime) -> sqlite3.Row:
        row: sqlite3.Row | None = connection.execute(
            """SELECT s.*, t.expires_on FROM session_tokens t JOIN sessions s ON s.id = t.session_id
               WHERE t.hash = ? AND t.kind = ?""",
            (_hash(token), kind),
        ).fetchone()
        if row is None or not self._lives(row, now):
            raise SessionGone("the session is gone")
        return row

    def _is_to_be_touched(self, row: sqlite3.Row, now: datetime) -> bool:
        last_used: int = row["last_used_on"]
        return last_used < to_micros(now - min(_TOUCH, self._idle_life / 4))

    def _lives(self, row: sqlite3.Row, now: datetime) -> bool:
        last_used: int = row["last_used_on"]
        return row["kind"] == "room" or last_used >= to_micros(now - self._idle_life)


def _new_id() -> str:
    return str(10**12 + secrets.randbelow(8 * 10**15))


def _insert(connection: sqlite3.Connection, session: Session, now: int) -> None:
    if not connection.execute(
        "SELECT 1 FROM users WHERE account = ? AND name = ?", (session.account, session.user)
    ).fetchone():
        raise NotFound("user", session.user)
    connection.execute(
        """INSERT INTO sessions (id, account, user, role, database, schema, warehouse, parameters, variables,
           kind, job_id, created_on, last_used_on) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)""",
        (
            *(session.id, session.account, session.user, session.role),
            *(session.database, session.schema, session.warehouse),
            *(json.dumps(session.parameters), json.dumps(session.variables), session.kind, session.job_id, now, now),
        ),
    )


def _hash(token: str) -> str:
    # 256 random bits need no salt and no slow hash: there is nothing to guess.
    return hashlib.sha256(token.encode(errors="replace")).hexdigest()


def _session(row: sqlite3.Row) -> Session:
    return Session(
        id=row["id"],
        account=row["account"],
        user=row["user"],
        role=row["role"],
        database=row["database"],
        schema=row["schema"],
        warehouse=row["warehouse"],
        parameters=json.loads(row["parameters"]),
        variables=json.loads(row["variables"]),
        kind=row["kind"],
        job_id=row["job_id"],
        created_on=from_micros(row["created_on"]),
    )
