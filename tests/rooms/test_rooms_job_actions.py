"""What is asked about an ML job: the documented answers, and the engine's own beside them, by the same rights.

Source: collaboration API reference, RUN_ML_JOB_ACTION; "ML Jobs in Data Clean Rooms", "Monitor the ML Job".
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from rooms_world import COLLABORATION, World
from test_rooms_runs import JOB, action, refused
from test_rooms_runs import approved as approved

from cleanroom_ml.engine.assembly.procedures import OWN_PROCEDURES
from cleanroom_ml.engine.contracts.job import JobState
from cleanroom_ml.engine.jobs import files, logs
from cleanroom_ml.engine.rooms import ml_jobs, own_jobs
from cleanroom_ml.engine.sql.errors import SqlError

pytestmark = pytest.mark.sandbox

ASK = ("RUN_ML_JOB_ACTION", "lookalike")
OF_A_JOB = sorted(set(OWN_PROCEDURES["JOBS"]) - {"LIST"})


@pytest.fixture
def job(approved: World) -> str:
    """A job of the advertiser's."""
    found = approved.advertiser.value("RUN", "lookalike", *JOB)
    assert isinstance(found, str)
    return found


def refused_own(party: Any, name: str, *args: Any) -> str:
    with pytest.raises(SqlError) as caught:
        party.own(name, *args)
    return caught.value.message


def test_the_documented_answers_are_one_value_each(approved: World, job: str) -> None:
    runner = approved.advertiser
    assert runner.call(*ASK, action(job, "GET_STATUS")) == [{"STATUS": "PENDING"}]
    assert runner.call(*ASK, action(job, "get_logs")) == [{"LOGS": "the log of train"}]
    assert "MLJobNotFinishedError" in refused(runner, *ASK, action(job, "get_result"))
    approved.jobs.states[job] = JobState.DONE
    assert runner.call(*ASK, action(job, "get_result")) == [{"RESULT": '{"auc": 0.8}'}]
    approved.jobs.states[job] = JobState.FAILED
    assert "MLJobFailedError" in refused(runner, *ASK, action(job, "get_result"))


def test_a_status_is_one_of_the_documented_four(approved: World, job: str) -> None:
    """ "Possible values: PENDING, RUNNING, DONE, FAILED"; that it was cancelled, the engine's own procedure tells."""
    for state in JobState:
        approved.jobs.states[job] = state
        (told,) = approved.advertiser.call(*ASK, action(job, "get_status"))
        assert told["STATUS"] in {"PENDING", "RUNNING", "DONE", "FAILED"}
        (own,) = approved.advertiser.own("JOBS.STATUS", "lookalike", job)
        assert (own["STATUS"], json.loads(own["DETAILS"])["job_id"]) == (state, job)


def test_no_key_but_the_documented_four_is_taken(approved: World, job: str) -> None:
    for more in ("offset: 3\n", "tail: 3\n"):
        assert "SpecValidationError" in refused(approved.advertiser, *ASK, action(job, "get_logs") + more)
    for own in ("cancel", "get_events", "get_usage"):
        assert "SpecValidationError" in refused(approved.advertiser, *ASK, action(job, own))


