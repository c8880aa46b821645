"""Kill -9 of the front and of the supervisor: nothing is lost, nothing is left running, nothing runs twice."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from jobs_harness import Pools

from cleanroom_ml.engine.contracts.job import JobState
from cleanroom_ml.engine.jobs.model import Phase
from cleanroom_ml.engine.jobs.record import Record
from cleanroom_ml.engine.jobs.recovery import alive
from cleanroom_ml.engine.jobs.supervisor import supervise
from cleanroom_ml.engine.sandbox.processes import tree
from cleanroom_ml.engine.sandbox.record import SandboxRecord

pytestmark = pytest.mark.sandbox
SLEEP = "import time\nprint('begun')\ntime.sleep(60)"


def test_a_killed_supervisor_fails_the_job_and_leaves_nothing_running(pools):
    job_id = pools.submit("import subprocess, time\nsubprocess.Popen(['sleep', '61'])\nprint('begun')\ntime.sleep(60)")
    pools.wait_log(job_id, "begun")
    record = pools.record(job_id)
    inside = tree(record.supervisor_pid)
    assert len(inside) >= 5  # supervisor, bubblewrap, its first process, the relay, the launcher, the child
    os.kill(record.supervisor_pid, signal.SIGKILL)
    status = pools.wait(job_id, seconds=15)
    assert (status.status, status.reason) == (JobState.FAILED, "supervisor_lost")
    assert status.isolation == "bubblewrap"
    pools.until(lambda: [pid for pid in inside if Path(f"/proc/{pid}").exists()], lambda left: not left, seconds=5)
    for cgroup in SandboxRecord.from_json(str(record.sandbox)).cgroups:
        assert not Path(cgroup).exists()
    assert pools.service.logs(job_id) == "begun\n"
    assert pools.service.status(job_id) == status


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_supervisor_that_dies_before_it_wrote_anything(pools, home, moment):
    """The front starts it again if it cannot have started; a start that is known and gone is a loss."""
    pools.service.close()
    job_id = pools.service.submit(pools.request("pass"))
    store = pools.service._store
    store.start(job_id, "0" * 64)
    if moment == "after":
        store.note_supervisor(job_id, 2**22, 12345)
    pools.service = pools.new_service()
    pools.service.recover()
    pools.submitted.append(job_id)
    status = pools.wait(job_id)
    expected = (JobState.DONE, "none") if moment == "before" else (JobState.FAILED, "supervisor_lost")
    assert (status.status, status.reason) == expected


@pytest.mark.slow
def test_a_second_supervisor_does_nothing(pools):
    job_id = pools.submit(SLEEP)
    pools.wait_log(job_id, "begun")
    before = pools.record(job_id)
    command = [sys.executable, "-m", "cleanroom_ml.engine.jobs.supervisor", str(pools.directory(job_id))]
    assert subprocess.run(command, timeout=30, check=False).returncode == 0
    assert pools.record(job_id) == before
    pools.service.cancel(job_id)
    ended = pools.wait(job_id)
    supervise(pools.directory(job_id))
    assert pools.service.status(job_id) == ended


def test_a_supervisor_that_finds_a_dead_ones_record_buries_it(pools):
    job_id = pools.submit(SLEEP)
    pools.wait_log(job_id, "begun")
    pools.service.close()
    record = pools.record(job_id)
    os.kill(record.supervisor_pid, signal.SIGKILL)
    pools.until(lambda: alive(record.supervisor_pid, record.supervisor_started), lambda lives: not lives, seconds=5)
    supervise(pools.directory(job_id))
    assert Record.read(pools.directory(job_id)).ending.phase is Phase.FAILED
    pools.service = pools.new_service()
    pools.service.recover()
    assert pools.wait(job_id).reason == "supervisor_lost"


def test_a_new_front_recovers_a_running_job(pools):
    job_id = pools.submit("import time\nprint('begun')\ntime.sleep(3)\n__return__ = 7")
    pools.wait_log(job_id, "begun")
    pools.service.close()
    pools.fronts.kill(job_id)
    pools.service = pools.new_service()
    pools.service.recover()
    pools.until(lambda: job_id in pools.fronts.running, lambda listening: listening, seconds=5)
    assert pools.service.status(job_id).status is JobState.RUNNING
    status = pools.wait(job_id)
    assert (status.status, pools.service.result(job_id)) == (JobState.DONE, "7")


FRONT = """
import sys
sys.path.insert(0, {tests!r})
from pathlib import Path
import time
from jobs_harness import Pools
from cleanroom_ml.engine.jobs.families import Machine
from cleanroom_ml.engine.jobs.service import Settings
pools = Pools(Path({home!r}), Settings(tick_seconds=0.05), Machine(2, 600 << 20))
pools.service.recover()
job_id = pools.submit({script!r})
while job_id not in pools.fronts.running: time.sleep(0.01)
Path({home!r}, "jobs", "front.pid").write_text(str(pools.fronts.running[job_id].pid))
print(job_id, flush=True)
time.sleep(60)
"""


def test_kill_9_of_the_front_does_not_touch_its_jobs(home, settings, machine):
    script = "import time\nprint('begun')\ntime.sleep(3)\n__return__ = 'outlived'"
    code = FRONT.format(tests=str(Path(__file__).parent), home=str(home), script=script)
    front = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert front.stdout is not None
    job_id = front.stdout.readline().strip()
    log = home / "jobs" / job_id / "stdout.log"
    deadline = time.monotonic() + 30
    while not (log.exists() and b"begun" in log.read_bytes()):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    front.kill()
    front.wait()
    record = Record.read(home / "jobs" / job_id)
    assert record is not None
    assert alive(record.supervisor_pid, record.supervisor_started)
    pools = Pools(home, settings, machine, existing=True)
    pools.service.recover()
    pools.submitted = [job_id]
    try:
        status = pools.wait(job_id)
        assert (status.status, json.loads(pools.service.result(job_id))) == (JobState.DONE, "outlived")
    finally:
        pools.close()
        os.kill(int((home / "jobs" / "front.pid").read_text()), signal.SIGKILL)


def test_a_write_whose_answer_was_lost_is_applied_once(pools):
    job_id = pools.submit("""
