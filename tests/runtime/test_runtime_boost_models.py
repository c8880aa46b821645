"""One node, one worker: the trainers give the model that the bare library gives, whatever the data comes as."""

from __future__ import annotations

from runtime_boost_data import numeric, with_texts  # isort: skip - before the libraries

import lightgbm as lgb
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import xgboost as xgb
from sklearn.base import clone
from sklearn.metrics import roc_auc_score

from cleanroom_ml.runtime.data.ingestor import JobIngestor
from cleanroom_ml.runtime.data.tables import table_of
from cleanroom_ml.runtime.distributors.lightgbm_estimator import LightGBMEstimator, LightGBMScalingConfig
from cleanroom_ml.runtime.distributors.scaling import XGBScalingConfig
from cleanroom_ml.runtime.distributors.xgboost_distributor import XGBoostDistributor
from cleanroom_ml.runtime.distributors.xgboost_estimator import XGBEstimator

FEATURES = ["A", "B", "C", "INTEGER", "FLAG", "SINGLE"]
XGB = {"max_depth": 4, "eta": 0.3}
LGB = {"num_leaves": 15, "learning_rate": 0.2, "verbosity": -1}


def raw(booster):
    return bytes(booster.save_raw("ubj"))


def fit(estimator, data, **changes):
    return estimator.fit(data, **{"input_cols": FEATURES, "label_col": "Y", "verbose_eval": False, **changes})


def xgb_bare(params=(), *, rounds=8, matrix=xgb.DMatrix, **arguments):
    table = numeric()
    data = matrix(table.select(FEATURES), label=table["Y"].to_numpy(), **arguments)
    return xgb.train({"objective": "binary:logistic", **XGB, **dict(params)}, data, rounds)


def lgb_bare(params=(), *, rounds=8, **arguments):
    table = numeric()
    data = lgb.Dataset(table.select(FEATURES), label=table["Y"].to_numpy(), **arguments)
    return lgb.train({**LGB, "objective": "binary", **dict(params)}, data, rounds)


@pytest.mark.parametrize("matrix", [xgb.DMatrix, xgb.QuantileDMatrix])
def test_xgboost_gives_the_librarys_own_model(matrix):
    booster = fit(XGBEstimator(8, "binary:logistic", XGB), numeric())
    assert raw(booster) == raw(xgb_bare(matrix=matrix))


def test_lightgbm_gives_the_librarys_own_model():
    booster = fit(LightGBMEstimator(8, "binary", LGB), numeric())
    assert booster.model_to_string() == lgb_bare().model_to_string()


@pytest.mark.parametrize(
    "params", [{"tree_method": "exact"}, {"tree_method": "approx"}, {"booster": "gblinear", "updater": "coord_descent"}]
)
def test_parameters_that_need_another_matrix(params):
    table = numeric().select(["A", "SINGLE", "Y"])
    booster = XGBEstimator(5, "binary:logistic", params).fit(table, label_col="Y", verbose_eval=False)
    data = xgb.DMatrix(table.drop(["Y"]), label=table["Y"].to_numpy())
    assert raw(booster) == raw(xgb.train({"objective": "binary:logistic", **params}, data, 5))


def ingestor(table):
    """What a DataConnector has inside (tests/jobs/test_jobs_boost.py has the connector itself)."""
    return JobIngestor(table_of(table), [])


@pytest.mark.parametrize(
    "form", [pa.Table.to_pandas, ingestor, table_of, lambda table: table], ids=["pandas", "ingestor", "remote", "arrow"]
)
def test_whatever_the_rows_are_in_the_model_is_the_same(form):
    table = numeric().select(["A", "B", "SINGLE", "Y"])
    bare = xgb.train(XGB, xgb.DMatrix(table.drop(["Y"]), label=table["Y"].to_numpy()), 4)
    estimator = XGBEstimator(4, params=XGB)
    booster = estimator.fit(form(table), label_col="Y", verbose_eval=False)
    assert np.array_equal(booster.predict(xgb.DMatrix(table.drop(["Y"]))), bare.predict(xgb.DMatrix(table.drop(["Y"]))))
    assert np.array_equal(estimator.predict(form(table)), bare.predict(xgb.DMatrix(table.drop(["Y"]))))


