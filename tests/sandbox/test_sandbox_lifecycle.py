"""What is left after deaths of all kinds: nothing."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import pytest

from cleanroom_ml.engine.sandbox.errors import SandboxStartError
from cleanroom_ml.engine.sandbox.policy import Mount, SandboxSpec
from cleanroom_ml.engine.sandbox.process import SandboxProcess, run
from cleanroom_ml.engine.sandbox.processes import start_time
from cleanroom_ml.engine.sandbox.python_runtime import python_runtime
from cleanroom_ml.engine.sandbox.record import SandboxRecord, destroy
from cleanroom_ml.engine.sandbox.sweep import sweep

pytestmark = pytest.mark.sandbox

SLEEP = SandboxSpec(argv=("/bin/sleep", "1000"))
HERE = Path(__file__).resolve().parents[2]


def gone(pid: int, started: int, seconds: float = 5.0) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if start_time(pid) != started or Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
            return True
        time.sleep(0.02)
    return False


def test_kill_twice_and_wait_twice() -> None:
    process = SandboxProcess.start(SLEEP)
    assert process.wait(0.05) is None
    assert process.outcome() is None
    process.kill()
    process.kill()
    outcome = process.wait(5)
    assert outcome is not None
    assert (outcome.reason, outcome.exit_code) == ("killed", None)
    process.kill()
    assert process.wait() is outcome


def test_killing_after_the_end_changes_nothing() -> None:
    process = SandboxProcess.start(SandboxSpec(argv=("/bin/true",)))
    outcome = process.wait(5)
    process.kill()
    assert outcome is not None
    assert outcome.ok
    assert process.outcome() is outcome


def test_it_outlives_the_thread_that_started_it() -> None:
    started: list[SandboxProcess] = []
    thread = threading.Thread(target=lambda: started.append(SandboxProcess.start(SLEEP)))
    thread.start()
    thread.join()
    with started[0] as process:
        assert process.wait(0.5) is None


KILLED = """
    import os, threading, time
    from cleanroom_ml.engine.sandbox.process import SandboxProcess
    from cleanroom_ml.engine.sandbox.policy import SandboxSpec
    {before}
    process = SandboxProcess.start(SandboxSpec(argv=("/bin/sh", "-c", "sleep 4711 & sleep 4711")))
    print(process.record().to_json(), flush=True)
    time.sleep({pause})
    os.kill(os.getpid(), 9)
