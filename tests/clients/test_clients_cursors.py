"""The unmodified connector: binds, fetches, and how long a small statement takes."""

from __future__ import annotations

import datetime as dt
import io
import time
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
import snowflake.connector
from snowflake.connector import ProgrammingError, SnowflakeConnection

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


TEXTS = ("", "a,b", 'say "x"', "two\nlines", "back\\slash", "\\N", " padded ", "é", "null", None)
"""What the connector's CSV writes in a way of its own (`converter.escape_for_csv`)."""


@pytest.fixture
def staging(client: SnowflakeConnection) -> Iterator[SnowflakeConnection]:
    """The connector puts every batch into a stage, as it does with 65,280 values and more."""
    known = client._session_parameters
    before = known["CLIENT_STAGE_ARRAY_BINDING_THRESHOLD"]
    known["CLIENT_STAGE_ARRAY_BINDING_THRESHOLD"] = 1
    yield client
    assert known["CLIENT_STAGE_ARRAY_BINDING_THRESHOLD"] == 1, "the connector gave the stage up"
    known["CLIENT_STAGE_ARRAY_BINDING_THRESHOLD"] = before


def test_rows_that_are_bound_through_a_stage_are_what_they_were(staging: SnowflakeConnection) -> None:
    cursor = staging.cursor()
    cursor.execute(
        "create or replace table staged (a int, b varchar, c date, d timestamp_ntz, e number(10,2), f boolean,"
        " g binary, h time, i float)"
    )
    given = [(number, text, *ROW[2:]) for number, text in enumerate(TEXTS)]
    given.append((len(given), *[None] * 8))
    assert cursor.executemany("insert into staged values (?,?,?,?,?,?,?,?,?)", given).rowcount == len(given)
    assert cursor.execute("list @systembind").fetchall(), "they were in the stage"
    assert cursor.execute("select * from staged").fetchall() == given, "and in their order"
    cursor.executemany("insert into staged (b, a) select upper(?), ? + 1", [("x", 1), ("y", 2)])
    assert cursor.execute("select a, b from staged where b in ('X', 'Y')").fetchall() == [(2, "X"), (3, "Y")]


def test_a_batch_of_which_rows_were_lost_in_the_stage_inserts_none(staging: SnowflakeConnection) -> None:
    """Another batch of the same session makes the stage anew: on the wire nothing tells that files are missing."""
    cursor = staging.cursor()
    cursor.execute("create or replace table lost (a int, b int)")
    cursor.executemany("insert into lost values (?, ?)", [(1, 2), (3, 4)])
    (name, *_) = cursor.execute("list @systembind").fetchall()[0]
    directory = name.split("/")[1]
    insert = ("insert into lost values (?, ?)", None)
    cursor.execute(*insert, _bind_stage=f"@systembind/{directory}")  # the same again is the same rows
    stream = io.BytesIO(b"5,6\n")
    cursor._upload_stream(stream, f"@systembind/{directory}/9.csv", {"source_compression": "auto_detect"})
    for place in (directory, "nowhere"):
        with pytest.raises(ProgrammingError, match=r"stage"):
            cursor.execute(*insert, _bind_stage=f"@systembind/{place}")
    with pytest.raises(ProgrammingError, match="INSERT"):
        cursor.execute("update lost set a = ? where b = ?", None, _bind_stage=f"@systembind/{directory}")
    assert cursor.execute("select count(*) from lost").fetchall() == [(4,)]


@pytest.mark.attack
def test_nobody_binds_what_another_session_put_into_its_stage(
    staging: SnowflakeConnection, settings: dict[str, Any]
) -> None:
    cursor = staging.cursor()
    cursor.execute("create or replace table secrets (a int)")
    cursor.executemany("insert into secrets values (?)", [(1,), (2,)])
    (name, *_) = cursor.execute("list @systembind").fetchall()[0]
    stolen = ("insert into stolen values (?)", None)
    stage = f"@systembind/{name.split('/')[1]}"
    with snowflake.connector.connect(**settings, paramstyle="qmark") as other:
        thief = other.cursor()
        thief.execute("use schema clients_db.public")
        thief.execute("create or replace temporary table stolen (a int)")
        with pytest.raises(ProgrammingError, match="does not exist or not authorized"):
            thief.execute(*stolen, _bind_stage=stage)
        assert thief.execute("select count(*) from stolen").fetchall() == [(0,)]
    cursor.execute("create or replace temporary table stolen (a int)")
    assert cursor.execute(*stolen, _bind_stage=stage).rowcount == 2, "whose stage it is can"


def test_a_small_statement_does_not_wait_for_acknowledgements(client: SnowflakeConnection) -> None:
    """Without TCP_NODELAY on what the front accepts every answer would take 40 ms more."""
    cursor = client.cursor()
    took = []
    for _ in range(15):
        before = time.perf_counter()
        cursor.execute("show databases").fetchall()
        took.append(time.perf_counter() - before)
    assert min(took) < 0.035
