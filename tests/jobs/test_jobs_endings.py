"""How jobs end, each in a real sandbox: the reasons are told apart, and said in words that help."""

from __future__ import annotations

import json

import pytest

from cleanroom_ml.engine.contracts.job import JobNotFoundError, JobState
from cleanroom_ml.engine.jobs.errors import (
    ComputePoolError,
    MLJobResultInvalidError,
    MLJobResultTooLargeError,
    RequirementNotSatisfiedError,
)
from cleanroom_ml.engine.jobs.families import Machine
from cleanroom_ml.engine.jobs.service import Settings

pytestmark = pytest.mark.sandbox
MIB = 1 << 20


def test_done(pools):
    status = pools.run("__return__ = {'auc': 0.5}; print('trained')")
    assert (status.status, status.reason, status.message, status.exit_code) == (JobState.DONE, "none", "", 0)
    assert status.isolation == "bubblewrap"
    assert status.memory_enforced_by in ("cgroup_v1", "cgroup_v2", "systemd_scope", "watchdog")
    assert status.created_on <= status.started_on <= status.ended_on
    assert status.peak_memory_bytes > MIB
    assert json.loads(pools.service.result(status.job_id)) == {"auc": 0.5}
    assert pools.service.logs(status.job_id) == "trained\n"


def test_done_without_a_result(pools):
    status = pools.run("x = 1")
    assert status.status is JobState.DONE
    assert pools.service.result(status.job_id) is None


@pytest.mark.parametrize("monitoring", [True, False])
def test_script_failed_says_nothing_that_the_script_said(pools, monitoring):
    status = pools.run("raise ValueError('row 17: ana@example.com')", allow_monitoring=monitoring)
    assert (status.status, status.reason, status.exit_code) == (JobState.FAILED, "script_failed", 1)
    assert "exit code 1" in status.message
    assert "ana@example.com" not in repr(status)
    assert ("log says why" in status.message) is monitoring
    log = pools.service.logs(status.job_id)
    assert "ValueError: row 17" in log
    assert "cleanroom_runtime" not in log


@pytest.mark.parametrize(("statement", "code"), [("sys.exit(3)", 3), ("sys.exit('no data')", 1), ("os._exit(7)", 7)])
def test_exit_codes(pools, statement, code):
    status = pools.run(f"import os, sys\n{statement}")
    assert (status.reason, status.exit_code) == ("script_failed", code)


def test_crashed(pools):
    status = pools.run("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)")
    assert (status.status, status.reason) == (JobState.FAILED, "crashed")
    assert "signal 11 (SIGSEGV)" in status.message


def test_out_of_memory(pools):
    status = pools.run("kept = []\nwhile True: kept.append(bytearray(b'x' * (16 << 20)))")
    assert (status.status, status.reason) == (JobState.FAILED, "out_of_memory")
    assert "600 MiB" in status.message
    assert "INSTANCE_FAMILY" in status.message


class TestShortWallTime:
    @pytest.fixture
    def settings(self):
        # Long enough to open a session on a busy machine.
        return Settings(wall_seconds=6, scratch_bytes=8 * MIB, log_bytes=1000, processes=256, tick_seconds=0.05)

    @pytest.mark.slow
    def test_timed_out(self, pools):
        status = pools.run("import time\nprint('begun')\ntime.sleep(60)")
        assert (status.status, status.reason) == (JobState.FAILED, "timed_out")
        assert "after 6 seconds" in status.message
        assert pools.service.logs(status.job_id) == "begun\n"


class TestSmallBounds:
    @pytest.fixture
    def settings(self):
        return Settings(wall_seconds=60, scratch_bytes=8 * MIB, log_bytes=1000, processes=256, tick_seconds=0.05)

    def test_a_long_log_is_cut_and_says_so(self, pools):
        status = pools.run("print('x' * 2999)")
        assert status.status is JobState.DONE
        log = pools.service.logs(status.job_id)
        assert log.startswith(
            "x" * 1000 + "\n[cleanroom-ml] the log was cut here: the job wrote 3,000 bytes, the first 1,000"
        )

    @pytest.mark.attack
    def test_a_flooded_log_ends_the_job(self, pools):
        status = pools.run("while True: print('x' * 1000)")
        assert (status.status, status.reason) == (JobState.FAILED, "log_limit")

    @pytest.mark.attack
    def test_scratch_is_bounded(self, pools):
        status = pools.run(
            "import time\nfor n in range(4): open(f'/scratch/{n}', 'wb').write(b'x' * (4 << 20))\ntime.sleep(30)"
        )
        assert (status.status, status.reason) == (JobState.FAILED, "disk_limit")


