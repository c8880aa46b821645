"""Stages: named maps from paths to objects, and the directory tables that are refreshed from them explicitly."""

from __future__ import annotations

import secrets
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from cleanroom_ml.engine.storage import shadowing, temporaries
from cleanroom_ml.engine.storage.database import Database, Schema
from cleanroom_ml.engine.storage.errors import AlreadyExists, InvalidPath, NotFound
from cleanroom_ml.engine.storage.keys import Key, checked_sha256, from_micros, to_micros
from cleanroom_ml.engine.storage.namespaces import USER_DATABASE, USER_SCHEMA
from cleanroom_ml.engine.storage.objects import ObjectStore
from cleanroom_ml.engine.storage.stage_paths import checked_path, parents

UPLOAD_SECONDS = 3600


def _references(connection: sqlite3.Connection) -> Iterable[str]:
    rows = connection.execute("SELECT sha256 FROM stage_files UNION SELECT sha256 FROM stage_directories")
    return (row["sha256"] for row in rows)


_FILE_COLUMNS = """stage_id INTEGER NOT NULL REFERENCES stages (id) ON DELETE CASCADE, path TEXT NOT NULL,
    size INTEGER NOT NULL, sha256 TEXT NOT NULL, md5 TEXT NOT NULL, last_modified INTEGER NOT NULL,
    PRIMARY KEY (stage_id, path)"""

