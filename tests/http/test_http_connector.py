"""The unmodified Snowflake connector and Snowpark against a real engine."""

from __future__ import annotations

import os
import time
import uuid
from collections.abc import Callable, Iterator
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import snowflake.connector
from snowflake.connector import SnowflakeConnection
from snowflake.connector.constants import QueryStatus
from snowflake.connector.errors import DatabaseError, ProgrammingError
from snowflake.connector.network import QUERY_IN_PROGRESS_ASYNC_CODE

from cleanroom_ml.engine.home.paths import Home
from cleanroom_ml.engine.http.bodies import BODIES_OF_ONE
from cleanroom_ml.local import operator

pytestmark = pytest.mark.sandbox

MakeAccount = Callable[[str], dict[str, Any]]


@pytest.fixture(scope="module")
def connection(make_account: MakeAccount) -> Iterator[SnowflakeConnection]:
    with snowflake.connector.connect(**make_account("wire"), paramstyle="qmark") as opened:
        opened.cursor().execute("CREATE DATABASE IF NOT EXISTS wire_db")
        for what in ("DATABASE wire_db", "SCHEMA wire_db.public", "WAREHOUSE compute_wh"):
            opened.cursor().execute(f"GRANT USAGE ON {what} TO ROLE sysadmin")
        yield opened


@pytest.fixture
def other(make_account: MakeAccount) -> Iterator[SnowflakeConnection]:
    with snowflake.connector.connect(**make_account("wire_other")) as opened:
        yield opened


def rows(connection: SnowflakeConnection, sql: str, *binds: Any) -> list[Any]:
    return connection.cursor().execute(sql, binds or None).fetchall()


def test_a_session_starts_where_it_was_asked_to(make_account: MakeAccount, connection: SnowflakeConnection) -> None:
    asked = make_account("wire") | {"database": "wire_db", "schema": "public", "role": "SYSADMIN"}
    with snowflake.connector.connect(**asked) as opened:
        assert (opened.account, opened.user.upper()) == ("WIRE", "ADMIN")
        assert (opened.database, opened.schema, opened.role, opened.warehouse) == (
            "WIRE_DB",
            "PUBLIC",
            "SYSADMIN",
            "COMPUTE_WH",
        )
        assert rows(opened, "select current_database(), current_role(), current_account()") == [
            ("WIRE_DB", "SYSADMIN", "WIRE")
        ]


def test_passwords_and_throttling(engine_home: Home) -> None:
    operator.call(
        engine_home, "POST", "/cleanroom/admin/accounts", {"name": "PW", "user": "ANN", "password": "correct horse"}
    )
    host, port = operator.address(engine_home)
    wanted = {"account": "PW", "user": "ann", "host": host, "port": port, "protocol": "http", "login_timeout": 5}
    with snowflake.connector.connect(**wanted, password="correct horse") as opened:
        assert rows(opened, "select 1") == [(1,)]
    took = []
    for _ in range(4):
        started = time.monotonic()
        with pytest.raises(DatabaseError, match="Incorrect username or password"):
            snowflake.connector.connect(**wanted, password="wrong")
        took.append(time.monotonic() - started)
    assert took[-1] >= 0.5, "who guesses waits for the answer"
    with snowflake.connector.connect(**wanted, password="correct horse") as opened:  # and who knows it does not
        assert rows(opened, "select 1") == [(1,)]


@pytest.mark.attack
def test_a_key_that_is_not_enrolled_and_an_oauth_token_are_refused(make_account: MakeAccount) -> None:
    mine, others = make_account("wire"), make_account("wire_other")
    with pytest.raises(DatabaseError, match="JWT token is invalid"):
        snowflake.connector.connect(**{**mine, "private_key_file": others["private_key_file"]}, login_timeout=5)
    without_key = {key: value for key, value in mine.items() if key != "private_key_file"}
    with pytest.raises(DatabaseError, match="Invalid OAuth"):
        snowflake.connector.connect(**{**without_key, "authenticator": "oauth", "token": "x" * 40}, login_timeout=5)


def test_values_come_back_as_they_are(connection: SnowflakeConnection) -> None:
    sql = "select 1, 1.5::number(5,2), 'é', true, null, '2024-02-29'::date, '2024-01-01 01:02:03'::timestamp_ntz"
    assert rows(connection, sql) == [
        (1, Decimal("1.50"), "é", True, None, date(2024, 2, 29), datetime(2024, 1, 1, 1, 2, 3))
    ]


