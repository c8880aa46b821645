"""The unmodified connector: binds, fetches, and how long a small statement takes."""

from __future__ import annotations

import datetime as dt
import io
import time
import uuid
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import pytest
import snowflake.connector
from snowflake.connector import DatabaseError, ProgrammingError, SnowflakeConnection, connect

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
    # snowpark-python, tests/integ/scala/test_sql_suite.py::test_insert_into_table; fakesnow, tests/test_describe.py
    [counted] = cursor.description
    assert (counted.name, counted.precision, counted.is_nullable) == ("number of rows inserted", 19, False)
    assert cursor.execute("select * from bound where a = ? and c = ? limit 1", (1, ROW[2])).fetchall() == [ROW]
    assert cursor.execute("select * from bound").fetch_pandas_all().shape == (21, 9)
    assert sum(map(len, cursor.execute("select * from bound").fetch_pandas_batches())) == 21
    assert cursor.execute("select * from bound").fetch_arrow_all().num_rows == 21
    assert cursor.execute("select * from bound where false").fetch_pandas_all().shape == (0, 9)
    assert [column.name for column in cursor.describe("select * from bound")] == list("ABCDEFGHI")


def test_rows_are_the_same_in_both_forms(client: SnowflakeConnection) -> None:
    """QUERY_RESULT_FORMAT and the connector's own parameter of a request; the chunks that it fetches too."""
    cursor = client.cursor()
    every = (
        "select 1.50::number(10,2) a, '1969-01-02 03:04:05.25'::timestamp_ntz b, '1969-01-02'::timestamp_ltz c,"
        " '2020-01-02 03:04:05.25 +0200'::timestamp_tz d, '1:2:3.5'::time e, parse_json('{\"a\":1}') f, null g,"
        " 'é\"' h, true i, 1e300::float j, '2020-01-02'::date k, seq4() n from table(generator(rowcount => 3000))"
        " order by n"
    )
    asked = {"PYTHON_CONNECTOR_QUERY_RESULT_FORMAT": "JSON"}
    rows = cursor.execute(every, _statement_params=asked).fetchall()
    assert cursor._query_result_format == "json"
    assert len(cursor.get_result_batches() or ()) > 1
    scanned = client.cursor()
    scanned.execute(f"select * from table(result_scan('{cursor.sfqid}'))", _statement_params=asked)
    assert (scanned._query_result_format, scanned.fetchmany(2)) == ("json", rows[:2])
    assert cursor.execute(every).fetchall() == rows
    assert cursor._query_result_format == "arrow"


def test_a_description_is_the_same_before_a_query_runs_and_after(client: SnowflakeConnection) -> None:
    """SEQ4 has ten digits, moments have nine (test_cursor.py, test_dbapi.py::test_description2 of the connector)."""
    cursor = client.cursor()
    query = "select seq4() a, 'x' b, null::int c, '2024-01-01'::timestamp d from table(generator(rowcount => 3))"
    before = cursor.describe(query)
    cursor.execute(query)
    assert [(each.precision, each.scale) for each in cursor.description][::3] == [(10, 0), (0, 9)]
    assert before == cursor.description


def test_several_statements_share_their_bound_values(client: SnowflakeConnection) -> None:
    """And of those that ran apart, somebody who only knows their id gets each result."""
    cursor = client.cursor()
    cursor.execute("create or replace table several (a int); create or replace table other (b int)", num_statements=2)
    cursor.executemany(
        "insert into several values (?); insert into other values (?)", [[1, 2], [3, 4]], num_statements=2
    )
    cursor.execute("select ?; select '?', ?", ("x", 5), num_statements=2)
    assert (cursor.fetchall(), cursor.nextset(), cursor.fetchall()) == ([("x",)], cursor, [("?", 5)])
    both = "select sum(a) from several; select sum(b) from other"
    cursor.execute_async(both, num_statements=2)
    later = client.cursor()
    later.get_results_from_sfqid(cursor.sfqid)
    assert (later.fetchall(), later.nextset(), later.fetchall(), later.nextset()) == ([(4,)], later, [(6,)], None)


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
    early = dt.date(1970, 1, 2)  # so few milliseconds that TO_DATE would take them for seconds
    given.append((len(given), "early", early, *ROW[3:]))
    given.append((len(given), *[None] * 8))
    assert cursor.executemany("insert into staged values (?,?,?,?,?,?,?,?,?)", given).rowcount == len(given)
    assert cursor.execute("list @snowpark_temp_stage_bind").fetchall(), "they were in the stage"
    assert cursor.execute("select * from staged").fetchall() == given, "and in their order"
    cursor.executemany("insert into staged (b, a) select upper(?), ? + 1", [("x", 1), ("y", 2)])
    assert cursor.execute("select a, b from staged where b in ('X', 'Y')").fetchall() == [(2, "X"), (3, "Y")]


def test_a_batch_of_which_rows_were_lost_in_the_stage_inserts_none(staging: SnowflakeConnection) -> None:
    """Another batch of the same session makes the stage anew: on the wire nothing tells that files are missing."""
    cursor = staging.cursor()
    cursor.execute("create or replace table lost (a int, b int)")
    cursor.executemany("insert into lost values (?, ?)", [(1, 2), (3, 4)])
    (name, *_) = cursor.execute("list @snowpark_temp_stage_bind").fetchall()[0]
    directory = name.split("/")[1]
    insert = ("insert into lost values (?, ?)", None)
    cursor.execute(*insert, _bind_stage=f"@snowpark_temp_stage_bind/{directory}")  # the same again is the same rows
    stream = io.BytesIO(b"5,6\n")
    cursor._upload_stream(stream, f"@snowpark_temp_stage_bind/{directory}/9.csv", {"source_compression": "auto_detect"})
    for place in (directory, "nowhere"):
        with pytest.raises(ProgrammingError, match=r"stage"):
            cursor.execute(*insert, _bind_stage=f"@snowpark_temp_stage_bind/{place}")
    with pytest.raises(ProgrammingError, match="INSERT"):
        cursor.execute("update lost set a = ? where b = ?", None, _bind_stage=f"@snowpark_temp_stage_bind/{directory}")
    assert cursor.execute("select count(*) from lost").fetchall() == [(4,)]


