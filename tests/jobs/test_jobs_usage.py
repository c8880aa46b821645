"""Memory and CPU time of a job over its life: measured by us, whatever enforces its limits, in a bounded curve."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from jobs_harness import MIB, Pools
from jobs_plans import a_plan

from cleanroom_ml.engine.contracts.job import JobState
from cleanroom_ml.engine.jobs import files, usage
from cleanroom_ml.engine.jobs.usage import MAX_POINTS, UsageCurve
from cleanroom_ml.engine.sandbox import process
from cleanroom_ml.engine.sandbox.cgroups import Watchdog
from cleanroom_ml.engine.sandbox.no_isolation import NoIsolation
from cleanroom_ml.engine.sandbox.policy import Limits, SandboxSpec
from cleanroom_ml.engine.sandbox.process import SandboxProcess
from cleanroom_ml.engine.sandbox.python_runtime import python_runtime
from cleanroom_ml.engine.sandbox.systemd_scope import SystemdScope
from cleanroom_ml.engine.sandbox.usage import Usage, read_usage

WORKS = """
import time
print("begun", flush=True)
time.sleep(1)
block = b"x" * (250 << 20)
begin = time.process_time()
while time.process_time() - begin < 1.5:
    sum(range(10_000))
print("grown", flush=True)
time.sleep(1.5)
"""


@pytest.mark.sandbox
@pytest.mark.slow
def test_a_job_that_grows_and_works_is_seen_to(pools: Pools) -> None:
    job_id = pools.submit(WORKS)
    assert pools.service.usage(job_id) == {"points": []}
    pools.wait_log(job_id, "grown")
    running = pools.service.usage(job_id)
    assert pools.service.status(job_id).status is JobState.RUNNING
    assert len(running["points"]) >= 2
    status = pools.wait(job_id)
    assert status.status is JobState.DONE
    told = pools.service.usage(job_id)
    points = told["points"]
    assert told["nodes"] == 1
    assert told["cpus"] >= 1
    assert 300 * MIB < told["memory_limit_bytes"] <= 600 * MIB
    assert points[0]["memory_bytes"] < 150 * MIB
    assert 250 * MIB < max(point["memory_bytes"] for point in points) <= told["memory_limit_bytes"]
    assert 1.5 < points[-1]["cpu_seconds"] < 30
    assert [point["cpu_seconds"] for point in points] == sorted(point["cpu_seconds"] for point in points)
    assert status.started_on is not None
    assert abs(points[0]["t"] - status.started_on.timestamp()) < 2


def burning(seconds: float) -> SandboxSpec:
    """Somebody with 100 MiB whose child burned CPU time and was waited for."""
    code = f"""
import subprocess, sys, time
block = b"x" * (100 << 20)
burn = "import time\\nwhile time.process_time() < {seconds}: pass"
subprocess.run([sys.executable, "-c", burn])
print("burned", flush=True)
time.sleep(60)
"""
    runtime = python_runtime()
    command = (str(runtime.executable), "-c", code)
    return SandboxSpec(name="burns", argv=command, mounts=runtime.mounts, limits=Limits(memory_bytes=400 * MIB))


@pytest.mark.sandbox
@pytest.mark.parametrize("means", ["the best there is", "watchdog", "no isolation"])
def test_whatever_enforces_the_limits_the_usage_is_told(
    means: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if means == "watchdog":
        monkeypatch.setattr(process, "create_group", lambda name, limits: Watchdog(limits))
    driver = NoIsolation("a test of it") if means == "no isolation" else None
    log = tmp_path / "log"
    with log.open("wb") as output, SandboxProcess.start(burning(0.5), driver=driver, output=output.fileno()) as running:
        deadline = time.monotonic() + 30
        while b"burned" not in log.read_bytes():
            assert time.monotonic() < deadline, running.outcome()
            time.sleep(0.05)
        told = running.usage()
        assert told is not None
        assert 100 * MIB < told.memory_bytes < 300 * MIB
        assert 0.5 <= told.cpu_seconds < 10
        running.kill()
        running.wait()
        assert running.usage() is None


def test_a_group_of_cgroup_v2_is_read_without_the_cache(tmp_path: Path) -> None:
    """The files of a group and of a user's scope, as the kernel writes them."""
    (tmp_path / "memory.current").write_text(f"{300 * MIB}\n")
    (tmp_path / "memory.stat").write_text(f"anon 1\nfile 2\ninactive_file {100 * MIB}\nactive_file 7\n")
    (tmp_path / "cpu.stat").write_text("usage_usec 2500000\nuser_usec 2000000\nsystem_usec 500000\n")
    scope = SystemdScope("cleanroom-test", Limits())
    assert scope.accounts() == ()
    scope._directory = tmp_path
    assert read_usage(scope.accounts(), None) == Usage(200 * MIB, 2.5)


