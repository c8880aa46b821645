"""The report's page: what it says, and that its drawings hold whatever numbers there are."""

from __future__ import annotations

import math
import re
import stat
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from services_reports import DIGEST, report, status, told_events, usage

from cleanroom_ml.services.absent import Absent
from cleanroom_ml.services.progress import Progress
from cleanroom_ml.services.reports import default_path, page, save
from cleanroom_ml.services.reports.gathered import Log, Result
from cleanroom_ml.services.reports.markup import log_line
from cleanroom_ml.services.reports.scales import byte_ticks, duration, number, padded, size, ticks, time_ticks
from cleanroom_ml.services.telemetry import JobUsage, UsagePoint


def drawings(text: str) -> list[ElementTree.Element]:
    """Every drawing of the page; that they parse as XML says that all elements are closed and all text escaped."""
    return [ElementTree.fromstring(svg) for svg in re.findall(r"<svg.*?</svg>", text, re.S)]


def places(text: str) -> list[float]:
    """All coordinates of all drawings."""
    found: list[float] = []
    for svg in drawings(text):
        for element in svg.iter():
            for name in ("x", "y", "x1", "x2", "y1", "y2", "cx", "cy", "width"):
                if name in element.attrib:
                    found.append(float(element.attrib[name]))
            found += map(float, re.split(r"[ ,]+", element.attrib["points"]) if element.attrib.get("points") else ())
    return found


def test_a_report_says_all_that_is_known() -> None:
    text = page(report())
    for told in (
        "MLJOB_6C5098219278A0EF: DONE", "ran for", "50 s", "waited", "2.5 s", "75 % of 2 GiB", "best auc",
        "trial 6 of 20", "auc · xgboost", "logloss · xgboost",
        "20 of 20 trials, 1 failed; the largest auc is 0.8724, of trial 6",
        "Importance · xgboost", "SPEND_26W", "and 2 smaller", "limit 2 GiB", "Cores in use", DIGEST,
        "2026-09-21 12:20:42 UTC", "advertiser", "5-fold AUC 0.8637", "capture_in_best_20_percent", "bubblewrap",
    ):  # fmt: skip
        assert told in text, told
    assert len(drawings(text)) == 10  # six charts, four swatches
    assert all(map(math.isfinite, places(text)))


def test_of_many_curves_the_best_trials_and_the_last_training_are_in_front() -> None:
    told = {"t": 1, "kind": "round", "trainer": "xgboost", "total": 2}
    events = [event for event in told_events(trials=20, rounds=0) if event["kind"] == "trial"]
    for trial in (*range(1, 21), None):
        of = {} if trial is None else {"trial": trial}
        events += [told | of | {"iteration": at, "metrics": {"eval-auc": at + (trial or 0)}} for at in range(2)]
    text = page(report(progress=Progress.of(events)))
    assert text.count('class="line crowd"') == 19
    assert "eval, trial 6 (best)" in text
    assert "<span>eval</span>" in text


def test_what_is_absent_says_why() -> None:
    why = {part: Absent(f"no {part} today") for part in ("approval", "usage", "progress", "log", "result")}
    text = page(report(**why))
    for part in why:
        assert f"no {part} today." in text
    assert "auc" not in text.partition("</style>")[2]
    assert DIGEST in text  # of the status, under which approval or not


def test_a_failed_job_says_so_first() -> None:
    failed = replace(status(reason="out_of_memory", message="It needed more than 2 GiB.", job_name=""), status="FAILED")
    text = page(report(status=failed, result=Absent("the job is FAILED")))
    assert "FAILED · out_of_memory" in text
    assert text.index("It needed more than 2 GiB.") < text.index("Resources")


@pytest.mark.parametrize(
    "parts",
    [
        {"status": status(started_on=None, ended_on=None), "usage": JobUsage(())},
        {"status": status(ended_on=None)},
        {"status": status(created_on="yesterday", started_on=7, ended_on=[])},
        {"status": replace(status(), details={})},
        {"usage": JobUsage((UsagePoint(5, 1, 1),), 1, 1)},
        {"usage": JobUsage((UsagePoint(5, 0, 0), UsagePoint(5, 0, 0)), 1, 1)},
        {"usage": JobUsage((UsagePoint(5, 0, 3), UsagePoint(6, 0, 2)), None, None)},
        {"usage": replace(usage(), memory_limit_bytes=1 << 40)},
        {"progress": Progress()},
        {"progress": Progress.of(told_events(trials=1, rounds=1))},
        {"log": Log((), 0)},
        {"log": Log(("the last",), 500)},
        {"result": Result(None)},
    ],
)
def test_whatever_part_there_is_makes_a_page(parts: dict[str, object]) -> None:
    assert all(map(math.isfinite, places(page(report(**parts)))))


