"""Waiting for a job, its result and its cancelling, against a server that answers as the documentation says."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest
import yaml

from cleanroom_ml.cli.commands.history import _line
from cleanroom_ml.connection.capabilities import Capabilities
from cleanroom_ml.errors import (
    CommunicationError,
    JobCancelledError,
    JobFailedError,
    PolicyDeniedError,
    ResultRefusedError,
    ServerError,
    WaitTimeoutError,
)
from cleanroom_ml.services import jobs, telemetry, waiting
from cleanroom_ml.services.absent import Absent
from cleanroom_ml.services.job_actions import JobLog
from cleanroom_ml.services.watch import Watch


class Server:
    """One job of a target that has the engine's own procedures: the statuses that it answers one after the other, the
    last of them for ever.
    """

    capabilities = SimpleNamespace(has_procedure=lambda procedure: procedure.startswith("JOBS."))

    def __init__(self, *statuses: str, log: Exception | str = "", result: Exception | Any = None) -> None:
        self.target = SimpleNamespace(kind="engine")
        self.statuses = list(statuses)
        self.log, self.result, self.asked = log, result, []
        self.piece: int | None = None

    def call_own(self, procedure: str, collaboration: str, job_id: str = "J", offset: int = 0) -> list[dict[str, Any]]:
        self.asked.append(procedure)
        match procedure:
            case "JOBS.STATUS":
                details = json.dumps({"reason": "out_of_memory", "message": "it was big"})
                return [{"status": self.next_status(), "details": details}]
            case "JOBS.LOGS":
                piece = self.reported(self.log)[offset:][: self.piece]
                following = offset + len(piece) if len(piece) == self.piece else None
                return [{"logs": piece, "next_offset": following}]
            case "JOBS.CANCEL":
                return [{"status": self.statuses[0]}]
        raise AssertionError(procedure)

    def call(self, procedure: str, collaboration: str, spec: str) -> list[dict[str, Any]]:
        action = yaml.safe_load(spec)
        self.asked.append(action["action"])
        if action["action"] == "get_logs":
            return [{"logs": self.reported(self.log)}]
        assert action["action"] == "get_result"
        return [{"result": self.reported(self.result)}]

    def next_status(self) -> str:
        return self.statuses.pop(0) if len(self.statuses) > 1 else self.statuses[0]

    @staticmethod
    def reported(what: Any) -> Any:
        if isinstance(what, Exception):
            raise what
        return what


DENIED = PolicyDeniedError("MLJobMonitoringNotAllowedError: code spec c_V1 does not set allow_monitoring.")


@pytest.mark.parametrize("end", ["DONE", "FAILED", "CANCELLED"])
def test_a_log_that_may_not_be_seen_does_not_end_the_waiting(end: str) -> None:
    server, told = Server("PENDING", "RUNNING", "RUNNING", end, log=DENIED), []
    ended = jobs.wait(server, "c", "J", on_log=lambda text: pytest.fail(text), on_denied=told.append)
    assert ended.status == end
    assert told == [DENIED]
    assert server.asked.count("JOBS.LOGS") == 1


def test_who_asked_for_the_log_alone_is_told_that_it_is_denied() -> None:
    with pytest.raises(PolicyDeniedError):
        jobs.wait(Server("RUNNING", log=DENIED), "c", "J", on_log=lambda text: None)


def test_a_denied_log_waits_no_longer_than_was_said() -> None:
    with pytest.raises(WaitTimeoutError):
        jobs.wait(Server("RUNNING", log=DENIED), "c", "J", timeout_seconds=0.2, on_log=print, on_denied=lambda _: None)


@pytest.mark.parametrize(("end", "error"), [("FAILED", JobFailedError), ("CANCELLED", JobCancelledError)])
def test_the_result_of_a_job_that_ended_badly_is_how_it_ended(end: str, error: type[Exception]) -> None:
    refused = ServerError("MLJobFailedError: whatever the target says")
    with pytest.raises(error) as caught:
        jobs.result(Server(end, result=refused), "c", "J")
    assert caught.value.exit_code == {"FAILED": 20, "CANCELLED": 21}[end]
    assert "out_of_memory" in caught.value.what
    assert (caught.value.why, caught.value.fix) == ("it was big", "cleanroom-ml logs J")
    with pytest.raises(error) as caught:
        jobs.result(Server(end, result=refused, log=DENIED), "c", "J")
    assert caught.value.fix == "cleanroom-ml status J"


def test_the_result_of_a_job_that_runs_and_one_that_may_not_leave_stay_what_they_are() -> None:
    with pytest.raises(ServerError) as caught:
        jobs.result(Server("RUNNING", result=ServerError("MLJobNotFinishedError: job J is RUNNING")), "c", "J")
    assert caught.value.fix == "cleanroom-ml status J --wait"
    with pytest.raises(ResultRefusedError):
        jobs.result(Server("FAILED", result=ResultRefusedError("too large")), "c", "J")
    assert jobs.result(Server("DONE", result='{"auc": 0.5}'), "c", "J") == {"auc": 0.5}


@pytest.mark.parametrize(
    ("statuses", "status", "cancelled"),
    [
        (["RUNNING", "RUNNING", "CANCELLED"], "CANCELLED", True),
        (["PENDING", "CANCELLED"], "CANCELLED", True),
        (["RUNNING", "DONE"], "DONE", False),
        (["DONE"], "DONE", False),
        (["FAILED"], "FAILED", False),
        (["CANCELLED"], "CANCELLED", False),
    ],
)
def test_cancel_says_whether_it_was_what_ended_the_job(statuses, status, cancelled) -> None:
    server = Server(*statuses)
    done = jobs.cancel(server, "c", "J")
    assert (done.status, done.cancelled) == (status, cancelled)
    assert server.asked.count("JOBS.CANCEL") == 1


@pytest.mark.parametrize("piece", [None, 1, 3, 7, 8])
def test_a_log_that_is_told_in_pieces_is_put_together(piece: int | None) -> None:
    server = Server("DONE", log="abcdefg")
    server.piece = piece
    assert jobs.logs(server, "c", "J") == "abcdefg"
    log = JobLog(server, "c", "J")
    assert log.fresh().text == "abcdefg"
    server.log += "hi"
    assert log.fresh().text == "hi"


class Room(Server):
    """The same job, and the history of a room in which it was run beside two other things."""

    def call(self, procedure: str, collaboration: str, *spec: str) -> list[dict[str, Any]]:
        assert procedure.endswith("VIEW_ACTIVITY_HISTORY")
        rows = [("1", "SUCCESS", "a"), ("2", "SUCCESS", "b"), ("3", "SUCCESS", "a"), ("4", "FAILED", "a")]
        return [
            {
                "activity_id": f"A{at}",
                "start_ts": at,
                "status": status,
                "activity_info": {},
                "analysis_runner_alias": who,
            }
            for at, status, who in rows
        ]

    def call_own(self, procedure: str, collaboration: str, *rest: Any) -> list[dict[str, Any]]:
        assert procedure == "JOBS.LIST"
        return [{"job_id": "J", "status": self.statuses[0], "reason": "out_of_memory", "activity_id": "A1"}]


@pytest.mark.parametrize(
    ("status", "said"),
    [("FAILED", "FAILED (out_of_memory)  J"), ("RUNNING", "RUNNING (out_of_memory)  J"), ("CANCELLED", "CANCELLED")],
)
def test_the_history_says_how_a_job_ended_and_not_that_it_was_started(status: str, said: str) -> None:
    """SUCCESS stood beside jobs that had failed."""
    failed, plain, other, own = jobs.history(Room(status), "c")
    assert (own["status"], own["job_id"], own["job_status"]) == ("SUCCESS", "J", status)
    assert said in _line(own)
    assert "SUCCESS" not in _line(own)
    assert (other["job_id"], _line(other).endswith("SUCCESS")) == (None, True)
    assert _line(plain).endswith("SUCCESS")
    assert _line(failed).endswith("FAILED")


class Documented:
    """A job of a target that has the documented procedures and no other."""

    capabilities = Capabilities(lambda _: [])

    def __init__(self, *statuses: Any, logs: Any = ("",), result: Any = None) -> None:
        self.statuses, self.logs, self.result = list(statuses), list(logs), result
        self.asked: list[str] = []

    def call(self, procedure: str, collaboration: str, spec: str) -> list[dict[str, Any]]:
        assert procedure == "COLLABORATION.RUN_ML_JOB_ACTION"
        read = yaml.safe_load(spec)
        assert set(read) == {"api_version", "spec_type", "job_id", "action"}, "the documented keys and no other"
        self.asked.append(read["action"])
        told = {"get_status": self.statuses, "get_logs": self.logs, "get_result": [self.result]}[read["action"]]
        value = told.pop(0) if len(told) > 1 else told[0]
        if isinstance(value, Exception):
            raise value
        return [{"run_ml_job_action": value}]

    def call_own(self, *_: Any) -> None:
        """As `Connection.call_own` where there is no such procedure."""


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """No pause is waited for; the list has them."""
    pauses: list[float] = []
    monkeypatch.setattr(waiting.time, "sleep", pauses.append)
    return pauses


def test_a_log_is_followed_where_only_its_newest_part_is_told(at_once: list[float]) -> None:
    lines = [f"epoch {number}\n" for number in range(30_000)]
    seen = ["", *("".join(lines[:end])[-100_000:] for end in (10, 5_000, 9_000, 9_000, 29_000))]
    server, told, missed = Documented("PENDING", *["RUNNING"] * 5, "DONE", logs=seen), [], []
    ended = jobs.wait(server, "c", "J", on_log=told.append, on_missed=lambda: missed.append(len(told)))
    assert (ended.status, missed) == ("DONE", [3])
    assert "".join(told[:3]) == "".join(lines[:9_000])
    assert told[3] == seen[-1]


@pytest.mark.parametrize(
    "status", ["RUNNING", '"running"', " RUNNING\n", {"status": "RUNNING"}, '{"status": "running"}']
)
def test_a_status_string_is_read_however_it_is_wrapped(status: Any) -> None:
    assert jobs.status(Documented(status), "c", "J") == jobs.JobStatus("J", "RUNNING", {})


@pytest.mark.parametrize("end", ["DONE", "FAILED", "CANCELLED", "INTERNAL_ERROR", "DELETED"])
def test_every_ending_ends_the_waiting_and_looks_are_ever_rarer(end: str, at_once: list[float]) -> None:
    """The documented statuses, and those of Snowflake's own jobs (snowflake.ml.jobs, type_utils.JOB_STATUS)."""
    server = Documented("PENDING", *["RUNNING"] * 30, "CANCELLING", end)
    assert jobs.wait(server, "c", "J").status == end
    running = at_once[1:-1]
    assert running == sorted(running)
    assert (running[0], running[-1]) == (waiting.FIRST_SECONDS, waiting.ACCOUNT_SECONDS)
    assert bool(jobs.ended_badly(jobs.JobStatus("J", end, {}))) is (end != "DONE")


