"""A pool of jobs without the rest of the engine: real catalog, objects, supervisors and sandboxes, a small front."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from cleanroom_ml.engine.contracts.job import JobFile, JobRequest, JobStatus
from cleanroom_ml.engine.jobs.families import Machine
from cleanroom_ml.engine.jobs.layers.lock import DependencyLock
from cleanroom_ml.engine.jobs.record import Record
from cleanroom_ml.engine.jobs.service import JobService, Settings
from cleanroom_ml.engine.jobs.store import SCHEMA
from cleanroom_ml.engine.storage.database import Database
from cleanroom_ml.engine.storage.objects import ObjectStore
from cleanroom_ml.evidence.pinned_job import PinnedJob

FAKE_FRONT = Path(__file__).with_name("jobs_fake_front.py")
MIB = 1 << 20


class FakeFronts:
    """JobSockets: a process a job. `kill` is kill -9 of the front as one job sees it; `start` is its restart."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.tokens: dict[str, str] = {}
        self.running: dict[str, subprocess.Popen[bytes]] = {}
        self.closed: list[str] = []

    def open_job_socket(self, job_id: str, token_sha256: str) -> None:
        self.tokens[job_id] = token_sha256
        self.start(job_id)

    def close_job_socket(self, job_id: str) -> None:
        self.closed.append(job_id)
        self.kill(job_id)

    def start(self, job_id: str) -> None:
        if job_id not in self.running:
            directory = self.home / "jobs" / job_id
            arguments = [str(directory / "front.sock"), self.tokens[job_id], str(self.applied(job_id))]
            self.running[job_id] = subprocess.Popen([sys.executable, str(FAKE_FRONT), *arguments])

    def kill(self, job_id: str) -> None:
        process = self.running.pop(job_id, None)
        if process is not None:
            process.kill()
            process.wait()

    def applied(self, job_id: str) -> Path:
        return self.home / f"applied-{job_id}"


class Pools:
    """What a test needs at hand: a service and the few things around it."""

    def __init__(self, home: Path, settings: Settings, machine: Machine, *, existing: bool = False) -> None:
        self.home = home
        self.settings = settings
        self.machine = machine
        self.objects = ObjectStore(home / "objects")
        self.database = Database.open(home / "catalog.sqlite", [SCHEMA])
        self.fronts = FakeFronts(home)
        self.service = self.new_service()
        options = {"MIN_NODES": 1, "MAX_NODES": 2, "INSTANCE_FAMILY": "CPU_X64_S"}
        self.service.pools.create("ACME", "POOL", options, if_not_exists=existing)
        self.submitted: list[str] = []

    def new_service(self) -> JobService:
        return JobService(self.home, self.database, self.fronts, settings=self.settings, machine=lambda: self.machine)

    def request(self, script: str, **changes: object) -> JobRequest:
        sources = {"train.py": script, **changes.pop("more", {})}  # type: ignore[dict-item]
        code = tuple(
            JobFile(path, len(text.encode()), self.objects.put_bytes(text.encode())) for path, text in sources.items()
        )
        approved = {"name": "train", "entrypoint": "train.py", "allow_monitoring": True}
        approved |= {name: changes.pop(name) for name in PinnedJob.names() & changes.keys()}
        fields: dict[str, object] = {
            "account": "ACME",
            "user": "ANA",
            "collaboration": "COLLAB",
            "runner": "acme",
            "application": "SFDCR_COLLAB",
            "template_id": "train_v1",
            "code_spec_id": "code_v1",
            "job": PinnedJob(**approved),  # type: ignore[arg-type]
            "files": code,
            "args_json": '{"source_table": ["A.B.C"]}',
            "pool": "POOL",
            "nodes": 1,
            "warehouse": "COMPUTE_WH",
            "approval_digest": "0" * 64,
            "result_limit_bytes": 10_000,
            "scope": {"collaboration": "COLLAB"},
            "dependency_lock": self.locked_image(),
        }
        return JobRequest(**{**fields, **changes})  # type: ignore[arg-type]

    def locked_image(self) -> dict[str, object]:
        """The lock of a job without requirements, as registering makes it: it pins `local`, frozen."""
        image = self.service.environments.images.freeze()
        return DependencyLock(image.tag, image.digest, image.python).to_json()

    def submit(self, script: str, **changes: object) -> str:
        job_id = self.service.submit(self.request(script, **changes))
        self.submitted.append(job_id)
        return job_id

    def wait(self, job_id: str, *, seconds: float = 60) -> JobStatus:
        """The status once the job has ended."""
        return self.until(lambda: self.service.status(job_id), lambda status: status.status.terminal, seconds=seconds)

    def wait_log(self, job_id: str, text: str) -> None:
        """Return once the job has printed `text`."""
        self.until(lambda: self.service.logs(job_id), lambda log: text in log, seconds=30)

    def run(self, script: str, **changes: object) -> JobStatus:
        return self.wait(self.submit(script, **changes))

    def until(self, look: Callable[[], object], good: Callable[[object], bool], *, seconds: float) -> object:
        deadline = time.monotonic() + seconds
        while not good(seen := look()):
            assert time.monotonic() < deadline, f"still {seen} after {seconds} s"
            time.sleep(0.05)
        return seen

    def directory(self, job_id: str) -> Path:
        return self.home / "jobs" / job_id

    def record(self, job_id: str) -> Record:
        record = Record.read(self.directory(job_id))
        assert record is not None
        return record

    def close(self) -> None:
        for job_id in self.submitted:
            self.service.cancel(job_id)
        with contextlib.suppress(AssertionError):
            for job_id in self.submitted:
                self.wait(job_id, seconds=10)
        self.service.close()
        for job_id in list(self.fronts.running):
            self.fronts.kill(job_id)
        self.database.close()
