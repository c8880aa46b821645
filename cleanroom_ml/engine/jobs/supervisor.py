"""One process a job: `python -m cleanroom_ml.engine.jobs.supervisor HOME/jobs/<id>`.

It outlives the front's restarts, owns the job's socket, and is the only writer of the job's record. Its death ends the
sandbox (bubblewrap dies with its parent); the front then finds a record that has not ended and a process that is gone.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import sys
import time
import traceback
from dataclasses import replace
from pathlib import Path

from cleanroom_ml.engine.jobs import endings, files, logs, results, working_directory
from cleanroom_ml.engine.jobs.bundled import require_bundled
from cleanroom_ml.engine.jobs.code_mount import lay_out
from cleanroom_ml.engine.jobs.environments import Environments
from cleanroom_ml.engine.jobs.errors import CodeMismatch, JobsError
from cleanroom_ml.engine.jobs.images.image import Image
from cleanroom_ml.engine.jobs.layers.lock import DependencyLock
from cleanroom_ml.engine.jobs.model import Ending, Phase
from cleanroom_ml.engine.jobs.record import Record, now, read_plan
from cleanroom_ml.engine.jobs.relay import Relay
from cleanroom_ml.engine.jobs.sandbox_spec import job_spec
from cleanroom_ml.engine.jobs.telemetry import Telemetry
from cleanroom_ml.engine.jobs.transitions import Step
from cleanroom_ml.engine.sandbox.choosing import driver_for
from cleanroom_ml.engine.sandbox.errors import IsolationUnavailable, SandboxStartError
from cleanroom_ml.engine.sandbox.policy import Outcome
from cleanroom_ml.engine.sandbox.process import SandboxProcess
from cleanroom_ml.engine.sandbox.processes import boot_id, start_time
from cleanroom_ml.engine.sandbox.record import SandboxRecord, destroy
from cleanroom_ml.engine.storage.objects import ObjectStore

_LOCK_SECONDS = 5.0
_POLL_SECONDS = 0.1


def supervise(directory: Path) -> None:
    """Run the job of this directory to its end. Idempotent: of several supervisors one works, and only ever once.

    1. Take the job's lock; whoever does not get it leaves.
    2. A record that is there is another's, who died: end what it left, as `supervisor_lost`.
    3. Lay the pinned code out, checking it; find its image and its layer of packages, checking that.
    4. Open the job's socket, start the sandbox, record it.
    5. Wait for its end or for a request to cancel.
    6. Collect the result, record how the job ended. Nothing follows that record.
    """
    with _OnlyOne(directory) as alone:
        if not alone:
            return
        before = Record.read(directory)
        if before is not None:
            _bury(before, directory)
            return
        pid = os.getpid()
        record = Record(Step.PREPARING, pid, start_time(pid), boot_id())
        record.write(directory)
        _Run(directory, record).to_the_end()


class _Run:
    def __init__(self, directory: Path, record: Record) -> None:
        self._directory = directory
        self._record = record
        self._plan = read_plan(directory)
        self._image: Image | None = None
        self._layer: Path | None = None

    def to_the_end(self) -> None:
        try:
            ended = self._prepare() or self._launch()
        except Exception:  # noqa: BLE001 - whatever it was, the job needs its end; the traceback is kept for us
            traceback.print_exc()
            ended = endings.not_started("the engine met an error of its own (supervisor.log of the job says which)")
        self._advance(Step.ENDED, ended_on=now(), ending=ended)

    def _prepare(self) -> Ending | None:
        if self._cancelled():
            return endings.CANCELLED
        try:
            objects = ObjectStore(Path(self._plan.paths.objects))
            lay_out(self._plan.request.files, objects.open, self._directory / files.CODE)
            if self._plan.bounds.no_isolation:
                require_bundled(self._directory / files.CODE)
        except CodeMismatch as mismatch:
            return endings.refused(mismatch.what)
        try:
            self._find_environment()
        except JobsError as error:
            return endings.refused("; ".join(part for part in (error.what, error.fix) if part))
        except (IsolationUnavailable, SandboxStartError) as error:
            return endings.not_started(error.what)
        scratch = self._directory / files.SCRATCH
        scratch.mkdir(mode=0o700, exist_ok=True)
        working_directory.make(scratch, [file.path for file in self._plan.request.files])
        return endings.CANCELLED if self._cancelled() else None

    def _find_environment(self) -> None:
        """The image and the layer of the job's lock, both verified; the layer is made again if it is gone."""
        lock = DependencyLock.from_json(self._plan.request.dependency_lock)
        environments = Environments(Path(self._plan.paths.home), ObjectStore(Path(self._plan.paths.objects)))
        self._image = environments.image_of(lock)
        if lock is not None:
            self._layer = environments.layer_of(lock, self._image)

    def _launch(self) -> Ending:
        relay = Relay(
            self._directory / files.JOB_SOCKET,
            self._directory / files.FRONT_SOCKET,
            patience_seconds=self._plan.bounds.relay_patience_seconds,
        )
        relay.start()
        assert self._image is not None
        self._advance(Step.LAUNCHING)
        log = os.open(
            self._directory / files.LOG, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600
        )
        try:
            token = (self._directory / files.TOKEN).read_text(encoding="ascii")
            spec = job_spec(self._plan, self._directory, token, image=self._image, layer=self._layer)
            driver = driver_for(self._plan.bounds.no_isolation)
            # From this thread, the main one: bubblewrap dies with the thread that started it.
            with SandboxProcess.start(spec, driver=driver, output=log) as process:
                return self._watch(process, log)
        except (IsolationUnavailable, SandboxStartError) as error:
            traceback.print_exc()
            return endings.not_started(error.what)
        finally:
            os.close(log)
            relay.stop()

    def _watch(self, process: SandboxProcess, log: int) -> Ending:
        sandbox = process.record()
        self._advance(
            Step.RUNNING,
            sandbox=sandbox.to_json(),
            started_on=now(),
            isolation=sandbox.driver,
            isolation_reason=self._plan.bounds.no_isolation,
        )
        cancelled = False
        telemetry = Telemetry(self._directory, self._plan)
        while (outcome := process.wait(_POLL_SECONDS)) is None:
            if not cancelled and self._cancelled():
                cancelled = True
                process.kill()
            telemetry.look(process)
        telemetry.finish()
        logs.finish(log, outcome.log_total_bytes if outcome.log_truncated else None, self._plan.bounds.log_bytes)
        self._advance(
            Step.COLLECTING,
            isolation=outcome.driver,
            memory_enforced_by=outcome.memory_enforced_by,
            peak_memory_bytes=outcome.peak_memory_bytes,
        )
        return self._collect(outcome, cancelled=cancelled)

    def _collect(self, outcome: Outcome, *, cancelled: bool) -> Ending:
        ended = endings.ending(outcome, self._plan, cancelled=cancelled)
        if ended.phase is not Phase.DONE:
            return ended
        collected = results.collect(self._directory / files.SCRATCH, self._plan.request.result_limit_bytes)
        if collected.kind == "kept":
            files.write_atomically(self._directory / files.RESULT, collected.text.encode())
        self._record = replace(self._record, result=collected.kind)
        return endings.with_result(ended, collected)

    def _cancelled(self) -> bool:
        return (self._directory / files.CANCEL).exists()

    def _advance(self, step: Step, **changes: object) -> None:
        self._record = self._record.advance(self._directory, step, **changes)


class _OnlyOne(contextlib.AbstractContextManager[bool]):
    """Holds the job's lock; the kernel gives it up with the process, however that ends."""

    def __init__(self, directory: Path) -> None:
        self._fd = os.open(directory / files.LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)

    def __enter__(self) -> bool:
        deadline = time.monotonic() + _LOCK_SECONDS
        while True:
            try:
                fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() > deadline:
                    return False
                time.sleep(_POLL_SECONDS)
            else:
                return True

    def __exit__(self, *_: object) -> None:
        os.close(self._fd)


def _bury(before: Record, directory: Path) -> None:
    if before.step is Step.ENDED:
        return
    if before.sandbox is not None:
        destroy(SandboxRecord.from_json(before.sandbox))
    before.advance(directory, Step.ENDED, ended_on=now(), ending=endings.SUPERVISOR_LOST)


def main(arguments: list[str]) -> None:
    """The command line of the supervisor: one directory."""
    os.umask(0o077)
    supervise(Path(arguments[0]))


if __name__ == "__main__":
    main(sys.argv[1:])