def test_weights():
    weight = numeric()["W"].to_numpy()
    estimator = XGBEstimator(8, "binary:logistic", XGB)
    assert raw(fit(estimator, numeric(), weight_col="W")) == raw(xgb_bare(weight=weight))
    assert raw(fit(estimator, numeric())) == raw(xgb_bare())
    booster = fit(LightGBMEstimator(8, "binary", LGB), numeric(), weight_col="W")
    assert booster.model_to_string() == lgb_bare(weight=weight).model_to_string()


def test_without_input_cols_all_but_label_and_weight_are_features():
    estimator = XGBEstimator(2)
    estimator.fit(numeric(), label_col="Y", weight_col="W", verbose_eval=False)
    assert list(estimator.feature_names_in_) == FEATURES


def test_params_win_over_arguments_and_nothing_of_the_callers_is_changed():
    params = {**XGB, "n_estimators": 3, "objective": "binary:logistic", "early_stopping_rounds": 2}
    before = dict(params)
    booster = fit(XGBEstimator(50, "reg:squarederror", params), numeric(), eval_set=numeric(1))
    assert (booster.num_boosted_rounds(), params) == (3, before)
    assert '"binary:logistic"' in booster.save_config()
    booster = fit(LightGBMEstimator(50, "regression", {**LGB, "num_trees": 3, "app": "binary"}), numeric())
    assert (booster.num_trees(), booster.params["objective"]) == (3, "binary")


def test_early_stopping_and_the_best_round():
    estimator = XGBEstimator(
        300, "binary:logistic", {**XGB, "eta": 1.0, "eval_metric": "logloss", "early_stopping_rounds": 3}
    )
    booster = fit(estimator, numeric(), eval_set=numeric(1))
    assert booster.num_boosted_rounds() == booster.best_iteration + 4 < 300
    data = xgb.DMatrix(numeric(2).select(FEATURES))
    best = booster.predict(data, iteration_range=(0, booster.best_iteration + 1))
    assert np.array_equal(estimator.predict(numeric(2)), best)
    assert len(estimator.evals_result_["eval"]["logloss"]) == booster.num_boosted_rounds()

    estimator = LightGBMEstimator(300, "binary", {**LGB, "learning_rate": 1.0, "early_stopping_rounds": 3})
    booster = fit(estimator, numeric(), eval_set=[(numeric(1), "held out")])
    assert 0 < booster.best_iteration < 300
    assert list(estimator.evals_result_) == ["held out"]
    assert np.array_equal(estimator.predict(numeric(2)), booster.predict(numeric(2).select(FEATURES)))


def test_callbacks_are_for_every_fit_again():
    stopping = xgb.callback.EarlyStopping(rounds=2, save_best=True)
    estimator = XGBEstimator(100, "binary:logistic", {**XGB, "eta": 1.0}, callbacks=[stopping])
    first = fit(estimator, numeric(), eval_set=numeric(1))
    assert raw(fit(estimator, numeric(), eval_set=numeric(1))) == raw(first)
    assert first.num_boosted_rounds() < 100

    rates = lgb.reset_parameter(learning_rate=[0.5, 0.1])
    booster = fit(LightGBMEstimator(2, "binary", LGB, callbacks=[rates]), numeric())
    data = lgb.Dataset(numeric().select(FEATURES), label=numeric()["Y"].to_numpy())
    bare = lgb.train({**LGB, "objective": "binary"}, data, 2, callbacks=[rates])
    assert np.array_equal(booster.predict(numeric().select(FEATURES)), bare.predict(numeric().select(FEATURES)))


