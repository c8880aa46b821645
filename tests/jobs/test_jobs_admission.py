"""Memory is counted against the machine, and what waits for it waits fairly between accounts."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path

import pytest
from jobs_harness import MIB, Pools

from cleanroom_ml.engine.contracts.job import JobState
from cleanroom_ml.engine.contracts.plan import Plan
from cleanroom_ml.engine.jobs import launching, store
from cleanroom_ml.engine.jobs.errors import ComputePoolError
from cleanroom_ml.engine.jobs.families import GIB, Machine, family, limits
from cleanroom_ml.engine.jobs.record import read_plan
from cleanroom_ml.engine.jobs.scheduler import PASSED_SECONDS, Scheduler

SLEEP = "import time\nprint('begun')\ntime.sleep(60)"


class Sockets:
    def open_job_socket(self, job_id: str, token_sha256: str) -> None: ...
    def close_job_socket(self, job_id: str) -> None: ...


class Queue:
    """The real catalog, pools and scheduler, with supervisors that are never started: a tick decides at once."""

    def __init__(self, home: Path, monkeypatch: pytest.MonkeyPatch, machine: Machine) -> None:
        self.machine = machine
        self.count = 0
        self.pools = Pools(home, None, machine)  # type: ignore[arg-type]
        self.plans: dict[str, Plan] = {}
        monkeypatch.setattr(launching.Supervisors, "start", lambda *_: (0, 0))
        monkeypatch.setattr("cleanroom_ml.engine.jobs.recovery.supervised", lambda *_: True)
        service = self.pools.service
        service._settings = self.pools.settings = type(service._settings)()
        self.store = service._store
        self.scheduler = Scheduler(
            service._jobs_root, self.store, service.pools, Sockets(), service._plan, lambda: self.machine
        )
        for account in ("ACME", "BETA", "CORA"):
            options = {"MIN_NODES": 1, "MAX_NODES": 4, "INSTANCE_FAMILY": "CPU_X64_XS"}
            service.pools.create(account, "WIDE", options)

    def submit(self, account: str, nodes: int = 1) -> str:
        self.count += 1
        job_id = f"MLJOB_{self.count:016X}"
        self.store.add(job_id, self.pools.request("", account=account, pool="WIDE", nodes=nodes))
        return job_id

    def started(self) -> list[str]:
        """The jobs that hold memory after one more tick; never more of it than the machine has."""
        self.scheduler.tick()
        holding = [job for job in self.store.unfinished() if job.phase.holds_nodes]
        assert sum(job.memory_bytes for job in holding) <= self.machine.memory_bytes
        for job in holding:
            plan = read_plan(self.pools.directory(job.job_id))
            assert plan.bounds.memory_bytes == job.memory_bytes > 0
        return [job.job_id for job in holding]

    def end(self, job_id: str) -> None:
        from cleanroom_ml.engine.jobs import endings

        self.store.end(job_id, endings.CANCELLED)
        self.store.note_cleaned(job_id)


@pytest.fixture
def queue(home, monkeypatch):
    (home / "jobs").mkdir()
    made = Queue(home, monkeypatch, Machine(cpus=4, memory_bytes=12 * GIB))  # a node of the family has 6 GiB; here 3
    yield made
    made.scheduler.close()
    made.pools.database.close()


@pytest.mark.slow
def test_limits_never_add_up_to_more_than_the_machine(queue):
    jobs = [queue.submit(account) for account in ("ACME", "BETA", "CORA", "ACME", "BETA", "CORA")]
    assert queue.started() == jobs[:4]
    assert queue.started() == jobs[:4]
    queue.end(jobs[1])
    assert queue.started() == [jobs[0], *jobs[2:5]]


@pytest.mark.attack
def test_many_jobs_of_one_account_hold_up_another_ones_single_job_until_the_next_one_ends(queue):
    many = [queue.submit("ACME") for _ in range(40)]
    assert queue.started() == many[:4]
    one = queue.submit("BETA")
    queue.end(many[0])
    assert queue.started() == [*many[1:4], one]


def test_a_machine_that_became_smaller_starts_nothing_until_there_is_room(queue):
    jobs = [queue.submit("ACME") for _ in range(3)]
    queue.machine = replace(queue.machine, memory_bytes=6 * GIB)
    assert queue.started() == jobs[:3][:4]  # 1.5 GiB each
    queue.machine = replace(queue.machine, memory_bytes=12 * GIB)
    more = [queue.submit("BETA") for _ in range(3)]
    assert queue.started() == [*jobs, *more[:2]]


def test_a_large_job_is_passed_for_a_while_and_then_by_nobody(queue, monkeypatch):
    small = [queue.submit("ACME"), queue.submit("ACME")]
    assert queue.started() == small
    large = queue.submit("BETA", nodes=4)
    passing = queue.submit("CORA")
    behind = queue.submit("BETA")
    assert queue.started() == [*small, passing]  # and not `behind`, whose own account waits
    monkeypatch.setattr("cleanroom_ml.engine.jobs.scheduler.PASSED_SECONDS", -1.0)
    queue.end(small[0])
    late = queue.submit("CORA")
    assert queue.started() == [small[1], passing]
    queue.end(small[1])
    queue.end(passing)
    assert queue.started() == [large]
    queue.end(large)
    assert queue.started() == [behind, late]
    assert PASSED_SECONDS > 0


def test_what_can_never_fit_is_refused_with_numbers(pools):
    pools.service.pools.create("ACME", "MANY", {"MIN_NODES": 1, "MAX_NODES": 64, "INSTANCE_FAMILY": "CPU_X64_XS"})
    with pytest.raises(ComputePoolError) as caught:
        pools.service.submit(pools.request("pass", pool="MANY", nodes=64))
    assert caught.value.what == (
        "the job's 64 node(s) need at least 8,192 MiB of memory (128 MiB each), and this machine has 1,200 MiB for jobs"
    )
    assert pools.service.list("ACME", "COLLAB") == []


def test_what_can_never_fit_any_more_ends_and_lets_the_next_one_pass(queue):
    wide = queue.submit("ACME", nodes=4)
    one = queue.submit("ACME")
    queue.machine = replace(queue.machine, memory_bytes=300 * MIB)
    assert queue.started() == [one]
    status = queue.store.get(wide).status()
    assert (status.status, status.reason) == (JobState.FAILED, "not_started")
    assert "need at least 512 MiB" in status.message


@pytest.mark.parametrize(
    ("places", "nodes", "machine_gib", "gib"),
    [(1, 1, 8, 8), (1, 1, 64, 13), (2, 1, 8, 4), (2, 2, 8, 8), (2, 1, 64, 13), (1000, 1, 8, 1), (1000, 16, 8, 8)],
)
def test_a_node_is_what_its_family_has_or_its_share_of_the_machine(places, nodes, machine_gib, gib):
    got = limits(family("CPU_X64_S"), nodes, Machine(4, machine_gib * GIB), places=places)
    assert got.memory_bytes == gib * GIB


@pytest.mark.sandbox
@pytest.mark.slow
def test_jobs_really_wait_for_memory_and_then_run(pools):
    pools.service.pools.create("BETA", "POOL", {"MIN_NODES": 1, "MAX_NODES": 1, "INSTANCE_FAMILY": "CPU_X64_S"})
    first = pools.submit(SLEEP)
    pools.wait_log(first, "begun")
    second = pools.submit("pass", account="BETA")  # wants the whole machine
    threading.Event().wait(0.5)
    assert pools.service.status(second).status is JobState.PENDING
    pools.service.cancel(first)
    assert pools.wait(second).status is JobState.DONE


@pytest.mark.attack
def test_an_account_has_so_many_jobs_that_have_not_ended(queue: Queue, monkeypatch: pytest.MonkeyPatch) -> None:
    """A job that waits is looked at several times a second; others' jobs are let in meanwhile."""
    monkeypatch.setattr(store, "MAX_UNFINISHED", 3)
    jobs = [queue.submit("ACME") for _ in range(3)]
    with pytest.raises(ComputePoolError, match="3 jobs of this account have not ended"):
        queue.submit("ACME")
    queue.submit("BETA")
    queue.end(jobs[0])
    queue.submit("ACME")


