"""kill -9 of the engine and of a supervisor while work is under way: nothing is lost, doubled, or left running."""

from __future__ import annotations

import os
import random
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from guarantees_world import BIG_ROWS, ROOM, World, approve_all, login

from cleanroom_ml.engine.jobs.record import Record
from cleanroom_ml.engine.sandbox.processes import tree
from cleanroom_ml.engine.sandbox.record import SandboxRecord
from cleanroom_ml.errors import CleanroomError, ConnectError
from cleanroom_ml.local import engine as local_engine
from cleanroom_ml.services import activation, activation_export, jobs
from cleanroom_ml.services.projects import load_project
from cleanroom_ml.services.templates import submit
from cleanroom_ml.services.update_requests import list_requests

pytestmark = pytest.mark.sandbox

READ = """
import time
from snowflake.snowpark.context import get_active_session
seen = total = batches = 0
for batch in get_active_session().table("shop.big_v1.rows").select("N").to_pandas_batches():
    seen, total, batches = seen + len(batch), total + int(batch["N"].sum()), batches + 1
    print("batch", batches, flush=True)
    time.sleep(0.25)
__return__ = [seen, total]
"""
WRITE = """
import pandas as pd
from snowflake.snowpark.context import get_active_session
session = get_active_session()
for part in range(12):
    frame = session.create_dataframe([[part * 10 + row] for row in range(10)], schema=["K"])
    frame.write.save_as_table("cleanroom.written", mode="append")
    print("part", part, flush=True)
session.write_pandas(
    pd.DataFrame({"K": range(1000, 101000)}), "WRITTEN", database="SFDCR_VAULT", schema="CLEANROOM", overwrite=False
)
print("frame", flush=True)
(row,) = session.sql("SELECT COUNT(*), COUNT(DISTINCT K), SUM(K) FROM cleanroom.written").collect()
__return__ = [int(value) for value in row]
"""


def kill_engine(world: World) -> None:
    """SIGKILL, and a new engine a moment later, as the next command would start it."""
    pid = local_engine.status(world.home).pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    time.sleep(0.5)
    try:
        assert local_engine.ensure_running(world.home).pid != pid
    except ConnectError:
        print((world.home.path / "engine-start.log").read_text())
        raise


@pytest.mark.slow
def test_killed_while_a_job_reads(world: World) -> None:
    job_id = world.submit(READ, tables=("shop.big_v1.rows",))
    world.wait_log(job_id, "batch 2\n")
    kill_engine(world)
    assert world.end(job_id) == [BIG_ROWS, BIG_ROWS * (BIG_ROWS - 1) // 2]
    log = jobs.logs(world.brand, ROOM, job_id).splitlines()
    assert log == [f"batch {number + 1}" for number in range(len(log))]
    assert len(log) >= 8


def test_killed_while_a_job_writes(world: World) -> None:
    job_id = world.submit(WRITE)
    for moment in ("part 1\n", "part 6\n", "part 11\n"):
        world.wait_log(job_id, moment)
        time.sleep(random.uniform(0, 0.4))
        kill_engine(world)
    kept = [*range(120), *range(1000, 101000)]
    assert world.end(job_id) == [len(kept), len(kept), sum(kept)]
    assert jobs.logs(world.brand, ROOM, job_id).splitlines() == [*(f"part {number}" for number in range(12)), "frame"]


def test_a_killed_supervisor_fails_the_job_and_leaves_nothing_running(world: World) -> None:
    source = "import subprocess, time\nsubprocess.Popen(['sleep', '300'])\nprint('begun', flush=True)\ntime.sleep(300)"
    job_id = world.submit(source)
    world.wait_log(job_id, "begun")
    record = Record.read(world.home.jobs / job_id)
    assert record is not None
    inside = tree(record.supervisor_pid)
    assert len(inside) >= 4  # the supervisor, bubblewrap, the job, its child
    os.kill(record.supervisor_pid, signal.SIGKILL)
    ended = jobs.wait(world.brand, ROOM, job_id, timeout_seconds=20)
    assert (ended.status, ended.reason) == ("FAILED", "supervisor_lost")
    assert ended.message
    deadline = time.monotonic() + 10
    while left := [pid for pid in inside if Path(f"/proc/{pid}").exists()]:
        assert time.monotonic() < deadline, left
        time.sleep(0.1)
    assert all(not Path(group).exists() for group in SandboxRecord.from_json(str(record.sandbox)).cgroups)
    assert jobs.logs(world.brand, ROOM, job_id) == "begun\n"


def interrupted(world: World, work: Callable[[], object], *, after: float) -> None:
    """Do something while the engine is killed and comes back; whether it fails is open, and that it ends is not."""

    def attempt() -> None:
        try:
            work()
        except CleanroomError:
            failed.append(True)

    failed: list[bool] = []
    worker = threading.Thread(target=attempt)
    worker.start()
    time.sleep(after)
    kill_engine(world)
    worker.join(90)
    assert not worker.is_alive()


def _moments(count: int, longest: float) -> list[float]:
    chosen = random.Random(4711)
    return [chosen.uniform(0, longest) for _ in range(count)]


@pytest.mark.slow
def test_killed_during_procedures(world: World) -> None:
    """Submitting, approving, running and activating, each killed at several moments: repeating it finishes it."""
    project = load_project(world.directory)
    for number, after in enumerate(_moments(4, 0.6)):
        version = f"K{number}"
        path = world.directory / f"pick_{version}.yaml"
        path.write_text((world.directory / "pick.yaml").read_text().replace("version: V1", f"version: {version}"))

        def send(path: Path = path) -> Any:
            return submit(world.shop, project, ROOM, (path,), runners=("brand",))

        interrupted(world, send, after=after)
        send()
        interrupted(world, lambda: approve_all(world), after=after)
        approve_all(world)
        found = [request for request in list_requests(world.brand, ROOM) if request.template_id == f"pick_{version}"]
        assert [request.status for request in found] == ["COMPLETED"], found

        wanted = jobs.JobRun(ROOM, "probe", ("shop.offer_v1.visits",), (), {"compute_pool": "POOL", "source": "pass"})
        interrupted(world, lambda wanted=wanted: jobs.run(world.brand, wanted), after=after)  # type: ignore[misc]
        world.job("__return__ = 1")
        before = jobs.list_jobs(world.brand, ROOM)
        assert len({each["job_id"] for each in before}) == len(before)
        for each in before:
            assert jobs.wait(world.brand, ROOM, each["job_id"], timeout_seconds=60).terminal

        segment = f"segment_{number}"

        def send_segment(segment: str = segment) -> Any:
            request = activation.ActivationRequest(ROOM, "keep", "shop", segment, ("shop.offer_v1.visits",))
            return activation.activate(world.brand, request, again=True)

        interrupted(world, send_segment, after=after)
        send_segment()
        interrupted(world, lambda segment=segment: activation.process(world.shop, ROOM, segment), after=after)  # type: ignore[misc]
        activation.process(world.shop, ROOM, segment)
        sent = [each for each in activation.list_activations(world.brand, ROOM) if each.segment_name == segment]
        assert {each.status for each in sent} <= {"PROCESSED", "SHARED", "FAILED"}, sent
        exported = activation_export.export(world.shop, ROOM, segment, world.directory / f"{segment}.csv")
        assert exported.rows == 3
    with login(world.home, "brand") as again:
        assert again.execute("SELECT 1 AS a") == [{"a": 1}]
