"""What a runner sees of its job beyond the status: all of it where it may be monitored, and nothing where not."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator

import pytest
from guarantees_world import LINKED, ROOM, World

from cleanroom_ml.cli.render import jsonable
from cleanroom_ml.connection.capabilities import Capabilities
from cleanroom_ml.engine.assembly.procedures import OWN_PROCEDURES
from cleanroom_ml.engine.rooms import ml_jobs
from cleanroom_ml.errors import CleanroomError, PolicyDeniedError
from cleanroom_ml.services import jobs, reports, telemetry
from cleanroom_ml.services.absent import Absent
from cleanroom_ml.services.progress import Progress
from cleanroom_ml.services.reports.gathered import Approval, Log, Result
from cleanroom_ml.services.telemetry import JobUsage
from cleanroom_ml.services.watch import Watch

pytestmark = pytest.mark.sandbox

TOLD = "SECRETFEATURE"
TELLS = f"""
import time
from cleanroom_runtime.events import emit
print("reading {TOLD}", flush=True)
emit("importance", trainer="xgboost", values={{"{TOLD}": 3.5}})
for iteration in range(5):
    emit("round", trainer="xgboost", iteration=iteration, total=5, metrics={{"eval-auc": 0.5 + iteration / 10}})
for number in (1, 2):
    told = {{"state": "done", "metrics": {{"auc": 0.8 + number / 100}}, "metric": "auc", "mode": "max", "seconds": 0.1}}
    emit("trial", number=number, total=2, params={{"{TOLD}": number}}, **told)
time.sleep(1.5)
__return__ = {{"auc": 0.9}}
"""


@pytest.fixture(scope="module")
def done(world_here: World) -> str:
    """A job that has told of itself, and has ended."""
    job_id = world_here.submit(TELLS, tables=(LINKED,))
    assert world_here.end(job_id) == {"auc": 0.9}
    return job_id


@pytest.fixture
def unmonitored(world_here: World) -> Iterator[None]:
    """The collaboration's owner has switched monitoring off."""
    procedure = "COLLABORATION.SET_CONFIGURATION"
    world_here.shop.call(procedure, ROOM, "ALLOW_ML_JOBS_MONITORING", "false")
    yield
    world_here.shop.call(procedure, ROOM, "ALLOW_ML_JOBS_MONITORING", "true")


def test_a_report_has_everything_that_may_be_seen(world_here: World, done: str) -> None:
    report = reports.gather(world_here.brand, ROOM, done)
    assert report.status.status == "DONE"
    assert isinstance(report.progress, Progress)
    assert report.progress.importances == (("xgboost", ((TOLD, 3.5),)),)
    (chart,) = report.progress.charts
    assert [value for _, value in chart.curves[0].points] == [0.5, 0.6, 0.7, 0.8, 0.9]
    assert report.progress.search is not None
    assert report.progress.search.best is not None
    assert report.progress.search.best.number == 2
    assert report.log == Log((f"reading {TOLD}",), 1)
    assert report.result == Result({"auc": 0.9})
    assert isinstance(report.usage, JobUsage)
    assert len(report.usage.points) >= 2
    assert report.usage.memory_limit_bytes is not None
    page = reports.page(report)
    assert TOLD in page
    assert str(world_here.home.path) not in page


def test_a_report_names_the_approval_that_the_job_ran_under(world_here: World, done: str) -> None:
    approval = reports.gather(world_here.brand, ROOM, done).approval
    assert isinstance(approval, Approval)
    told = jobs.status(world_here.brand, ROOM, done).details["approval_digest"]
    assert approval.digest.removeprefix("sha256:") == told.removeprefix("sha256:")
    assert {(each.collaborator, each.decision) for each in approval.decisions} == {
        ("shop", "APPROVED"),
        ("brand", "APPROVED"),
    }
    assert all(each.decided_on.endswith("Z") for each in approval.decisions)


