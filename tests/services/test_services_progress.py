"""Events put together: what belongs into one chart, which trial is best."""

from __future__ import annotations

from typing import Any

import pytest

from cleanroom_ml.services.progress import Curve, Progress, less_is_better, side_and_metric


def rounds(trainer: str = "xgboost", count: int = 3, **fields: Any) -> list[dict[str, Any]]:
    return [
        {"t": 1, "kind": "round", "trainer": trainer, "iteration": at, "total": count, "metrics": {"auc": at}, **fields}
        for at in range(count)
    ]


def trial(number: int, auc: float | None, **fields: Any) -> dict[str, Any]:
    reached = {"state": "failed", "metrics": {}} if auc is None else {"state": "done", "metrics": {"auc": auc}}
    return {"t": 1, "kind": "trial", "number": number, "total": 4, "params": {"x": number}, **reached, **fields}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("train-auc", ("train", "auc")),
        ("validation_0-mlogloss", ("validation_0", "mlogloss")),
        ("holdout-error@0.7", ("holdout", "error@0.7")),
        ("valid_1 binary_logloss", ("valid_1", "binary_logloss")),
        ("train_loss", ("train", "loss")),
        ("val/accuracy", ("val", "accuracy")),
        ("Training.rmse", ("Training", "rmse")),
        ("loss", ("", "loss")),
        ("trainable", ("", "trainable")),
        ("-", ("", "-")),
    ],
)
def test_the_side_is_taken_off_a_metrics_name(name: str, expected: tuple[str, str]) -> None:
    assert side_and_metric(name) == expected


def test_train_and_eval_of_one_metric_are_one_chart() -> None:
    found = Progress.of(rounds(metrics={"train-auc": 1, "eval-auc": 2, "train-logloss": 3}))
    assert [(chart.source, chart.metric, [curve.side for curve in chart.curves]) for chart in found.charts] == [
        ("xgboost", "auc", ["train", "eval"]),
        ("xgboost", "logloss", ["train"]),
    ]


def test_curves_of_trials_and_of_trainers_are_apart() -> None:
    found = Progress.of([*rounds(trial=1), *rounds(trial=2), *rounds("lightgbm")])
    first, second = found.charts
    assert [curve.trial for curve in first.curves] == [1, 2]
    assert second.curves == (Curve("", None, 1, ((0, 0), (1, 1), (2, 2))),)
    assert found.step is not None
    assert (found.step.source, found.step.iteration, found.step.total) == ("lightgbm", 2, 3)


def test_a_trainer_that_begins_again_is_in_another_run() -> None:
    (chart,) = Progress.of([*rounds(), *rounds(count=2)]).charts
    assert [(curve.run, len(curve.points)) for curve in chart.curves] == [(1, 3), (2, 2)]


def test_reports_without_a_round_are_counted_or_say_their_own() -> None:
    told = [{"t": 1, "kind": "metrics", "source": "rank 0", "metrics": {"loss": value}} for value in (5, 4)]
    told += [{"t": 1, "kind": "metrics", "source": "rank 1", "metrics": {"epoch": at, "loss": 1}} for at in (10, 20)]
    (chart,) = Progress.of(told).charts
    assert (chart.source, chart.metric) == ("reported", "loss")
    assert [(curve.side, curve.points) for curve in chart.curves] == [
        ("rank 0", ((1, 5), (2, 4))),
        ("rank 1", ((10, 1), (20, 1))),
    ]


@pytest.mark.parametrize(("mode", "best"), [("max", 3), ("min", 1)])
def test_the_best_trial_is_what_the_search_says(mode: str, best: int) -> None:
    events = [trial(2, 0.5), trial(1, 0.2), trial(4, None), trial(3, 0.9, metric="auc", mode=mode)]
    search = Progress.of(events).search
    assert search is not None
    assert search.best is not None
    assert search.best.number == best
    assert [each.number for each in search.trials] == [1, 2, 3, 4]
    assert [search.value(each) for each in search.trials] == [0.2, 0.5, 0.9, None]


def test_where_nobody_says_the_first_metric_counts_and_its_name_tells_the_way() -> None:
    events = [trial(1, None), *(trial(number, None) for number in (2, 3))]
    for number, loss in ((1, 5.0), (2, 3.0)):
        events[number] |= {"state": "done", "metrics": {"val_loss": loss, "auc": 1}}
    search = Progress.of(events).search
    assert search is not None
    assert (search.metric, search.mode) == ("val_loss", "min")
    assert search.best is not None
    assert search.best.number == 3
    assert [less_is_better(name) for name in ("rmse", "merror", "auc", "accuracy")] == [True, True, False, False]


def test_a_search_without_a_success_has_no_best() -> None:
    search = Progress.of([trial(1, None)]).search
    assert search is not None
    assert (search.best, search.metric, search.total) == (None, None, 4)


def test_what_was_left_out_and_the_latest_importance_are_told() -> None:
    found = Progress.of(
        [
            {"t": 1, "kind": "importance", "trainer": "a", "values": {"x": 1, "y": 9}},
            {"t": 2, "kind": "importance", "trainer": "a", "values": {"x": 2, "y": 2, "z": 3}},
            {"t": 3, "kind": "dropped", "count": 7},
        ]
    )
    assert found.importances == (("a", (("z", 3), ("x", 2), ("y", 2))),)
    assert found.dropped == 7


def test_no_events_are_no_progress() -> None:
    assert Progress.of([]) == Progress()
