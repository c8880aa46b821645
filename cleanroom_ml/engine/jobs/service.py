"""The pools as the rest of the engine sees them: submit a job, ask about it, cancel it; and go on after a restart."""

from __future__ import annotations

import logging
import secrets
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from cleanroom_ml.engine.contracts.job import JobRequest, JobState, JobStatus
from cleanroom_ml.engine.contracts.plan import Bounds, Paths, Plan
from cleanroom_ml.engine.jobs import events, files, logs, usage
from cleanroom_ml.engine.jobs.environments import Environments
from cleanroom_ml.engine.jobs.errors import ComputePoolError, MLJobResultInvalidError, MLJobResultTooLargeError
from cleanroom_ml.engine.jobs.families import Machine, lacks_memory, this_machine
from cleanroom_ml.engine.jobs.model import Reason
from cleanroom_ml.engine.jobs.pools import ComputePools
from cleanroom_ml.engine.jobs.record import Record
from cleanroom_ml.engine.jobs.scheduler import JobSockets, Scheduler
from cleanroom_ml.engine.jobs.store import Job, JobStore
from cleanroom_ml.engine.storage.database import Database
from cleanroom_ml.engine.storage.objects import ObjectStore

log = logging.getLogger(__name__)

GIB = 1 << 30


@dataclass(frozen=True, slots=True)
class Settings:
    """Bounds of every job of this engine; what a pool's family gives comes on top.

    Args:
        wall_seconds: the longest that a job may run.
        scratch_bytes: what a job may leave in files while it runs.
        log_bytes: how much of a job's output is kept.
        processes: processes and threads of a job, for each of its nodes.
        tick_seconds: how often jobs are looked at.
        relay_patience_seconds: how long a job's request waits for a front that is being restarted.
    """

    wall_seconds: float = 24 * 3600.0
    scratch_bytes: int = 10 * GIB
    log_bytes: int = 16 << 20
    processes: int = 2048
    tick_seconds: float = 0.25
    relay_patience_seconds: float = 600.0


