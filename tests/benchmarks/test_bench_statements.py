"""Statements over the connector, beside fakesnow's server and DuckDB in this process, in turns.

fakesnow runs each statement in one process, with all its tables and every session: the ratio is what isolation, grants
and a record of each statement cost. DuckDB has no wire either.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest
import snowflake.connector
from bench_peers import (
    Served,
    fakesnow,
    forget_peak,
    milliseconds,
    processors,
    ratio,
    resident_mib,
    served_engine,
    shown,
)
from snowflake.connector import SnowflakeConnection

from cleanroom_ml.local import engine as local_engine
from cleanroom_ml.local.home import ensure_home

TIMES, ROUNDS = 5, 40
"""Few at a time, in turns: what else the machine does meets all of them."""
POINTS = 100_000
SESSIONS = 20
BULK_ROWS = 1_000_000
MAKE_POINTS = "create or replace table points (id int, name varchar, score float)"
FILL_POINTS = "insert into points select seq4(), 'n' || seq4(), seq4() / 7 from table(generator(rowcount => {0}))"
FILL_FAKE = "insert into points select i, 'n' || i, i / 7 from range(0, {0}) t(i)"
STATEMENTS = ("select 1", f"select name, score from points where id = {POINTS // 3}")

IN_A_JOB = f"""
import statistics, time
from snowflake.snowpark.context import get_active_session
session = get_active_session()
taken = []
for _ in range({TIMES * ROUNDS}):
    begin = time.perf_counter()
    session.sql("select 1").collect()
    taken.append((time.perf_counter() - begin) * 1000)
__return__ = taken[{ROUNDS}:]
"""


@pytest.fixture
def served() -> Iterator[Served]:
    with served_engine() as engine:
        yield engine


@pytest.mark.bench
@pytest.mark.sandbox
def test_small_statements(served: Served, tmp_path: Path) -> None:
    alone = duckdb.connect()
    alone.execute("create table points (id int, name varchar, score double)")
    alone.execute(FILL_FAKE.format(POINTS))
    ours = served.connection.cursor()
    ours.execute(MAKE_POINTS)
    ours.execute(FILL_POINTS.format(POINTS))
    with fakesnow(tmp_path) as peer:
        theirs = None if peer is None else peer.cursor()
        if theirs is not None:
            theirs.execute(MAKE_POINTS)
            theirs.execute(FILL_FAKE.format(POINTS))
        print()
        for sql in STATEMENTS:
            taken: dict[str, list[float]] = {"ours": [], "fakesnow": [], "DuckDB": []}
            for _ in range(ROUNDS):
                taken["ours"] += milliseconds(lambda sql=sql: ours.execute(sql).fetchall(), TIMES)
                if theirs is not None:
                    taken["fakesnow"] += milliseconds(lambda sql=sql: theirs.execute(sql).fetchall(), TIMES)
                taken["DuckDB"] += milliseconds(lambda sql=sql: alone.execute(sql).fetchall(), TIMES)
            medians = {name: shown(f"{sql[:34]}: {name}", found) for name, found in taken.items() if found}
            ratio(f"{sql[:34]}: ours / fakesnow", medians["ours"], medians.get("fakesnow"))


@pytest.mark.bench
@pytest.mark.sandbox
def test_a_statement_in_a_job(tmp_path: Path) -> None:
    sys.path.insert(0, str(Path(__file__).parents[1] / "guarantees"))
    import guarantees_world

    directory = Path(tempfile.mkdtemp(prefix="cr-"))
    home = ensure_home(directory / "home")
    try:
        world = guarantees_world.build(home, tmp_path)
        print()
        shown("session.sql('select 1').collect() in a job", world.job(IN_A_JOB))
        world.close()
    finally:
        local_engine.stop(home)
        shutil.rmtree(directory, ignore_errors=True)


@pytest.mark.bench
@pytest.mark.sandbox
def test_sessions_at_once(served: Served) -> None:
    """What one processor does for one session, all processors do for twenty: of one row group DuckDB makes no two
    tasks. Work that one session can spread over all processors would gain nothing from a second one.
    """
    cursor = served.connection.cursor()
    cursor.execute(MAKE_POINTS)
    cursor.execute(FILL_POINTS.format(POINTS))
    sql = f"select {' + '.join(f'sum(sin(score * {number}))' for number in range(1, 41))} from points"
    connections = [snowflake.connector.connect(**served.settings) for _ in range(SESSIONS)]
    each = 6

    def work(connection: SnowflakeConnection) -> None:
        for _ in range(each):
            connection.cursor().execute(sql).fetchall()

    def second(active: list[SnowflakeConnection]) -> float:
        threads = [threading.Thread(target=work, args=(connection,)) for connection in active]
        begin = time.perf_counter()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return len(active) * each / (time.perf_counter() - begin)

    second(connections[:1])
    one, many = second(connections[:1]), second(connections)
    print(f"\n1 session {one:.1f} statements a second, {SESSIONS} sessions {many:.1f}")
    print(f"{many / one:.2f} times as many, {processors()} processors")
    for connection in connections:
        connection.close()


@pytest.mark.bench
@pytest.mark.sandbox
def test_bulk_values(served: Served) -> None:
    cursor = served.connection.cursor()
    cursor.execute("create or replace table bulk (a int, b varchar, c float)")
    rows = [(number, f"text {number}", number / 3) for number in range(BULK_ROWS)]
    forget_peak(served.pid)
    before = resident_mib(served.pid)
    begin = time.perf_counter()
    cursor.executemany("insert into bulk values (?, ?, ?)", rows)
    took = time.perf_counter() - begin
    assert cursor.execute("select count(*), sum(a), min(b), max(b) from bulk").fetchall() == [
        (BULK_ROWS, BULK_ROWS * (BULK_ROWS - 1) // 2, "text 0", "text 999999")
    ]
    peak, after = resident_mib(served.pid, "VmHWM"), resident_mib(served.pid)
    print(f"\n{BULK_ROWS:,} bound rows × 3 in {took:.1f} s")
    print(f"the front had {before:.0f} MiB before, {peak:.0f} at most, {after:.0f} afterwards")
    assert peak < 400
