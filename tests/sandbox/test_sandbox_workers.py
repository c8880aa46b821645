from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from weakened_sandbox import Weakened

from cleanroom_ml.engine.sandbox import worker
from cleanroom_ml.engine.sandbox.errors import WorkerCancelled, WorkerCrashed, WorkerError, WorkerFailed, WorkerTimeout
from cleanroom_ml.engine.sandbox.no_isolation import NoIsolation
from cleanroom_ml.engine.sandbox.policy import LONG_WEIGHT, Limits
from cleanroom_ml.engine.sandbox.process import SandboxProcess
from cleanroom_ml.engine.sandbox.worker import CallHandle
from cleanroom_ml.engine.sandbox.workers import SandboxedWorkers

pytestmark = pytest.mark.sandbox
HANDLERS = Path(__file__).parent / "handlers"


def start(**options) -> SandboxedWorkers:
    options = {
        "size": 1,
        "libraries": [HANDLERS],
        "limits": Limits(memory_bytes=200 << 20),
        "reply_bytes": 1 << 20,
        **options,
    }
    return SandboxedWorkers("sandbox_handlers:handle", **options)


@pytest.fixture
def workers() -> Iterator[SandboxedWorkers]:
    with start() as started:
        yield started


def call(workers: SandboxedWorkers, do: str, fds=(), seconds: float = 20, on_start=None, **request):
    return workers.call({"do": do, **request}, fds, timeout_seconds=seconds, on_start=on_start)


def test_answers(workers: SandboxedWorkers) -> None:
    answer = call(workers, "echo", value={"deep": ["ü", 1]})
    assert answer["echo"] == {"deep": ["ü", 1]}
    assert answer["uid"] != 0
    assert len(call(workers, "big", size=500_000)["text"]) == 500_000


def test_hundreds_of_descriptors_in_order(workers: SandboxedWorkers, tmp_path: Path) -> None:
    (tmp_path / "f").write_text("".join(f"{n:05d}" for n in range(700)))
    fds = []
    try:
        for n in range(700):
            path = tmp_path / f"{n}"
            path.write_text(str(n))
            fds.append(os.open(path, os.O_RDONLY))
        assert call(workers, "read_all", fds)["texts"] == [str(n) for n in range(700)]
    finally:
        for fd in fds:
            os.close(fd)


@pytest.mark.parametrize(("mode", "write"), [(0o444, False), (0o666, True)])
def test_a_descriptor_can_be_opened_again_by_its_path(
    workers: SandboxedWorkers, tmp_path: Path, mode: int, write: bool
) -> None:
    tmp_path.chmod(0o700)  # unreachable by name: only the descriptor leads there
    path = tmp_path / "object"
    path.write_text("content")
    path.chmod(mode)
    fd = os.open(path, os.O_RDWR if write else os.O_RDONLY)
    try:
        assert call(workers, "reopen", [fd], write=write)["text"] == ("written inside" if write else "content")
    finally:
        os.close(fd)


def test_as_root_the_inodes_mode_protects_what_was_handed_over_for_reading(
    workers: SandboxedWorkers, tmp_path: Path
) -> None:
    path = tmp_path / "object"
    path.write_text("content")
    path.chmod(0o444)
    fd = os.open(path, os.O_RDONLY)
    try:
        with pytest.raises(WorkerFailed, match="Permission"):
            call(workers, "reopen", [fd], write=True)
    finally:
        os.close(fd)
    assert path.read_text() == "content"


def test_output_into_anonymous_memory(workers: SandboxedWorkers) -> None:
    fd = os.memfd_create("result")
    try:
        call(workers, "reopen", [fd], write=True)
        assert os.pread(fd, 100, 0) == b"written inside"
    finally:
        os.close(fd)


@pytest.mark.attack
def test_nothing_is_left_for_the_next_request(workers: SandboxedWorkers) -> None:
    # A checkout below /tmp is mounted there, and so is what lies on the way to it.
    mounted = {part for path in (sys.prefix, sys.base_prefix, str(HANDLERS)) for part in Path(path).parts}
    for _ in range(3):
        answer = call(workers, "remember")
        assert set(answer["found"]) <= mounted - {"left"}
        assert answer["memory"] is None


