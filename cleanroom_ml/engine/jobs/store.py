"""The jobs table: one row a job, moved only along the transition table, terminal exactly once."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from cleanroom_ml.engine.contracts.job import JobNotFoundError, JobRequest, JobStatus
from cleanroom_ml.engine.contracts.plain import from_json, to_json
from cleanroom_ml.engine.jobs.errors import ComputePoolError
from cleanroom_ml.engine.jobs.layers.lock import DependencyLock
from cleanroom_ml.engine.jobs.model import Ending, Phase, Reason
from cleanroom_ml.engine.jobs.transitions import JOB
from cleanroom_ml.engine.storage.database import Database, Schema
from cleanroom_ml.engine.storage.keys import from_micros, to_micros


def _references(connection: sqlite3.Connection) -> Iterator[str]:
    """Objects that a job which has not ended may still lay out."""
    for row in connection.execute("SELECT request FROM jobs WHERE cleaned = 0"):
        request = from_json(JobRequest, row["request"])
        yield from (file.sha256 for file in request.files)
        yield from (package["sha256"] for package in request.dependency_lock.get("packages", ()))


def images(connection: sqlite3.Connection) -> Iterator[tuple[str, str, str]]:
    """(job, the tag and the digest of its image) for every job that has not ended."""
    for row in connection.execute("SELECT job_id, request FROM jobs WHERE ended_on IS NULL"):
        image = from_json(JobRequest, row["request"]).dependency_lock.get("image")
        if isinstance(image, dict):
            yield f"job {row['job_id']}", image["tag"], image["digest"]


SCHEMA: Final = Schema(
    name="jobs",
    version=4,
    statements=(
        """
        CREATE TABLE jobs (
            sequence INTEGER PRIMARY KEY AUTOINCREMENT,
            job_id TEXT NOT NULL UNIQUE,
            account TEXT NOT NULL,
            collaboration TEXT NOT NULL,
            pool TEXT NOT NULL,
            nodes INTEGER NOT NULL CHECK (nodes > 0),
            request TEXT NOT NULL,
            phase TEXT NOT NULL,
            reason TEXT NOT NULL DEFAULT 'none',
            message TEXT NOT NULL DEFAULT '',
            exit_code INTEGER,
            cancel_requested INTEGER NOT NULL DEFAULT 0,
            cleaned INTEGER NOT NULL DEFAULT 0, -- 1 only once the job has ended
            token_sha256 TEXT,
            supervisor_pid INTEGER,
            supervisor_started INTEGER,
            created_on INTEGER NOT NULL,
            started_on INTEGER,
            ended_on INTEGER,
            isolation TEXT NOT NULL DEFAULT '',
            memory_enforced_by TEXT NOT NULL DEFAULT '',
            peak_memory_bytes INTEGER,
            -- Held while the phase holds nodes: minors of GPUs with commas, and the limit of memory.
            gpus TEXT NOT NULL DEFAULT '',
            memory_bytes INTEGER NOT NULL DEFAULT 0
        ) STRICT
        """,
        "CREATE INDEX jobs_by_collaboration ON jobs (account, collaboration)",
        "CREATE INDEX jobs_unfinished ON jobs (sequence) WHERE cleaned = 0",
        """
        CREATE TABLE compute_pools (
            account TEXT NOT NULL,
            name TEXT NOT NULL,
            instance_family TEXT NOT NULL,
            min_nodes INTEGER NOT NULL,
            max_nodes INTEGER NOT NULL,
            auto_resume INTEGER NOT NULL,
            auto_suspend_secs INTEGER NOT NULL,
            suspended INTEGER NOT NULL,
            application TEXT,
            owner TEXT NOT NULL,
            comment TEXT,
            created_on INTEGER NOT NULL,
            resumed_on INTEGER,
            updated_on INTEGER NOT NULL,
            PRIMARY KEY (account, name)
        ) STRICT
        """,
    ),
    upgrades={
        2: ("ALTER TABLE jobs ADD COLUMN gpus TEXT NOT NULL DEFAULT ''",),
        3: ("ALTER TABLE jobs ADD COLUMN memory_bytes INTEGER NOT NULL DEFAULT 0",),
        # What was approved of the job became a value of its own.
        4: (
            """
            UPDATE jobs SET request = json_remove(
                json_set(request, '$.job', json_object(
                    'name', request ->> 'job_name', 'entrypoint', request ->> 'entrypoint',
                    'pip_requirements', json(request -> 'requirements'), 'image', request ->> 'image',
                    'allow_monitoring', json(request -> 'allow_monitoring')
                )),
                '$.job_name', '$.entrypoint', '$.requirements', '$.image', '$.allow_monitoring'
            )
            """,
        ),
    },
    references=_references,
)


MAX_UNFINISHED: Final = 256
"""Jobs of one account that have not ended, waiting ones included."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One row without the request: what moving a job takes. The engine looks at all of them several times a second, and
    a request is as large as its arguments.

    `token_sha256` is of what the job's session logs in with; the token itself is never in the catalog. `gpus` are the
    minors of the GPUs that were assigned when the job started, and `memory_bytes` is the limit that was admitted then:
    its own until it has ended. 0 for a job that has not started yet.
    """

    job_id: str
    account: str
    pool: str
    nodes: int
    phase: Phase
    ending: Ending | None
    cancel_requested: bool
    cleaned: bool
    token_sha256: str | None
    supervisor: tuple[int, int] | None
    created_on: datetime
    started_on: datetime | None
    ended_on: datetime | None
    isolation: str
    memory_enforced_by: str
    peak_memory_bytes: int | None
    gpus: tuple[int, ...] = ()
    memory_bytes: int = 0


_ROW_COLUMNS: Final = (
    "job_id, account, pool, nodes, phase, reason, message, exit_code, cancel_requested, cleaned, token_sha256,"
    " supervisor_pid, supervisor_started, created_on, started_on, ended_on, isolation, memory_enforced_by,"
    " peak_memory_bytes, gpus, memory_bytes"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Job(Row):
    """One row, whole."""

    request: JobRequest

    def status(self) -> JobStatus:
        """The job as a client is told."""
        request = self.request
        return JobStatus(
            job_id=self.job_id,
            status=self.phase.state,
            reason=(self.ending.reason if self.ending else Reason.NONE).value,
            message=self.ending.message if self.ending else "",
            exit_code=self.ending.exit_code if self.ending else None,
            created_on=self.created_on,
            started_on=self.started_on,
            ended_on=self.ended_on,
            pool=request.pool,
            nodes=request.nodes,
            template_id=request.template_id,
            code_spec_id=request.code_spec_id,
            job_name=request.job.name,
            approval_digest=request.approval_digest,
            isolation=self.isolation,
            memory_enforced_by=self.memory_enforced_by,
            peak_memory_bytes=self.peak_memory_bytes,
            account=request.account,
            collaboration=request.collaboration,
            runner=request.runner,
            **_environment(request),
        )


# Any, here and in `_columns`: fields by name, of whichever type each has.
def _environment(request: JobRequest) -> dict[str, Any]:
    """What the job runs in, for its status; of a job of before there were locks, its image's tag."""
    lock = DependencyLock.from_json(request.dependency_lock)
    if lock is None:
        return {"image": request.job.image, "packages": dict(request.packages)}
    return {
        "image": lock.image_tag,
        "image_digest": lock.image_digest,
        "dependency_lock": lock.digest,
        "layer": lock.layer,
        "packages": dict(request.packages),
    }