VALUES = st.one_of(st.floats(allow_nan=False, allow_infinity=False), st.integers(-(2**53), 2**53))
EVENTS = st.lists(
    st.one_of(
        st.fixed_dictionaries(
            {
                "kind": st.just("round"),
                "trainer": st.sampled_from(["a", "b"]),
                "iteration": st.integers(0, 2**53),
                "metrics": st.dictionaries(st.sampled_from(["train-auc", "eval-auc", "loss"]), VALUES),
            }
        ),
        st.fixed_dictionaries(
            {
                "kind": st.just("trial"),
                "number": st.integers(0, 9),
                "state": st.sampled_from(["done", "failed"]),
                "params": st.dictionaries(
                    st.sampled_from(["eta", "depth", "kind"]), st.one_of(VALUES, st.booleans(), st.text(max_size=3))
                ),
                "metrics": st.dictionaries(st.sampled_from(["auc", "loss"]), VALUES),
                "mode": st.sampled_from(["max", "min"]),
                "seconds": VALUES,
            }
        ),
        st.fixed_dictionaries(
            {
                "kind": st.just("importance"),
                "trainer": st.just("a"),
                "values": st.dictionaries(st.text(max_size=2), VALUES),
            }
        ),
    ),
    max_size=25,
)


@settings(deadline=None)
@given(EVENTS)
def test_no_numbers_break_a_drawing(events: list[dict[str, object]]) -> None:
    assert all(map(math.isfinite, places(page(report(progress=Progress.of(events))))))


@given(st.floats(-1e300, 1e300), st.floats(-1e300, 1e300))
def test_ticks_are_few_and_inside(one: float, other: float) -> None:
    low, high = padded([one, other])
    found = ticks(low, high)
    assert len(found) <= 6
    room = (high - low) * 1e-6
    assert all(low - room <= tick <= high + room for tick in found)


def test_numbers_are_told_as_people_write_them() -> None:
    told = [number(value) for value in (0.871544, 12.5, 1234567, -3, 0.0, 3.2e-7, 123456.7, 1e300, 99.999, 0.1)]
    assert told == ["0.8715", "12.5", "1,234,567", "-3", "0", "3.2e-07", "123,457", "1e+300", "100", "0.1"]
    assert [size(value) for value in (0, 1023, 1536, 5 << 20, 1023 << 20, 3 << 40)] == [
        "0 B", "1023 B", "1.5 KiB", "5 MiB", "1,023 MiB", "3 TiB",
    ]  # fmt: skip
    assert [duration(value) for value in (0, 0.25, 9.96, 59.4, 60, 200, 3600, 7500, 90_000)] == [
        "0 s", "0.2 s", "10 s", "59 s", "1 min", "3 min 20 s", "1 h", "2 h 5 min", "25 h",
    ]  # fmt: skip
    assert byte_ticks(2.2 * (1 << 30)) == [0, 1 << 30, 2 << 30]
    assert time_ticks(50) == [0, 10, 20, 30, 40, 50]
    assert len(time_ticks(30 * 86_400)) <= 7


def test_of_a_progress_bar_the_last_state_is_shown() -> None:
    assert log_line("  0%|  |\r 50%|█ |\r100%|██|") == "100%|██|"
    assert log_line("\x1b[1;31mred\x1b[0m and \x1b[2Jcleared\r") == "red and \x1b[2Jcleared"


def test_the_page_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    save(report(), path)
    first = path.read_text(encoding="utf-8")
    assert first == page(report())
    assert stat.S_IMODE(path.stat().st_mode) & 0o600 == 0o600
    with pytest.raises(TypeError):
        save(replace(report(), result=Result({1, 2})), path)
    assert path.read_text(encoding="utf-8") == first
    assert list(tmp_path.iterdir()) == [path]


def test_a_report_goes_to_a_file_of_the_jobs_name(tmp_path: Path) -> None:
    assert default_path("MLJOB_1", tmp_path) == tmp_path / "MLJOB_1.html"
    assert default_path('DB."S".MLJOB_1', tmp_path) == tmp_path / "DB.S.MLJOB_1.html"
    assert default_path("..", tmp_path).parent == tmp_path
