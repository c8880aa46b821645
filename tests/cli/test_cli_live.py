"""`status --watch`: a picture for a terminal, plain lines elsewhere, and nothing of the script's acts on either."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from cleanroom_ml.cli import watching
from cleanroom_ml.cli.live import bar, changes, picture, sparkline
from cleanroom_ml.services.absent import Absent
from cleanroom_ml.services.jobs import JobStatus
from cleanroom_ml.services.progress import Progress
from cleanroom_ml.services.telemetry import JobUsage, UsagePoint
from cleanroom_ml.services.watch import Moment

GIB = 1 << 30
NOW = datetime(2026, 9, 21, 13, 48, 10, tzinfo=UTC)


def moment(events: list[dict[str, Any]], *, status: str = "RUNNING", **parts: Any) -> Moment:
    details = {"job_name": "train", "created_on": "2026-09-21T13:46:38.000Z", "started_on": "2026-09-21T13:47:00.000Z"}
    usage = JobUsage((UsagePoint(0, GIB, 0), UsagePoint(1, GIB * 3 // 2, 1.5)), 2 * GIB, 2)
    known: dict[str, Any] = {"usage": usage, "progress": Progress.of(events), "log": "first\nsecond\nthird\n", **parts}
    return Moment(JobStatus("MLJOB_1", status, details), **known)


def a_round(iteration: int, total: int = 40) -> dict[str, Any]:
    metrics = {"train-auc": iteration / 100, "eval-auc": iteration / 200}
    return {"t": 1, "kind": "round", "trainer": "xgboost", "iteration": iteration, "total": total, "metrics": metrics}


def trial(number: int, auc: float | None = None) -> dict[str, Any]:
    reached = {"state": "failed", "metrics": {}} if auc is None else {"state": "done", "metrics": {"auc": auc}}
    return {"t": 1, "kind": "trial", "number": number, "total": 5, "params": {}, **reached}


def words(seen: Moment, log_lines: int = 5) -> list[str]:
    return ["".join(piece.text for piece in line) for line in picture(seen, log_lines=log_lines, now=NOW)]


def test_the_picture_has_state_memory_curves_trials_and_log() -> None:
    lines = words(moment([*map(a_round, range(20)), trial(1, 0.8), trial(2, 0.9), trial(3)]), log_lines=2)
    assert lines[0] == "train  MLJOB_1  RUNNING  1 min 10 s"
    assert re.fullmatch(r"  memory +█{18}░{6}  1.5 GiB of 2 GiB, at most 1.5 GiB", lines[1])
    assert re.fullmatch(r"  cores +█{18}░{6}  1.5 of 2", lines[2])
    assert re.fullmatch(r"  round +█{12}░{12}  20/40", lines[3])
    assert re.fullmatch(r"  train-auc +▁▁?▂.*█ +  0.19", lines[4])
    assert lines[5].split()[0] == "eval-auc"
    assert re.fullmatch(r"  trials +█{14}░{10}  3/5  best auc 0.9 \(trial 2\)", lines[6])
    assert lines[7:] == ["log", "  second", "  third"]


def test_what_may_not_be_seen_says_so_and_leaves_the_rest() -> None:
    lines = words(moment([], progress=Absent("denied"), log=Absent("MLJobMonitoringNotAllowedError: no")))
    assert lines[-1] == "no log: MLJobMonitoringNotAllowedError: no"
    assert len(lines) == 4


def test_a_job_that_waits_has_a_line() -> None:
    waiting = Moment(JobStatus("J", "PENDING", {"created_on": "2026-09-21T13:48:00Z"}), JobUsage(()), Progress(), "")
    assert words(waiting) == ["J  PENDING  waiting 10 s"]
    snowflake = Moment(JobStatus("J", "RUNNING", {}), Absent("x"), Absent("x"), "printed")
    assert words(snowflake) == ["J  RUNNING  ", "log", "  printed"]


def test_what_a_job_waits_for_is_told_when_it_changes() -> None:
    def waiting(waits: str, status: str = "PENDING") -> Moment:
        return Moment(JobStatus("J", status, {}), JobUsage(()), Progress(), "", waits)

    starting, full = waiting("compute pool P is STARTING"), waiting("compute pool P is ACTIVE, 2 job(s) on it")
    assert words(starting) == ["J  PENDING  ", "  compute pool P is STARTING"]
    assert changes(None, starting) == ["status: PENDING; compute pool P is STARTING"]
    assert changes(starting, starting) == []
    assert changes(starting, full) == ["status: PENDING; compute pool P is ACTIVE, 2 job(s) on it"]
    assert changes(full, waiting("", "RUNNING")) == ["status: RUNNING"]


def test_a_wait_tells_it_after_a_while_and_when_it_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [0.0]
    monkeypatch.setattr("time.monotonic", lambda: clock[0])
    said: list[str] = []
    monkeypatch.setattr(watching, "note", said.append)
    state = ["STARTING"]
    elapsed = watching._Elapsed(lambda status: f"pool {state[0]}" if status.status == "PENDING" else "")
    for now, status, shown in ((0, "PENDING", "STARTING"), (6, "PENDING", "STARTING"), (8, "PENDING", "STARTING"),
                               (9, "PENDING", "ACTIVE"), (61, "PENDING", "ACTIVE"), (130, "RUNNING", "ACTIVE"),
                               (131, "DONE", "ACTIVE")):  # fmt: skip
        clock[0], state[0] = float(now), shown
        elapsed.look(JobStatus("J", status, {}))
    assert said == [
        "status: PENDING; pool STARTING",
        "status: PENDING; pool ACTIVE",
        "status: PENDING; waited 1 min; pool ACTIVE",
        "status: RUNNING; waited 2 min",
    ]


def test_bars_and_curves_hold_whatever_there_is() -> None:
    assert [bar(part, 4) for part in (-1, 0, 0.5, 1, 9)] == ["░░░░", "░░░░", "██░░", "████", "████"]
    assert sparkline([0, 1]) == "▁█"
    assert sparkline([5, 5, 5]) == "▄▄▄"
    assert sparkline([-1.7e308, 0, 1.7e308]) == "▁▅█"
    assert sparkline(list(range(1000)), 8) == "▁▂▃▄▅▆▇█"


def test_without_a_terminal_a_line_is_a_change() -> None:
    looks = [
        moment([], status="PENDING"),
        moment([]),
        moment([{"t": 1, "kind": "stage", "name": "read", "seconds": 1.5}, a_round(0)]),
        moment([{"t": 1, "kind": "stage", "name": "read", "seconds": 1.5}, a_round(0), a_round(1)]),
        moment([{"t": 1, "kind": "stage", "name": "read", "seconds": 1.5}, a_round(9), trial(1), trial(2, 0.75)]),
        moment([{"t": 1, "kind": "stage", "name": "read", "seconds": 1.5}, a_round(9), trial(1), trial(2, 0.75)]),
        moment([], progress=Absent("denied"), status="DONE"),
    ]
    told = [changes(before, after) for before, after in zip([None, *looks], looks, strict=False)]
    assert told == [
        ["status: PENDING"],
        ["status: RUNNING"],
        ["read  1.5 s", "xgboost: round 1/40  train-auc 0  eval-auc 0"],
        [],
        [
            "trial 1/5  failed",
            "trial 2/5  auc 0.75  best auc 0.75 (trial 2)",
            "xgboost: round 10/40  train-auc 0.09  eval-auc 0.045",
        ],
        [],
        ["status: DONE"],
    ]


# -- at a terminal ---------------------------------------------------------------------------------------------------

SHOWS = """
import sys
sys.path.insert(0, {tests!r})
from test_cli_live import a_round, moment, picture
from cleanroom_ml.cli.render import LiveLines, draws
assert draws() is {draws}
if draws():
    with LiveLines() as screen:
        for number in (3, 5):
            hostile = "\\x1b[2J\\x1b]0;owned\\x07[bold]x[/bold]\\u202e" + "wide" * 100
            screen.show(picture(moment([a_round(number)], log=hostile), log_lines=5))