def test_a_wait_bears_a_connection_that_breaks_and_says_what_goes_on_where_it_stays_broken(at_once) -> None:
    broke = CommunicationError("the connection broke")
    assert jobs.wait(Documented("RUNNING", broke, broke, "RUNNING", broke, "DONE"), "c", "J").status == "DONE"
    with pytest.raises(CommunicationError) as caught:
        jobs.wait(Documented("RUNNING", broke), "c", "J", timeout_seconds=None)
    assert "job J goes on" in str(caught.value.why)
    assert caught.value.fix == "cleanroom-ml status J --wait"


def test_a_wait_that_times_out_names_the_state_and_the_next_command() -> None:
    with pytest.raises(WaitTimeoutError) as caught:
        jobs.wait(Documented("PENDING"), "c", "J", timeout_seconds=0)
    assert caught.value.what == "job J is still PENDING"
    assert caught.value.fix == "cleanroom-ml status J --wait"


@pytest.mark.parametrize(
    ("came", "result"),
    [('{"auc": 0.5}', {"auc": 0.5}), ("{'auc': 0.5}", "{'auc': 0.5}"), ("done", "done"), (None, None), ("7", 7)],
)
def test_a_result_is_what_came_where_it_is_no_json(came: Any, result: Any) -> None:
    assert jobs.result(Documented("DONE", result=came), "c", "J") == result