@pytest.mark.attack
def test_what_jobs_wait_with_is_not_read_again_and_again(queue: Queue, monkeypatch: pytest.MonkeyPatch) -> None:
    """Arguments have a megabyte: four times a second, those of a few hundred jobs were read and taken apart."""
    for account in ("ACME", "BETA", "CORA"):
        for _ in range(5):
            queue.submit(account)
    running = queue.started()
    read: list[str] = []
    from_json = store.from_json
    monkeypatch.setattr(store, "from_json", lambda kind, text: read.append(text) or from_json(kind, text))
    assert queue.started() == running
    queue.pools.service.pools.show("ACME")
    queue.pools.service.layers()
    assert read == []


def test_a_pool_is_not_dropped_under_a_job_that_is_just_submitted(
    pools: Pools, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would wait for ever: nothing says that its pool is no more."""
    refused: list[ComputePoolError] = []
    compute = pools.service.pools
    admit = compute.admit

    def drop() -> None:
        try:
            compute.drop("ACME", "POOL")
        except ComputePoolError as error:
            refused.append(error)

    dropping = threading.Thread(target=drop)

    def admitted(*args: object, **named: object) -> None:
        admit(*args, **named)  # type: ignore[arg-type]
        dropping.start()
        dropping.join(0.5)

    monkeypatch.setattr(compute, "admit", admitted)
    job_id = pools.submit("pass")
    dropping.join(30)
    assert len(refused) == 1
    assert "has 1 job(s)" in str(refused[0])
    pools.service.cancel(job_id)


def test_nothing_is_remembered_of_jobs_that_are_gone(queue, monkeypatch):
    """A job that could not be moved, or was ended by another, leaves nothing in a scheduler that runs for months."""

    def broken(*_: object) -> None:
        raise OSError("no space left on device")

    scheduler = queue.scheduler
    jobs = [queue.submit("ACME") for _ in range(3)]
    assert queue.started() == jobs
    with monkeypatch.context() as patch:
        patch.setattr(scheduler, "_step", broken)
        scheduler.tick()
    assert set(scheduler._troubles) == set(jobs)
    for job_id in jobs:
        queue.end(job_id)
    scheduler.tick()
    remembered = {name: value for name, value in vars(scheduler).items() if isinstance(value, dict | set)}
    assert {"_troubles", "_listening", "_starting", "_overdue", "_handed_over"} <= remembered.keys()
    assert not any(set(jobs) & set(value) for value in remembered.values()), remembered