def test_bound_values_and_batches(connection: SnowflakeConnection) -> None:
    cursor = connection.cursor()
    assert rows(connection, "select ?, ?, ?", 7, "o'clock", None) == [(7, "o'clock", None)]
    cursor.execute("create or replace table wire_db.public.batch (n number, t varchar)")
    cursor.executemany("insert into wire_db.public.batch values (?, ?)", [(n, f"t{n}") for n in range(2000)])
    assert cursor.rowcount == 2000
    assert rows(connection, "select count(*), sum(n), max(t) from wire_db.public.batch") == [(2000, 1999000, "t999")]


@pytest.mark.slow
def test_large_requests_hold_their_share_until_they_ran_and_no_longer(connection: SnowflakeConnection) -> None:
    """More of them one after the other than one account may have at once."""
    size = 3 << 20
    for _ in range(BODIES_OF_ONE // size + 3):
        with pytest.raises(ProgrammingError, match="too large"):
            connection.cursor().execute(f"select 1 -- {'x' * size}")


def test_errors_have_snowflakes_codes_and_no_inner_text(connection: SnowflakeConnection) -> None:
    with pytest.raises(ProgrammingError) as refused:
        rows(connection, "select * from nobody.has.this")
    assert (refused.value.errno, refused.value.sqlstate) == (2003, "42S02")
    assert "does not exist or not authorized" in str(refused.value)
    assert refused.value.sfqid


BIG = "select seq4() as n, seq4() * 2 as m, 'x' || seq4()::varchar as t from table(generator(rowcount => {rows}))"


def test_large_results_come_in_chunks(connection: SnowflakeConnection) -> None:
    cursor = connection.cursor().execute(BIG.format(rows=300_000))
    batches = cursor.get_result_batches()
    assert batches is not None
    assert len(batches) > 2
    assert batches[0].rowcount <= 2048
    frame = cursor.fetch_pandas_all()
    assert (len(frame), int(frame["N"].sum())) == (300_000, 299_999 * 150_000)


@pytest.mark.attack
def test_a_capability_is_of_one_result(connection: SnowflakeConnection) -> None:
    import requests

    first, second = (connection.cursor().execute(BIG.format(rows=10_000)) for _ in range(2))
    batch, another = (cursor.get_result_batches()[1] for cursor in (first, second))  # type: ignore[index]
    url, headers = batch._remote_chunk_info.url, batch._chunk_headers
    assert requests.get(url, headers=headers, timeout=10).status_code == 200
    assert requests.get(url, timeout=10).status_code == 404
    assert requests.get(url, headers=another._chunk_headers, timeout=10).status_code == 404
    token = connection.rest.token
    assert requests.get(url, headers={"Authorization": f'Snowflake Token="{token}"'}, timeout=10).status_code == 404


@pytest.mark.attack
def test_nobody_elses_results_queries_or_cancellations(
    connection: SnowflakeConnection, other: SnowflakeConnection
) -> None:
    query_id = connection.cursor().execute("select 4711").sfqid
    assert query_id is not None
    assert rows(connection, f"select * from table(result_scan('{query_id}'))") == [(4711,)]
    with pytest.raises(DatabaseError):
        other.cursor().query_result(query_id)
    with pytest.raises(DatabaseError):
        rows(other, f"select * from table(result_scan('{query_id}'))")
    assert other.get_query_status(query_id) is QueryStatus.NO_DATA
    slow = connection.cursor()
    slow.execute_async(BIG.format(rows=2_000_000))
    assert slow.sfqid is not None
    assert other.cursor().abort_query(slow.sfqid) is False
    slow.get_results_from_sfqid(slow.sfqid)
    assert slow.fetchone() is not None


def test_asynchronous_queries(connection: SnowflakeConnection) -> None:
    cursor = connection.cursor()
    cursor.execute_async("select count(*) from table(generator(rowcount => 3000000))")
    assert cursor.sfqid is not None
    while connection.is_still_running(connection.get_query_status(cursor.sfqid)):
        time.sleep(0.05)
    assert connection.get_query_status_throw_if_error(cursor.sfqid) is QueryStatus.SUCCESS
    cursor.get_results_from_sfqid(cursor.sfqid)
    assert cursor.fetchall() == [(3_000_000,)]


def test_an_asynchronous_statement_tells_its_error_later_however_fast_it_failed(
    connection: SnowflakeConnection,
) -> None:
    request_id = uuid.uuid4()
    for _ in range(2):  # the second time is a client's retry, when the statement has long failed
        answer = connection.cmd_query("select * from nobody.has.this", 1, request_id, _no_results=True)
        assert (answer["success"], answer["code"]) == (True, QUERY_IN_PROGRESS_ASYNC_CODE)
        query_id = answer["data"]["queryId"]
        while connection.is_still_running(connection.get_query_status(query_id)):
            time.sleep(0.05)
        with pytest.raises(ProgrammingError, match="does not exist"):
            connection.get_query_status_throw_if_error(query_id)


def test_a_file_transfer_is_not_put_off(connection: SnowflakeConnection, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("a")
    cursor = connection.cursor()
    cursor.execute("create or replace stage wire_db.public.not_put_off")
    cursor.execute_async(f"PUT 'file://{tmp_path}/a.txt' @wire_db.public.not_put_off AUTO_COMPRESS=FALSE")
    assert rows(connection, "LIST @wire_db.public.not_put_off")[0][1] == 1


SLOW = (
    "select count(*) from table(generator(rowcount => 1000000)) a, table(generator(rowcount => 1000000)) b "
    "where random() > 2"
)


def test_a_query_is_cancelled_and_its_worker_with_it(connection: SnowflakeConnection) -> None:
    started = time.monotonic()
    with pytest.raises(ProgrammingError, match="cancel"):
        connection.cursor().execute(SLOW, timeout=1)
    assert time.monotonic() - started < 10
    with pytest.raises(ProgrammingError, match="timeout of 1 second"):
        connection.cursor().execute(SLOW, _statement_params={"STATEMENT_TIMEOUT_IN_SECONDS": "1"})
    rows(connection, "alter session set STATEMENT_TIMEOUT_IN_SECONDS = 1")
    with pytest.raises(ProgrammingError, match="timeout of 2 second"):  # the request's own comes first, everywhere
        connection.cursor().execute(SLOW, _statement_params={"STATEMENT_TIMEOUT_IN_SECONDS": "2"})
    rows(connection, "alter session unset STATEMENT_TIMEOUT_IN_SECONDS")
    started = time.monotonic()
    for _ in range(4):
        assert rows(connection, "select 1") == [(1,)]
    assert time.monotonic() - started < 5, "the workers are free again"


def test_several_statements_in_one_request(connection: SnowflakeConnection) -> None:
    cursor = connection.cursor()
    cursor.execute("select 1; select 'two'; select 3", num_statements=0)
    found = [cursor.fetchall()]
    while cursor.nextset():
        found.append(cursor.fetchall())
    assert found == [[(1,)], [("two",)], [(3,)]]
    with pytest.raises(ProgrammingError, match="Actual statement count 2 did not match the desired statement count 3"):
        cursor.execute("select 1; select 2", num_statements=3)
    with pytest.raises(ProgrammingError):
        cursor.execute("select 1; select 2")
    with pytest.raises(ProgrammingError, match="does not exist"):
        cursor.execute("select 1; select * from nobody.has.this; select 3", num_statements=0)


def test_a_repeated_request_is_applied_once(connection: SnowflakeConnection) -> None:
    """What the connector does when an answer is lost: the same request id again."""
    cursor = connection.cursor()
    cursor.execute("create or replace table wire_db.public.once (n number)")
    request = str(uuid.uuid4())
    first = cursor.execute("insert into wire_db.public.once values (1)", _statement_params={"requestId": request})
    assert first is not None
    query_id = first.sfqid
    again = cursor.execute("insert into wire_db.public.once values (1)", _statement_params={"requestId": request})
    assert again is not None
    assert (again.sfqid, again.rowcount) == (query_id, 1)
    assert rows(connection, "select count(*) from wire_db.public.once") == [(1,)]
    with pytest.raises(ProgrammingError, match="another statement"):
        cursor.execute("insert into wire_db.public.once values (2)", _statement_params={"requestId": request})


def test_tokens_are_renewed_and_sessions_end(make_account: MakeAccount) -> None:
    opened = snowflake.connector.connect(**make_account("wire"))
    old = opened.rest.token
    opened.rest._renew_session()
    assert opened.rest.token != old
    assert opened.rest._heartbeat()["success"] is True
    assert rows(opened, "select 1") == [(1,)]
    token, master = opened.rest.token, opened.rest.master_token
    opened.rest.delete_session()
    opened.rest.update_tokens(token, master)
    with pytest.raises(ProgrammingError, match="Session no longer exists"):
        rows(opened, "select 1")


def test_files_go_up_and_down(connection: SnowflakeConnection, tmp_path: Path) -> None:
    cursor = connection.cursor()
    cursor.execute("create or replace stage wire_db.public.files")
    for number in range(3):
        (tmp_path / f"part{number}.bin").write_bytes(os.urandom(200_000 + number))
    uploaded = cursor.execute(
        f"PUT 'file://{tmp_path}/part*.bin' @wire_db.public.files/in AUTO_COMPRESS=FALSE"
    ).fetchall()
    assert sorted(row[1] for row in uploaded) == ["part0.bin", "part1.bin", "part2.bin"]
    assert {row[6] for row in uploaded} == {"UPLOADED"}
    listed = rows(connection, "LIST @wire_db.public.files")
    assert [(row[0], row[1]) for row in listed] == [(f"files/in/part{n}.bin", 200_000 + n) for n in range(3)]
    down = tmp_path / "down"
    down.mkdir()
    cursor.execute(f"GET @wire_db.public.files/in 'file://{down}'")
    for number in range(3):
        assert (down / f"part{number}.bin").read_bytes() == (tmp_path / f"part{number}.bin").read_bytes()
    cursor.execute("REMOVE @wire_db.public.files/in/part1.bin")
    assert len(rows(connection, "LIST @wire_db.public.files")) == 2
    cursor.execute(f"PUT 'file://{tmp_path}/part0.bin' @wire_db.public.files/zipped")
    assert [row[0] for row in rows(connection, "LIST @wire_db.public.files/zipped")] == ["files/zipped/part0.bin.gz"]


def test_a_put_whose_target_is_bound(connection: SnowflakeConnection, tmp_path: Path) -> None:
    """The connector repeats it for each file without the bound value."""
    cursor = connection.cursor()
    cursor.execute("create or replace stage wire_db.public.bound")
    for number in range(2):
        (tmp_path / f"b{number}.txt").write_text("x")
    cursor.execute(f"PUT 'file://{tmp_path}/b*.txt' ? AUTO_COMPRESS=FALSE", ("@wire_db.public.bound/here",))
    assert [row[0] for row in rows(connection, "LIST @wire_db.public.bound")] == [
        "bound/here/b0.txt",
        "bound/here/b1.txt",
    ]


@pytest.mark.attack
def test_an_upload_goes_where_its_capability_says_and_nowhere_else(
    connection: SnowflakeConnection, tmp_path: Path
) -> None:
    import requests

    cursor = connection.cursor()
    cursor.execute("create or replace stage wire_db.public.aimed")
    answer = connection.cmd_query(
        "PUT 'file:///tmp/a.txt' @wire_db.public.aimed AUTO_COMPRESS=FALSE", 1, uuid.uuid4(), is_file_transfer=True
    )
    url = answer["data"]["stageInfo"]["presignedUrl"]
    base, _, _ = url.rpartition("/")
    for wrong in (f"{base}/b.txt", f"{base}/..%2fb.txt", url.replace("/stage/upload/", "/stage/download/")):
        assert requests.put(wrong, data=b"x", timeout=10).status_code in (404, 405)
    assert requests.get(url, timeout=10).status_code in (404, 405)
    assert requests.put(url, data=b"hello", timeout=10).status_code == 200
    listed = [("aimed/a.txt", 5)]
    assert [(row[0], row[1]) for row in rows(connection, "LIST @wire_db.public.aimed")] == listed
    assert requests.put(url, data=b"other", timeout=10).status_code == 409, "one URL stores one file"
    assert requests.put(url, data=b"hello", timeout=10).status_code == 200, "its answer was lost: it comes again"
    assert [(row[0], row[1]) for row in rows(connection, "LIST @wire_db.public.aimed")] == listed
    cursor.execute(f"GET @wire_db.public.aimed 'file://{tmp_path}'")
    assert (tmp_path / "a.txt").read_text() == "hello"
    unused = connection.cmd_query(
        "PUT 'file:///tmp/a.txt' @wire_db.public.aimed AUTO_COMPRESS=FALSE", 1, uuid.uuid4(), is_file_transfer=True
    )["data"]["stageInfo"]["presignedUrl"]
    cursor.execute("drop stage wire_db.public.aimed")
    # 400 is what the connector takes for "ask for another URL".
    assert requests.put(unused, data=b"hello", timeout=10).status_code == 400


def test_snowpark_works(make_account: MakeAccount, connection: SnowflakeConnection) -> None:
    import pandas as pd
    from snowflake.snowpark import Session
    from snowflake.snowpark.functions import col

    session = Session.builder.configs(make_account("wire") | {"database": "WIRE_DB", "schema": "PUBLIC"}).create()
    try:
        frame = pd.DataFrame(
            {"ID": range(1000), "NAME": [f"n{n}" for n in range(1000)], "V": [n / 3 for n in range(1000)]}
        )
        session.create_dataframe(frame).write.save_as_table("park", mode="overwrite")
        found = session.table("park").filter(col("ID") >= 990).sort("ID")
        assert found.count() == 10
        pd.testing.assert_frame_equal(
            found.to_pandas().astype({"ID": "int64"}), frame[frame.ID >= 990].reset_index(drop=True)
        )
        assert session.create_dataframe([(1, "a"), (2, None)], schema=["A", "B"]).collect()[1]["B"] is None
        job = session.table("park").collect_nowait()
        assert len(job.result()) == 1000
    finally:
        session.close()