class JobStore:
    """The jobs of all accounts. Each method is one transaction, or part of the caller's."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, job_id: str, request: JobRequest) -> None:
        """A new job, QUEUED behind all others.

        Raises:
            ComputePoolError: its account has MAX_UNFINISHED jobs that have not ended.
        """
        with self._database.transaction() as connection:
            (unfinished,) = connection.execute(
                "SELECT count(*) FROM jobs WHERE cleaned = 0 AND account = ? AND ended_on IS NULL", (request.account,)
            ).fetchone()
            if unfinished >= MAX_UNFINISHED:
                raise ComputePoolError(
                    f"{unfinished} jobs of this account have not ended, and an account may have {MAX_UNFINISHED}",
                    fix="wait for them, or: ALTER COMPUTE POOL NAME STOP ALL",
                )
            connection.execute(
                "INSERT INTO jobs (job_id, account, collaboration, pool, nodes, request, phase, created_on)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    job_id,
                    request.account,
                    request.collaboration,
                    request.pool,
                    request.nodes,
                    to_json(request),
                    Phase.QUEUED,
                    self._database.now_micros(),
                ),
            )

    def get(self, job_id: str) -> Job:
        """The job. Raises JobNotFoundError."""
        found = self._whole("job_id = ?", (job_id,))
        if not found:
            raise JobNotFoundError(f"there is no job '{job_id}'")
        return found[0]

    def unfinished(self) -> Sequence[Row]:
        """Jobs that have not ended, and ended ones with something left to clean up; oldest first."""
        return self._without_requests("cleaned = 0", ())

    def layers(self) -> set[str]:
        """The dependency layers that jobs of `unfinished` have; empty text for one that has none."""
        with self._database.read() as connection:
            rows = connection.execute(
                "SELECT json_extract(request, '$.dependency_lock.layer') FROM jobs WHERE cleaned = 0"
            ).fetchall()
        return {layer or "" for (layer,) in rows}

    def of_collaboration(self, account: str, collaboration: str) -> Sequence[Job]:
        """What this account ran in this collaboration, newest first."""
        return self._whole("account = ? AND collaboration = ?", (account, collaboration))[::-1]

    def of_pool(self, account: str, pool: str) -> Sequence[Row]:
        """Jobs of this pool that have not ended, oldest first."""
        jobs = self._without_requests("cleaned = 0 AND account = ? AND pool = ?", (account, pool))
        return [job for job in jobs if not job.phase.terminal]

    def start(self, job_id: str, token_sha256: str, gpus: tuple[int, ...] = (), memory_bytes: int = 0) -> Job:
        """QUEUED → STARTING: the hash of the token that the job is going to be given, its GPUs, its limit of memory."""
        return self._move(
            job_id,
            Phase.STARTING,
            token_sha256=token_sha256,
            gpus=",".join(map(str, gpus)),
            memory_bytes=memory_bytes,
        )

    def run(self, job_id: str, started_on: datetime, isolation: str, memory_enforced_by: str) -> Job:
        """STARTING → RUNNING."""
        return self._move(
            job_id,
            Phase.RUNNING,
            started_on=to_micros(started_on),
            isolation=isolation,
            memory_enforced_by=memory_enforced_by,
        )

    def end(self, job_id: str, ending: Ending, *, ended_on: datetime | None = None, **facts: object) -> Job:
        """To a terminal phase. `facts` are further columns. Raises IllegalTransition the second time."""
        return self._move(
            job_id,
            ending.phase,
            reason=ending.reason,
            message=ending.message,
            exit_code=ending.exit_code,
            ended_on=to_micros(ended_on or self._database.now()),
            token_sha256=None,
            **facts,
        )

    def replace_token(self, job_id: str, token_sha256: str) -> Job:
        """Another token for a STARTING job whose first one was never given to anybody."""
        self._set(job_id, token_sha256=token_sha256)
        return self.get(job_id)

    def note_supervisor(self, job_id: str, pid: int, started: int) -> None:
        """Remember the process that supervises the job."""
        self._set(job_id, supervisor_pid=pid, supervisor_started=started)

    def request_cancel(self, job_id: str) -> None:
        """Ask for the end of a job, whatever phase it is in."""
        self._set(job_id, cancel_requested=1)

    def note_cleaned(self, job_id: str) -> None:
        """Nothing is left to clean up of this job."""
        self._set(job_id, cleaned=1)

    def _move(self, job_id: str, after: Phase, **columns: object) -> Job:
        with self._database.transaction():
            self._set(job_id, phase=JOB.move(self.get(job_id).phase, after).value, **columns)
            return self.get(job_id)

    def _set(self, job_id: str, **columns: object) -> None:
        assignments = ", ".join(f"{column} = ?" for column in columns)
        with self._database.transaction() as connection:
            connection.execute(f"UPDATE jobs SET {assignments} WHERE job_id = ?", (*columns.values(), job_id))

    def _whole(self, where: str, parameters: tuple[object, ...]) -> list[Job]:
        rows = self._rows(f"{_ROW_COLUMNS}, request", where, parameters)
        return [Job(**_columns(row), request=from_json(JobRequest, row["request"])) for row in rows]

    def _without_requests(self, where: str, parameters: tuple[object, ...]) -> list[Row]:
        return [Row(**_columns(row)) for row in self._rows(_ROW_COLUMNS, where, parameters)]

    def _rows(self, columns: str, where: str, parameters: tuple[object, ...]) -> list[sqlite3.Row]:
        query = f"SELECT {columns} FROM jobs WHERE {where} ORDER BY sequence"
        with self._database.read() as connection:
            return connection.execute(query, parameters).fetchall()


def _columns(row: sqlite3.Row) -> dict[str, Any]:
    """The fields of a `Row`."""
    phase = Phase(row["phase"])
    as_they_are = (
        *("job_id", "account", "pool", "nodes", "token_sha256"),
        *("isolation", "memory_enforced_by", "peak_memory_bytes", "memory_bytes"),
    )
    return {
        **{column: row[column] for column in as_they_are},
        "phase": phase,
        "ending": Ending(phase, Reason(row["reason"]), row["message"], row["exit_code"]) if phase.terminal else None,
        "cancel_requested": bool(row["cancel_requested"]),
        "cleaned": bool(row["cleaned"]),
        "supervisor": (
            (row["supervisor_pid"], row["supervisor_started"]) if row["supervisor_started"] is not None else None
        ),
        "created_on": from_micros(row["created_on"]),
        "started_on": from_micros(row["started_on"]) if row["started_on"] is not None else None,
        "ended_on": from_micros(row["ended_on"]) if row["ended_on"] is not None else None,
        "gpus": tuple(map(int, filter(None, row["gpus"].split(",")))),
    }
