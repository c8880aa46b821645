"""Pools bound what runs; the rest waits in order; cancelling works in every phase."""

from __future__ import annotations

import pytest

from cleanroom_ml.engine.contracts.job import JobState
from cleanroom_ml.engine.jobs.errors import ComputePoolError

pytestmark = pytest.mark.sandbox
SLEEP = "import time\nprint('begun')\ntime.sleep(60)"


def states(pools, jobs):
    return [pools.service.status(job).status for job in jobs]


@pytest.mark.slow
def test_nodes_bound_what_runs_and_the_rest_waits_in_order(pools):
    running, pending = JobState.RUNNING, JobState.PENDING
    jobs = [pools.submit(SLEEP), pools.submit(SLEEP), pools.submit(SLEEP, nodes=2), pools.submit(SLEEP)]
    pools.until(lambda: states(pools, jobs), lambda seen: seen[:2] == [running, running], seconds=20)
    assert states(pools, jobs) == [running, running, pending, pending]
    pools.service.cancel(jobs[0])
    pools.wait(jobs[0])
    pools.until(lambda: len(pools.fronts.closed), lambda count: count == 1, seconds=5)
    # One node is free, and the fourth job would fit: but the third came first and needs two.
    assert states(pools, jobs)[2:] == [pending, pending]
    pools.service.cancel(jobs[1])
    pools.until(lambda: states(pools, jobs)[2:], lambda seen: seen == [running, pending], seconds=20)
    pools.service.cancel(jobs[2])
    pools.until(lambda: states(pools, jobs)[3], lambda seen: seen is running, seconds=20)
    assert [status.job_id for status in pools.service.list("ACME", "COLLAB")] == jobs[::-1]
    assert pools.service.list("BETA", "COLLAB") == []


def test_cancel_of_a_running_job_ends_its_processes(pools):
    job_id = pools.submit(SLEEP)
    pools.wait_log(job_id, "begun")
    pools.service.cancel(job_id)
    status = pools.wait(job_id, seconds=10)
    assert (status.status, status.reason) == (JobState.CANCELLED, "cancelled")
    pools.service.cancel(job_id)
    assert pools.service.status(job_id) == status
    assert pools.service.logs(job_id) == "begun\n"


def test_cancel_of_a_pending_job_and_of_all_jobs_of_a_pool(pools):
    pools.service.pools.set("ACME", "POOL", {"MAX_NODES": 1})
    first = pools.submit(SLEEP)
    waiting = pools.submit(SLEEP)
    pools.wait_log(first, "begun")
    pools.service.cancel(waiting)
    status = pools.wait(waiting, seconds=5)
    assert (status.status, status.started_on) == (JobState.CANCELLED, None)
    pools.service.stop_all("ACME", "POOL")
    assert pools.wait(first).status is JobState.CANCELLED


def test_a_suspended_pool_lets_jobs_wait_until_it_is_resumed(pools):
    pools.service.pools.set("ACME", "POOL", {"MAX_NODES": 1})
    first = pools.submit(SLEEP)
    second = pools.submit("pass")
    pools.wait_log(first, "begun")
    pools.service.pools.suspend("ACME", "POOL")
    pools.service.cancel(first)
    pools.wait(first)
    pools.until(lambda: len(pools.fronts.closed), lambda count: count == 1, seconds=5)
    assert states(pools, [second]) == [JobState.PENDING]
    pools.service.pools.resume("ACME", "POOL")
    assert pools.wait(second).status is JobState.DONE


def test_a_job_that_has_ended_cannot_be_cancelled_any_more(pools):
    done = pools.run("pass")
    pools.service.cancel(done.job_id)
    assert pools.service.status(done.job_id) == done


def test_the_token_dies_with_the_job(pools):
    status = pools.run("pass")
    pools.until(lambda: pools.fronts.closed, lambda closed: status.job_id in closed, seconds=5)
    assert pools.service._store.get(status.job_id).token_sha256 is None
    token = pools.directory(status.job_id) / "token"
    pools.until(token.exists, lambda there: not there, seconds=5)


def test_a_job_that_its_pool_became_too_small_for_fails_and_lets_the_next_one_pass(pools):
    first = pools.submit(SLEEP, nodes=1)
    pools.wait_log(first, "begun")
    large = pools.submit("pass", nodes=2)
    last = pools.submit("pass")
    assert states(pools, [large, last]) == [JobState.PENDING, JobState.PENDING]
    pools.service.pools.set("ACME", "POOL", {"MAX_NODES": 1})
    status = pools.wait(large, seconds=10)
    assert (status.status, status.reason) == (JobState.FAILED, "not_started")
    assert "asks for 2 nodes" in status.message
    assert "POOL became 1" in status.message
    pools.service.cancel(first)
    assert pools.wait(last).status is JobState.DONE


def test_several_nodes_need_ray_in_the_image(pools, monkeypatch):
    monkeypatch.setattr(pools.service.environments, "check", lambda _: {"python": "3.11.7"})
    with pytest.raises(ComputePoolError, match="asks for 2 nodes, and its image has no Ray"):
        pools.submit("pass", nodes=2)
    assert pools.run("pass").status is JobState.DONE