SCHEMA = Schema(
    "stages",
    2,
    (
        *shadowing.identity(
            "stages",
            "directory INTEGER NOT NULL, encryption TEXT NOT NULL, comment TEXT NOT NULL, refreshed_on INTEGER",
        ),
        f"CREATE TABLE stage_files ({_FILE_COLUMNS}) STRICT, WITHOUT ROWID",
        f"CREATE TABLE stage_directories ({_FILE_COLUMNS}) STRICT, WITHOUT ROWID",
        """CREATE TABLE stage_uploads (
            ticket TEXT PRIMARY KEY, stage_id INTEGER NOT NULL REFERENCES stages (id) ON DELETE CASCADE,
            session_id TEXT NOT NULL REFERENCES sessions (id) ON DELETE CASCADE, directory TEXT NOT NULL,
            expires_on INTEGER NOT NULL) STRICT""",
    ),
    {2: (shadowing.owned("stages"),)},
    references=_references,
)


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage. `directory` says whether it has a directory table; `session_id` is set for temporary stages."""

    key: Key
    directory: bool
    encryption: str
    session_id: str | None
    created_on: datetime
    refreshed_on: datetime | None
    comment: str = ""


@dataclass(frozen=True, slots=True)
class StageFile:
    """One file of a stage, as it was when listed. `md5` is what clients compare uploads by; it protects nothing."""

    path: str
    size: int
    sha256: str
    md5: str
    last_modified: datetime


@dataclass(frozen=True, slots=True)
class Refresh:
    """What a refresh changed in a directory table: paths, sorted."""

    added: tuple[str, ...]
    updated: tuple[str, ...]
    removed: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Upload:
    """The right of one session to put files below one directory of one stage, until it expires or the stage is gone."""

    ticket: str
    stage: Key
    session_id: str
    directory: str
    expires_on: datetime


class Stages:
    """Stages of all accounts. Every method that takes a key takes the session whose temporary stages count first."""

    def __init__(self, database: Database, objects: ObjectStore) -> None:
        self._database = database
        self._objects = objects

    def create(
        self,
        key: Key,
        *,
        directory: bool = False,
        session_id: str | None = None,
        encryption: str = "SNOWFLAKE_SSE",
        if_exists: Literal["error", "replace", "ignore"] = "error",
        comment: str = "",
    ) -> bool:
        """Makes a stage, a temporary one if `session_id` is given; whether anything was made.

        Raises:
            AlreadyExists: it is there and `if_exists` is `error`.
            NotFound: no such database, schema or session.
            InvalidName: a part of the key is no name.
        """
        with self._database.transaction() as connection:
            shadowing.require_home(connection, key, session_id)
            there = shadowing.find_exactly(connection, "stages", key, session_id)
            if there is not None:
                if if_exists == "ignore":
                    return False
                if if_exists == "error":
                    raise AlreadyExists("stage", str(key))
                connection.execute("DELETE FROM stages WHERE id = ?", (there["id"],))
            _insert(connection, key, session_id, self._database.now_micros(), directory, encryption, comment)
        return True

    def user_stage(self, account: str, user: str) -> Key:
        """The key of a user's own stage (`@~`), which is there from the first time it is asked for.

        Raises:
            NotFound: no such user.
        """
        key = Key(account, USER_DATABASE, USER_SCHEMA, user)
        if self.get(key) is None:
            with self._database.transaction() as connection:
                if not connection.execute(
                    "SELECT 1 FROM users WHERE account = ? AND name = ?", (account, user)
                ).fetchone():
                    raise NotFound("user", user)
                if shadowing.find_exactly(connection, "stages", key, None) is None:
                    _insert(connection, key, None, self._database.now_micros(), False, "SNOWFLAKE_SSE", "")
        return key

    def table_stage(self, table: Key, session_id: str | None) -> Key:
        """The key of a table's own stage, which is there from the first time it is asked for, as long as the table."""
        key = Key(table.account, table.database, table.schema, f"%{table.name}")
        with self._database.read() as connection:
            there = shadowing.find_exactly(connection, "stages", key, session_id)
        if there is None:
            with self._database.transaction() as connection:
                if shadowing.find_exactly(connection, "stages", key, session_id) is None:
                    _insert(connection, key, session_id, self._database.now_micros(), False, "SNOWFLAKE_SSE", "")
        return key

    def drop(self, key: Key, *, session_id: str | None = None, if_exists: bool = False) -> bool:
        """Removes the stage that the session sees; whether it was there. Raises NotFound unless `if_exists`."""
        with self._database.transaction() as connection:
            row = shadowing.find(connection, "stages", key, session_id)
            if row is None:
                if if_exists:
                    return False
                raise NotFound("stage", str(key))
            connection.execute("DELETE FROM stages WHERE id = ?", (row["id"],))
        return True

    def get(self, key: Key, session_id: str | None = None) -> Stage | None:
        """The stage that the session means by `key`, None where there is none."""
        with self._database.read() as connection:
            row = shadowing.find(connection, "stages", key, session_id)
        return None if row is None else _stage(row)

    def list(
        self, account: str, database: str | None = None, schema: str | None = None, session_id: str | None = None
    ) -> list[Stage]:
        """The stages that the session can name (those of users and of tables have no name), by name."""
        with self._database.read() as connection:
            return [
                _stage(row)
                for row in shadowing.visible(connection, "stages", account, database, schema, session_id)
                if not row["name"].startswith("%")  # a table's own
            ]

    def set_directory(self, key: Key, enabled: bool, *, session_id: str | None = None) -> None:
        """Gives the stage a directory table, or takes it away. Raises NotFound."""
        with self._database.transaction() as connection:
            stage_id = _stage_id(connection, key, session_id)
            connection.execute("UPDATE stages SET directory = ? WHERE id = ?", (enabled, stage_id))
            if not enabled:
                connection.execute("DELETE FROM stage_directories WHERE stage_id = ?", (stage_id,))

    def put_file(
        self, key: Key, path: str, sha256: str, size: int, md5: str, *, session_id: str | None = None
    ) -> StageFile:
        """Lets `path` be the object `sha256`, in place of what it was. The directory table does not change.

        Raises:
            InvalidPath: see `stage_paths.checked_path`; or a file is where the path needs a directory, or the reverse.
            NotFound: no such stage.
            ObjectMissing, InvalidHash: no such object.
        """
        with self._database.transaction() as connection:
            return self._put(connection, _stage_id(connection, key, session_id), path, sha256, size, md5)

    def remove(self, key: Key, path: str, *, session_id: str | None = None) -> bool:
        """Removes one file; whether it was there. Raises NotFound: no such stage."""
        with self._database.transaction() as connection:
            return bool(
                connection.execute(
                    "DELETE FROM stage_files WHERE stage_id = ? AND path = ?",
                    (_stage_id(connection, key, session_id), path),
                ).rowcount
            )

    def list_files(self, key: Key, prefix: str = "", *, session_id: str | None = None) -> Sequence[StageFile]:
        """The files whose path starts with `prefix` (as text: `da` finds `data/a`), by path. Raises NotFound."""
        return self._files("stage_files", key, prefix, session_id)

    def directory_files(self, key: Key, prefix: str = "", *, session_id: str | None = None) -> Sequence[StageFile]:
        """The files of the directory table, as of its last refresh. Raises NotFound: no stage or no directory."""
        return self._files("stage_directories", key, prefix, session_id)

    def refresh(self, key: Key, *, session_id: str | None = None) -> Refresh:
        """Makes the directory table what the stage holds now. Raises NotFound: no stage, or no directory table."""
        with self._database.transaction() as connection:
            stage_id = _stage_id(connection, key, session_id, directory=True)
            before = _versions(connection, "stage_directories", stage_id)
            after = _versions(connection, "stage_files", stage_id)
            connection.execute("DELETE FROM stage_directories WHERE stage_id = ?", (stage_id,))
            connection.execute(
                "INSERT INTO stage_directories (stage_id, path, size, sha256, md5, last_modified)"
                " SELECT stage_id, path, size, sha256, md5, last_modified FROM stage_files WHERE stage_id = ?",
                (stage_id,),
            )
            connection.execute(
                "UPDATE stages SET refreshed_on = ? WHERE id = ?", (self._database.now_micros(), stage_id)
            )
        return Refresh(
            added=tuple(sorted(after.keys() - before.keys())),
            updated=tuple(sorted(path for path in after.keys() & before.keys() if after[path] != before[path])),
            removed=tuple(sorted(before.keys() - after.keys())),
        )

    def begin_upload(self, key: Key, directory: str, session_id: str, *, seconds: int = UPLOAD_SECONDS) -> Upload:
        """Lets the session put files below `directory` (empty: the stage itself) for `seconds`.

        The ticket is of this stage, not of its name: it dies when the stage is dropped or the session closed.

        Raises:
            InvalidPath: no path for a directory.
            NotFound: no such stage or session.
        """
        directory = directory.strip("/") if directory.strip("/") == "" else checked_path(directory.removesuffix("/"))
        ticket = secrets.token_urlsafe(24)
        now = self._database.now()
        with self._database.transaction() as connection:
            stage_id = _stage_id(connection, key, session_id)
            if not connection.execute("SELECT 1 FROM sessions WHERE id = ?", (session_id,)).fetchone():
                raise NotFound("session", session_id)
            connection.execute("DELETE FROM stage_uploads WHERE expires_on < ?", (to_micros(now),))
            connection.execute(
                """INSERT INTO stage_uploads (ticket, stage_id, session_id, directory, expires_on)
                   VALUES (?, ?, ?, ?, ?)""",
                (ticket, stage_id, session_id, directory, to_micros(now + timedelta(seconds=seconds))),
            )
        return self.upload(ticket)

    def upload(self, ticket: str) -> Upload:
        """What a ticket allows. Raises NotFound: never given, expired, or its stage or session is gone."""
        with self._database.read() as connection:
            row = self._upload_row(connection, ticket)
        return Upload(
            row["ticket"], shadowing.key_of(row), row["upload_session"], row["upload_directory"],
            from_micros(row["expires_on"]),
        )  # fmt: skip

    def put_uploaded(self, ticket: str, name: str, sha256: str, size: int, md5: str) -> StageFile:
        """`put_file` of `name` below the ticket's directory, which uses the ticket up. Raises what they raise."""
        with self._database.transaction() as connection:
            row = self._upload_row(connection, ticket)
            checked_path(name)
            path = f"{row['upload_directory']}/{name}" if row["upload_directory"] else name
            connection.execute("DELETE FROM stage_uploads WHERE ticket = ?", (ticket,))
            return self._put(connection, row["stage_id"], path, sha256, size, md5)

    def _upload_row(self, connection: sqlite3.Connection, ticket: str) -> sqlite3.Row:
        row: sqlite3.Row | None = connection.execute(
            """SELECT s.*, u.ticket, u.stage_id, u.expires_on, u.session_id AS upload_session,
               u.directory AS upload_directory FROM stage_uploads u JOIN stages s ON s.id = u.stage_id
               WHERE u.ticket = ? AND u.expires_on >= ?""",
            (ticket, self._database.now_micros()),
        ).fetchone()
        if row is None:
            raise NotFound("upload ticket", "given")
        return row

    def _put(
        self, connection: sqlite3.Connection, stage_id: int, path: str, sha256: str, size: int, md5: str
    ) -> StageFile:
        checked_path(path)
        self._objects.require((checked_sha256(sha256),))
        above = parents(path)
        for parent in above:
            if connection.execute(
                "SELECT 1 FROM stage_files WHERE stage_id = ? AND path = ?", (stage_id, parent)
            ).fetchone():
                raise InvalidPath(path, f"needs a directory where the file {parent!r} is")
        # "/" is followed by "0": the range holds exactly the paths below this one.
        if connection.execute(
            "SELECT 1 FROM stage_files WHERE stage_id = ? AND path > ? AND path < ? LIMIT 1",
            (stage_id, f"{path}/", f"{path}0"),
        ).fetchone():
            raise InvalidPath(path, "is a directory of this stage")
        now = self._database.now_micros()
        connection.execute(
            """INSERT INTO stage_files (stage_id, path, size, sha256, md5, last_modified) VALUES (?, ?, ?, ?, ?, ?)
               ON CONFLICT (stage_id, path) DO UPDATE SET size = excluded.size, sha256 = excluded.sha256,
               md5 = excluded.md5, last_modified = excluded.last_modified""",
            (stage_id, path, size, sha256, md5, now),
        )
        return StageFile(path, size, sha256, md5, from_micros(now))

    def _files(
        self,
        relation: Literal["stage_files", "stage_directories"],
        key: Key,
        prefix: str,
        session_id: str | None,
    ) -> Sequence[StageFile]:
        with self._database.read() as connection:
            stage_id = _stage_id(connection, key, session_id, directory=relation == "stage_directories")
            rows = connection.execute(
                f"""SELECT path, size, sha256, md5, last_modified FROM {relation}
                    WHERE stage_id = ? AND path >= ? AND substr(path, 1, length(?2)) = ?2 ORDER BY path""",
                (stage_id, prefix),
            ).fetchall()
        return [StageFile(path, size, sha, md5, from_micros(at)) for path, size, sha, md5, at in rows]