def test_what_a_job_told_goes_on_where_its_answer_ends(
    approved: World, job: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for what, whole in (("LOGS", "the log of train"), ("EVENTS", "the events of train")):
        ask = (f"JOBS.{what}", "lookalike", job)
        assert approved.advertiser.own(*ask) == [{what: whole, "NEXT_OFFSET": None}]
        assert approved.advertiser.own(*ask, 3) == [{what: whole[3:], "NEXT_OFFSET": None}]
        with monkeypatch.context() as patch:
            patch.setattr(own_jobs, "FULL_PIECE", len(whole) - 3)
            assert approved.advertiser.own(*ask, 3) == [{what: whole[3:], "NEXT_OFFSET": len(whole)}]
        for wrong in (-1, True, "3", None, 1 << 54):
            assert "SpecValidationError" in refused_own(approved.advertiser, *ask, wrong)


def test_a_job_is_cancelled_and_listed_by_who_runs_it(approved: World, job: str) -> None:
    runner = approved.advertiser
    (listed,) = runner.own("JOBS.LIST", "lookalike")
    (ran,) = runner.call("VIEW_ACTIVITY_HISTORY", "lookalike")
    assert (listed["JOB_ID"], listed["STATUS"], listed["TEMPLATE_ID"]) == (job, "PENDING", "train_v1")
    assert listed["ACTIVITY_ID"] == ran["ACTIVITY_ID"]
    assert runner.own("JOBS.CANCEL", "lookalike", job) == runner.own("JOBS.CANCEL", "lookalike", job)
    assert runner.own("JOBS.LIST", "lookalike")[0]["STATUS"] == "CANCELLED"
    runner.call("RUN", "lookalike", *JOB)
    assert len(runner.own("JOBS.LIST", "lookalike")) == 2
    assert len(runner.own("JOBS.LIST", "lookalike", 1)) == 1
    assert "SpecValidationError" in refused_own(runner, "JOBS.LIST", "lookalike", 0)
    assert approved.publisher.own("JOBS.LIST", "lookalike") == []


@pytest.mark.attack
def test_a_job_answers_to_the_account_that_runs_it_only(
    approved: World, job: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody else learns so much as that there is such a job: not a partner, not the account's other room, not a
    stranger; with the check taken away, the partner would.
    """
    approved.publisher.call("INITIALIZE", COLLABORATION.replace("name: lookalike", "name: second"), "COMPUTE_WH")
    approved.advertiser.call("REVIEW", "second", "LOCAL.PUBLISHER")
    approved.advertiser.call("JOIN", "second")
    assert OF_A_JOB == ["CANCEL", "EVENTS", "LOGS", "STATUS", "USAGE"], "all there is beside the list"
    for name in OF_A_JOB:
        asked = (f"JOBS.{name}", "lookalike")
        real = refused_own(approved.publisher, *asked, job)
        assert real.startswith("MLJobNotFoundException")
        assert real.replace(job, "JOB_9") == refused_own(approved.publisher, *asked, "JOB_9")
        assert refused_own(approved.stranger, *asked, job).startswith("CollaborationNotFoundException")
        assert refused_own(approved.advertiser, asked[0], "second", job).startswith("MLJobNotFoundException")
        for nothing in (None, 7, "", "x" * 5000):
            assert refused_own(approved.advertiser, *asked, nothing).startswith("MLJobNotFoundException")
    assert approved.jobs.states[job] is JobState.PENDING
    found = (job, approved.jobs.requests[job], True)
    monkeypatch.setattr(ml_jobs.MlJobs, "_own", lambda *_: found)
    assert all(approved.publisher.own(f"JOBS.{name}", "lookalike", job) for name in OF_A_JOB)


@pytest.mark.attack
@pytest.mark.parametrize("by", ["the spec", "the owner"])
def test_what_may_not_be_monitored_is_told_nowhere(
    approved: World, job: str, by: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`allow_monitoring: false` of the code spec, or the owner's ALLOW_ML_JOBS_MONITORING; without the check all is."""
    if by == "the owner":
        approved.publisher.call("SET_CONFIGURATION", "lookalike", "ALLOW_ML_JOBS_MONITORING", "false")
    else:
        asked = approved.jobs.requests[job]
        approved.jobs.requests[job] = replace(asked, job=replace(asked.job, allow_monitoring=False))
    runner = approved.advertiser
    for name in ("JOBS.LOGS", "JOBS.EVENTS"):
        assert refused_own(runner, name, "lookalike", job).startswith("MLJobMonitoringNotAllowedError")
    assert refused(runner, *ASK, action(job, "get_logs")).startswith("MLJobMonitoringNotAllowedError")
    assert runner.call(*ASK, action(job, "get_status")) == [{"STATUS": "PENDING"}]
    assert json.loads(runner.own("JOBS.USAGE", "lookalike", job)[0]["USAGE"])["job"] == "train"
    monkeypatch.setattr(ml_jobs, "_check_monitoring", lambda *_, **__: None)
    assert runner.own("JOBS.EVENTS", "lookalike", job)[0]["EVENTS"] == "the events of train"
    assert runner.value(*ASK, action(job, "get_logs")) == "the log of train"


def test_the_documented_log_is_its_newest_part_in_whole_lines(tmp_path: Path) -> None:
    """ "returns only the most recent container output (up to 100 KB of log lines by default)"."""
    whole = "".join(f"{number:06d} ä€\n" for number in range(20_000))
    assert logs.tail(tmp_path, ended=False) == ""
    (tmp_path / files.LOG).write_text("one\ntwo\n", encoding="utf-8")
    assert logs.tail(tmp_path, ended=False) == "one\ntwo\n"
    (tmp_path / files.LOG).write_bytes(whole.encode() + b"\xe2\x82")
    newest = logs.tail(tmp_path, ended=False)
    assert whole.endswith(newest)
    assert newest.splitlines()[0] == f"{int(newest[:6]):06d} ä€"
    assert logs.TAIL_BYTES - 20 < len(newest.encode()) <= logs.TAIL_BYTES
    (tmp_path / files.LOG).write_bytes("ä€".encode() * 40_000)
    assert set(logs.tail(tmp_path, ended=True)) == {"ä", "€"}
