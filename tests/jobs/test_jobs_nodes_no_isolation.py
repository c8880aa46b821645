"""Several nodes without a sandbox: nothing but this code's own care ends their processes there."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

import pytest
from test_jobs_no_isolation import any_code, no_isolation

from cleanroom_ml.engine.jobs.model import Reason
from cleanroom_ml.engine.jobs.service import Settings

__all__ = ["any_code", "no_isolation"]

pytestmark = [pytest.mark.slow, pytest.mark.runtime]

SCRIPT = """
import os, time, ray
from pathlib import Path
from cleanroom_runtime.workers import run_workers
Path(WHERE).write_text(os.environ["RAY_TMPDIR"])
ray.init("auto")

@ray.remote(num_cpus=0)
class Left:
    def stay(self):
        time.sleep(600)

left = Left.remote().stay.remote()
assert run_workers(lambda placement, payload: placement.node_rank, [0, 0]) == [0, 1]
ENDING
"""


@pytest.fixture
def settings():
    return Settings(wall_seconds=300, scratch_bytes=2 << 30, tick_seconds=0.05)


def processes_below(directory: str) -> list[str]:
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if directory.encode() in process.joinpath("cmdline").read_bytes():
                found.append(process.joinpath("comm").read_text())
        except OSError:
            continue
    return found


@pytest.mark.parametrize(
    ("ending", "reason"),
    [("", Reason.NONE), ("raise ValueError", Reason.SCRIPT_FAILED), ("os.kill(os.getpid(), 9)", Reason.CRASHED)],
)
def test_nothing_is_left_without_a_sandbox(no_isolation, any_code, tmp_path, ending, reason):
    where = tmp_path / "where"
    script = SCRIPT.replace("WHERE", repr(str(where))).replace("ENDING", ending)
    _, record = no_isolation.supervise(script, nodes=2)
    assert record.ending is not None
    assert record.ending.reason is reason, record
    directory = where.read_text()
    assert len(directory) < 60  # the address of a socket has 107 bytes
    deadline = time.monotonic() + 5
    # Where the main process is killed, so is everything, at once; the files of the short path below /tmp then stay.
    kept = reason is Reason.CRASHED
    while (left := processes_below(directory)) or (Path(directory).exists() and not kept):
        assert time.monotonic() < deadline, left
        time.sleep(0.1)
    shutil.rmtree(directory, ignore_errors=True)
