"""`report`, `status --watch` and `logs --events`, typed as their user types them."""

from __future__ import annotations

import json
import signal
import subprocess

import pytest
from e2e_parties import COMMAND, Pair

pytestmark = [pytest.mark.sandbox, pytest.mark.slow]

TRAIN = """
import sys, time
from cleanroom_runtime.events import emit
for number in range(1, 6):
    print(f"trial {number}/5", flush=True)
    told = {"params": {"eta": number / 10}, "metrics": {"auc": 0.8 + number / 100}, "metric": "auc", "mode": "max"}
    emit("trial", number=number, total=5, state="done", seconds=0.2, **told)
    time.sleep(0.6)
__return__ = {"auc": 0.85}
"""


@pytest.fixture(scope="module")
def pair(new_project) -> Pair:
    """The sample with a training that tells of five trials, approved, with a pool."""
    pair = new_project("watched")
    for directory in ("publisher/code", "advertiser/reviewed_code"):
        (pair.root / directory / "train.py").write_text(TRAIN, encoding="utf-8")
    pair.meet()
    pair.submit()
    pair.approve("train")
    pair.advertiser.quickly("pool", "create")
    return pair


@pytest.fixture(scope="module")
def watched(pair: Pair) -> tuple[str, list[str]]:
    """A job that was watched without a terminal: its id, and the lines that were told."""
    job_id = pair.advertiser.quickly("run", "train").out.strip()
    ran = pair.advertiser.types("status", job_id, "--watch", "--format", "json")
    assert ran.json["status"] == "DONE"
    return job_id, ran.err.splitlines()


def test_without_a_terminal_every_change_is_a_line(watched: tuple[str, list[str]]) -> None:
    _, told = watched
    assert "status: DONE" in told
    trials = [line for line in told if line.startswith("trial ")]
    assert len(trials) == 5
    assert trials[4] == "trial 5/5  auc 0.85  best auc 0.85 (trial 5)"
    assert told.index("status: RUNNING") < told.index(trials[0])


def test_a_report_is_a_file_and_its_data(pair: Pair, watched: tuple[str, list[str]]) -> None:
    job_id, _ = watched
    assert pair.advertiser.quickly("report", job_id).out == f"{job_id}.html\n"
    page = (pair.advertiser.directory / f"{job_id}.html").read_text(encoding="utf-8")
    assert "5 of 5 trials; the largest auc is 0.85, of trial 5" in page
    (pair.advertiser.directory / f"{job_id}.html").unlink()
    data = pair.advertiser.quickly("report", job_id, "--format", "json").json
    assert data["progress"]["search"]["metric"] == "auc"
    assert {each["collaborator"] for each in data["approval"]["decisions"]} == {"publisher", "advertiser"}
    assert data["usage"]["points"]
    assert not (pair.advertiser.directory / f"{job_id}.html").exists()
    pair.advertiser.quickly("report", job_id, "--format", "json", "--output", "here.html")
    assert (pair.advertiser.directory / "here.html").exists()


def test_events_are_json_lines(pair: Pair, watched: tuple[str, list[str]]) -> None:
    job_id, _ = watched
    lines = pair.advertiser.quickly("logs", job_id, "--events").out.splitlines()
    assert [json.loads(line)["number"] for line in lines] == [1, 2, 3, 4, 5]
    assert lines == pair.advertiser.quickly("logs", job_id, "--events", "--follow").out.splitlines()
    told = pair.advertiser.quickly("logs", job_id, "--events", "--format", "jsonl").out.splitlines()
    assert [json.loads(line) for line in told] == [json.loads(line) for line in lines]


def test_ctrl_c_ends_the_watching_and_not_the_job(pair: Pair) -> None:
    job_id = pair.advertiser.quickly("run", "train").out.strip()
    watching = subprocess.Popen(
        [str(COMMAND), "status", job_id, "--watch"],
        cwd=pair.advertiser.directory,
        env={"LANG": "C.UTF-8", **pair.person.variables},
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert watching.stderr is not None
    told = ""
    while "status: " not in told:
        told += watching.stderr.readline()
    watching.send_signal(signal.SIGINT)
    told += watching.stderr.read()
    assert watching.wait(30) == 130
    assert f"look again: cleanroom-ml status {job_id} --watch; stop it: cleanroom-ml cancel {job_id}" in told
    assert pair.advertiser.quickly("status", job_id, "--wait").code == 0


def test_what_is_watched_for_too_short_goes_on(pair: Pair) -> None:
    job_id = pair.advertiser.quickly("run", "train").out.strip()
    ran = pair.advertiser.quickly("status", job_id, "--watch", "--timeout", "0.1", code=22)
    assert "the job goes on" in ran.err
    pair.advertiser.quickly("cancel", job_id)
    assert pair.advertiser.quickly("status", job_id, "--watch", code=21).code == 21