@pytest.mark.attack
@pytest.mark.usefixtures("unmonitored")
@pytest.mark.parametrize("control", [True, False], ids=["held", "without the gate"])
def test_what_may_not_be_monitored_is_in_no_report(
    control: bool, world_here: World, done: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not control:
        monkeypatch.setattr(ml_jobs, "_check_monitoring", lambda request, *, owner_allows: None)
    report = reports.gather(world_here.brand, ROOM, done)
    page, data = reports.page(report), json.dumps(jsonable(report))
    moment = Watch(world_here.brand, ROOM, done).look()
    assert (TOLD in page) is (TOLD in data) is (TOLD in str(moment)) is not control
    assert isinstance(report.usage, JobUsage)  # our own measurement, told like the status
    if control:
        assert isinstance(report.progress, Absent)
        assert isinstance(report.log, Absent)
        assert "ALLOW_ML_JOBS_MONITORING" in report.log.why
        assert page.count("ALLOW_ML_JOBS_MONITORING") == 2


@pytest.mark.attack
@pytest.mark.usefixtures("unmonitored")
def test_events_are_refused_as_the_log_is(world_here: World, done: str) -> None:
    with pytest.raises(PolicyDeniedError) as log:
        jobs.logs(world_here.brand, ROOM, done)
    with pytest.raises(PolicyDeniedError) as events:
        telemetry.events(world_here.brand, ROOM, done)
    assert log.value.what == events.value.what


@pytest.mark.attack
@pytest.mark.parametrize("procedure", ["JOBS.EVENTS", "JOBS.USAGE", "JOBS.LOGS", "JOBS.STATUS", "JOBS.CANCEL"])
def test_another_party_learns_nothing_of_a_job(procedure: str, world_here: World, done: str) -> None:
    with pytest.raises(CleanroomError, match="MLJobNotFoundException"):
        world_here.shop.call_own(procedure, ROOM, done)


def test_a_target_that_has_no_procedures_of_its_own_tells_what_is_documented(
    world_here: World, done: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same engine without them, as an account on Snowflake is: asked once what it has, and for none of them."""
    sent: list[str] = []
    monkeypatch.setitem(OWN_PROCEDURES, "JOBS", {})  # type: ignore[arg-type]
    monkeypatch.setattr(world_here.brand, "capabilities", Capabilities(world_here.brand.execute))
    monkeypatch.setattr(world_here.brand, "observer", sent.append)
    report = reports.gather(world_here.brand, ROOM, done)
    moment = Watch(world_here.brand, ROOM, done).look()
    for absent in (report.usage, report.progress, moment.usage, moment.progress):
        assert absent == Absent(telemetry.ENGINES_OWN)
    assert (report.log, moment.log) == (Log((f"reading {TOLD}",), 1), f"reading {TOLD}\n")
    assert "only the embedded engine tells it" in reports.page(report)
    with pytest.raises(CleanroomError, match="no events"):
        telemetry.events(world_here.brand, ROOM, done)
    told: list[str] = []
    assert jobs.wait(world_here.brand, ROOM, done, on_log=told.append).status == "DONE"
    assert "".join(told) == f"reading {TOLD}\n"
    assert not [text for text in sent if "CLEANROOM_ML.JOBS." in text]
    assert sent.count("SHOW PROCEDURES IN DATABASE CLEANROOM_ML") == 1
    with pytest.raises(CleanroomError, match="does not list"):
        jobs.list_jobs(world_here.brand, ROOM)
    with pytest.raises(CleanroomError, match="cannot cancel"):
        jobs.cancel(world_here.brand, ROOM, done)
    actions = {line.split()[-1] for text in sent for line in text.splitlines() if line.startswith("action:")}
    assert actions == {"get_status", "get_logs", "get_result"}


def test_a_watch_asks_for_what_is_new_only(world_here: World) -> None:
    job_id = world_here.submit(TELLS.replace("sleep(1.5)", "sleep(3)"), tables=(LINKED,))
    world_here.wait_log(job_id, TOLD)
    watch = Watch(world_here.brand, ROOM, job_id)
    moments = [watch.look()]
    while not moments[-1].status.terminal:
        moments.append(watch.look())
    whole = Watch(world_here.brand, ROOM, job_id).look()
    assert moments[-1].log == whole.log == f"reading {TOLD}\n"
    assert moments[-1].progress == whole.progress
    assert isinstance(whole.progress, Progress)
    assert len(whole.progress.charts[0].curves[0].points) == 5


def test_events_go_on_where_they_were_left(world_here: World, done: str) -> None:
    whole = telemetry.events(world_here.brand, ROOM, done)
    assert len(whole.found) == 8
    rest = telemetry.events(world_here.brand, ROOM, done, offset=whole.offset)
    assert dataclasses.astuple(rest) == ((), whole.offset)
