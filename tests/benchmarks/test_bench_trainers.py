"""The boosting trainers beside the bare libraries: on one node, and as two workers on the same two cores.

From the same Arrow table in memory to the booster, in turns, each in an interpreter of its own, so that nobody finds a
warm allocator. The bare library is used as fast as its own documentation has it: a QuantileDMatrix from the Arrow table
(a DMatrix takes longer), a Dataset from the Arrow table. Reading the table is timed apart: from a file, as Arrow.

    CLEANROOM_ML_BENCH_ROWS=200000 CLEANROOM_ML_BENCH_TURNS=1 make bench PYTEST_ARGS="-k trainers"
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

ROWS = int(os.environ.get("CLEANROOM_ML_BENCH_ROWS", 2_000_000))
ROUNDS = int(os.environ.get("CLEANROOM_ML_BENCH_ROUNDS", 100))
TURNS = int(os.environ.get("CLEANROOM_ML_BENCH_TURNS", 3))
CORES = 2
FEATURES = 30
CHUNK = 122_880
"""Rows of one piece of a table, as the engine hands it out."""

START = """
import json, os, sys, time
began = time.monotonic()
import numpy as np, pyarrow as pa
from sklearn.metrics import roc_auc_score
directory, rounds = sys.argv[1], int(sys.argv[2])
def read(name):
    with pa.OSFile(os.path.join(directory, name)) as source:
        return pa.ipc.open_file(source).read_all()
begin = time.monotonic()
table, held_out = read("train.arrow"), read("held_out.arrow")
reading = time.monotonic() - begin
features, label = table.drop(["Y"]), held_out["Y"].to_numpy()
"""

END = """
seconds = time.monotonic() - begin
print(json.dumps({"seconds": seconds, "reading": reading, "auc": float(roc_auc_score(label, predicted()))}))
"""

XGB = '{"objective": "binary:logistic", "max_depth": 6, "eta": 0.1, "max_bin": 256, "nthread": THREADS}'
LGB = (
    '{"objective": "binary", "num_leaves": 63, "learning_rate": 0.1, "max_bin": 255, "verbosity": -1, '
    '"num_threads": THREADS}'
)

PROGRAMS = {
    "xgboost": {
        "bare": f"""
import xgboost as xgb
begin = time.monotonic()
data = xgb.QuantileDMatrix(features, label=table["Y"].to_numpy(), max_bin=256)
booster = xgb.train({XGB}, data, rounds)
predicted = lambda: booster.predict(xgb.DMatrix(held_out.drop(["Y"])))
""",
        "trainer": f"""
import xgboost
from cleanroom_ml.runtime.distributors.xgboost_estimator import XGBEstimator, XGBScalingConfig
begin = time.monotonic()
estimator = XGBEstimator(rounds, params={XGB}, scaling_config=XGBScalingConfig(num_workers=WORKERS))
estimator.fit(table, label_col="Y", verbose_eval=False)
predicted = lambda: estimator.predict(held_out)
""",
    },
    "lightgbm": {
        "bare": f"""
import lightgbm as lgb
begin = time.monotonic()
booster = lgb.train({LGB}, lgb.Dataset(features, label=table["Y"].to_numpy()), rounds)
predicted = lambda: booster.predict(held_out.drop(["Y"]))
""",
        "trainer": f"""
import lightgbm
from cleanroom_ml.runtime.distributors.lightgbm_estimator import LightGBMEstimator, LightGBMScalingConfig
begin = time.monotonic()
estimator = LightGBMEstimator(rounds, params={LGB}, scaling_config=LightGBMScalingConfig(num_workers=WORKERS))
estimator.fit(table, label_col="Y", verbose_eval=False)
predicted = lambda: estimator.predict(held_out)
""",
    },
}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("trainers")
    for name, rows, seed in (("train", ROWS, 0), ("held_out", 200_000, 1)):
        rng = np.random.default_rng(seed)
        schema = pa.schema([*((f"F{number}", pa.float64()) for number in range(FEATURES)), ("Y", pa.int64())])
        with pa.OSFile(str(directory / f"{name}.arrow"), "wb") as sink, pa.ipc.new_file(sink, schema) as writer:
            for begin in range(0, rows, CHUNK):
                size = min(CHUNK, rows - begin)
                values = rng.normal(size=(FEATURES, size))
                score = values[0] + values[1] * values[2] + np.sin(3 * values[3]) + rng.normal(size=size)
                arrays = [*map(pa.array, values), pa.array((score > 0).astype(np.int64))]
                writer.write_batch(pa.RecordBatch.from_arrays(arrays, schema=schema))
    return directory


def run(program: str, data: Path, *, workers: int) -> dict[str, float]:
    code = START + program.replace("THREADS", str(CORES // workers)).replace("WORKERS", str(workers)) + END
    done = subprocess.run(
        [sys.executable, "-c", code, str(data), str(ROUNDS)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "OMP_NUM_THREADS": str(CORES), "OMP_WAIT_POLICY": "PASSIVE"},
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])  # type: ignore[no-any-return]


@pytest.mark.bench
@pytest.mark.runtime
@pytest.mark.parametrize("library", PROGRAMS)
def test_trainer_beside_the_bare_library(library: str, data: Path) -> None:
    bare, trainer = PROGRAMS[library]["bare"], PROGRAMS[library]["trainer"]
    programs = {"bare library": (bare, 1), "trainer": (trainer, 1), "trainer, two workers": (trainer, 2)}
    taken: dict[str, list[dict[str, float]]] = {name: [] for name in programs}
    for _ in range(TURNS):
        for name, (program, workers) in programs.items():
            taken[name].append(run(program, data, workers=workers))
    print(f"\n{library}: {ROWS:,} rows × {FEATURES} features, {ROUNDS} rounds, {CORES} cores, median of {TURNS}")
    medians = {name: statistics.median(each["seconds"] for each in runs) for name, runs in taken.items()}
    for name, runs in taken.items():
        times = [each["seconds"] for each in runs]
        print(
            f"  {name:22} {medians[name]:7.2f} s  ({min(times):.2f}–{max(times):.2f})  AUC {runs[0]['auc']:.5f}  "
            f"ratio {medians[name] / medians['bare library']:.3f}"
        )
    print(f"  reading the table      {statistics.median(each['reading'] for each in taken['trainer']):7.2f} s")
    assert taken["trainer"][0]["auc"] == taken["bare library"][0]["auc"]
    assert taken["trainer, two workers"][0]["auc"] == pytest.approx(taken["bare library"][0]["auc"], abs=0.003)
