from __future__ import annotations

import json
import os
import pickle
import signal
import sys

import numpy as np
import pandas as pd
import pytest
from runtime_tune_functions import parabola
from runtime_tune_searches import grid, search

from cleanroom_ml.runtime import tune
from cleanroom_ml.runtime.tune import get_tuner_context

pytestmark = pytest.mark.usefixtures("scratch")


# ---- results ----


def test_results_have_a_row_a_trial():
    found = search(parabola, {"x": tune.uniform(0, 1), "seed": 3}, search_alg=tune.RandomSearch(1), num_trials=6)
    assert list(found.results.columns) == [
        "score",
        "x2",
        "pid",
        "time_total_s",
        "trial_id",
        "failure",
        "config/x",
        "config/seed",
    ]
    assert len(found.results) == 6
    assert list(found.results["score"]) == [-((x - 0.3) ** 2) for x in found.results["config/x"]]
    assert found.results["pid"].nunique() == 1
    assert found.results["pid"][0] != os.getpid()
    best = found.results["score"].idxmax()
    assert isinstance(found.best_result, pd.DataFrame)
    assert found.best_result.shape == (1, 8)
    # As the published guides read it: by label, by position, as a number, as a dictionary.
    assert found.best_result["score"][0] == found.best_result["score"].iloc[0] == found.results["score"][best]
    assert found.best_model == {"x": found.results["config/x"][best]}
    assert dict(found.best_result)["config/seed"][0] == 3


def test_the_smallest_is_best_with_mode_min():
    found = grid(
        lambda: get_tuner_context().report({"loss": get_tuner_context().get_hyper_params()["k"]}),
        [5, 2, 9],
        metric="loss",
        mode="min",
    )
    assert found.best_result["config/k"][0] == 2
    assert found.best_model is None


def test_the_first_of_equals_wins():
    def same():
        get_tuner_context().report({"score": 1}, model=get_tuner_context().get_hyper_params()["k"])

    assert grid(same, "abc").best_model == "a"


def test_metrics_come_back_as_plain_values():
    def train():
        scores = {"score": np.float32(0.5), "folds": [0.4, 0.6], "matrix": np.eye(2), "name": "x"}
        get_tuner_context().report(metrics=scores)

    row = grid(train, [1, 2]).results.iloc[1]
    assert type(row["score"]) in (float, np.float64)
    assert row["folds"] == [0.4, 0.6]
    assert row["name"] == "x"
    assert (row["matrix"] == np.eye(2)).all()


def test_a_metric_may_have_the_name_of_one_of_our_columns():
    found = grid(lambda: get_tuner_context().report({"failure": 0.5}), [1], metric="failure")
    assert found.best_result["failure"][0] == 0.5


def test_values_of_parameters_may_be_anything():
    def train():
        value = get_tuner_context().get_hyper_params()["k"]
        get_tuner_context().report({"score": 0.0 if value is None else len(value)})

    found = grid(train, [None, (1, 2), "x"])
    assert found.results["config/k"].tolist() == [None, (1, 2), "x"]
    assert found.best_result["config/k"][0] == (1, 2)


def test_of_several_reports_the_last_counts():
    def train():
        context = get_tuner_context()
        for step in range(3):
            context.report({"score": 10 - step, "step": step}, model=f"model {step}" if step < 2 else None)

    found = grid(train, [1])
    assert found.best_result[["score", "step"]].to_numpy().tolist() == [[8, 2]]
    assert found.best_model == "model 1"


# ---- models ----


def test_only_the_best_model_is_kept_and_goes_with_the_results(scratch):
    def train():
        k = get_tuner_context().get_hyper_params()["k"]
        get_tuner_context().report({"score": k % 5}, model=bytes([k]) * 1000)

    found = grid(train, range(10), max_concurrent_trials=2)
    (directory,) = scratch.iterdir()
    assert [file.name for file in directory.iterdir()] == ["model-00004.pkl"]
    again = pickle.loads(pickle.dumps(found))
    assert found.best_model == again.best_model == b"\x04" * 1000
    assert again.results.equals(found.results)
    del found
    assert not list(scratch.iterdir())


def test_a_model_of_a_class_that_the_script_defines_is_of_that_class():
    class Model:
        def __init__(self, k):
            self.k = k

    def train():
        k = get_tuner_context().get_hyper_params()["k"]
        get_tuner_context().report({"score": k}, model=Model(k))

    best = grid(train, [1, 2]).best_model
    assert type(best) is Model
    assert best.k == 2


def test_a_model_that_cannot_be_kept_fails_its_trial():
    def train():
        import threading

        get_tuner_context().report({"score": 1}, model=threading.Lock())

    with pytest.raises(tune.TunerError, match="the reported model, a lock, cannot be kept"):
        grid(train, [1])


# ---- failures ----


