"""A table into a job, over the real engine, beside DuckDB that reads the very same Parquet in its own process.

2,000,000 rows of 30 doubles. DuckDB has the files and nobody in front of them: the ratio is what the clean room costs.
Each side is a process of its own, a job and plain Python, run in turns. The stages of ours are printed apart: the
query, whose result the engine's worker writes down in its sandbox, and the reading of what it wrote.
"""

from __future__ import annotations

import json
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cleanroom_ml.local import engine as local_engine
from cleanroom_ml.local.home import ensure_home
from cleanroom_ml.services import offerings

ROWS, COLUMNS, RUNS = 2_000_000, 30, 3
MEGABYTES = ROWS * COLUMNS * 8 / 1e6
WIDE = "shop.wide_v1.rows"
NAMES = [f"F{number}" for number in range(COLUMNS)]
OFFER = f"""api_version: 2.0.0
spec_type: data_offering
name: wide
version: v1
datasets:
  - alias: rows
    data_object_fqn: SHOP_DB.PUBLIC.WIDE
    allowed_analyses: template_only
    object_class: custom
    schema_and_template_policies:
{chr(10).join(f"      {name.lower()}: {{category: passthrough}}" for name in NAMES)}
"""

OURS = f"""
import time
from cleanroom_runtime.data import table_of
from snowflake.snowpark.context import get_active_session
session = get_active_session()
begin = time.perf_counter()
table = table_of(session.table("{WIDE}"))
asked = time.perf_counter()
assert sum(batch.num_rows for batch in table.batches()) == {ROWS}
streamed = time.perf_counter()
assert table.to_arrow().num_rows == {ROWS}
arrow = time.perf_counter()
assert len(table.to_pandas()) == {ROWS}
pandas = time.perf_counter()
__return__ = {{"query": asked - begin, "stream": streamed - asked, "arrow": arrow - streamed, "pandas": pandas - arrow}}
"""

DUCKDB = """
import json, sys, time
import duckdb, pandas, pyarrow
connection = duckdb.connect(config={"threads": 2})
connection.execute("SET enable_progress_bar = false")
relation = f"SELECT * FROM read_parquet({sys.argv[1:]!r})"
begin = time.perf_counter()
rows = connection.sql(relation).to_arrow_table().num_rows
arrow = time.perf_counter()
assert len(connection.sql(relation).df()) == rows
print(json.dumps({"rows": rows, "arrow": arrow - begin, "pandas": time.perf_counter() - arrow}))
"""


@pytest.fixture
def world(tmp_path: Path) -> Iterator[Any]:
    """Two parties and an approved job, as the tests of guarantees build them, with a wide table."""
    sys.path.insert(0, str(Path(__file__).parents[1] / "guarantees"))
    import guarantees_world

    directory = Path(tempfile.mkdtemp(prefix="cr-"))
    home = ensure_home(directory / "home")
    try:
        world = guarantees_world.build(home, tmp_path)
        values = ", ".join(f"SIN(SEQ8() * {number + 1}) AS {name}" for number, name in enumerate(NAMES))
        world.shop.execute(
            f"CREATE TABLE SHOP_DB.PUBLIC.WIDE AS SELECT {values} FROM TABLE(GENERATOR(ROWCOUNT => {ROWS}))"
        )
        (tmp_path / "wide.yaml").write_text(OFFER)
        offerings.register_offering(world.shop, tmp_path / "wide.yaml")
        offerings.link(world.shop, guarantees_world.ROOM, "wide_v1", ("brand",))
        yield world
        world.close()
    finally:
        local_engine.stop(home)
        shutil.rmtree(directory, ignore_errors=True)


def parquet_of(objects: Path) -> list[str]:
    """The files of the wide table: the only large ones that there are."""
    files = [path for path in objects.rglob("*") if path.is_file() and path.stat().st_size > 10 << 20]
    return [str(path) for path in files if path.read_bytes()[:4] == b"PAR1"]


@pytest.mark.bench
def test_a_table_into_a_job_beside_duckdb_in_process(world: Any) -> None:
    files = parquet_of(world.home.objects)
    ours: list[dict[str, float]] = []
    theirs: list[dict[str, float]] = []
    for _ in range(RUNS):
        done = subprocess.run([sys.executable, "-c", DUCKDB, *files], capture_output=True, text=True, check=True)
        theirs.append(json.loads(done.stdout))
        ours.append(world.job(OURS, tables=(WIDE,)))
    assert {each["rows"] for each in theirs} == {ROWS}

    def median(runs: list[dict[str, float]], stage: str) -> float:
        return statistics.median(run[stage] for run in runs)

    print(f"\n{ROWS:,} rows × {COLUMNS} doubles, {MEGABYTES:.0f} MB, median of {RUNS}")
    for stage, text in (
        ("query", "job: the query"),
        ("stream", "job: its result, streamed"),
        ("arrow", "job: its result, to_arrow"),
        ("pandas", "job: its result, to_pandas"),
    ):
        print(f"{text:28} {median(ours, stage):6.2f} s  {MEGABYTES / median(ours, stage):6.0f} MB/s")
    for stage in ("arrow", "pandas"):
        whole, alone = median(ours, "query") + median(ours, stage), median(theirs, stage)
        print(f"{'DuckDB in process: ' + stage:28} {alone:6.2f} s  {MEGABYTES / alone:6.0f} MB/s")
        print(
            f"{'ratio, query included':28} {whole / alone:6.2f}    without the query {median(ours, stage) / alone:.2f}"
        )
