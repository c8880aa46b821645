"""The unmodified connector: binds, fetches, and how long a small statement takes."""

from __future__ import annotations

import datetime as dt
import time
from decimal import Decimal

import pytest
from snowflake.connector import SnowflakeConnection

pytestmark = pytest.mark.sandbox

ROW = (
    1,
    "x",
    dt.date(2024, 1, 1),
    dt.datetime(2024, 1, 1, 1, 2, 3, 4),
    Decimal("1.50"),
    True,
    b"ab",
    dt.time(1, 2),
    1.5,
)


def test_bound_rows_come_back_in_every_form(client: SnowflakeConnection) -> None:
    cursor = client.cursor()
    cursor.execute(
        "create or replace table bound (a int, b varchar, c date, d timestamp_ntz, e number(10,2), f boolean, g binary,"
        " h time, i float)"
    )
    assert cursor.executemany("insert into bound values (?,?,?,?,?,?,?,?,?)", [ROW] * 20).rowcount == 20
    cursor.execute("insert into bound (a, b) values (?, ?)", (None, None))
    assert cursor.execute("select * from bound where a = ? and c = ? limit 1", (1, ROW[2])).fetchall() == [ROW]
    assert cursor.execute("select * from bound").fetch_pandas_all().shape == (21, 9)
    assert sum(map(len, cursor.execute("select * from bound").fetch_pandas_batches())) == 21
    assert cursor.execute("select * from bound").fetch_arrow_all().num_rows == 21
    assert cursor.execute("select * from bound where false").fetch_pandas_all().shape == (0, 9)
    assert [column.name for column in cursor.describe("select * from bound")] == list("ABCDEFGHI")


def test_a_small_statement_does_not_wait_for_acknowledgements(client: SnowflakeConnection) -> None:
    """Without TCP_NODELAY on what the front accepts every answer would take 40 ms more."""
    cursor = client.cursor()
    took = []
    for _ in range(15):
        before = time.perf_counter()
        cursor.execute("show databases").fetchall()
        took.append(time.perf_counter() - before)
    assert min(took) < 0.035
