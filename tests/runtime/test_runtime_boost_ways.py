"""However the data is held, the model is the same; which way it is, is chosen by what fits."""

from __future__ import annotations

from runtime_boost_data import numeric, with_texts  # isort: skip - before the libraries

import lightgbm as lgb
import pyarrow as pa
import pytest
import xgboost as xgb

from cleanroom_ml.runtime.data import NotEnoughMemoryError, RemoteTable, memory
from cleanroom_ml.runtime.data.spool import spool
from cleanroom_ml.runtime.distributors import choice, estimator, lightgbm_data, lightgbm_training, names, xgboost_data
from cleanroom_ml.runtime.distributors.choice import Size, Way, choose, on_gpu
from cleanroom_ml.runtime.distributors.encoding import learn
from cleanroom_ml.runtime.distributors.lightgbm_estimator import LIGHTGBM
from cleanroom_ml.runtime.distributors.preparing import eval_sets
from cleanroom_ml.runtime.distributors.rows import Rows
from cleanroom_ml.runtime.distributors.xgboost_estimator import XGBOOST, XGBOOST_ON_GPU, XGBEstimator


@pytest.fixture(autouse=True)
def small_pieces(monkeypatch):
    """Of 300 rows and some: several for these tables, and the last of another size."""
    for module in (xgboost_data, lightgbm_data):
        monkeypatch.setattr(module, "BATCH_BYTES", 300 * 8 * 4)


def rows_of(table, tmp_path, naming):
    features = [name for name in table.column_names if name not in ("Y", "W")]
    spooled = spool(RemoteTable.from_arrow(table), tmp_path)
    return Rows(spooled, learn(spooled, features, naming(features)), "Y", "W" if "W" in table.column_names else None)


@pytest.mark.parametrize("table", [numeric(), with_texts()], ids=["numbers", "texts"])
def test_xgboost(table, tmp_path):
    params = {"objective": "binary:logistic", "max_depth": 4}
    rows = rows_of(table, tmp_path, names.for_xgboost)
    models = {}
    for way in Way:
        data = xgboost_data.matrix(rows, way, params, threads=2, cache=tmp_path)
        held_out = xgboost_data.matrix(rows, way, params, threads=2, cache=tmp_path, ref=data)
        result = {}
        booster = xgb.train(params, data, 6, evals=[(held_out, "e")], evals_result=result, verbose_eval=False)
        models[way] = bytes(booster.save_raw("ubj")), result["e"]["logloss"]
    assert models[Way.BINS] == models[Way.MEMORY]
    assert models[Way.DISK] == models[Way.MEMORY]
    assert list(tmp_path.glob("*.page"))


@pytest.mark.parametrize("table", [numeric(), with_texts()], ids=["numbers", "texts"])
def test_lightgbm(table, tmp_path):
    params = {"objective": "binary", "num_leaves": 15, "verbosity": -1}
    rows = rows_of(table, tmp_path, names.for_lightgbm)
    models = []
    for way in (Way.MEMORY, Way.BINS):
        data = lightgbm_data.dataset(rows, way, params)
        held_out = lightgbm_data.dataset(rows, way, params, reference=data)
        result = {}
        record = lgb.record_evaluation(result)
        booster = lgb.train(params, data, 6, valid_sets=[held_out], callbacks=[record])
        models.append((booster.model_to_string(), result))
    assert models[0] == models[1]


def size(rows, *, held=False, missing=False, workers=1):
    return Size(rows, features=100, arrow_bytes=rows * 800, held=held, missing=missing, workers=workers)


@pytest.mark.parametrize(
    "params", [{"device": "cuda"}, {"device": "cuda:1"}, {"device": "gpu"}, {"tree_method": "gpu_hist"}]
)
def test_a_gpu_is_given_the_values_and_bins_them_itself(tmp_path, params):
    assert on_gpu(params)
    assert not on_gpu({"device": "cpu", "tree_method": "hist"})
    rows = rows_of(numeric(), tmp_path, names.for_xgboost)
    made = {way: xgboost_data.matrix(rows, way, {}, threads=1, cache=tmp_path) for way in (Way.MEMORY, Way.BINS)}
    assert {type(each) for each in made.values()} == {xgb.QuantileDMatrix}
    raw = xgboost_data.matrix(rows, Way.MEMORY, params, threads=1, cache=tmp_path)
    assert type(raw) is xgb.DMatrix
    # An evaluation set is as its training's matrix is.
    assert type(xgboost_data.matrix(rows, Way.MEMORY, params, threads=1, cache=tmp_path, ref=raw)) is xgb.DMatrix
    with pytest.raises(ValueError, match="cannot be used by a GPU"):
        xgboost_data.matrix(rows, Way.DISK, params, threads=1, cache=tmp_path)