class JobService:
    """Implements the rooms' `JobLauncher`. Thread-safe and blocking; `recover` starts it, `close` stops it.

    What a job needs to go on is in the catalog and in its directory: any number of these may come and go while a job
    runs.
    """

    def __init__(
        self,
        home: Path,
        database: Database,
        sockets: JobSockets,
        *,
        settings: Settings | None = None,
        machine: Callable[[], Machine] = this_machine,
        pools: ComputePools | None = None,
        no_isolation: str = "",
        environments: Environments | None = None,
    ) -> None:
        self._home = home
        self._jobs_root = home / "jobs"
        self._objects_root = home / "objects"
        self._settings = settings or Settings()
        self._machine = machine
        self._no_isolation = no_isolation
        self._database = database
        self._store = JobStore(database)
        self.environments = environments or Environments(
            home, ObjectStore(self._objects_root), isolated=not no_isolation
        )
        self.pools = pools or ComputePools(database, self._store)
        self._scheduler = Scheduler(self._jobs_root, self._store, self.pools, sockets, self._plan, self._machine)
        self._wake = threading.Event()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="job-scheduler", daemon=True)

    def recover(self) -> None:
        """Start moving jobs: those that run are adopted, those that wait go on waiting, what was half done is done."""
        self._jobs_root.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._thread.start()

    def close(self) -> None:
        """Stop moving jobs. Running ones run on; the next `recover` adopts them."""
        self._closing.set()
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join()
        self._scheduler.close()

    def submit(self, request: JobRequest) -> str:
        """Persist the job as PENDING and return its id.

        Raises:
            ComputePoolError: the pool, or the image, cannot ever run it.
                Or its account has too many jobs that have not ended.
            JobsError: its image or a wheel of its lock is gone or was changed (layers/errors.py).
        """
        if request.job.entrypoint not in {file.path for file in request.files}:
            raise ComputePoolError(f"the job's entrypoint '{request.job.entrypoint}' is not among its files")
        request = replace(request, packages=self.environments.check(request))
        if request.nodes > 1 and "ray" not in request.packages:
            raise ComputePoolError(
                f"the job asks for {request.nodes} nodes, and its image has no Ray to join them",
                fix="run it on one node, or in an image with Ray: pip install 'cleanroom-ml[runtime]' for `local`",
            )
        if lacks := lacks_memory(request.nodes, self._machine()):
            raise ComputePoolError(lacks, fix="run it with fewer nodes, or on a machine with more memory")
        job_id = f"MLJOB_{secrets.token_hex(8).upper()}"
        with self._database.transaction():  # or a pool dropped in between would leave a job that nothing ever starts
            self.pools.admit(request.account, request.pool, application=request.application, nodes=request.nodes)
            self._store.add(job_id, request)
        self._wake.set()
        return job_id

    def request(self, job_id: str) -> JobRequest:
        """The request that the job was submitted with. Raises JobNotFoundError."""
        return self._store.get(job_id).request

    def status(self, job_id: str) -> JobStatus:
        """Where the job is. Raises JobNotFoundError."""
        return self._store.get(job_id).status()

    def logs(self, job_id: str, offset: int = 0) -> str:
        """A piece of the job's output from character `offset` on: hostile text, with its escape codes. Raises
        JobNotFoundError.

        Whether the caller may read it (`allow_monitoring`) is for the caller to know.
        """
        job = self._store.get(job_id)
        return logs.read(self._jobs_root / job_id, offset, ended=job.phase.terminal)

    def tail(self, job_id: str) -> str:
        """The newest logs.TAIL_BYTES of the job's output, in whole lines: hostile text. Raises JobNotFoundError."""
        job = self._store.get(job_id)
        return logs.tail(self._jobs_root / job_id, ended=job.phase.terminal)

    def events(self, job_id: str, offset: int = 0) -> str:
        """A piece of what the job told in events, as JSON lines from character `offset` on. Raises JobNotFoundError.

        Texts in them are the script's: who may read the log may read them.
        """
        return events.read(self._jobs_root / self._store.get(job_id).job_id, offset)

    def usage(self, job_id: str) -> dict[str, object]:
        """Memory and CPU time over the job's life (usage.read). Raises JobNotFoundError."""
        return usage.read(self._jobs_root / self._store.get(job_id).job_id)

    def result(self, job_id: str) -> str | None:
        """The JSON text of the job's return value; None where it set none or is not DONE.

        Raises:
            JobNotFoundError: there is no such job.
            MLJobResultTooLargeError: it returned more than may leave the room.
            MLJobResultInvalidError: what it left is not JSON.
        """
        job = self._store.get(job_id)
        if job.ending is not None and job.ending.reason is Reason.RESULT_REFUSED:
            record = Record.read(self._jobs_root / job_id)
            too_large = record is not None and record.result == "too_large"
            raise (MLJobResultTooLargeError if too_large else MLJobResultInvalidError)(job.ending.message)
        if job.phase.state is not JobState.DONE:
            return None
        try:
            return (self._jobs_root / job_id / files.RESULT).read_text(encoding="utf-8")
        except FileNotFoundError:
            return None

    def cancel(self, job_id: str) -> None:
        """End the job; does nothing where it has ended. Raises JobNotFoundError."""
        if self._store.get(job_id).phase.terminal:
            return
        self._store.request_cancel(job_id)
        self._wake.set()

    def list(self, account: str, collaboration: str) -> Sequence[JobStatus]:
        """The jobs that this account ran in this collaboration, newest first."""
        return [job.status() for job in self._store.of_collaboration(account, collaboration)]

    def stop_all(self, account: str, pool: str) -> None:
        """ALTER COMPUTE POOL … STOP ALL: cancel every job of the pool. Raises ComputePoolError."""
        self.pools.get(account, pool)
        for job in self._store.of_pool(account, pool):
            self.cancel(job.job_id)

    def layers(self) -> set[str]:
        """The dependency layers of jobs that have not ended."""
        return self._store.layers()

    def _run(self) -> None:
        while not self._closing.is_set():
            self._wake.clear()
            pause: float | None = self._settings.tick_seconds
            try:
                if not self._scheduler.tick():
                    pause = None  # until somebody submits a job
            except Exception:  # the queue must outlive a full disk; what could not be read now is read at the next tick
                log.exception("the job scheduler's tick failed")
            self._wake.wait(pause)

    def _plan(self, job: Job) -> Plan:
        request = job.request
        pool = self.pools.get(request.account, request.pool)
        held = pool.limits(request.nodes, self._machine())
        bounds = Bounds(
            cpus=held.cpus,
            memory_bytes=job.memory_bytes or held.memory_bytes,
            node_cpus=pool.family.vcpus,
            wall_seconds=self._settings.wall_seconds,
            scratch_bytes=self._settings.scratch_bytes,
            log_bytes=self._settings.log_bytes,
            processes=self._settings.processes * request.nodes,
            relay_patience_seconds=self._settings.relay_patience_seconds,
            gpus=job.gpus,
            no_isolation=self._no_isolation,
        )
        return Plan(job.job_id, request, bounds, Paths(home=str(self._home), objects=str(self._objects_root)))
