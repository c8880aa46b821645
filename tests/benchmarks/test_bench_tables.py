"""Results of millions of rows over the connector, and tables of up to 300 million, beside DuckDB in process.

DuckDB reads the very Parquet of the engine's store. `CLEANROOM_ML_BENCH_ROWS` says how many millions of rows the
largest table has (10, 100 or 300; 10 by default: the others take minutes to make).
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest
from bench_peers import Served, forget_peak, milliseconds, resident_mib, served_engine, shown

ROWS, COLUMNS, RUNS = 5_000_000, 10, 3
MILLION = 1_000_000
MILLIONS = [each for each in (10, 100, 300) if each <= int(os.environ.get("CLEANROOM_ML_BENCH_ROWS", "10"))]

OURS = """
import json, sys, time
import snowflake.connector
connection = snowflake.connector.connect(**json.loads(sys.argv[1]))
cursor = connection.cursor()
cursor.execute("select 1").fetchall()
import pandas, pyarrow
begin = time.perf_counter()
rows = cursor.execute("select * from wide").fetch_arrow_all().num_rows
arrow = time.perf_counter()
assert len(cursor.execute("select * from wide").fetch_pandas_all()) == rows
print(json.dumps({"rows": rows, "arrow": arrow - begin, "pandas": time.perf_counter() - arrow}))
"""

DUCKDB = """
import json, sys, time
import duckdb, pandas, pyarrow
connection = duckdb.connect()
connection.execute("SET enable_progress_bar = false")
relation = f"SELECT * FROM read_parquet({sys.argv[1:]!r})"
begin = time.perf_counter()
rows = connection.sql(relation).to_arrow_table().num_rows
arrow = time.perf_counter()
assert len(connection.sql(relation).df()) == rows
print(json.dumps({"rows": rows, "arrow": arrow - begin, "pandas": time.perf_counter() - arrow}))
"""


@pytest.fixture
def served() -> Iterator[Served]:
    with served_engine() as engine:
        yield engine


@pytest.mark.bench
@pytest.mark.sandbox
def test_a_large_result(served: Served) -> None:
    values = ", ".join(f"sin(seq8() * {number + 1}) as f{number}" for number in range(COLUMNS))
    made = f"create table wide as select {values} from table(generator(rowcount => {ROWS}))"
    served.connection.cursor().execute(made)
    files = [str(path) for path in served.home.objects.rglob("*") if path.is_file() and path.stat().st_size > 1 << 20]
    ours: list[dict[str, float]] = []
    theirs: list[dict[str, float]] = []
    forget_peak(served.pid)
    for _ in range(RUNS):
        for script, arguments, found in ((OURS, [json.dumps(served.settings)], ours), (DUCKDB, files, theirs)):
            argv = [sys.executable, "-c", script, *arguments]
            found.append(json.loads(subprocess.run(argv, capture_output=True, text=True, check=True).stdout))
    assert {each["rows"] for each in [*ours, *theirs]} == {ROWS}
    front = resident_mib(served.pid, "VmHWM")
    print(f"\n{ROWS:,} rows × {COLUMNS}, median of {RUNS}; the front had {front:.0f} MiB at most")
    for form in ("arrow", "pandas"):
        mine, peer = (statistics.median(each[form] for each in runs) for runs in (ours, theirs))
        print(f"to {form:8} {mine:6.2f} s, DuckDB in process {peer:6.2f} s: ratio {mine / peer:.2f}")


@pytest.mark.bench
@pytest.mark.sandbox
@pytest.mark.parametrize("millions", MILLIONS)
def test_what_is_read_costs(served: Served, millions: int) -> None:
    """A table that grows by a million rows a day, as loads make it: a question about one day costs one day, however
    many there are. The last line asks for the same day in words that rule nothing out.
    """
    cursor = served.connection.cursor()
    cursor.execute("create table events (id int, day date, value float)")
    begin = time.perf_counter()
    for number in range(millions):
        cursor.execute(
            f"insert into events select seq8() + {number * MILLION}, dateadd(day, {number}, '2020-01-01'::date),"
            f" seq8() / 3 from table(generator(rowcount => {MILLION}))"
        )
    stored = sum(path.stat().st_size for path in served.home.objects.rglob("*") if path.is_file())
    print(f"\n{millions} million rows, made in {time.perf_counter() - begin:.0f} s, {stored >> 20} MiB")
    for name, sql in (
        ("one row", "select value from events where id = 424242"),
        ("one day", "select count(*), sum(value) from events where day = '2020-01-03'"),
        ("three days", "select count(*), sum(value) from events where day between '2020-01-03' and '2020-01-05'"),
        ("everything", "select count(*), sum(value) from events"),
        (
            "one day, no file ruled out",
            "select count(*), sum(value) from events where dateadd(day, 1, day) = '2020-01-04'",
        ),
    ):
        shown(f"{millions} million rows: {name}", milliseconds(lambda sql=sql: cursor.execute(sql).fetchall(), 5))
