"""Workers on one node: fresh processes, real ones, and what is left of them when something goes wrong."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import pytest

from cleanroom_ml.runtime.workers import WorkerFailed, current, run_workers


def tell(placement, payload):
    print("one\ntwo", flush=True)
    os.write(2, b"no end")
    here = current()
    return placement, here, payload, os.environ["OMP_NUM_THREADS"], os.environ.get("MINE"), os.getpid()


def lines_of(capfd):
    return capfd.readouterr().out.splitlines()


def test_results_come_in_the_order_of_ranks_from_processes_of_their_own(capfd):
    rows = run_workers(tell, ["a", "b", "c"], cpus_per_worker=2.5, env=lambda placement: {"MINE": str(placement.rank)})
    assert [row[0].rank for row in rows] == [0, 1, 2]
    assert all(row[0] == row[1] and row[0].world_size == row[0].local_world_size == 3 for row in rows)
    assert [row[2:5] for row in rows] == [("a", "2", "0"), ("b", "2", "1"), ("c", "2", "2")]
    assert len({os.getpid(), *(row[5] for row in rows)}) == 4
    expected = [f"[worker {rank}] {text}" for rank in range(3) for text in ("one", "two", "no end")]
    assert sorted(lines_of(capfd)) == sorted(expected)


def test_a_single_worker_is_not_marked(capfd):
    run_workers(tell, [None])
    assert lines_of(capfd) == ["one", "two"]
    assert current() is None


def test_nothing_heavy_is_imported_before_the_function_is(capfd):
    (loaded,) = run_workers(lambda placement, payload: sorted(sys.modules), [None])
    assert {"numpy", "pandas", "ray", "torch", "snowflake.connector"} & set(loaded) == set()


def failing(placement, kind):
    match kind:
        case "raise":
            raise LookupError("no such column")
        case "exit":
            os._exit(7)
        case "leave":
            sys.exit(0)
        case "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        case "segfault":
            os.kill(os.getpid(), signal.SIGSEGV)
        case "unpicklable":
            return threading.Lock()
    time.sleep(600)
    return None


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("raise", "LookupError: no such column"),
        ("exit", "its process ended with exit code 7 before it returned"),
        ("leave", "SystemExit: 0"),
        ("kill", "its process was ended by signal 9 (SIGKILL); SIGKILL from outside is usually the memory limit"),
        ("segfault", "its process was ended by signal 11 (SIGSEGV)"),
        ("unpicklable", "TypeError: cannot pickle '_thread.lock' object"),
    ],
)
def test_a_worker_that_fails_ends_the_others_at_once(kind, message):
    before = children_of(os.getpid())
    began = time.monotonic()
    with pytest.raises(WorkerFailed) as failed:
        run_workers(failing, ["wait", kind, "wait"])
    assert time.monotonic() - began < 30
    assert failed.value.rank == 1
    assert failed.value.message.startswith(message)
    if kind == "raise":
        assert isinstance(failed.value.__cause__, LookupError)
        assert "runtime/workers" not in failed.value.traceback
        assert 'raise LookupError("no such column")' in failed.value.traceback
    assert set(children_of(os.getpid())) <= set(before)


def peer_dies(placement, port):
    # As in a process group of a library: a peer's death is an error of ours, which may be told first.
    if placement.rank == 1:
        time.sleep(0.1)
        os.kill(os.getpid(), signal.SIGKILL)
    raise ConnectionError("connection closed by peer")


def test_of_two_failures_the_cause_is_told():
    for _ in range(3):
        with pytest.raises(WorkerFailed) as failed:
            run_workers(peer_dies, [None, None])
        if failed.value.rank == 1:
            assert "SIGKILL" in failed.value.message
            return
    raise AssertionError(f"three times the consequence was told: {failed.value}")


def children_of(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def leaves_a_child(placement, payload):
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    Path(payload).write_text(str(child.pid))
    if placement.rank == 1:
        while not all(Path(f"{payload[:-1]}{rank}").exists() for rank in range(2)):
            time.sleep(0.01)
        raise ValueError("done for")
    time.sleep(600)


def test_what_workers_have_started_ends_with_them(tmp_path):
    with pytest.raises(WorkerFailed, match="done for"):
        run_workers(leaves_a_child, [str(tmp_path / "pid-0"), str(tmp_path / "pid-1")])
    child = int((tmp_path / "pid-0").read_text())
    assert gone(child)
    os.kill(int((tmp_path / "pid-1").read_text()), signal.SIGKILL)  # of the worker that ended by itself


def gone(pid: int) -> bool:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        try:
            if "State:\tZ" in Path(f"/proc/{pid}/status").read_text():
                return True
        except OSError:
            return True
        time.sleep(0.02)
    return False


SCRIPT = """
import os, sys, time
from cleanroom_ml.runtime.workers import run_workers
import helper

class Mine:
    value = 5

def work(placement, payload):
    if payload == "wait":
        open(sys.argv[1] + str(placement.rank), "w").write(str(os.getpid()))
        time.sleep(600)
    made = Mine()
    made.value = helper.double(payload)
    return made

if __name__ == "__main__":
    if len(sys.argv) > 1:
        run_workers(work, ["wait", "wait"])
    (made,) = run_workers(work, [21])
    assert isinstance(made, Mine)
    print("value", made.value)
"""


@pytest.fixture
def script(tmp_path):
    (tmp_path / "train.py").write_text(textwrap.dedent(SCRIPT))
    (tmp_path / "helper.py").write_text("def double(x):\n    return 2 * x\n")
    return tmp_path / "train.py"


def test_what_a_script_defines_goes_along_and_its_modules_are_found(script):
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, check=False, timeout=60)
    assert (done.stdout, done.returncode) == ("value 42\n", 0), done.stderr


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_workers_end_with_the_main_process(script, tmp_path, how):
    main = subprocess.Popen([sys.executable, str(script), f"{tmp_path}/pid-"])
    files = [tmp_path / f"pid-{rank}" for rank in range(2)]
    deadline = time.monotonic() + 60
    while not all(file.exists() and file.read_text() for file in files):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    main.send_signal(how)
    main.wait(timeout=30)
    assert all(gone(int(file.read_text())) for file in files)


def test_several_runs_at_a_time():
    results: dict[int, list[int]] = {}

    def one(number: int) -> None:
        results[number] = run_workers(lambda placement, payload: payload + placement.rank, [number, number])

    threads = [threading.Thread(target=one, args=(number,)) for number in (10, 20, 30)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == {number: [number, number + 1] for number in (10, 20, 30)}


def test_a_large_payload_and_result():
    data = os.urandom(1 << 20) * 40
    (back,) = run_workers(lambda placement, payload: payload, [data])
    assert back == data


def test_gpus_are_shared_out(monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "4,5,6,7")
    seen = run_workers(lambda *_: os.environ["CUDA_VISIBLE_DEVICES"], [0, 0], gpus_per_worker=2)
    assert seen == ["4,5", "6,7"]
    with pytest.raises(ValueError, match=r"need more than the 4 GPU\(s\)"):
        run_workers(lambda *_: None, [0] * 3, gpus_per_worker=2)