def test_what_a_target_cannot_do_it_says_with_the_nearest_thing_that_can_be_done() -> None:
    server = Documented("RUNNING")
    for ask, nearest in (
        (lambda: jobs.cancel(server, "c", "J"), "ALTER COMPUTE POOL"),
        (lambda: jobs.list_jobs(server, "c"), "cleanroom-ml history"),
        (lambda: telemetry.events(server, "c", "J"), "cleanroom-ml logs J"),
    ):
        with pytest.raises(ServerError) as caught:
            ask()
        assert caught.value.exit_code == 5
        assert nearest in str(caught.value.fix)
    assert isinstance(telemetry.usage(server, "c", "J"), Absent)
    moment = Watch(Documented("RUNNING", logs=["one\n"]), "c", "J").look()
    assert (moment.log, moment.progress) == ("one\n", Absent(telemetry.ENGINES_OWN))


def test_a_log_that_comes_late_and_goes_early_does_not_end_the_waiting(at_once: list[float]) -> None:
    """ "logs can become unavailable after the job's service expires" (ML jobs, "Monitor the ML Job")."""
    late = ServerError("Container is not running")
    seen = [late, "one\n", "one\ntwo\n", late]
    server, told, missed = Documented(*["RUNNING"] * 3, "DONE", logs=seen), [], []
    assert jobs.wait(server, "c", "J", on_log=told.append, on_missed=lambda: missed.append(len(told))).status == "DONE"
    assert ("".join(told), missed) == ("one\ntwo\n", [2])


@pytest.mark.parametrize(
    "said",
    [
        "ALLOW_ML_JOBS_MONITORING is false",
        "code spec c_V1 does not set allow_monitoring",
        "Monitoring is disabled here",
    ],
)
def test_a_log_that_may_not_be_seen_is_known_by_what_is_said(said: str, at_once: list[float]) -> None:
    refused = ServerError(f"SomeNameNobodyDocuments: {said}")
    with pytest.raises(PolicyDeniedError):
        jobs.logs(Documented("RUNNING", logs=[refused]), "c", "J")
    told: list[PolicyDeniedError] = []
    server = Documented("RUNNING", "RUNNING", "DONE", logs=[refused])
    assert jobs.wait(server, "c", "J", on_log=print, on_denied=told.append).status == "DONE"
    assert (len(told), server.asked.count("get_logs")) == (1, 1)
