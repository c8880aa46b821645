from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from cleanroom_ml.engine.sandbox.cgroups import CgroupV1, CgroupV2
from cleanroom_ml.engine.sandbox.policy import Limits
from cleanroom_ml.engine.sandbox.systemd_scope import SystemdScope

MIB = 1 << 20
pytestmark = [pytest.mark.sandbox, pytest.mark.attack]


def test_memory_bomb_runs_out_of_memory(inside) -> None:
    attack = "x = b'x' * (600 << 20); print(len(x))"
    done = inside(attack, limits=Limits(memory_bytes=100 * MIB, wall_seconds=30))
    assert done.outcome.reason == "out_of_memory"
    assert done.outcome.exit_code == 137
    assert done.outcome.memory_enforced_by != "none"
    assert inside(attack, limits=Limits(memory_bytes=100 * MIB, wall_seconds=30), without=("limits",)).outcome.ok


def test_peak_memory_is_reported(inside) -> None:
    done = inside("import time; x = b'x' * (80 << 20); time.sleep(0.5)", limits=Limits(memory_bytes=300 * MIB))
    assert done.outcome.ok
    assert 70 * MIB < (done.outcome.peak_memory_bytes or 0) < 200 * MIB


def test_fork_bomb_is_bounded(inside) -> None:
    attack = """
    import os, time
    count = 0
    while count < 2000:
        try:
            if os.fork() == 0:
                time.sleep(30); os._exit(0)
        except OSError:
            break
        count += 1
    print(count)
    """
    done = inside(attack, limits=Limits(processes=40, wall_seconds=30))
    assert done.outcome.reason == "exited"
    assert int(done.output) < 40


def test_the_wall_clock_ends_everything(inside) -> None:
    began = time.monotonic()
    done = inside("import os, time\nos.fork()\ntime.sleep(100)", limits=Limits(wall_seconds=0.5))
    assert done.outcome.reason == "timed_out"
    assert done.outcome.exit_code is None
    assert time.monotonic() - began < 5


@pytest.mark.parametrize(("directory", "room"), [("/scratch", 20), ("/tmp", 10), ("/dev/shm", 10)])
def test_disk_fill_is_bounded(inside, directory: str, room: int) -> None:
    attack = f"""
    written = 0
    with open("{directory}/fill", "wb", buffering=0) as file:
        try:
            for _ in range(100):
                written += file.write(b"x" * (1 << 20))
        except OSError:
            pass
    print(written >> 20)
    """
    limits = Limits(scratch_bytes=20 * MIB, tmp_bytes=10 * MIB, wall_seconds=30)
    assert int(inside(attack, limits=limits).output) <= room


def test_a_host_directory_as_scratch_is_bounded_even_for_deleted_files(inside, tmp_path: Path) -> None:
    attack = """
    import os, time
    hold = []
    for number in range(40):
        file = open(f"/scratch/{number}", "wb", buffering=0)
        os.unlink(f"/scratch/{number}")
        file.write(b"x" * (1 << 20)); hold.append(file)
    time.sleep(20)
    """
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    tmp_path.chmod(0o755)
    done = inside(attack, scratch=scratch, limits=Limits(scratch_bytes=20 * MIB, wall_seconds=15))
    assert done.outcome.reason == "disk_limit"


def test_one_file_is_bounded(inside) -> None:
    done = inside(
        "import signal\nsignal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "f = open('/scratch/f', 'wb'); f.write(b'x' * (30 << 20)); f.flush()",
        limits=Limits(file_bytes=10 * MIB),
    )
    assert b"File too large" in done.output


def test_a_log_is_cut_and_a_flood_is_killed(inside) -> None:
    done = inside("print('x' * 100_000)", limits=Limits(log_bytes=1000))
    assert done.outcome.ok
    assert len(done.output) == 1000
    assert (done.outcome.log_total_bytes, done.outcome.log_truncated) == (100_001, True)
    flood = inside(
        "while True: print('x' * 100_000)", limits=Limits(log_bytes=1000, log_flood_bytes=10 * MIB, wall_seconds=30)
    )
    assert flood.outcome.reason == "log_limit"
    assert len(flood.output) == 1000


def test_cpu_is_limited_where_a_cgroup_can(inside) -> None:
    attack = "import time\nend = time.monotonic() + 1\nwhile time.monotonic() < end: pass\nprint(time.process_time())"
    done = inside(attack, limits=Limits(cpus=0.2))
    if done.outcome.cpu_enforced:
        assert float(done.output) < 0.6
    else:  # an ordinary user without a delegated cgroup: the outcome says so, and nobody is told otherwise
        assert os.geteuid() != 0


def test_a_job_that_uses_every_processor_makes_way(inside) -> None:
    attack = "import os; print(os.getpriority(0, 0), flush=True); os.setpriority(0, 0, -1)"
    own = os.getpriority(os.PRIO_PROCESS, 0)
    done = inside(attack, limits=Limits(cpu_weight=20))
    assert done.output.startswith(f"{max(5, own)}\n".encode())
    assert b"PermissionError" in done.output
    assert inside(attack).output.startswith(f"{own}\n".encode())


def test_the_weight_is_told_to_whatever_shares_the_processors(tmp_path: Path) -> None:
    limits = Limits(cpu_weight=20)
    CgroupV2.create(tmp_path / "v2", limits)
    assert (tmp_path / "v2" / "cpu.weight").read_text() == "20"
    CgroupV1.create({"memory": tmp_path / "memory", "cpu": tmp_path / "cpu"}, limits)
    assert (tmp_path / "cpu" / "cpu.shares").read_text() == "204"
    assert "--property=CPUWeight=20" in SystemdScope("cleanroom-x", limits).prefix


def test_the_exit_status_is_the_programs_own(inside) -> None:
    done = inside("raise SystemExit(7)")
    assert (done.outcome.exit_code, done.outcome.signal, done.outcome.reason) == (7, None, "exited")
    killed = inside("import os; os.kill(os.getpid(), 11)")
    assert (killed.outcome.exit_code, killed.outcome.signal) == (139, 11)


def test_memory_that_ran_out_in_a_child_is_no_excuse_for_a_success(inside) -> None:
    attack = "import os\nif os.fork() == 0: x = b'x' * (600 << 20)\nos.wait()"
    done = inside(attack, limits=Limits(memory_bytes=100 * MIB, wall_seconds=30))
    if done.outcome.memory_enforced_by == "watchdog":
        assert done.outcome.reason == "out_of_memory"  # the watchdog ends everything
    else:
        assert (done.outcome.ok, done.outcome.oom_kills > 0) == (True, True)