from snowflake.snowpark.context import get_active_session
session = get_active_session()
print("begun", flush=True)
session.sql("APPLY AND DIE").collect()
session.sql("APPLY").collect()
""")
    pools.wait_log(job_id, "begun")
    # The front kills itself once it has applied the first statement, before it answers.
    process = pools.fronts.running[job_id]
    assert process.wait(timeout=20) == -signal.SIGKILL
    time.sleep(2)
    assert pools.service.status(job_id).status is JobState.RUNNING
    pools.fronts.kill(job_id)
    pools.fronts.start(job_id)
    status = pools.wait(job_id)
    assert status.status is JobState.DONE, pools.service.logs(job_id)
    assert len(pools.fronts.applied(job_id).read_text().split()) == 2


def test_a_result_is_read_to_its_end_across_a_restart(pools):
    job_id = pools.submit("""
from snowflake.snowpark.context import get_active_session
seen = []
for row in get_active_session().connection.cursor().execute("BIG 40000"):
    seen.append(int(row[0]))
    if len(seen) == 1000: print("begun", flush=True)
__return__ = [len(seen), len(set(seen)), sum(seen)]
""")
    pools.wait_log(job_id, "begun")
    pools.fronts.kill(job_id)
    time.sleep(3)
    pools.fronts.start(job_id)
    status = pools.wait(job_id)
    assert status.status is JobState.DONE, pools.service.logs(job_id)
    assert json.loads(pools.service.result(job_id)) == [40000, 40000, 40000 * 39999 // 2]


@pytest.mark.slow
def test_a_session_can_be_opened_while_the_front_is_away(pools, monkeypatch):
    start, held = pools.fronts.start, []
    monkeypatch.setattr(pools.fronts, "start", held.append)
    job_id = pools.submit("import snowflake.snowpark\nprint('begun')")
    pools.until(lambda: pools.service.status(job_id).status, lambda state: state is JobState.RUNNING, seconds=10)
    time.sleep(3)
    assert pools.service.logs(job_id) == ""
    start(job_id)
    assert pools.wait(job_id).status is JobState.DONE


@pytest.mark.attack
def test_another_token_opens_no_session(pools, monkeypatch):
    wrong = "0" * 64
    original = pools.fronts.open_job_socket
    monkeypatch.setattr(pools.fronts, "open_job_socket", lambda job_id, _: original(job_id, wrong))
    status = pools.run("import snowflake.snowpark\nprint('ran')")
    assert (status.reason, status.exit_code) == ("script_failed", 69)
    log = pools.service.logs(status.job_id)
    assert "session could not be opened" in log
    assert "ran" not in log
