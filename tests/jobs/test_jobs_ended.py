"""Ended means ended: whatever a job or its supervisor does, a cancelled one lets go of everything in bounded time."""

from __future__ import annotations

import logging
import os
import signal
import time
from dataclasses import replace
from pathlib import Path

import pytest
from jobs_harness import MIB
from jobs_nodes import processes_of

from cleanroom_ml.engine.contracts.job import JobState
from cleanroom_ml.engine.jobs import cleaning, launching, scheduler
from cleanroom_ml.engine.jobs.cleaning import Cleaner
from cleanroom_ml.engine.jobs.recovery import alive
from cleanroom_ml.engine.jobs.scheduler import CANCEL_GRACE_SECONDS

pytestmark = pytest.mark.sandbox

SECONDS = 2.0 + CANCEL_GRACE_SECONDS + 2.0  # what is promised, and what a busy machine may add

STUBBORN = """
import os, signal, time
for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
    signal.signal(number, signal.SIG_IGN)
for number in range(60):
    if os.fork() == 0:
        if number % 3 == 0:
            os.kill(os.getpid(), signal.SIGSTOP)
        while number % 3 == 1:
            os.write(1, b"x" * 65536)
            time.sleep(0.05)
        while True:
            try:
                os.fork()
            except OSError:
                time.sleep(0.01)
print("begun", flush=True)
time.sleep(1000)
"""
SLEEP = "import time\nprint('begun')\ntime.sleep(1000)"


def ended(pools, job_id: str) -> None:
    """Cancel the job, and see that nothing is left of it in time: no process, no zombie, no listening front."""
    supervisor = pools.service._store.get(job_id).supervisor
    began = time.monotonic()
    pools.service.cancel(job_id)
    status = pools.wait(job_id, seconds=SECONDS)
    assert (status.status, status.reason) == (JobState.CANCELLED, "cancelled")

    def left() -> list[str]:
        found = processes_of(pools.directory(job_id))
        if supervisor is not None:
            pid = supervisor[0]
            found += [f"supervisor {pid}"] * Path(f"/proc/{pid}").exists()
            assert not alive(*supervisor)
        return found + [job_id] * (job_id not in pools.fronts.closed)

    pools.until(left, lambda found: not found, seconds=max(0.1, began + SECONDS - time.monotonic()))


@pytest.fixture
def settings(settings):
    return replace(settings, log_bytes=8 * MIB)


@pytest.mark.attack
def test_a_job_that_ignores_signals_stops_itself_forks_and_floods_its_log(pools):
    job_id = pools.submit(STUBBORN)
    pools.wait_log(job_id, "x" * 1000)
    ended(pools, job_id)


def prepared_without_end(pools) -> str:
    """A job whose code is laid out for ever."""
    request = pools.request(SLEEP)
    name = request.files[0].sha256[4:]
    [file] = [path for path in (pools.home / "objects").rglob("*") if path.name.endswith(name)]
    file.unlink()
    os.mkfifo(file)  # opening it waits for a writer
    job_id = pools.service.submit(request)
    pools.submitted.append(job_id)
    return job_id


def test_a_job_that_is_still_prepared(pools):
    job_id = prepared_without_end(pools)
    pools.until(lambda: (pools.directory(job_id) / "record.json").exists(), bool, seconds=20)
    ended(pools, job_id)


@pytest.mark.slow
def test_a_job_that_is_prepared_for_too_long(pools, monkeypatch):
    monkeypatch.setattr(scheduler, "START_SECONDS", 1.0)
    status = pools.wait(prepared_without_end(pools), seconds=20)
    assert (status.status, status.reason) == (JobState.FAILED, "not_started")
    assert "could not be made ready within 1 seconds" in status.message


@pytest.mark.slow
def test_a_supervisor_that_is_stopped(pools):
    job_id = pools.submit(SLEEP)
    pools.wait_log(job_id, "begun")
    os.kill(pools.service._store.get(job_id).supervisor[0], signal.SIGSTOP)
    ended(pools, job_id)


@pytest.mark.slow
def test_a_job_whose_front_is_away(pools):
    job_id = pools.submit("from snowflake.snowpark.context import get_active_session\nget_active_session()\n" + SLEEP)
    pools.until(lambda: job_id in pools.fronts.running, bool, seconds=20)
    pools.fronts.kill(job_id)
    ended(pools, job_id)


class TestCleaning:
    """What cannot be removed is tried again, ever more seldom, said once, and in nobody's way."""

    @pytest.fixture
    def cleaned(self) -> list[str]:
        return []

    @pytest.fixture
    def cleaner(self, tmp_path, cleaned, monkeypatch):
        monkeypatch.setattr(cleaning, "FIRST_PAUSE_SECONDS", 0.02)
        cleaner = Cleaner(tmp_path, cleaned.append)
        yield cleaner
        cleaner.close()

    def test_a_failure_backs_off_and_is_logged_once(self, cleaner, cleaned, tmp_path, monkeypatch, caplog):
        tries: list[float] = []
        broken = [True]
        real = launching.clean_up

        def clean_up(directory: Path, **options: object) -> None:
            if directory.name == "A":
                tries.append(time.monotonic())
                if broken[0]:
                    raise PermissionError("not ours")
            real(directory, **options)  # type: ignore[arg-type]

        monkeypatch.setattr(launching, "clean_up", clean_up)
        for name in ("A", "B"):
            (tmp_path / name / "scratch").mkdir(parents=True)
            cleaner.add(name)
        with caplog.at_level(logging.WARNING):
            time.sleep(0.7)
        assert cleaned == ["B"]
        assert 3 <= len(tries) <= 7
        assert len([record for record in caplog.records if "cannot be removed" in record.message]) == 1
        broken[0] = False
        deadline = time.monotonic() + 10
        while "A" not in cleaned and time.monotonic() < deadline:
            time.sleep(0.02)
        assert sorted(cleaned) == ["A", "B"]
        assert list((tmp_path / "A").iterdir()) == []

    def test_closing_does_not_wait_for_a_directory_without_end(self, cleaner, cleaned, tmp_path):
        (tmp_path / "A" / "scratch").mkdir(parents=True)
        for number in range(3000):
            (tmp_path / "A" / "scratch" / str(number)).mkdir()
        cleaner.add("A")
        began = time.monotonic()
        cleaner.close()
        assert time.monotonic() - began < 5
        assert cleaned == [] or not (tmp_path / "A" / "scratch").exists()

    def test_a_restart_tries_again(self, pools, monkeypatch):
        real = launching.clean_up
        monkeypatch.setattr(launching, "clean_up", lambda *_, **__: (_ for _ in ()).throw(PermissionError("no")))
        job_id = pools.run("import os; os.makedirs('/scratch/' + 'd/' * 50)").job_id
        pools.until(lambda: job_id in pools.fronts.closed, bool, seconds=10)
        assert (pools.directory(job_id) / "scratch").exists()
        pools.service.close()
        monkeypatch.setattr(launching, "clean_up", real)
        pools.service = pools.new_service()
        pools.service.recover()
        pools.until((pools.directory(job_id) / "scratch").exists, lambda there: not there, seconds=10)
        pools.until(lambda: pools.service._store.get(job_id).cleaned, bool, seconds=10)