@pytest.mark.attack
def test_without_the_sweep_a_request_does_leave_things(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    zygote = Path(worker.__file__).with_name("zygote.py").read_text()
    assert zygote.count("        if sweep:\n") == 1
    # The same sandbox and the same attack, with a zygote that does not clean up after a request.
    weakened = tmp_path / "zygote.py"
    weakened.write_text(zygote.replace("        if sweep:\n", "        if False:\n"))
    tmp_path.chmod(0o755)
    monkeypatch.setattr(worker, "__file__", str(tmp_path / "worker.py"))
    with start() as workers:
        call(workers, "remember")
        assert set(call(workers, "remember")["found"]) >= {"left"}
        assert any(name.isdigit() for name in call(workers, "remember")["found"])


@pytest.mark.attack
def test_a_request_cannot_reach_the_process_that_forks_the_next_one(workers: SandboxedWorkers) -> None:
    answer = call(workers, "attack_zygote")
    assert set(answer["results"].values()) == {"PermissionError"}
    # 0, 1, 2, its own call's socket, and the listing: not the zygote's control socket.
    assert len(answer["own_fds"]) == 5


@pytest.mark.attack
@pytest.mark.parametrize("attack", ["kill_parent", "stop_parent"])
def test_a_request_that_takes_the_worker_down_hurts_only_itself(attack: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cleanroom_ml.engine.sandbox.worker._NEXT_CHILD_SECONDS", 1.0)
    with start() as workers:
        if attack == "kill_parent":
            with pytest.raises(WorkerCrashed):
                call(workers, attack)
        else:
            assert call(workers, attack) == {"stopped": True}
        assert call(workers, "echo", value=1)["echo"] == 1


def test_a_handler_that_raises(workers: SandboxedWorkers) -> None:
    with pytest.raises(WorkerFailed) as caught:
        call(workers, "raise")
    assert (caught.value.kind, caught.value.message) == ("LookupError", "no such thing")
    assert call(workers, "echo", value=2)["echo"] == 2


def test_a_process_that_dies(workers: SandboxedWorkers) -> None:
    with pytest.raises(WorkerCrashed) as caught:
        call(workers, "die")
    assert (caught.value.why, caught.value.out_of_memory) == ("status 3", False)
    assert call(workers, "echo", value=2)["echo"] == 2


def test_running_out_of_memory_is_told_and_survived(workers: SandboxedWorkers) -> None:
    for _ in range(2):
        with pytest.raises(WorkerCrashed) as caught:
            call(workers, "eat")
        assert caught.value.out_of_memory
    with pytest.raises(WorkerCrashed) as caught:
        call(workers, "kill_parent")
    assert not caught.value.out_of_memory
    assert call(workers, "echo", value=2)["echo"] == 2


def test_time_runs_out(workers: SandboxedWorkers) -> None:
    call(workers, "echo")
    began = time.monotonic()
    with pytest.raises(WorkerTimeout):
        workers.call({"do": "sleep", "seconds": 60}, timeout_seconds=0.5)
    assert time.monotonic() - began < 3
    assert call(workers, "echo", value=2)["echo"] == 2


def test_cancelling_ends_just_that_call() -> None:
    with start(size=2) as workers:
        handles: list[CallHandle] = []
        results: list[object] = []

        def run(seconds: float, keep: bool) -> None:
            try:
                on_start = handles.append if keep else None
                results.append(workers.call({"do": "sleep", "seconds": seconds}, timeout_seconds=30, on_start=on_start))
            except WorkerError as error:
                results.append(type(error))

        threads = [threading.Thread(target=run, args=(60, True)), threading.Thread(target=run, args=(1.5, False))]
        for thread in threads:
            thread.start()
        while not handles:
            time.sleep(0.01)
        time.sleep(0.3)
        handles[0].cancel()
        handles[0].cancel()
        for thread in threads:
            thread.join()
        assert results == [WorkerCancelled, {"slept": True}]
        handles[0].cancel()
        assert call(workers, "echo", value=3)["echo"] == 3


def test_an_answer_that_is_too_large_is_not_read(workers: SandboxedWorkers) -> None:
    with pytest.raises(WorkerCrashed):
        call(workers, "big", size=2 << 20)
    assert call(workers, "echo", value=2)["echo"] == 2


def test_a_handler_that_cannot_be_loaded_says_so() -> None:
    with SandboxedWorkers("no_such_module:handle", size=1) as workers, pytest.raises(WorkerCrashed) as caught:
        workers.call({}, timeout_seconds=20)
    assert "no_such_module" in (caught.value.why or "")


def test_closing_twice_and_calling_after(workers: SandboxedWorkers) -> None:
    workers.close()
    workers.close()
    with pytest.raises(WorkerError):
        call(workers, "echo")


def test_threads_share_a_pool() -> None:
    with start(size=2) as workers:
        answers: list[int] = []

        def many(first: int) -> None:
            answers.extend(call(workers, "echo", value=first + n)["echo"] for n in range(10))

        threads = [threading.Thread(target=many, args=(100 * n,)) for n in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(answers) == [100 * n + m for n in range(4) for m in range(10)]


def test_no_isolation_has_the_same_interface(tmp_path: Path) -> None:
    path = tmp_path / "f"
    path.write_text("plain")
    fd = os.open(path, os.O_RDONLY)
    try:
        with start(driver=NoIsolation(reason="a test of the driver")) as workers:
            assert call(workers, "read_all", [fd])["texts"] == ["plain"]
            with pytest.raises(WorkerCrashed):
                call(workers, "die")
            with pytest.raises(WorkerTimeout):
                workers.call({"do": "sleep", "seconds": 60}, timeout_seconds=0.5)
            assert call(workers, "echo", value=1)["echo"] == 1
    finally:
        os.close(fd)


@pytest.mark.attack
def test_an_object_cannot_be_made_writable(workers: SandboxedWorkers, tmp_path: Path) -> None:
    """An ordinary user's worker has the uid that owns the objects: seccomp alone keeps it from changing their mode."""
    path = tmp_path / "object"
    path.write_text("content")
    path.chmod(0o444)
    fd = os.open(path, os.O_RDONLY)
    try:
        with pytest.raises(WorkerFailed, match="PermissionError"):
            call(workers, "change_mode", [fd])
        assert path.read_text() == "content"
        if os.geteuid() != 0:  # root's workers have another uid, which the kernel would stop as well
            with start(driver=Weakened("seccomp")) as weak:
                call(weak, "change_mode", [fd])
            assert path.read_text() == "forgedt"
    finally:
        os.close(fd)


def test_a_call_that_lasts_makes_way_for_short_ones_until_it_is_over(
    workers: SandboxedWorkers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What computes for an hour is not in the way of whoever needs a processor for a few milliseconds."""
    given: list[tuple[int, tuple[str, ...]]] = []
    real = SandboxProcess.weigh

    def weigh(process: SandboxProcess, cpu_weight: int) -> None:
        real(process, cpu_weight)
        files = [Path(each) / name for each in process.record().cgroups for name in ("cpu.shares", "cpu.weight")]
        given.append((cpu_weight, tuple(file.read_text().strip() for file in files if file.exists())))

    monkeypatch.setattr(SandboxProcess, "weigh", weigh)
    monkeypatch.setattr(worker, "LONG_SECONDS", 0.2)
    call(workers, "echo", value=1)
    assert [weight for weight, _ in given] == [100], "it was to come before others while it started, and no longer"
    given.clear()
    with pytest.raises(WorkerTimeout):
        workers.call({"do": "sleep", "seconds": 60}, timeout_seconds=1)
    assert [weight for weight, _ in given] == [LONG_WEIGHT, 100]
    assert given[0][1] in ((), (str(LONG_WEIGHT),), (str(LONG_WEIGHT * 1024 // 100),))
    assert given[1][1] in ((), ("100",), ("1024",))


def test_what_was_opened_once_is_there_for_each_request_as_it_was() -> None:
    with SandboxedWorkers("sandbox_handlers:opened_once", size=1, libraries=[HANDLERS]) as pool:
        for _ in range(2):
            assert pool.call({}, timeout_seconds=20) == {"found": ["once"]}


def test_a_handler_that_starts_threads_before_it_is_copied_serves_nobody() -> None:
    with SandboxedWorkers("sandbox_handlers:opened_with_a_thread", size=1, libraries=[HANDLERS]) as pool:
        with pytest.raises(WorkerCrashed) as raised:
            pool.call({}, timeout_seconds=20)
        assert "started threads" in str(raised.value.why)
