"""Several workers on one node: one model, the same for all and every time, and a death that says whose it was."""

from __future__ import annotations

from runtime_boost_data import DiesInRound, numeric, with_texts  # isort: skip - before the libraries

import re

import lightgbm as lgb
import numpy as np
import pytest
import xgboost as xgb
from sklearn.metrics import roc_auc_score

from cleanroom_ml.runtime.distributors import lightgbm_training
from cleanroom_ml.runtime.distributors.lightgbm_estimator import LightGBMEstimator, LightGBMScalingConfig
from cleanroom_ml.runtime.distributors.scaling import XGBScalingConfig
from cleanroom_ml.runtime.distributors.xgboost_estimator import XGBEstimator
from cleanroom_ml.runtime.workers import WorkerFailed

pytestmark = pytest.mark.slow

XGB = {"max_depth": 4, "eval_metric": ["auc", "logloss"], "subsample": 0.8, "seed": 3}
LGB = {"num_leaves": 15, "metric": "auc", "verbosity": -1, "seed": 3}


def xgboost(**changes):
    return XGBEstimator(20, "binary:logistic", {**XGB, **changes}, XGBScalingConfig(num_workers=2))


def lightgbm(**changes):
    return LightGBMEstimator(20, "binary", {**LGB, **changes}, LightGBMScalingConfig(num_workers=2))


def test_two_workers_of_xgboost():
    table, held_out = with_texts(), with_texts(1)
    estimator = xgboost()
    first = estimator.fit(table, label_col="Y", eval_set=[(table, "train"), held_out], verbose_eval=False)
    one = XGBEstimator(20, "binary:logistic", XGB)
    one.fit(table, label_col="Y", eval_set=held_out, verbose_eval=False)
    assert type(first) is xgb.Booster
    auc = roc_auc_score(held_out["Y"], estimator.predict(held_out))
    assert auc == pytest.approx(roc_auc_score(held_out["Y"], one.predict(held_out)), abs=0.01)
    # XGBoost adds up the workers' metrics; those that are sums come out as of all rows.
    assert estimator.evals_result_["eval"]["logloss"][-1] == pytest.approx(
        one.evals_result_["eval"]["logloss"][-1], abs=0.01
    )
    assert list(estimator.evals_result_) == ["train", "eval"]
    again = xgboost().fit(table, label_col="Y", eval_set=[(table, "train"), held_out], verbose_eval=False)
    assert bytes(again.save_raw("ubj")) == bytes(first.save_raw("ubj"))


def test_two_workers_of_lightgbm():
    """With a category: workers that bin before they are connected have bins of their own, and lose 0.04 of the AUC."""
    table, held_out = with_texts(), with_texts(1)
    estimator = lightgbm(early_stopping_rounds=50)
    first = estimator.fit(table, label_col="Y", eval_set=held_out, verbose_eval=False)
    one = LightGBMEstimator(20, "binary", LGB)
    one.fit(table, label_col="Y", verbose_eval=False)
    assert type(first) is lgb.Booster
    auc = roc_auc_score(held_out["Y"], estimator.predict(held_out))
    assert auc == pytest.approx(roc_auc_score(held_out["Y"], one.predict(held_out)), abs=0.003)
    assert max(estimator.evals_result_["eval"]["auc"]) == pytest.approx(auc)
    again = lightgbm(early_stopping_rounds=50).fit(table, label_col="Y", eval_set=held_out, verbose_eval=False)
    # Not even the workers' ports are in it.
    assert again.model_to_string() == first.model_to_string()
    assert "[machines: ]" in first.model_to_string()


@pytest.mark.slow
def test_all_workers_of_lightgbm_have_the_same_model(monkeypatch):
    """The control is the order: binned first, as it would be natural to do, each worker has a model of its own."""
    models = {}
    run_workers = lightgbm_training.workers.run_workers

    for name, function in (("as we do", same_order), ("binned first", binned_first)):

        def every(_, tasks, function=function, **options):
            models[name] = run_workers(function, tasks, **options)  # noqa: B023 - called within the round
            raise StopIteration

        monkeypatch.setattr(lightgbm_training.workers, "run_workers", every)
        with pytest.raises(StopIteration):
            lightgbm().fit(with_texts(), label_col="Y", verbose_eval=False)
    assert models["as we do"][0] == models["as we do"][1]
    assert models["binned first"][0] != models["binned first"][1]


def same_order(placement, task):
    return trees(lightgbm_training._train(task, rank=placement.rank).booster)


def binned_first(placement, task):
    params = task.settings.params
    data = lightgbm_training.dataset(task.rows, task.way, params).construct()
    return trees(lgb.train(dict(params), data, task.settings.rounds))


def trees(booster):
    return re.split(r"^parameters:", booster.model_to_string(), flags=re.MULTILINE)[0]


def test_a_worker_that_dies_is_named():
    estimator = xgboost().set_params(callbacks=[DiesInRound(rank=1, iteration=2)])
    with pytest.raises(WorkerFailed, match=r"worker 1 failed: .*signal 9"):
        estimator.fit(numeric(), label_col="Y", verbose_eval=False)


def test_what_a_worker_raises_arrives():
    with pytest.raises(WorkerFailed, match="num_class"):
        xgboost(objective="multi:softmax").fit(numeric(), label_col="Y", verbose_eval=False)


def test_each_row_is_with_one_worker():
    """Of few distinct values there are the same bins wherever the rows are, so sums over all rows decide alike."""
    features, params = ["INTEGER", "FLAG"], {"max_depth": 4, "seed": 3}
    estimator = XGBEstimator(5, "binary:logistic", params, XGBScalingConfig(num_workers=2))
    estimator.fit(numeric(), features, "Y", weight_col="W", verbose_eval=False)
    one = XGBEstimator(5, "binary:logistic", params)
    one.fit(numeric(), features, "Y", weight_col="W", verbose_eval=False)
    assert np.allclose(estimator.predict(numeric()), one.predict(numeric()), atol=1e-5)
    assert np.ptp(one.predict(numeric())) > 0.01