def _insert(
    connection: sqlite3.Connection,
    key: Key,
    session_id: str | None,
    now: int,
    directory: bool,
    encryption: str,
    comment: str,
) -> None:
    connection.execute(
        """INSERT INTO stages
           (account, database, schema, name, session_id, created_on, directory, encryption, comment, role)
           VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)""",
        (
            *(key.account, key.database, key.schema, key.name, session_id, now),
            *(directory, encryption, comment, temporaries.role()),
        ),
    )


def _stage_id(connection: sqlite3.Connection, key: Key, session_id: str | None, *, directory: bool = False) -> int:
    row = shadowing.find(connection, "stages", key, session_id)
    if row is None:
        raise NotFound("stage", str(key))
    if directory and not row["directory"]:
        raise NotFound("directory table of stage", str(key))
    stage_id: int = row["id"]
    return stage_id


def _versions(
    connection: sqlite3.Connection, relation: Literal["stage_files", "stage_directories"], stage_id: int
) -> dict[str, tuple[str, int]]:
    rows = connection.execute(f"SELECT path, sha256, last_modified FROM {relation} WHERE stage_id = ?", (stage_id,))
    return {path: (sha256, at) for path, sha256, at in rows}


def _stage(row: sqlite3.Row) -> Stage:
    return Stage(
        key=shadowing.key_of(row),
        directory=bool(row["directory"]),
        encryption=row["encryption"],
        session_id=row["session_id"],
        created_on=from_micros(row["created_on"]),
        refreshed_on=None if row["refreshed_on"] is None else from_micros(row["refreshed_on"]),
        comment=row["comment"],
    )