"""


def supervise(before: str = "", pause: float = 0.0) -> subprocess.CompletedProcess[str]:
    """A supervisor that starts a sandbox and dies of SIGKILL, `pause` seconds later or as `before` arranges."""
    program = textwrap.dedent(KILLED).format(before=before, pause=pause)
    environment = {**os.environ, "PYTHONPATH": str(HERE)}
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env=environment)


@pytest.mark.parametrize("pause", [0.0, 0.001, 0.01, 0.3])
def test_everything_dies_with_a_supervisor_that_is_killed(pause: float) -> None:
    done = supervise(pause=pause)
    assert done.returncode == -9, done.stderr
    record = SandboxRecord.from_json(done.stdout)
    assert record.child_pid is not None
    assert record.child_started is not None
    assert gone(record.pid, record.pid_started)
    assert gone(record.child_pid, record.child_started)
    destroy(record)
    destroy(record)
    assert not any(Path(directory).exists() for directory in record.cgroups)


@pytest.mark.parametrize("moment", ["set_limits", "_let_go", "_is_bound_to_us"])
def test_a_supervisor_killed_while_it_starts_leaves_nothing(moment: str, tmp_path: Path) -> None:
    # Killed at the very moment: the pid of what is inside is written down just before.
    note = tmp_path / "child"
    before = "\n".join(
        [
            "import cleanroom_ml.engine.sandbox.process as p",
            f"import pathlib; note = pathlib.Path({str(note)!r})",
            "children = lambda: [int(x) for x in pathlib.Path(f'/proc/{os.getpid()}/task').glob('*/children')"
            " for x in x.read_text().split()]",
            "def die(*_):",
            "    from cleanroom_ml.engine.sandbox.processes import tree, start_time",
            "    pids = [q for c in children() for q in tree(c)]",
            "    note.write_text('\\n'.join(f'{q} {start_time(q)}' for q in pids))",
            "    os.kill(os.getpid(), 9)",
            f"p.{moment} = die" if moment == "set_limits" else f"p.SandboxProcess.{moment} = die",
        ]
    )
    done = supervise(before=before)
    assert done.returncode == -9, done.stderr
    left = [tuple(map(int, line.split())) for line in note.read_text().splitlines()]
    assert len(left) >= 2
    time.sleep(0.3)
    with SandboxProcess.start(SLEEP) as living:
        sweep()
        for pid, started in left:
            assert gone(pid, started)
        assert living.wait(0.1) is None


@pytest.mark.root_only
def test_a_killed_engines_groups_are_swept() -> None:
    done = supervise()
    record = SandboxRecord.from_json(done.stdout)
    with SandboxProcess.start(SLEEP) as living:
        removed = sweep().cgroups
        assert set(map(Path, record.cgroups)) <= set(removed)
        assert living.wait(0.1) is None
        assert not {Path(directory) for directory in living.record().cgroups} & set(removed)


@pytest.mark.root_only
def test_groups_of_another_pid_namespace_are_left_alone() -> None:
    record = SandboxRecord.from_json(supervise().stdout)
    [memory] = [Path(directory) for directory in record.cgroups if "/memory/" in directory]
    foreign = memory.with_name(memory.name.replace("cleanroom-", "cleanroom-1", 1))
    foreign.mkdir()
    try:
        assert memory in sweep().cgroups
        assert foreign.is_dir()
    finally:
        foreign.rmdir()


def test_destroy_ends_a_running_sandbox_from_its_record() -> None:
    process = SandboxProcess.start(SLEEP)
    destroy(SandboxRecord.from_json(process.record().to_json()))
    outcome = process.wait(5)
    assert outcome is not None
    assert outcome.reason != "exited" or outcome.signal == 9


def test_destroy_never_kills_a_process_that_has_the_pid_by_now() -> None:
    with SandboxProcess.start(SLEEP) as process:
        record = process.record()
        values = json.loads(record.to_json())
        other = SandboxRecord.from_json(
            json.dumps({**values, "pid_started": record.pid_started - 1, "child_started": 1, "cgroups": []})
        )
        destroy(other)
        assert process.wait(0.3) is None
        destroy(SandboxRecord.from_json(json.dumps({**values, "boot": "another", "cgroups": []})))
        assert process.wait(0.3) is None


def test_a_forged_record_is_refused() -> None:
    with pytest.raises(ValueError):
        SandboxRecord.from_json('{"pid": 1}')


def test_descriptors_arrive_at_their_numbers() -> None:
    read, write = os.pipe()
    try:
        source = f"import os; os.write({write}, b'through\\n')"
        runtime = python_runtime()
        argv = (runtime.executable, "-I", "-S", "-c", source)
        done = run(SandboxSpec(argv=argv, mounts=runtime.mounts, pass_fds=(write,)))
        assert done.outcome.ok, done.output
        assert os.read(read, 100) == b"through\n"
    finally:
        os.close(read)
        os.close(write)


def test_what_cannot_be_set_up_says_why() -> None:
    spec = SandboxSpec(argv=("/bin/true",), mounts=(Mount(Path("/nonexistent"), "/m"),))
    try:
        outcome = run(spec).outcome
    except SandboxStartError as error:
        text = error.why
    else:
        assert outcome.reason == "not_started"
        text = outcome.detail
    assert "/nonexistent" in (text or "")


def test_no_descriptor_is_leaked() -> None:
    run(SandboxSpec(argv=("/bin/true",)))
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(5):
        run(SandboxSpec(argv=("/bin/true",)))
    assert len(os.listdir("/proc/self/fd")) == before
