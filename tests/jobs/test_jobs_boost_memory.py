"""Tables of three times a job's memory are trained on: by XGBoost with bins on disk, by LightGBM with bins alone."""

from __future__ import annotations

import json

import pytest
from jobs_harness import MIB

from cleanroom_ml.engine.contracts.job import JobState
from cleanroom_ml.engine.jobs.families import Machine
from cleanroom_ml.engine.jobs.service import Settings

pytestmark = [pytest.mark.sandbox, pytest.mark.slow, pytest.mark.runtime]

LIMIT = 768 * MIB

# The table is made in the job, a file a piece, as `RemoteTable.spooled` would have left it.
TABLE = """
import json, os, time
import numpy as np, pyarrow as pa
from pathlib import Path
from cleanroom_runtime.data import NotEnoughMemoryError, RemoteTable
from cleanroom_runtime.data.sources import File

FEATURES, PIECE = 100, 30_000
limit = json.load(open(os.environ["CLEANROOM_ML_JOB_FILE"]))["memory_bytes"]
directory = Path(os.environ["TMPDIR"], "pieces")
directory.mkdir()
names = [f"F{number}" for number in range(FEATURES)]

def piece(seed):
    generator = np.random.default_rng(seed)
    values = generator.normal(size=(FEATURES, PIECE))
    label = (values[0] + values[1] * values[2] + generator.normal(size=PIECE) > 0).astype(np.int64)
    return pa.RecordBatch.from_arrays([*map(pa.array, values), pa.array(label)], names=[*names, "Y"])

files, total = [], 0
while total < 3 * limit:
    batch = piece(len(files))
    path = directory / f"{len(files)}.arrow"
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, batch.schema) as writer:
        writer.write_batch(batch)
    files.append(File(path, batch.num_rows, batch.nbytes))
    total += batch.nbytes
table = RemoteTable(batch.schema, files)
held_out = pa.Table.from_batches([piece(10**6)])
try:
    table.to_pandas()
    refused = ""
except NotEnoughMemoryError as error:
    refused = str(error)
"""

TRAIN = """
from sklearn.metrics import roc_auc_score
began = time.monotonic()
booster = estimator.fit(table, label_col="Y", verbose_eval=1)
__return__ = {
    "times": table.nbytes / limit,
    "rows": table.num_rows,
    "refused": refused,
    "seconds": time.monotonic() - began,
    "auc": roc_auc_score(held_out["Y"].to_numpy(), estimator.predict(held_out)),
}
"""

XGBOOST = """
from snowflake.ml.modeling.distributors.xgboost import XGBEstimator
estimator = XGBEstimator(10, "binary:logistic", {"max_depth": 5, "eta": 0.5})
"""

LIGHTGBM = """
from snowflake.ml.modeling.distributors.lightgbm import LightGBMEstimator
estimator = LightGBMEstimator(10, "binary", {"num_leaves": 31, "learning_rate": 0.5, "verbose": -1})
"""


@pytest.fixture
def machine():
    return Machine(cpus=2, memory_bytes=2 * LIMIT)  # the pool has two places


@pytest.fixture
def settings():
    return Settings(
        wall_seconds=900,
        scratch_bytes=8192 * MIB,
        log_bytes=100_000,
        processes=256,
        tick_seconds=0.05,
        relay_patience_seconds=30,
    )


@pytest.mark.parametrize(
    ("estimator", "way"),
    [(XGBOOST, "in pieces, with its bins on disk"), (LIGHTGBM, "in pieces, with its bins in memory")],
    ids=["xgboost", "lightgbm"],
)
def test_a_table_of_three_times_the_memory_trains(pools, estimator, way):
    status = pools.wait(pools.submit(TABLE + estimator + TRAIN), seconds=900)
    log = pools.service.logs(status.job_id)
    assert status.status is JobState.DONE, (status, log)
    got = json.loads(pools.service.result(status.job_id))
    print(f"\n{got}\n{status}\n{log}")
    assert got["times"] >= 3
    assert got["auc"] > 0.7
    assert "needs about" in got["refused"]
    assert way in log