def test_failed_trials_are_recorded_and_the_search_goes_on(capsys):
    def train():
        k = get_tuner_context().get_hyper_params()["k"]
        if k == 1:
            os._exit(7)
        if k == 2:
            os.kill(os.getpid(), signal.SIGSEGV)
        if k == 3:
            raise KeyError("no such\ncolumn")
        if k == 4:
            sys.exit("enough")
        if k == 5:
            os.kill(os.getpid(), signal.SIGKILL)
        if k == 6:
            return
        if k == 7:
            get_tuner_context().report({"other": 1})
        elif k == 8:
            get_tuner_context().report({"score": [1]})
        else:
            get_tuner_context().report({"score": k}, model=k)

    found = grid(train, range(10))
    failures = found.results["failure"].tolist()
    assert failures[0] is None
    assert failures[9] is None
    for reason, part in zip(
        failures[1:9],
        [
            "exit code 7",
            "signal 11 (SIGSEGV)",
            "KeyError: 'no such\\ncolumn'",
            "train_func ended with sys.exit('enough')",
            "signal 9 (SIGKILL); SIGKILL from outside is usually the memory limit",
            "returned without a report",
            "did not report 'score', the metric of TunerConfig, but 'other'",
            "the metric 'score' is no number but a list",
        ],
        strict=True,
    ):
        assert part in reason
        assert "\n" not in reason
    assert found.best_model == 9
    assert found.results["score"].isna().tolist() == [False, *[True] * 8, False]
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("trial 1/10  score 0  (0.0 s)  best 0")
    assert lines[1].startswith("trial 2/10  failed: its process ended with exit code 7")
    assert lines[-1].startswith("10 trials in ")
    assert ", 8 failed; best: trial 10  score 9  (k=9)" in lines[-1]
    assert sum("Traceback" in line for line in lines) == 1


def test_where_all_trials_failed_the_error_has_the_first_traceback():
    def train():
        raise ZeroDivisionError(f"trial of {get_tuner_context().get_hyper_params()['k']}")

    with pytest.raises(tune.TunerError) as failed:
        grid(train, [1, 2, 3])
    text = str(failed.value)
    assert text.startswith("all 3 trials failed; the first: ZeroDivisionError: trial of 1\n\nTraceback")
    assert "in train" in text
    assert "trial.py" not in text


def test_out_of_memory_is_the_trials_own_trouble():
    def train():
        import resource

        k = get_tuner_context().get_hyper_params()["k"]
        if k == 1:
            resource.setrlimit(resource.RLIMIT_AS, (1 << 30, resource.RLIM_INFINITY))
            bytearray(4 << 30)
        get_tuner_context().report({"score": k})

    assert grid(train, [1, 2]).results["failure"].tolist() == ["MemoryError", None]


def test_a_metric_that_is_no_number_counts_as_the_worst(capsys):
    def train():
        k = get_tuner_context().get_hyper_params()["k"]
        get_tuner_context().report({"loss": [float("nan"), 4.0, float("-inf"), 3.0][k]}, model=k)

    found = grid(train, range(4), metric="loss", mode="min")
    assert found.best_model == 3
    assert found.results["failure"].isna().all()
    assert capsys.readouterr().out.count("not a finite number: counts as the worst") == 2


def test_a_function_that_cannot_be_pickled_is_refused():
    lock = __import__("threading").Lock()

    def train():
        lock.acquire()

    with pytest.raises(TypeError, match=r"train_func cannot be sent to the processes .* make connections"):
        grid(train, [1])


# ---- what it says ----


def test_every_trial_is_an_event(tmp_path, monkeypatch):
    monkeypatch.setenv("CLEANROOM_ML_EVENTS", str(tmp_path / "events"))

    def train():
        k = get_tuner_context().get_hyper_params()["k"]
        if k == 1:
            raise ValueError("x" * 1000)
        get_tuner_context().report({"score": k / 4, "folds": [1, 2], "early": True})

    grid(train, [0, 1])
    first, second = map(json.loads, (tmp_path / "events").read_text().splitlines())
    assert {name: first[name] for name in ("kind", "number", "total", "state", "params", "metrics")} == {
        "kind": "trial",
        "number": 1,
        "total": 2,
        "state": "done",
        "params": {"k": 0},
        "metrics": {"score": 0.0},
    }
    assert second["state"] == "failed"
    assert second["error"].startswith("ValueError: xxx")
    assert len(second["error"]) == 300


def test_there_is_no_context_outside_of_a_trial():
    with pytest.raises(RuntimeError, match="found no trial"):
        get_tuner_context()


def test_a_report_that_is_no_dictionary_is_refused():
    with pytest.raises(tune.TunerError, match=r"report\(metrics=…\) takes a dictionary"):
        grid(lambda: get_tuner_context().report(0.5), [1])


@pytest.mark.parametrize(
    ("config", "error", "says"),
    [
        ({"metric": ""}, ValueError, "metric must be the name"),
        ({"mode": "best"}, ValueError, "mode must be 'max' or 'min', not 'best'"),
        ({"num_trials": 0}, ValueError, "num_trials must be a whole number of at least 1"),
        ({"max_concurrent_trials": -1}, ValueError, "max_concurrent_trials must be"),
        ({"search_alg": "random"}, TypeError, "search_alg must be"),
        ({"resource_per_trial": {"TPU": 1}}, ValueError, "'TPU' is no resource"),
        ({"resource_per_trial": {"CPU": -1}}, ValueError, "not negative"),
    ],
)
def test_wrong_settings_are_refused(config, error, says):
    with pytest.raises(error, match=says):
        tune.TunerConfig(**{"metric": "score", "mode": "max", **config})


def test_a_distributed_trainer_in_a_trial_needs_one_cpu_as_in_the_runtime():
    assert tune.TunerConfig("score", "max", uses_snowflake_trainer=True).resource_per_trial == {"CPU": 1}


def test_a_tuner_checks_what_it_is_given_before_anything_runs():
    config = tune.TunerConfig("score", "max")
    with pytest.raises(TypeError, match="train_func must be a function"):
        tune.Tuner("train", {"x": [1]}, config)
    with pytest.raises(TypeError, match="tuner_config must be a TunerConfig"):
        tune.Tuner(parabola, {"x": [1]}, {"metric": "score"})
    with pytest.raises(ValueError, match="all sampling functions to be of type 'Uniform'"):
        tune.Tuner(parabola, {"x": tune.randint(1, 3)}, tune.TunerConfig("score", "max", tune.BayesOpt()))
