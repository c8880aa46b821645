"""Moves jobs: one tick looks at every job that has not ended, oldest first, and takes each at most one step on.

Every step is persisted before it is acted on, and every act is idempotent: whatever a killed front left half done, the
next tick of the next front does again.
"""

from __future__ import annotations

import hashlib
import logging
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Protocol

from cleanroom_ml.engine.contracts.plan import Plan
from cleanroom_ml.engine.jobs import endings, files, launching, recovery
from cleanroom_ml.engine.jobs.cleaning import Cleaner
from cleanroom_ml.engine.jobs.families import Machine, lacks_memory
from cleanroom_ml.engine.jobs.gpu import Gpus
from cleanroom_ml.engine.jobs.model import Ending, Phase
from cleanroom_ml.engine.jobs.pools import ComputePools
from cleanroom_ml.engine.jobs.record import Record
from cleanroom_ml.engine.jobs.store import Job, JobStore, Row
from cleanroom_ml.engine.jobs.transitions import Step
from cleanroom_ml.engine.storage.keys import to_micros

log = logging.getLogger(__name__)

CANCEL_GRACE_SECONDS: Final = 1.0
"""So long a supervisor has to end its job after it was told to; then it is ended with it, whatever it does."""

PASSED_SECONDS: Final = 300.0
"""So long a job that waits for memory lets other accounts' smaller jobs pass; then nobody starts before it."""

START_SECONDS: Final = 1800.0
"""So long a supervisor may lay out code, find packages and make the sandbox; then it is ended, and the job with it."""

_LONGEST_PAUSE_SECONDS: Final = 2.0

_PoolName = tuple[str, str]


@dataclass(slots=True)
class _Free:
    """What one tick may still give away: nodes of each pool, and of this machine the memory and GPUs no job holds.

    All pools share memory and GPUs. `there` says which GPUs the machine has, if any job waits for one. Jobs of the
    accounts in `waiting` come after one of the same account, which waits for memory.
    """

    nodes: dict[_PoolName, int]
    gpus: list[int]
    there: Gpus
    memory: int
    machine: Machine
    waiting: set[str] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class _Trouble:
    """Why a job could not be moved, and when it is tried again."""

    what: str
    until: float
    pause: float


class JobSockets(Protocol):
    """The front's listening sockets, one a job (implemented by engine/server). Both verbs are idempotent."""

    def open_job_socket(self, job_id: str, token_sha256: str) -> None:
        """Listen on HOME/jobs/<id>/front.sock; only the token with this hash logs in there."""

    def close_job_socket(self, job_id: str) -> None:
        """Stop listening, and end the job's sessions."""