def test_a_result_that_is_too_large_fails_the_job_and_names_the_limit(pools):
    status = pools.run("__return__ = 'x' * 20_000")
    assert (status.status, status.reason) == (JobState.FAILED, "result_refused")
    assert "20,002 bytes; at most 10,000 bytes" in status.message
    with pytest.raises(MLJobResultTooLargeError, match="at most 10,000 bytes"):
        pools.service.result(status.job_id)
    assert not (pools.directory(status.job_id) / "result.json").exists()


@pytest.mark.attack
@pytest.mark.parametrize(
    "attack",
    [
        "os.symlink('/etc/passwd', p)",
        "os.symlink('../../../catalog.sqlite', p)",
        "import socket; socket.socket(socket.AF_UNIX).bind(p)",
        "os.mkdir(p)",
        "open(p, 'w').write('NaN')",
        "open(p, 'w').write('{')",
    ],
)
def test_a_hostile_result_file(pools, attack):
    status = pools.run(f"import os\np = '/scratch/.result.json'\n{attack}")
    assert (status.status, status.reason) == (JobState.FAILED, "result_refused")
    with pytest.raises(MLJobResultInvalidError):
        pools.service.result(status.job_id)
    assert not (pools.directory(status.job_id) / "result.json").exists()


@pytest.mark.attack
def test_a_sparse_giant_as_result(pools):
    status = pools.run("import os\nopen('/scratch/.result.json', 'w').truncate(60 << 20)")
    assert (status.status, status.reason) == (JobState.FAILED, "result_refused")
    with pytest.raises(MLJobResultTooLargeError):
        pools.service.result(status.job_id)


@pytest.mark.attack
def test_a_scratch_directory_that_nobody_may_enter_is_cleaned_up(pools):
    status = pools.run("import os\nos.makedirs('/scratch/a/b')\nopen('/scratch/a/b/c', 'w')\nos.chmod('/scratch/a', 0)")
    assert status.status is JobState.DONE
    pools.until(lambda: sorted(p.name for p in pools.directory(status.job_id).iterdir()), KEPT.issuperset, seconds=5)


KEPT = {"record.json", "result.json", "stdout.log", "supervisor.lock", "supervisor.log", "events.jsonl", "usage.jsonl"}


@pytest.mark.attack
def test_escape_codes_stay_raw_in_the_log_and_broken_utf8_is_marked(pools):
    status = pools.run(r"import sys; sys.stdout.buffer.write(b'\x1b]0;owned\x07 \xff caf\xc3\xa9')")
    assert pools.service.logs(status.job_id) == "\x1b]0;owned\x07 � café"
    assert (pools.directory(status.job_id) / "stdout.log").read_bytes() == b"\x1b]0;owned\x07 \xff caf\xc3\xa9"


@pytest.mark.attack
def test_code_that_changed_in_the_store_is_refused_by_name_and_nothing_runs(pools):
    request = pools.request("import helper", more={"lib/helper.py": "x = 1"})
    path = pools.objects.path(request.files[1].sha256)
    path.chmod(0o600)
    path.write_text("x = 2")
    job_id = pools.service.submit(request)
    status = pools.wait(job_id)
    assert (status.status, status.reason, status.started_on) == (JobState.FAILED, "refused", None)
    assert "'lib/helper.py'" in status.message
    assert pools.service.logs(job_id) == ""


def test_what_can_never_run_is_refused_at_submission(pools):
    with pytest.raises(ComputePoolError, match="Compute pool 'NONE' does not exist"):
        pools.submit("", pool="NONE")
    with pytest.raises(ComputePoolError, match="at most 2"):
        pools.submit("", nodes=3)
    with pytest.raises(ComputePoolError, match=r"'other.py' is not among its files"):
        pools.submit("", entrypoint="other.py")
    with pytest.raises(RequirementNotSatisfiedError):
        pools.submit("", pip_requirements=("pandas>=99",), dependency_lock={})
    assert pools.service.list("ACME", "COLLAB") == []


def test_an_unknown_job(pools):
    for ask in (pools.service.status, pools.service.logs, pools.service.result, pools.service.cancel):
        with pytest.raises(JobNotFoundError, match="there is no job 'MLJOB_X'"):
            ask("MLJOB_X")


def test_the_limits_are_those_of_the_family_where_the_machine_has_more(pools, home):
    pools.machine = Machine(cpus=2, memory_bytes=1 << 50)
    pools.service.pools.create("ACME", "XS", {"MIN_NODES": 1, "MAX_NODES": 1, "INSTANCE_FAMILY": "CPU_X64_XS"})
    status = pools.run(
        "import os; __return__ = [os.environ['OMP_NUM_THREADS'], os.environ['LOKY_MAX_CPU_COUNT']]", pool="XS"
    )
    assert json.loads(pools.service.result(status.job_id)) == ["1", "1"]
