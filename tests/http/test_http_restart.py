"""Killed with SIGKILL in the middle of things: sessions, results and outcomes are still there afterwards."""

from __future__ import annotations

import os
import signal
import threading
import time
import uuid
from pathlib import Path

import pytest
import snowflake.connector

from cleanroom_ml.engine.home.paths import Home
from cleanroom_ml.local import accounts
from cleanroom_ml.local import engine as local_engine

pytestmark = pytest.mark.sandbox

BIG = "select seq4() as n, 'x' || seq4()::varchar as t from table(generator(rowcount => 400000))"


def kill(home: Home) -> None:
    pid = local_engine.status(home).pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)


@pytest.fixture
def section(fresh_home: Home) -> dict[str, object]:
    accounts.create("alpha", home=fresh_home)
    return accounts.connections(fresh_home)["alpha"]


def test_a_client_in_the_middle_of_a_result_goes_on(fresh_home: Home, section: dict[str, object]) -> None:
    connection = snowflake.connector.connect(**section, client_prefetch_threads=1)
    cursor = connection.cursor().execute(BIG)
    assert cursor is not None
    seen = [cursor.fetchone()[0] for _ in range(3000)]  # type: ignore[index]
    kill(fresh_home)
    threading.Timer(1.0, local_engine.ensure_running, (fresh_home,)).start()
    seen += [row[0] for row in cursor]
    assert sorted(seen) == list(range(400_000))
    assert connection.cursor().execute("select 1").fetchone() == (1,)  # type: ignore[union-attr]
    again = connection.cursor()
    again.query_result(str(cursor.sfqid))
    assert again.rowcount == 400_000
    connection.close()


def test_a_statement_repeated_after_the_restart_is_not_applied_again(
    fresh_home: Home, section: dict[str, object]
) -> None:
    connection = snowflake.connector.connect(**section)
    cursor = connection.cursor()
    cursor.execute("create database d")
    cursor.execute("create table d.public.t (n number)")
    request = str(uuid.uuid4())
    cursor.execute("insert into d.public.t values (1)", _statement_params={"requestId": request})
    query_id = cursor.sfqid
    kill(fresh_home)
    local_engine.ensure_running(fresh_home)
    cursor.execute("insert into d.public.t values (1)", _statement_params={"requestId": request})
    assert (cursor.sfqid, cursor.rowcount) == (query_id, 1)
    assert cursor.execute("select count(*) from d.public.t").fetchall() == [(1,)]  # type: ignore[union-attr]
    connection.close()


def test_what_ran_when_the_engine_died_has_failed_and_says_so(fresh_home: Home, section: dict[str, object]) -> None:
    connection = snowflake.connector.connect(**section)
    cursor = connection.cursor()
    cursor.execute_async(
        "select count(*) from table(generator(rowcount => 1000000)) a, "
        "table(generator(rowcount => 1000000)) b where random() > 2"
    )
    assert cursor.sfqid is not None
    time.sleep(0.3)
    kill(fresh_home)
    local_engine.ensure_running(fresh_home)
    with pytest.raises(snowflake.connector.errors.ProgrammingError, match="restarted"):
        connection.get_query_status_throw_if_error(cursor.sfqid)
    connection.close()


@pytest.mark.slow
def test_five_million_rows_leave_the_front_small(fresh_home: Home, section: dict[str, object]) -> None:
    """5M x 10 columns: fetched whole, and the front never holds more than 400 MB."""
    pid = local_engine.status(fresh_home).pid
    columns = ", ".join(f"seq8() * {n} + 0.5 as c{n}" for n in range(10))
    with snowflake.connector.connect(**section) as connection:
        started = time.monotonic()
        cursor = connection.cursor().execute(f"select {columns} from table(generator(rowcount => 5000000))")
        assert cursor is not None
        rows = sum(len(batch) for batch in cursor.fetch_arrow_batches())
        seconds = time.monotonic() - started
    peak = next(
        int(line.split()[1])
        for line in Path(f"/proc/{pid}/status").read_text().splitlines()
        if line.startswith("VmHWM")
    )
    print(f"5M x 10 in {seconds:.1f} s, front peak {peak >> 10} MiB")
    assert rows == 5_000_000
    assert peak < 400 << 10
