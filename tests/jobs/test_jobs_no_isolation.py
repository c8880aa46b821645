"""Without isolation: the bundled sample's code or none, still under a supervisor, its clock and its log's bound."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from jobs_harness import Pools

from cleanroom_ml.engine.contracts.job import JobState
from cleanroom_ml.engine.jobs import launching, supervisor
from cleanroom_ml.engine.jobs.bundled import require_bundled
from cleanroom_ml.engine.jobs.errors import CodeMismatch
from cleanroom_ml.engine.jobs.model import Reason
from cleanroom_ml.engine.jobs.record import Record
from cleanroom_ml.engine.jobs.service import JobService, Settings

SAMPLE = Path(__file__).parents[2] / "sample_projects/lookalike/publisher/code"
WHY = "a test of what runs without isolation"


class PoolsWithoutIsolation(Pools):
    def new_service(self) -> JobService:
        return JobService(
            self.home,
            self.database,
            self.fronts,
            settings=self.settings,
            machine=lambda: self.machine,
            no_isolation=WHY,
        )

    def supervise(self, script: str, **changes: object) -> tuple[str, Record]:
        """Run a job to its end with a supervisor in this process, in which a test can take a control away."""
        job_id = self.service.submit(self.request(script, **changes))
        token = launching.new_token()
        job = self.service._store.start(job_id, hashlib.sha256(token.encode()).hexdigest())
        launching.prepare(self.directory(job_id), self.service._plan(job), token)
        self.fronts.open_job_socket(job_id, str(job.token_sha256))
        supervisor.supervise(self.directory(job_id))
        return job_id, self.record(job_id)


@pytest.fixture
def no_isolation(home, settings, machine) -> Iterator[PoolsWithoutIsolation]:
    pools = PoolsWithoutIsolation(home, settings, machine)
    yield pools
    pools.close()


@pytest.fixture
def any_code(monkeypatch: pytest.MonkeyPatch) -> None:
    """The control removed: whatever the code is, it runs."""
    monkeypatch.setattr(supervisor, "require_bundled", lambda code: None)


def sample() -> dict[str, str]:
    return {path.name: path.read_text() for path in SAMPLE.glob("*.py")}


def group_exists(leader: int) -> bool:
    try:
        os.killpg(leader, 0)
    except ProcessLookupError:
        return False
    return True


def write(directory: Path, sources: dict[str, str]) -> Path:
    directory.mkdir()
    for name, text in sources.items():
        (directory / name).write_text(text)
    return directory


def test_the_bundled_code_is_accepted(tmp_path):
    require_bundled(write(tmp_path / "code", sample()))


@pytest.mark.parametrize(
    "change", ["one byte", "a file more", "a file less", "a file that is usually ignored", "moved"]
)
def test_other_code_is_not(tmp_path, change):
    sources = sample()
    match change:
        case "one byte":
            sources["train.py"] += "\n"
        case "a file more":
            sources["sitecustomize.py"] = ""
        case "a file less":
            del sources["features.py"]
        case "a file that is usually ignored":
            sources[".env"] = ""
        case "moved":
            sources["train.py"], sources["score.py"] = sources["score.py"], sources["train.py"]
    with pytest.raises(CodeMismatch, match="the code of the bundled sample only"):
        require_bundled(write(tmp_path / "code", sources))


@pytest.mark.sandbox
def test_a_job_with_other_code_is_refused_and_nothing_of_it_runs(no_isolation, tmp_path):
    no_isolation.service.recover()
    reached = tmp_path / "reached"
    sources = {**sample(), "train.py": f"open({str(reached)!r}, 'w')\n"}
    status = no_isolation.run(sources.pop("train.py"), more=sources)
    assert (status.status, status.reason) == (JobState.FAILED, "refused")
    assert "runs the code of the bundled sample only" in status.message
    assert no_isolation.service.logs(status.job_id) == ""
    assert not reached.exists()


def test_without_that_control_it_reaches_this_machine(no_isolation, any_code, tmp_path):
    reached = tmp_path / "reached"
    _, record = no_isolation.supervise(f"open({str(reached)!r}, 'w')\n")
    assert record.ending is not None
    assert record.ending.reason is Reason.NONE
    assert reached.exists()


@pytest.mark.slow
@pytest.mark.sandbox
def test_the_bundled_code_runs_and_its_record_says_how(no_isolation):
    no_isolation.service.recover()
    sources = sample()
    status = no_isolation.run(sources.pop("train.py"), more=sources, args_json="{}")
    # It cannot train without its tables: that its own traceback is in the log shows that it ran.
    assert status.reason == "script_failed", status.message
    assert "train.py" in no_isolation.service.logs(status.job_id)
    record = no_isolation.record(status.job_id)
    assert (status.isolation, record.isolation, record.isolation_reason) == ("none", "none", WHY)
    assert (status.memory_enforced_by, record.memory_enforced_by) == ("none", "none")


def test_the_script_has_its_contract_and_nothing_is_left_of_it(no_isolation, any_code):
    script = """
import json, os, subprocess, sys
from snowflake.snowpark.context import get_active_session
subprocess.Popen(["sleep", "300"])
print(get_active_session() is not None)
__return__ = {"argv": sys.argv[:2], "cwd": os.listdir("."), "home": os.path.isdir(os.environ["HOME"])}
"""
    job_id, record = no_isolation.supervise(script)
    directory = no_isolation.directory(job_id)
    assert (directory / "stdout.log").read_text() == "True\n"
    returned = json.loads((directory / "result.json").read_text())
    assert returned == {"argv": ["train.py", "--args"], "cwd": ["train.py"], "home": True}
    leader = json.loads(str(record.sandbox))["pid"]
    # Neither the relay nor what the script started; who was killed is there until it is reaped.
    no_isolation.until(lambda: group_exists(leader), lambda exists: not exists, seconds=5)


@pytest.mark.slow
def test_two_at_once_have_ports_of_their_own(no_isolation, any_code, tmp_path):
    script = "from snowflake.snowpark.context import get_active_session as s\n__return__ = s().connection.port\n"
    ports = set()
    for _ in range(2):
        job_id, _ = no_isolation.supervise(script)
        ports.add(int((no_isolation.directory(job_id) / "result.json").read_text()))
    assert 8099 not in ports


@pytest.mark.parametrize(
    ("script", "bounds", "reason"),
    [
        ("import time\ntime.sleep(60)", {"wall_seconds": 1.5}, Reason.TIMED_OUT),
        ("while True: print('x' * 10000)", {"log_bytes": 20_000}, Reason.LOG_LIMIT),
    ],
)
def test_clock_and_log_are_bounded(home, machine, any_code, script, bounds, reason):
    pools = PoolsWithoutIsolation(home, Settings(scratch_bytes=1 << 26, processes=256, **bounds), machine)
    try:
        job_id, record = pools.supervise(script)
        assert record.ending is not None
        assert record.ending.reason is reason
        assert (pools.directory(job_id) / "stdout.log").stat().st_size < 30_000
    finally:
        pools.close()
