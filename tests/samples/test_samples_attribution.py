"""attribution: three parties, two of which have to agree before the third may run; each publisher gets its report."""

from __future__ import annotations

import json

import pytest

pytestmark = [pytest.mark.sandbox, pytest.mark.slow]

METHODS = ("first_touch", "last_touch", "position_based", "time_decay", "markov", "shapley")


def test_nothing_runs_before_both_publishers_agree_and_then_every_order_is_given_away_once(start_sample):
    run = start_sample("attribution")
    run.meet()
    run.submit()
    run.runner.quickly("pool", "create")
    run.approve("streaming")
    refused = run.runner.quickly("run", "attribute", code=10)
    assert "portal has not decided" in refused.err
    run.approve("portal")

    report, log = run.run("attribute")
    rows = run.activate()
    run.check_results({"attribute": report}, rows)
    channels = report["channels"]
    for method in METHODS:
        given = sum(channels[name][method] for name in channels)
        assert given == pytest.approx(report["orders"], abs=0.05), method
    assert "@" not in log

    # Retargeting causes nothing here (truth.json), and stands late in the journeys of those who buy anyway.
    truth = json.loads((run.root / "truth.json").read_text())["caused"]
    assert truth["display"] == 0
    assert channels["display"]["last_touch"] > channels["display"]["first_touch"]
    assert channels["display"]["shapley"] < channels["display"]["last_touch"]

    assert sorted(row["CHANNEL"] for row in rows) == ["display", "video"]
    run.runner.quickly("activate", "--to", "portal", "--segment", "report_portal", "--arg", "publisher=portal", "--yes")
    assert sorted(row["CHANNEL"] for row in run.received("portal", "report_portal")) == ["search", "social"]