@pytest.mark.attack
def test_nobody_binds_what_another_session_put_into_its_stage(
    staging: SnowflakeConnection, settings: dict[str, Any]
) -> None:
    cursor = staging.cursor()
    cursor.execute("create or replace table secrets (a int)")
    cursor.executemany("insert into secrets values (?)", [(1,), (2,)])
    (name, *_) = cursor.execute("list @snowpark_temp_stage_bind").fetchall()[0]
    stolen = ("insert into stolen values (?)", None)
    stage = f"@snowpark_temp_stage_bind/{name.split('/')[1]}"
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


@pytest.mark.parametrize(
    ("statement", "counts"),
    [
        ("create or replace table counted (a int, b int) as select 1, 2 union all select 2, 2", (2, 0, 0, 0)),
        ("insert into counted values (3, 3), (4, 4), (5, 5)", (3, 0, 0, 0)),
        ("update counted set b = 9 where a <= 2", (0, 0, 2, 0)),
        (
            "update counted set b = v.x from (values (1, 7), (1, 8), (2, 7)) as v (k, x) where counted.a = v.k",
            (0, 0, 2, 1),
        ),
        ("delete from counted where a = 5", (0, 1, 0, 0)),
        (
            "merge into counted using (select 4 as a union all select 6) s on counted.a = s.a"
            " when matched then delete when not matched then insert (a) values (s.a)",
            (1, 1, 0, 0),
        ),
        ("insert overwrite into counted values (1, 1)", (1, 4, 0, 0)),
        ("truncate table counted", (0, 1, 0, 0)),
        ("update counted set b = 0", None),
        ("select * from counted", None),
    ],
)
def test_a_statement_tells_how_many_rows_it_changed(
    client: SnowflakeConnection, statement: str, counts: tuple[int, ...] | None
) -> None:
    """`cursor.stats` (connector: `test_dml_stats_operations`); in this order, each on what the one before has left."""
    cursor = client.cursor()
    cursor.execute(statement)
    assert cursor.stats == (counts or (None,) * 4)


def test_a_statement_takes_values_by_name(client: SnowflakeConnection) -> None:
    """What the .NET client sends; this one only sends them where it is told to."""
    bound = {"myid": {"type": "FIXED", "value": "2"}, "myname": {"type": "TEXT", "value": "b"}}
    sql = "select * from values (1, 'a'), (2, 'b') as t (i, n) where i = :myid and n = :myname"
    answer = client.cmd_query(sql, client._next_sequence_counter(), uuid.uuid4(), binding_params=bound)
    assert answer["data"]["total"] == 1


def test_a_login_that_asks_for_it_begins_where_it_was_to_begin(
    client: SnowflakeConnection, make_account: Callable[[str], dict[str, Any]]
) -> None:
    """`validate_default_parameters` (connector: `connect`); without it a session begins without them."""
    account = make_account("clients")
    asked = {"database": "CLIENTS_DB", "schema": "PUBLIC", "warehouse": "COMPUTE_WH"}
    for what in asked:
        with pytest.raises(DatabaseError, match=f"390201.*The requested {what} does not exist or not authorized"):
            connect(**{**account, **asked, what: "NOWHERE"}, validate_default_parameters=True)
    with connect(**{**account, **asked}, validate_default_parameters=True) as opened:
        assert (opened.database, opened.schema, opened.warehouse) == ("CLIENTS_DB", "PUBLIC", "COMPUTE_WH")


def test_leaving_a_connection_without_autocommit_commits(
    client: SnowflakeConnection, make_account: Callable[[str], dict[str, Any]]
) -> None:
    """connector: `SnowflakeConnection.__exit__` goes by the AUTOCOMMIT that it was told."""
    client.cursor().execute("create or replace table left_behind (a int)")
    with connect(**make_account("clients"), database="CLIENTS_DB", schema="PUBLIC", autocommit=False) as opened:
        opened.cursor().execute("insert into left_behind values (1)")
    assert client.cursor().execute("select * from left_behind").fetchall() == [(1,)]


def test_how_many_statements_a_request_has_is_what_the_session_says(client: SnowflakeConnection) -> None:
    """sql-reference/parameters.md, MULTI_STATEMENT_COUNT: 0 for any number; what a request says itself comes first."""
    cursor = client.cursor()
    try:
        cursor.execute("alter session set multi_statement_count = 0")
        cursor.execute("select 1; select 2")
        assert (cursor.fetchall(), cursor.nextset() is cursor, cursor.fetchall()) == ([(1,)], True, [(2,)])
        assert cursor.execute("select 3").fetchall() == [(3,)]
        with pytest.raises(ProgrammingError, match="count 2 did not match the desired statement count 3"):
            cursor.execute("select 1; select 2", num_statements=3)
        cursor.execute("alter session set multi_statement_count = 2")
        with pytest.raises(ProgrammingError, match="count 1 did not match the desired statement count 2"):
            cursor.execute("select 1")
    finally:
        cursor.execute("alter session unset multi_statement_count", num_statements=1)
    with pytest.raises(ProgrammingError, match="count 2 did not match the desired statement count 1"):
        cursor.execute("select 1; select 2")