def test_functions_as_objective_and_metric():
    def squared(predictions, data):
        return predictions - data.get_label(), np.ones_like(predictions)

    def off(predictions, data):
        return "off", float(np.abs(predictions - data.get_label()).mean())

    params = {**XGB, "base_score": 0.5, "custom_metric": off, "disable_default_eval_metric": 1}
    estimator = XGBEstimator(5, squared, params)
    booster = fit(estimator, numeric(), eval_set=numeric(1))
    bare = xgb_bare({"objective": "reg:squarederror", "base_score": 0.5}, rounds=5)
    data = xgb.DMatrix(numeric().select(FEATURES))
    assert np.allclose(booster.predict(data), bare.predict(data), atol=1e-6)
    assert len(estimator.evals_result_["eval"]["off"]) == 5

    def off_too(predictions, data):
        return (*off(predictions, data), False)

    estimator = LightGBMEstimator(5, squared, {**LGB, "metric": "None", "feval": off_too})
    fit(estimator, numeric(), eval_set=numeric(1))
    assert len(estimator.evals_result_["eval"]["off"]) == 5


def test_several_classes():
    labels = pa.array(np.random.default_rng(0).integers(0, 3, size=4000))
    table = numeric().select(FEATURES).append_column("Y", labels)
    estimator = XGBEstimator(3, "multi:softprob", {"num_class": 3})
    estimator.fit(table, label_col="Y", verbose_eval=False)
    assert estimator.predict(table).shape == (4000, 3)
    estimator = LightGBMEstimator(3, "multiclass", {"num_class": 3, **LGB})
    estimator.fit(table, label_col="Y", verbose_eval=False)
    assert estimator.predict(table).shape == (4000, 3)


class TestCategories:
    def frame(self, seed=0):
        return with_texts(seed).to_pandas().astype({"TOWN": "category"})

    def test_texts_are_the_librarys_own_categories(self):
        frame = self.frame()
        data = xgb.DMatrix(frame.drop(columns="Y"), label=frame["Y"], enable_categorical=True)
        bare = xgb.train({"objective": "binary:logistic", **XGB}, data, 8)
        estimator = XGBEstimator(8, "binary:logistic", XGB)
        booster = estimator.fit(with_texts(), label_col="Y", verbose_eval=False)
        assert np.array_equal(booster.predict(data), bare.predict(data))
        assert np.array_equal(estimator.predict(with_texts()), bare.predict(data))
        assert booster.feature_types == ["float", "c", "float"]

        bare = lgb.train({**LGB, "objective": "binary"}, lgb.Dataset(frame.drop(columns="Y"), label=frame["Y"]), 8)
        estimator = LightGBMEstimator(8, "binary", LGB)
        booster = estimator.fit(with_texts(), label_col="Y", verbose_eval=False)
        assert booster.model_to_string() == bare.model_to_string()
        assert np.array_equal(estimator.predict(with_texts()), bare.predict(frame.drop(columns="Y")))

    @pytest.mark.parametrize("kind", [XGBEstimator, LightGBMEstimator])
    def test_a_text_means_the_same_in_every_data(self, kind):
        """Other rows have other texts, in another order, and one that nobody has seen."""
        estimator = kind(20, "binary:logistic" if kind is XGBEstimator else "binary", {"verbosity": 0})
        estimator.fit(with_texts(), label_col="Y", eval_set=with_texts(1), verbose_eval=False)
        whole = estimator.predict(with_texts(2))
        assert roc_auc_score(with_texts(2)["Y"], whole) > 0.85
        jena = np.flatnonzero(with_texts(2).to_pandas()["TOWN"] == "Jena")
        assert np.array_equal(estimator.predict(with_texts(2).take(jena)), whole[jena])
        stranger = pd.DataFrame({"A": [0.1], "TOWN": ["Rome"], "B": [0.1]})
        unknown = pd.DataFrame({"A": [0.1], "TOWN": [None], "B": [0.1]}, dtype=object).astype({"A": float, "B": float})
        assert np.array_equal(estimator.predict(stranger), estimator.predict(unknown))

    @pytest.mark.parametrize("kind", [XGBEstimator, LightGBMEstimator])
    def test_any_letters(self, kind):
        """XGBoost's own way from pandas counts letters where it should count bytes, and cuts such texts wrongly."""
        towns = pa.array(["Köln", "Łódź", "東京", "Ulm"] * 500)
        label = pa.array([1, 0, 1, 0] * 500)
        table = pa.table({"TOWN": towns, "Y": label})
        estimator = kind(20, params={"verbosity": 0})
        estimator.fit(table, label_col="Y", verbose_eval=False)
        assert np.array_equal(estimator.predict(table).round(), label.to_numpy())

    @pytest.mark.parametrize("values", [["Ulm", "Jena", "Bonn", "Aachen"], [40, 10, 30, 20]], ids=["texts", "numbers"])
    def test_a_pandas_category_keeps_its_order(self, values):
        frame = self.frame()
        codes = frame["TOWN"].cat.codes.to_numpy()
        frame["TOWN"] = pd.Categorical.from_codes(codes, categories=values)
        data = xgb.DMatrix(frame.drop(columns="Y"), label=frame["Y"], enable_categorical=True)
        bare = xgb.train({"objective": "binary:logistic", **XGB}, data, 8)
        estimator = XGBEstimator(8, "binary:logistic", XGB)
        booster = estimator.fit(frame, label_col="Y", verbose_eval=False)
        assert raw(booster) == raw(bare)
        booster = LightGBMEstimator(8, "binary", LGB).fit(frame, label_col="Y", verbose_eval=False)
        assert booster.pandas_categorical == [values]