def test_bins_on_disk_are_no_way_for_a_gpu_and_it_says_what_helps(monkeypatch):
    free = memory.available_bytes()
    assert choose(size(1000), XGBOOST_ON_GPU).way is Way.MEMORY
    assert choose(size(free // 1000), XGBOOST_ON_GPU).way is Way.BINS
    assert choose(size(3 * free // 800), XGBOOST).way is Way.DISK
    with pytest.raises(NotEnoughMemoryError, match=r'on the processors \({"device": "cpu"}\)'):
        choose(size(3 * free // 800), XGBOOST_ON_GPU)
    # And the estimator asks for that one, by its parameters alone.
    asked = []
    monkeypatch.setattr(estimator, "prepare", lambda *_, costs, **__: asked.append(costs) or 1 / 0)
    for params in ({"device": "cuda"}, {"device": "cpu"}):
        with pytest.raises(ZeroDivisionError):
            XGBEstimator(params=params).fit(numeric(), label_col="Y")
    assert asked == [XGBOOST_ON_GPU, XGBOOST]


def test_the_fastest_way_that_fits_is_chosen():
    free = memory.available_bytes()
    assert choose(size(1000), XGBOOST).way is Way.MEMORY
    # 800 bytes a row as Arrow; binned, XGBoost takes 220 and LightGBM 100, besides 48 of state.
    assert choose(size(free // 600), XGBOOST).way is Way.BINS
    assert choose(size(free // 400, missing=True), XGBOOST).way is Way.DISK
    assert choose(size(3 * free // 800), XGBOOST).way is Way.DISK
    assert choose(size(3 * free // 800), LIGHTGBM).way is Way.BINS
    assert choose(size(free // 1600, held=True), LIGHTGBM).way is Way.MEMORY
    assert choose(size(free // 600, held=True), LIGHTGBM).way is Way.MEMORY
    assert choose(size(free // 600), LIGHTGBM).way is Way.BINS


@pytest.mark.parametrize("costs", [XGBOOST, LIGHTGBM])
def test_what_fits_in_no_way_is_refused_with_numbers(costs):
    rows = memory.limit_bytes() // 40
    says = rf"{rows:,} rows × 100 features needs about .* even in pieces"
    with pytest.raises(NotEnoughMemoryError, match=says) as it:
        choose(size(rows), costs)
    assert it.value.needed > it.value.available
    assert "INSTANCE_FAMILY" in str(it.value)


def test_lightgbm_finds_its_bins_by_as_many_rows_as_fit():
    rows, features = 3_000_000, 100
    assert lightgbm_training._sample(rows, features, 4 << 30) == {}
    assert lightgbm_training._sample(1000, features, 1 << 20) == {}
    assert 20_000 < lightgbm_training._sample(rows, features, 519 << 20)["bin_construct_sample_cnt"] < 200_000
    assert lightgbm_training._sample(rows, features, 1 << 20) == {"bin_construct_sample_cnt": 20_000}


def test_each_worker_counts():
    needed = [choose(size(1000, workers=workers), XGBOOST).needed for workers in (1, 4)]
    assert needed[1] - needed[0] == 4 * choice.WORKER_BYTES


def test_names_of_evaluation_sets():
    train, one, two = (pa.table({"A": [number]}) for number in range(3))

    def called(given):
        return [(each is train, name) for each, name in eval_sets(given, train)]

    assert called(None) == []
    assert called(one) == [(False, "eval")]
    assert called(train) == [(True, "train")]
    assert called((one, "x")) == [(False, "x")]
    assert called([train, one]) == [(True, "train"), (False, "eval")]
    assert called([one, two]) == [(False, "eval_0"), (False, "eval_1")]
    assert called([(train, "fit"), (one, "x")]) == [(True, "fit"), (False, "x")]
