"""What a training tells: lines for people, events for the report, no more of either than is good."""

from __future__ import annotations

from runtime_boost_data import numeric  # isort: skip - before the libraries

import json

import pytest

from cleanroom_ml.runtime import events
from cleanroom_ml.runtime.distributors.lightgbm_estimator import LightGBMEstimator
from cleanroom_ml.runtime.distributors.progress import Progress, importance
from cleanroom_ml.runtime.distributors.scaling import XGBScalingConfig
from cleanroom_ml.runtime.distributors.xgboost_estimator import XGBEstimator


@pytest.fixture
def told(tmp_path, monkeypatch, capsys):
    """The events and the round lines of what a function does."""
    file = tmp_path / "events.jsonl"
    monkeypatch.setenv(events.FILE_VARIABLE, str(file))

    def told(act):
        file.unlink(missing_ok=True)
        act()
        lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith("[")]
        return [json.loads(line) for line in file.read_text().splitlines()], lines

    return told


def of_kind(events, kind):
    return [event for event in events if event["kind"] == kind]


@pytest.mark.parametrize(
    ("verbose_eval", "shown"),
    [(True, range(7)), (3, [0, 3, 6]), (5, [0, 5, 6]), (False, []), (0, []), (None, range(7)), (100, [0, 6])],
)
def test_lines_by_verbose_eval(told, verbose_eval, shown):
    estimator = XGBEstimator(7, "binary:logistic", {"eval_metric": "auc"})
    _, lines = told(lambda: estimator.fit(numeric(), label_col="Y", eval_set=numeric(1), verbose_eval=verbose_eval))
    auc = estimator.evals_result_["eval"]["auc"]
    assert lines == [f"[{number}]\teval-auc:{auc[number]:.5f}" for number in shown]


def test_events_of_xgboost(told):
    estimator = XGBEstimator(3, "binary:logistic", {"eval_metric": ["auc", "logloss"]})
    got, _ = told(lambda: estimator.fit(numeric(), label_col="Y", eval_set=numeric(1)))
    rounds = of_kind(got, "round")
    assert [(event["trainer"], event["iteration"], event["total"]) for event in rounds] == [
        ("XGBEstimator", number, 3) for number in range(3)
    ]
    assert rounds[-1]["metrics"]["eval-auc"] == estimator.evals_result_["eval"]["auc"][-1]
    assert [event["name"] for event in of_kind(got, "stage")] == ["bin", "train"]
    (gains,) = of_kind(got, "importance")
    assert set(gains["values"]) <= {"A", "B", "C", "INTEGER", "FLAG", "SINGLE", "W"}
    assert max(gains["values"], key=gains["values"].get) == "A"


@pytest.mark.runtime
def test_events_and_lines_of_lightgbm(told):
    estimator = LightGBMEstimator(3, "binary", {"metric": "auc", "verbosity": -1})
    got, lines = told(lambda: estimator.fit(numeric(), label_col="Y", eval_set=numeric(1)))
    auc = estimator.evals_result_["eval"]["auc"]
    assert lines == [f"[{number}]\teval's auc: {auc[number]:g}" for number in range(3)]
    assert [event["metrics"] for event in of_kind(got, "round")] == [{"eval-auc": value} for value in auc]
    assert of_kind(got, "importance")[0]["values"]["A"] > 0


def test_without_an_evaluation_set_the_rounds_are_counted(told):
    got, lines = told(lambda: XGBEstimator(30).fit(numeric(), label_col="Y"))
    assert [line.split("\t")[0] for line in lines] == [f"[{number}]" for number in (*range(0, 30, 3), 29)]
    assert "\tof 30 rounds  (" in lines[0]
    assert of_kind(got, "round")[0]["metrics"] == {}


def test_a_training_that_stops_early_tells_its_last_round(told):
    params = {"eta": 1.0, "early_stopping_rounds": 2}
    estimator = XGBEstimator(400, "binary:logistic", params)
    got, lines = told(lambda: estimator.fit(numeric(), label_col="Y", eval_set=numeric(1)))
    last = estimator.get_booster().num_boosted_rounds() - 1
    assert of_kind(got, "round")[-1]["iteration"] == last < 399
    assert lines[-1].startswith(f"[{last}]")


def test_the_first_of_two_workers_tells(told):
    estimator = XGBEstimator(3, "binary:logistic", scaling_config=XGBScalingConfig(num_workers=2))
    got, _ = told(lambda: estimator.fit(numeric(), label_col="Y", eval_set=numeric(1)))
    assert [event["iteration"] for event in of_kind(got, "round")] == [0, 1, 2]
    assert len(of_kind(got, "importance")) == 1


def test_ten_thousand_rounds_are_no_ten_thousand_events(told):
    def act():
        progress = Progress("T", 10_000, None)
        for number in range(10_000):
            progress.round(number, "x", {"m": float(number)})
        progress.end()

    got, lines = told(act)
    assert (len(got), len(lines)) == (501, 11)
    assert (got[-1]["iteration"], lines[-1]) == (9999, "[9999]\tx")


def test_an_importance_of_many_features_with_long_names_is_read(told):
    gains = {f"{'x' * 300}{number}": float(number) for number in range(5000)}
    got, _ = told(lambda: importance("T", gains))
    assert len(json.dumps(got[0])) < events.MAX_LINE_BYTES