print("after", file=sys.stderr)
"""


def at_a_terminal(draws: bool, **environment: str) -> str:
    """What somebody's terminal is sent."""
    ours, theirs = pty.openpty()
    variables = {key: value for key, value in os.environ.items() if key not in ("CI", "NO_COLOR")}
    code = SHOWS.format(tests=str(Path(__file__).parent), draws=draws)
    process = subprocess.Popen(
        [sys.executable, "-c", code],
        stdout=theirs,
        stderr=theirs,
        stdin=theirs,
        env={**variables, "TERM": "xterm-256color", "PYTHONUTF8": "1", "COLUMNS": "80", "LINES": "30", **environment},
    )
    os.close(theirs)
    sent = b""
    try:
        while data := os.read(ours, 65536):
            sent += data
    except OSError:  # the other side has hung up: that is how a terminal ends
        pass
    finally:
        os.close(ours)
    assert process.wait(30) == 0, sent.decode(errors="replace")
    return sent.decode("utf-8")


@pytest.mark.attack
def test_a_terminal_is_drawn_over_and_obeys_no_script() -> None:
    sent = at_a_terminal(True)
    assert "4/40" in sent
    assert "6/40" in sent
    assert "\x1b[1A" in sent  # up, over what was there before
    assert "\x1b[2J" not in sent
    assert "\x1b]0;" not in sent
    assert "\u202e" not in sent
    assert "[bold]x[/bold]" in sent  # rich's own markup is no markup in it
    assert not re.search("(?:wide){25}", sent)  # cut, never wrapped: a wrapped line cannot be drawn over
    assert sent.rstrip().endswith("after")


@pytest.mark.parametrize("variable", ["NO_COLOR", "CI"])
def test_nothing_is_drawn_where_nobody_wants_it(variable: str) -> None:
    assert at_a_terminal(False, **{variable: "1"}).strip() == "after"


def test_nothing_is_drawn_that_the_terminal_cannot_show() -> None:
    assert at_a_terminal(False, PYTHONUTF8="0", PYTHONIOENCODING="ascii").strip() == "after"