def test_a_group_of_cgroup_v1_is_read_without_the_cache(tmp_path: Path) -> None:
    memory, cpu = tmp_path / "memory", tmp_path / "cpuacct"
    memory.mkdir()
    cpu.mkdir()
    (memory / "memory.usage_in_bytes").write_text(f"{300 * MIB}\n")
    (memory / "memory.stat").write_text(f"inactive_file 5\ntotal_inactive_file {100 * MIB}\n")
    (cpu / "cpuacct.usage").write_text("1500000000\n")
    assert read_usage((memory, cpu), None) == Usage(200 * MIB, 1.5)


@pytest.fixture
def curve(tmp_path: Path) -> UsageCurve:
    plan = a_plan("x", "x", (), cpus=2, memory_bytes=4096)
    plan = replace(plan, request=replace(plan.request, nodes=3))
    return UsageCurve(tmp_path, plan)


def test_a_point_a_second_at_first_with_the_most_in_between(curve: UsageCurve, tmp_path: Path) -> None:
    for half_second, memory in enumerate((10, 90, 20, 30, 70)):
        curve.note(Usage(memory, half_second / 4), now=100 + half_second / 2)
    curve.note(Usage(5, 0.5), now=102.3)  # a child was lost before anybody waited for it
    curve.finish()
    told = usage.read(tmp_path)
    assert (told["memory_limit_bytes"], told["cpus"], told["nodes"]) == (4096, 2, 3)
    found = [(point["t"], point["memory_bytes"], point["cpu_seconds"]) for point in told["points"]]
    assert found == [(100, 10, 0), (101, 90, 0.5), (102, 70, 1), (102.3, 5, 1)]


def test_a_day_has_as_many_points_as_ten_minutes_and_no_peak_is_lost(curve: UsageCurve, tmp_path: Path) -> None:
    for second in range(24 * 3600):
        curve.note(Usage(4000 if second == 54_321 else 100, second * 2.0), now=float(second))
    curve.finish()
    points = usage.read(tmp_path)["points"]
    assert MAX_POINTS // 2 <= len(points) < MAX_POINTS
    assert sorted({point["memory_bytes"] for point in points}) == [100, 4000]
    assert points[-1]["cpu_seconds"] == 2 * (24 * 3600 - 1)
    gaps = [after["t"] - before["t"] for before, after in pairwise(points)]
    assert max(gaps) <= 256
    assert (tmp_path / files.USAGE).stat().st_size < 100_000


def test_a_line_that_is_being_written_is_not_read(curve: UsageCurve, tmp_path: Path) -> None:
    curve.note(Usage(1, 1), now=1)
    whole = (tmp_path / files.USAGE).read_bytes()
    for cut in range(len(whole)):
        (tmp_path / files.USAGE).write_bytes(whole[:cut])
        assert usage.read(tmp_path)["points"] == []
    (tmp_path / files.USAGE).write_bytes(whole)
    assert usage.read(tmp_path)["points"] == [json.loads(whole.splitlines()[1])]
