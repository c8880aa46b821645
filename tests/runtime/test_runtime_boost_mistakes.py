"""What a script may get wrong is said before a training starts: what, why, and what helps."""

from __future__ import annotations

from runtime_boost_data import numeric, with_texts  # isort: skip - before the libraries

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from cleanroom_ml.runtime import gpus
from cleanroom_ml.runtime.distributors.lightgbm_estimator import LightGBMEstimator, LightGBMScalingConfig
from cleanroom_ml.runtime.distributors.names import ColumnError
from cleanroom_ml.runtime.distributors.scaling import NoGpuError, XGBScalingConfig, spread
from cleanroom_ml.runtime.distributors.xgboost_estimator import XGBEstimator

pytestmark = pytest.mark.runtime

BOTH = pytest.mark.parametrize("kind", [XGBEstimator, LightGBMEstimator])


def changed(name, values):
    table = numeric(rows=50)
    return table.set_column(table.column_names.index(name), name, pa.array(values))


@BOTH
@pytest.mark.parametrize(
    ("arguments", "error", "says"),
    [
        ({"label_col": "LABEL"}, ColumnError, "label_col: the data has no column LABEL. It has A, B, C"),
        ({"label_col": "y"}, None, ""),
        ({"input_cols": ["A", "INTEGR"]}, ColumnError, "no column INTEGR. Did you mean INTEGER"),
        ({"input_cols": []}, ColumnError, "there is no feature"),
        ({"input_cols": ["A", "Y"]}, ColumnError, "the label Y is among the input_cols"),
        ({"input_cols": ["A", "A"]}, ColumnError, "names A more than once"),
        ({"input_cols": [3]}, ColumnError, "input_cols is 3"),
        ({"label_col": None}, ColumnError, "label_col is missing"),
        ({"weight_col": "WEIGHT"}, ColumnError, "weight_col: the data has no column WEIGHT"),
        ({"dataset": numeric().slice(0, 0)}, ColumnError, "the data is empty"),
        ({"dataset": 17}, TypeError, "a builtins.int is no dataset; give a DataConnector"),
        ({"dataset": np.zeros((3, 3))}, TypeError, "is no dataset"),
        ({"eval_set": numeric().slice(0, 0)}, ColumnError, "the evaluation set eval is empty"),
        ({"eval_set": numeric().select(["A", "Y"])}, ColumnError, "the evaluation set eval: the data has no column B"),
        ({"eval_set": [(numeric(), "x"), (numeric(), "x")]}, ValueError, "two evaluation sets have the same name: x"),
        ({"label_col": "TOWN", "dataset": with_texts()}, ColumnError, "TOWN is a string, not a number: .*DENSE_RANK"),
        ({"dataset": changed("Y", [None, *[1] * 49])}, ColumnError, "the label Y is NULL in 1 of 50 rows"),
        ({"dataset": changed("Y", [np.nan, *[1.0] * 49])}, ColumnError, "the label Y is NaN in 1 of 50 rows"),
        ({"dataset": changed("A", [pd.Timestamp("2026-01-01")] * 50)}, ColumnError, "A is a timestamp.*DATEDIFF"),
        ({"dataset": changed("A", [b"x"] * 50)}, ColumnError, "A is a binary, which is no feature"),
        ({"eval_set": changed("A", ["x"] * 50)}, ColumnError, "A is a string here, and was a number in training"),
    ],
)
def test_data(kind, arguments, error, says):
    estimator = kind(2, params={"verbosity": 0})
    call = {"dataset": numeric(rows=50), "label_col": "Y", "verbose_eval": False, **arguments}
    if error is None:
        estimator.fit(**call)
        return
    with pytest.raises(error, match=says):
        estimator.fit(**call)


@BOTH
def test_predicting_names_the_column_that_is_missing(kind):
    estimator = kind(2, params={"verbosity": 0})
    estimator.fit(numeric(rows=50), label_col="Y", verbose_eval=False)
    with pytest.raises(ColumnError, match="the data to predict: the data has no column C"):
        estimator.predict(numeric().drop(["C"]))


@BOTH
def test_more_workers_than_rows(kind):
    scaling = (XGBScalingConfig if kind is XGBEstimator else LightGBMScalingConfig)(num_workers=9)
    with pytest.raises(ColumnError, match="has 8 rows and 9 workers were asked for"):
        kind(scaling_config=scaling).fit(numeric(rows=8), label_col="Y")


@pytest.mark.parametrize("rounds", [0, -1, None, "many", True])
def test_rounds(rounds):
    with pytest.raises(ValueError, match=r"n_estimators is .*at least 1"):
        XGBEstimator(rounds).fit(numeric(rows=50), label_col="Y")


class TestSpread:
    @pytest.mark.parametrize("value", [0, -2, 1.5, "2", True])
    @pytest.mark.parametrize("name", ["num_workers", "num_cpu_per_worker"])
    def test_numbers_that_make_no_sense(self, name, value):
        with pytest.raises(ValueError, match=f"{name} is .*at least 1, or -1"):
            spread(XGBScalingConfig(**{name: value}), nodes=1, cpus=4, built_for_gpu=False)

    @pytest.mark.parametrize(
        ("config", "nodes", "cpus", "workers", "threads"),
        [
            (None, 1, 4, 1, None),
            (XGBScalingConfig(num_cpu_per_worker=3), 1, 4, 1, 3),
            (XGBScalingConfig(num_workers=1), 2, 4, 1, None),
            (XGBScalingConfig(2), 1, 4, 2, 2),
            (XGBScalingConfig(2, 1), 1, 4, 2, 1),
            (XGBScalingConfig(2, 9), 1, 4, 2, 2),
            (XGBScalingConfig(8), 1, 4, 8, 1),
            (None, 4, 2, 4, 1),
            (XGBScalingConfig(), 2, 8, 2, 4),
        ],
    )
    def test_workers_and_threads(self, config, nodes, cpus, workers, threads):
        got = spread(config, nodes=nodes, cpus=cpus, built_for_gpu=False)
        assert (got.workers, got.threads, got.in_process) == (workers, threads, workers == 1)

    def test_a_gpu_where_there_is_none(self, monkeypatch):
        monkeypatch.delenv(gpus.VARIABLE, raising=False)
        with pytest.raises(NoGpuError, match=r"this job has no GPU.*INSTANCE_FAMILY = GPU_NV_S"):
            spread(XGBScalingConfig(use_gpu=True), nodes=1, cpus=4, built_for_gpu=True)
        with pytest.raises(NoGpuError, match="this job has no GPU"):
            LightGBMEstimator(scaling_config=LightGBMScalingConfig(use_gpu=True)).fit(numeric(), label_col="Y")

    def test_a_gpu_where_there_are_two(self, monkeypatch):
        monkeypatch.setenv(gpus.VARIABLE, "0,1")
        with pytest.raises(NoGpuError, match="built for CPUs only"):
            spread(XGBScalingConfig(use_gpu=True), nodes=1, cpus=4, built_for_gpu=False)
        assert spread(None, nodes=1, cpus=4, built_for_gpu=False).gpu is False
        assert spread(XGBScalingConfig(use_gpu=False), nodes=1, cpus=4, built_for_gpu=True).gpu is False
        got = spread(None, nodes=1, cpus=4, built_for_gpu=True)
        assert (got.gpu, got.workers) == (True, 2)