def test_names_as_snowflake_writes_them():
    table = numeric().select(["A", "C", "Y"]).rename_columns(["AGE", '"income"', '"target"'])
    estimator = LightGBMEstimator(2, params=LGB)
    estimator.fit(table, ["age", "income"], "target", verbose_eval=False)
    assert list(estimator.feature_names_in_) == ["AGE", "income"]
    estimator = XGBEstimator(2)
    estimator.fit(table, label_col='"target"', verbose_eval=False)
    assert list(estimator.feature_names_in_) == ["AGE", '"income"']


def test_the_distributor_of_the_clean_rooms_page():
    distributor = XGBoostDistributor(
        params={"objective": "binary:logistic", **XGB}, num_boost_round=8, label_column="Y", input_columns=FEATURES
    )
    assert raw(distributor.train(numeric(), verbose_eval=False)) == raw(xgb_bare())


@pytest.mark.parametrize(
    ("kind", "scaling"), [(XGBEstimator, XGBScalingConfig), (LightGBMEstimator, LightGBMScalingConfig)]
)
def test_scikit_learns_habits(kind, scaling):
    estimator = kind(n_estimators=7, params={"max_depth": 2}, scaling_config=scaling(num_workers=2))
    copied = clone(estimator)
    assert copied.get_params() == estimator.get_params()
    assert copied.set_params(n_estimators=9).n_estimators == 9
    assert f"{kind.__name__}(n_estimators=7, params={{'max_depth': 2}}" in repr(estimator).replace("\n", "")
    with pytest.raises(AttributeError, match="call fit first"):
        estimator.get_booster()
    assert (scaling().num_workers, scaling().num_cpu_per_worker, scaling().use_gpu) == (-1, -1, None)


def test_the_same_seed_gives_the_same_model_twice():
    params = {"subsample": 0.5, "colsample_bytree": 0.5, "seed": 7}
    first, second = (raw(fit(XGBEstimator(8, "binary:logistic", params), numeric())) for _ in range(2))
    assert first == second != raw(fit(XGBEstimator(8, "binary:logistic", {**params, "seed": 8}), numeric()))
    params = {**LGB, "bagging_fraction": 0.5, "bagging_freq": 1, "seed": 7}
    first, second = (fit(LightGBMEstimator(8, "binary", params), numeric()).model_to_string() for _ in range(2))
    assert first == second
