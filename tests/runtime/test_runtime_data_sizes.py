"""The estimate of what a DataFrame takes, beside what it took: not refused what fits, not let through what kills."""

from __future__ import annotations

import pickle
import random
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pyarrow as pa
import pytest

from cleanroom_ml.runtime.data import RemoteTable
from cleanroom_ml.runtime.data.spool import spool

ROWS = 250_000
CHUNK = 122_880
COLUMNS: Mapping[str, Callable[[], pa.Array]] = {
    "numbers": lambda: pa.array(range(8 * ROWS), pa.float64()),
    "whole numbers with NULL": lambda: pa.array(
        [number if number % 7 else None for number in range(8 * ROWS)], pa.int64()
    ),
    "moments": lambda: pa.array(range(8 * ROWS), pa.timestamp("us")),
    "days": lambda: pa.array([19_000 + number % 500 for number in range(ROWS)], pa.int32()).cast(pa.date32()),
    "few texts": lambda: pa.array([f"city number {number % 40}" for number in range(2 * ROWS)]),
    "many texts": lambda: pa.array(
        [f"value {number}" for number in random.Random(1).choices(range(30_000), k=4 * ROWS)]
    ),
    "unique texts": lambda: pa.array([f"{number:064d}" for number in range(ROWS)]),
    "long texts": lambda: pa.array(["x" * 500 + str(number) for number in range(ROWS // 2)]),
}
"""Made by the test that needs one: every process of the tests imports this file."""

# A fresh process: what it holds afterwards, it holds for this.
READ = """
import gc, pickle, sys
from pathlib import Path
import pandas as pd, pyarrow as pa
from cleanroom_ml.runtime.data import memory
table = pickle.loads(Path(sys.argv[1]).read_bytes())
table.slice(0, 10).to_pandas()
before = memory._in_use()
frame = table.to_pandas()
gc.collect()
pa.default_memory_pool().release_unused()
print(table.pandas_bytes(), memory._in_use() - before)
"""


@pytest.mark.parametrize("what", COLUMNS)
def test_estimate_beside_what_it_took(what: str, tmp_path: Path) -> None:
    whole = pa.table({"A": COLUMNS[what]()})
    parts = [RemoteTable.from_arrow(whole.slice(at, CHUNK)) for at in range(2048, whole.num_rows, CHUNK)]
    first = RemoteTable.from_arrow(whole.slice(0, 2048))
    given = tmp_path / "table.pickle"
    # As a query's result comes: the first rows at once, the rest somewhere else.
    given.write_bytes(pickle.dumps(RemoteTable.concat([first, spool(RemoteTable.concat(parts), tmp_path)])))
    done = subprocess.run([sys.executable, "-c", READ, given], capture_output=True, text=True, check=True)
    estimated, took = map(int, done.stdout.split())
    print(f"{what}: {estimated / took:.2f} ({estimated:,} estimated, {took:,} taken)")
    assert 0.8 <= estimated / took <= 1.35, f"{what}: {estimated:,} estimated, {took:,} taken"