class Scheduler:
    """The steps of jobs. Not thread-safe: one thread ticks."""

    def __init__(
        self,
        jobs_root: Path,
        store: JobStore,
        pools: ComputePools,
        sockets: JobSockets,
        plan: Callable[[Job], Plan],
        machine: Callable[[], Machine],
    ) -> None:
        """`machine` looks at what this machine can give to jobs right now."""
        self._root = jobs_root
        self._store = store
        self._pools = pools
        self._sockets = sockets
        self._plan = plan
        self._machine = machine
        self._supervisors = launching.Supervisors()
        self._cleaner = Cleaner(jobs_root, store.note_cleaned)
        self._handed_over: set[str] = set()
        self._listening: set[str] = set()
        self._overdue: dict[str, float] = {}
        self._starting: dict[str, float] = {}
        self._troubles: dict[str, _Trouble] = {}

    def tick(self) -> bool:
        """Take every job one step on; whether there is any that may need a further tick.

        A job that cannot be moved does not keep the others from moving.
        """
        unfinished = self._store.unfinished()
        self._forget_others(unfinished)
        free = self._free(unfinished)
        for job in _in_turn(unfinished):
            trouble = self._troubles.get(job.job_id)
            if trouble is not None and time.monotonic() < trouble.until:
                continue
            try:
                self._step(job, free)
                self._troubles.pop(job.job_id, None)
            except Exception as error:  # noqa: BLE001 - logged: one job's trouble (a full disk) must not stop the queue
                self._put_off(job, trouble, error)
        return self._supervisors.reap() or not all(job.phase.terminal for job in unfinished)

    def _forget_others(self, unfinished: Sequence[Row]) -> None:
        """What is remembered of a job is forgotten with it, however it went away."""
        known = {job.job_id for job in unfinished}
        self._handed_over &= known
        self._listening &= known
        remembered: tuple[dict[str, float] | dict[str, _Trouble], ...] = (self._overdue, self._starting, self._troubles)
        for each in remembered:
            for job_id in each.keys() - known:
                del each[job_id]

    def close(self) -> None:
        """No further tick will come. What is left to clean up is the next scheduler's."""
        self._cleaner.close()

    def _put_off(self, job: Row, before: _Trouble | None, error: Exception) -> None:
        pause = 0.1 if before is None else min(2 * before.pause, _LONGEST_PAUSE_SECONDS)
        if before is None or before.what != repr(error):
            log.exception("job %s could not be moved; it is tried again", job.job_id)
        self._troubles[job.job_id] = _Trouble(repr(error), time.monotonic() + pause, pause)

    def _step(self, job: Row, free: _Free) -> None:
        """One step.

        QUEUED    1. Cancelled? End. 2. More nodes than its pool may have by now, or more GPUs or memory than this
                  machine? End. 3. First of its pool, its nodes, GPUs and memory free? Make it STARTING with a new token
                  and what it gets, launch it.
        STARTING  1. Nobody supervises it, nothing is recorded? Launch it (again). 2. Else follow the record.
        RUNNING   Follow the record: ended? End. Nobody there? Destroy the sandbox, end as supervisor_lost.
                  Cancelled, and still not ended, or starting for too long? End its supervisor.
        ended     Close the socket, remove what is not needed any more.
        """
        match job.phase:
            case Phase.QUEUED if job.cancel_requested:
                self._store.end(job.job_id, endings.CANCELLED)
            case Phase.QUEUED:
                self._try_to_start(job, free)
            case Phase.STARTING | Phase.RUNNING:
                self._follow(job)
            case _:
                self._clean_up(job)

    def _free(self, unfinished: Sequence[Row]) -> _Free:
        # A tick is several times a second: the machine is only looked at where a job waits for GPUs.
        wanted = any(job.phase is Phase.QUEUED and self._gpus_needed(job) for job in unfinished)
        there = self._pools.gpus() if wanted else Gpus()
        holding = [job for job in unfinished if job.phase.holds_nodes]
        held = {minor for job in holding for minor in job.gpus}
        machine = self._machine()
        return _Free(
            nodes=self._free_nodes(unfinished),
            gpus=[minor for minor in there.minors if minor not in held],
            there=there,
            # A job that started before its limit was noted has what it would be given now.
            memory=machine.memory_bytes - sum(job.memory_bytes or self._bounds(job, machine) for job in holding),
            machine=machine,
        )

    def _bounds(self, job: Row, machine: Machine) -> int:
        pool = self._pools.find(*_pool_of(job))
        return 0 if pool is None else pool.limits(job.nodes, machine).memory_bytes

    def _gpus_needed(self, job: Row) -> int:
        pool = self._pools.find(*_pool_of(job))
        return 0 if pool is None else pool.family.gpus * job.nodes

    def _free_nodes(self, unfinished: Sequence[Row]) -> dict[_PoolName, int]:
        """Nodes that each pool could still give; none where it is suspended (its jobs wait for RESUME)."""
        free: dict[_PoolName, int] = {}
        for name in {_pool_of(job) for job in unfinished}:
            pool = self._pools.find(*name)
            free[name] = 0 if pool is None or pool.suspended else pool.max_nodes
        for job in unfinished:
            if job.phase.holds_nodes:
                free[_pool_of(job)] -= job.nodes
        return free

    def _try_to_start(self, job: Row, free: _Free) -> None:
        pool = _pool_of(job)
        now = self._pools.find(*pool)
        needed = self._gpus_needed(job)
        # What could never start must end, or everybody behind it would wait for ever.
        if now is not None and job.nodes > now.max_nodes:
            self._store.end(job.job_id, endings.too_many_nodes(now.name, job.nodes, now.max_nodes))
            return
        if needed > len(free.there.minors):
            there = free.there
            self._store.end(job.job_id, endings.too_few_gpus(pool[1], needed, len(there.minors), there.why_not))
            return
        if lacks := lacks_memory(job.nodes, free.machine):
            self._store.end(job.job_id, endings.too_little_memory(lacks))
            return
        if job.nodes > free.nodes[pool] or job.account in free.waiting:
            free.nodes[pool] = 0  # whoever came later waits behind it, even if there were room for less
            return
        if needed > len(free.gpus):
            free.nodes[pool] = 0
            free.gpus.clear()  # nor does anybody of another pool take the GPUs that it waits for
            return
        memory = self._bounds(job, free.machine)
        if memory > free.memory:
            free.waiting.add(job.account)
            if (self._pools.now() - job.created_on).total_seconds() > PASSED_SECONDS:
                free.memory = 0
            return
        free.memory -= memory
        free.nodes[pool] -= job.nodes
        gpus, free.gpus = tuple(free.gpus[:needed]), free.gpus[needed:]
        token = launching.new_token()
        started = self._store.start(job.job_id, hashlib.sha256(token.encode()).hexdigest(), gpus, memory)
        self._launch(started, token)

    def _launch(self, job: Job, token: str) -> None:
        directory = self._root / job.job_id
        launching.prepare(directory, self._plan(job), token)
        self._listen(job)
        pid, started = self._supervisors.start(directory)
        self._store.note_supervisor(job.job_id, pid, started)

    def _follow(self, job: Row) -> None:
        directory = self._root / job.job_id
        record = Record.read(directory)
        if recovery.supervised(record, job.supervisor):
            self._listen(job)
            if job.cancel_requested:
                launching.request_cancel(directory)
                if time.monotonic() > self._overdue.setdefault(job.job_id, time.monotonic() + CANCEL_GRACE_SECONDS):
                    # Making a layer, laying out code, stopped by a signal: nothing of it has to be waited for.
                    recovery.kill_supervisor(record, job.supervisor)
            elif job.phase is Phase.STARTING and self._starts_too_long(job):
                recovery.kill_supervisor(record, job.supervisor)
            record = Record.read(directory)
            if job.phase is Phase.STARTING and record is not None and record.step in (Step.RUNNING, Step.COLLECTING):
                self._store.run(
                    job.job_id, record.started_on or job.created_on, record.isolation, record.memory_enforced_by
                )
            return
        # Read again, now that nobody writes it any more: its last word may have come after the first reading.
        record = Record.read(directory)
        if record is not None and record.step is Step.ENDED and record.ending is not None:
            self._end(job, record.ending, record)
        elif record is not None or job.supervisor is not None:
            recovery.end_sandbox(record)
            self._end(job, self._unsupervised(job), record)
        elif job.cancel_requested:
            self._end(job, endings.CANCELLED, None)
        else:
            self._launch_again(job)

    def _starts_too_long(self, job: Row) -> bool:
        return time.monotonic() > self._starting.setdefault(job.job_id, time.monotonic() + START_SECONDS)

    def _unsupervised(self, job: Row) -> Ending:
        """How a job ended whose supervisor is gone without having said so."""
        if job.cancel_requested:
            return endings.CANCELLED
        if job.phase is Phase.STARTING and time.monotonic() > self._starting.get(job.job_id, float("inf")):
            return endings.not_started(f"it could not be made ready within {START_SECONDS:g} seconds")
        return endings.SUPERVISOR_LOST

    def _launch_again(self, job: Row) -> None:
        # A front was killed between its commit and the start, or right after the start. A token that is on disk may
        # have been read by a supervisor that has not recorded anything yet: it stays. One that is not was never given
        # to anybody.
        try:
            token = (self._root / job.job_id / files.TOKEN).read_text(encoding="ascii")
        except FileNotFoundError:
            token = launching.new_token()
        self._launch(self._store.replace_token(job.job_id, hashlib.sha256(token.encode()).hexdigest()), token)

    def _listen(self, job: Row) -> None:
        if job.job_id not in self._listening and job.token_sha256 is not None:
            self._sockets.open_job_socket(job.job_id, job.token_sha256)
            self._listening.add(job.job_id)

    def _end(self, job: Row, ending: Ending, record: Record | None) -> None:
        facts = {}
        if record is not None:
            facts = {
                "isolation": record.isolation,
                "memory_enforced_by": record.memory_enforced_by,
                "peak_memory_bytes": record.peak_memory_bytes,
                "started_on": to_micros(record.started_on) if record.started_on else None,
            }
        ended = self._store.end(job.job_id, ending, ended_on=record.ended_on if record else None, **facts)
        self._clean_up(ended)

    def _clean_up(self, job: Row) -> None:
        if job.job_id in self._handed_over:
            return
        self._sockets.close_job_socket(job.job_id)
        self._listening.discard(job.job_id)
        for clock in (self._overdue, self._starting):
            clock.pop(job.job_id, None)
        self._handed_over.add(job.job_id)
        self._cleaner.add(job.job_id)


def _in_turn(unfinished: Sequence[Row]) -> list[Row]:
    """Jobs in the order in which they are looked at: those that do not wait, then those that do, fairly.

    The first job of an account that has none running comes before the second of everybody else, and so on; jobs of one
    account stay in the order in which they came. So a hundred jobs of one account hold up one of another's no longer
    than until the next one ends.
    """
    taken = Counter(job.account for job in unfinished if job.phase.holds_nodes)
    waiting: list[tuple[int, int, Row]] = []
    for sequence, job in enumerate(unfinished):
        if job.phase is Phase.QUEUED:
            waiting.append((taken[job.account], sequence, job))
            taken[job.account] += 1
    moving = [job for job in unfinished if job.phase is not Phase.QUEUED]
    return moving + [job for _, _, job in sorted(waiting, key=lambda one: one[:2])]


def _pool_of(job: Row) -> _PoolName:
    return job.account, job.pool
