"""The boosting trainers as a script in a job has them: under Snowflake's names, from what a session gives."""

from __future__ import annotations

import json

import pytest

from cleanroom_ml.engine.contracts.job import JobState
from cleanroom_ml.engine.jobs.families import Machine
from cleanroom_ml.engine.jobs.service import Settings

pytestmark = [pytest.mark.sandbox, pytest.mark.runtime]

SCRIPT = """
import numpy as np, pandas as pd
from snowflake.ml.data.data_connector import DataConnector
from snowflake.ml.modeling.distributors import XGBoostDistributor
from snowflake.ml.modeling.distributors.distributed_partition_function.dpf import DPF
from snowflake.ml.modeling.distributors.distributed_partition_function.dpf_run import DPFRun
from snowflake.ml.modeling.distributors.distributed_partition_function.entities import ExecutionOptions, RunStatus
from snowflake.ml.modeling.distributors.distributed_partition_function.partition_context import PartitionContext
from snowflake.ml.modeling.distributors.lightgbm import LightGBMEstimator, LightGBMScalingConfig
from snowflake.ml.modeling.distributors.lightgbm.lightgbm_estimator import LightGBMEstimator as SameLightGBM
from snowflake.ml.modeling.distributors.many_model import ManyModelTraining, ModelSerde, TensorFlowSerde, TorchSerde
from snowflake.ml.modeling.distributors.xgboost import XGBEstimator, XGBScalingConfig
from snowflake.ml.modeling.distributors.xgboost.xgboost_estimator import XGBEstimator as SameXGB
from snowflake.runtime._version import __version__ as runtime_version
import sys, xgboost
from cleanroom_runtime.data import JobIngestor, table_of

assert runtime_version == "local"
assert SameXGB is XGBEstimator and SameLightGBM is LightGBMEstimator
rng = np.random.default_rng(0)
frame = pd.DataFrame(rng.normal(size=(2000, 4)), columns=list("ABCD"))
frame["LABEL"] = (frame["A"] + frame["B"] > 0).astype(int)
connector = DataConnector(JobIngestor(table_of(frame), []))

params = {"objective": "binary:logistic", "max_depth": 3, "eval_metric": "auc"}
booster = XGBEstimator(
    n_estimators=8, params=params, scaling_config=XGBScalingConfig(num_workers=-1, num_cpu_per_worker=-1, use_gpu=False)
).fit(connector, input_cols=list("ABCD"), label_col="LABEL", eval_set=connector, verbose_eval=4)
paged = XGBoostDistributor(params=params, num_boost_round=8, label_column="LABEL").train(connector)
bare = xgboost.train(params, xgboost.DMatrix(frame[list("ABCD")], frame["LABEL"]), 8)
light = LightGBMEstimator(n_estimators=8, objective="binary", params={"verbose": -1})
light.fit(dataset=connector, label_col="LABEL", verbose_eval=False)
try:
    ManyModelTraining(print, "stage").run(partition_by="A", snowpark_dataframe=None, run_id="one")
except Exception as error:
    refused = str(error)
data = xgboost.DMatrix(frame[list("ABCD")])
__return__ = {
    "same": [bool((each.predict(data) == bare.predict(data)).all()) for each in (booster, paged)],
    "light": light.get_booster().num_trees(),
    "refused": refused,
    "ray": "ray" in sys.modules,
}
"""


@pytest.fixture
def machine():
    return Machine(cpus=2, memory_bytes=2 << 30)


@pytest.fixture
def settings():
    return Settings(
        wall_seconds=300,
        scratch_bytes=256 << 20,
        log_bytes=100_000,
        processes=256,
        tick_seconds=0.05,
        relay_patience_seconds=30,
    )


@pytest.mark.slow
def test_under_snowflakes_names(pools):
    status = pools.wait(pools.submit(SCRIPT), seconds=300)
    log = pools.service.logs(status.job_id)
    assert status.status is JobState.DONE, (status, log)
    got = json.loads(pools.service.result(status.job_id))
    assert got["same"] == [True, True]
    assert got["light"] == 8
    assert got["refused"].startswith("API call outside of DCR: ManyModelTraining.run")
    assert got["ray"] is False
    assert "XGBEstimator: 2,000 rows × 4 features, in memory" in log
    assert "[4]\ttrain-auc:" in log


@pytest.mark.slow
def test_a_mistake_is_the_scripts_own_error(pools):
    script = """
import pandas as pd
from snowflake.ml.modeling.distributors.xgboost import XGBEstimator
XGBEstimator().fit(pd.DataFrame({"AGE": [1.0, 2.0], "LABEL": [0, 1]}), input_cols=["AEG"], label_col="LABEL")
"""
    status = pools.wait(pools.submit(script), seconds=300)
    assert status.reason == "script_failed"
    assert "input_cols: the data has no column AEG. Did you mean AGE?" in pools.service.logs(status.job_id)


TWO_NODES = """
import numpy as np, pandas as pd
from cleanroom_runtime.workers import node_count
from sklearn.metrics import roc_auc_score
from snowflake.ml.modeling.distributors.lightgbm import LightGBMEstimator
from snowflake.ml.modeling.distributors.xgboost import XGBEstimator

rng = np.random.default_rng(0)
frame = pd.DataFrame(rng.normal(size=(4000, 4)), columns=list("ABCD"))
frame["LABEL"] = (frame["A"] + frame["B"] * frame["C"] > 0).astype(int)
__return__ = {"nodes": node_count()}
for name, estimator in {
    "xgboost": XGBEstimator(10, "binary:logistic"), "lightgbm": LightGBMEstimator(10, "binary", {"verbose": -1})
}.items():
    estimator.fit(frame, label_col="LABEL")
    __return__[name] = roc_auc_score(frame["LABEL"], estimator.predict(frame))
"""


class TestTwoNodes:
    @pytest.fixture
    def machine(self):
        return Machine(cpus=2, memory_bytes=6 << 30)

    @pytest.fixture
    def settings(self):
        return Settings(
            wall_seconds=600,
            scratch_bytes=1 << 30,
            log_bytes=100_000,
            processes=1024,
            tick_seconds=0.05,
            relay_patience_seconds=30,
        )

    @pytest.mark.slow
    def test_one_worker_a_node(self, pools):
        status = pools.wait(pools.submit(TWO_NODES, nodes=2), seconds=600)
        log = pools.service.logs(status.job_id)
        assert status.status is JobState.DONE, (status, log)
        got = json.loads(pools.service.result(status.job_id))
        assert got["nodes"] == 2
        assert min(got["xgboost"], got["lightgbm"]) > 0.95
        assert "2 workers × 1 thread on 2 nodes" in log
