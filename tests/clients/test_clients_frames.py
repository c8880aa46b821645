"""Unmodified Snowpark against a real engine: data frames as a feature-engineering script uses them."""

from __future__ import annotations

import copy
import datetime as dt
import io
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pytest
from snowflake.snowpark import DataFrame, Row, Session, Window
from snowflake.snowpark import functions as F
from snowflake.snowpark.exceptions import SnowparkSQLException

pytestmark = pytest.mark.sandbox

EVENTS = [(1, "view", 10.0), (2, "click", 20.0), (3, None, None), (3, "buy", 5.0)]


@pytest.fixture(scope="module")
def events(session: Session) -> DataFrame:
    frame = session.create_dataframe(EVENTS, schema=["id", "kind", "amount"])
    frame.write.mode("overwrite").save_as_table("events")
    return session.table("events")


@pytest.fixture(scope="module")
def users(session: Session) -> DataFrame:
    return session.create_dataframe([(1, "p"), (3, "q"), (4, "r")], schema=["id", "segment"])


def test_local_rows_keep_their_types(session: Session) -> None:
    row = (
        *(1, "x", 2.5, True, None, Decimal("1.5"), dt.date(2024, 1, 2), dt.time(3, 4, 5, 6)),
        *(dt.datetime(2024, 1, 2, 3, 4, 5, 123456), b"\x00\xff"),
    )
    (found,) = session.create_dataframe([row], schema=list("abcdefghij")).collect()
    assert tuple(found) == row


def test_a_large_local_frame_goes_by_bound_values(session: Session) -> None:
    frame = session.create_dataframe([(n, str(n), dt.date(2024, 1, 1)) for n in range(1500)], schema=["a", "b", "c"])
    assert frame.agg(F.count("b"), F.sum("a"), F.max("c")).collect() == [Row(1500, 1124250, dt.date(2024, 1, 1))]


PANDAS = pd.DataFrame(
    {
        "I8": np.array([1, 2], dtype="int8"),
        "U32": np.array([1, 2], dtype="uint32"),
        "F32": np.array([1.5, np.nan], dtype="float32"),
        "TEXT": ["a", None],
        "FLAG": [True, None],
        "TS": pd.to_datetime(["2024-01-01 01:02:03.5", None]),
        "DAY": [dt.date(2024, 1, 1), None],
        "CLOCK": [dt.time(1, 2, 3), None],
        "EXACT": [Decimal("1.25"), None],
        "BYTES": [b"a", None],
        "INT64": pd.array([1, None], dtype="Int64"),
        "BOOLEAN": pd.array([False, None], dtype="boolean"),
        "STRING": pd.array(["x", None], dtype="string"),
        "CATEGORY": pd.Categorical(["u", None]),
    }
)
FIRST = {
    **{"I8": 1, "U32": 1, "F32": 1.5, "TEXT": "a", "FLAG": True, "TS": dt.datetime(2024, 1, 1, 1, 2, 3, 500000)},
    **{"DAY": dt.date(2024, 1, 1), "CLOCK": dt.time(1, 2, 3), "EXACT": Decimal("1.25"), "BYTES": b"a"},
    **{"INT64": 1, "BOOLEAN": False, "STRING": "x", "CATEGORY": "u"},
}


def test_pandas_columns_keep_their_types(session: Session) -> None:
    first, second = (row.as_dict() for row in session.create_dataframe(PANDAS).sort("I8").collect())
    assert first == FIRST
    assert second == {"I8": 2, "U32": 2, **dict.fromkeys(list(FIRST)[2:])}


def test_write_pandas(session: Session) -> None:
    def written(name: str, **options: Any) -> int:
        return session.write_pandas(PANDAS, name, **options).count()

    assert written("WP", auto_create_table=True, overwrite=True, chunk_size=1) == 2
    assert written("WP") == 4
    assert written("WP", overwrite=True) == 2
    assert written("WP_TEMP", auto_create_table=True, table_type="temp") == 2
    odd = pd.DataFrame({"a b": [1], "Q": [2]})
    assert session.write_pandas(odd, "wp Odd", auto_create_table=True).columns == ['"a b"', "Q"]
    bare = session.write_pandas(odd[["Q"]], "wp_bare", auto_create_table=True, quote_identifiers=False)
    assert bare.collect() == [Row(Q=2)]


def test_save_as_table(session: Session) -> None:
    frame = session.create_dataframe([(1, "a"), (2, "b")], schema=["k", "v"])
    counts = []
    for mode in ("errorifexists", "append", "ignore", "truncate", "overwrite"):
        frame.write.mode(mode).save_as_table("saved")
        counts.append(session.table("saved").count())
    assert counts == [2, 4, 4, 2, 2]
    with pytest.raises(SnowparkSQLException, match="already exists"):
        frame.write.mode("errorifexists").save_as_table("saved")
    for kind in ("temporary", "transient"):
        frame.write.mode("overwrite").save_as_table(f"saved_{kind}", table_type=kind)
        assert session.table(f"saved_{kind}").count() == 2


def test_update_delete_merge(session: Session) -> None:
    frame = session.create_dataframe([(1, "new"), (3, "added")], schema=["k", "v"])
    session.create_dataframe([(1, "a"), (2, "b")], schema=["k", "v"]).write.mode("overwrite").save_as_table("changed")
    table = session.table("changed")
    table.update({"v": F.lit("z")}, table["k"] == 2)
    when = [
        F.when_matched().update({"v": frame["v"]}),
        F.when_not_matched().insert({"k": frame["k"], "v": frame["v"]}),
    ]
    table.merge(frame, table["k"] == frame["k"], when)
    assert table.sort("k").collect() == [Row(1, "new"), Row(2, "z"), Row(3, "added")]
    table.delete(F.col("k") < 3)
    assert table.count() == 1


@pytest.mark.parametrize(
    ("how", "rows"), [("inner", 3), ("left", 4), ("right", 4), ("full", 5), ("semi", 3), ("anti", 1)]
)
def test_joins(events: DataFrame, users: DataFrame, how: str, rows: int) -> None:
    assert events.join(users, "id", how).count() == rows
    assert events.join(users, events["id"] == users["id"], how, lsuffix="_l", rsuffix="_r").count() == rows


def test_joins_of_joins(events: DataFrame, users: DataFrame) -> None:
    again = copy.copy(events)
    assert events.join(again, events["id"] == again["id"], lsuffix="_a", rsuffix="_b").count() == 6
    other = events.select("id", F.col("amount").alias("other"))
    assert (
        events.join(users, "id").join(other, "id").join(users.with_column_renamed("segment", "s2"), "id").count() == 5
    )
    assert events.join(users.join(other, "id"), "id").count() == 5
    assert events.cross_join(users, lsuffix="_l", rsuffix="_r").count() == 12
    assert events.natural_join(users).count() == 3


def test_grouping_and_windows(events: DataFrame) -> None:
    totals = events.group_by("id").agg(F.sum("amount").alias("s"), F.count("kind").alias("n")).sort("id")
    assert totals.collect() == [Row(1, 10.0, 1), Row(2, 20.0, 1), Row(3, 5.0, 1)]
    assert events.group_by("id").agg(F.sum("amount")).columns == ["ID", '"SUM(AMOUNT)"']
    assert (events.rollup("id").count().count(), events.cube("id", "kind").count().count()) == (4, 12)
    latest = Window.partition_by("id").order_by(F.col("amount").desc())
    numbered = events.with_column("n", F.row_number().over(latest)).with_column("before", F.lag("amount").over(latest))
    assert numbered.filter(F.col("n") == 2).select("kind", "before").collect() == [Row(None, 5.0)]
    trailing = Window.order_by("id", F.col("amount").asc_nulls_last()).rows_between(-1, Window.CURRENT_ROW)
    assert [row[0] for row in events.select(F.sum("amount").over(trailing)).collect()][-1] == 5.0


def test_sets_order_and_limits(events: DataFrame) -> None:
    assert (events.union(events).count(), events.union_all(events).count()) == (4, 8)
    assert (events.intersect(events).count(), events.except_(events).count()) == (4, 0)
    assert events.drop("amount").union_all_by_name(events, allow_missing_columns=True).count() == 8
    assert [row["AMOUNT"] for row in events.sort(F.col("amount").desc()).limit(2, offset=1).collect()] == [10.0, 5.0]
    assert [row["AMOUNT"] for row in events.sort("amount").collect()] == [None, 5.0, 10.0, 20.0]
    assert (events.select("id").distinct().count(), events.drop_duplicates("id").count()) == (3, 3)


def test_missing_values(events: DataFrame) -> None:
    assert events.fillna({"amount": 0.0, "kind": "?"}).filter(F.col("amount") == 0).count() == 1
    assert (events.dropna().count(), events.na.drop(how="all").count()) == (3, 4)
    assert events.replace({"view": "VIEW"}, subset=["kind"]).filter(F.col("kind") == "VIEW").count() == 1


def test_ways_out(events: DataFrame) -> None:
    assert events.to_pandas().shape == (4, 3)
    assert sum(len(part) for part in events.to_pandas_batches()) == len(list(events.to_local_iterator())) == 4
    assert len(events.describe().collect()) == 5
    assert events.collect_nowait().result() == events.collect()
    assert events.cache_result().count() == 4
    assert (events.sample(n=2).count(), sum(part.count() for part in events.random_split([0.5, 0.5]))) == (2, 4)
    assert [(field.name, field.datatype.simple_string()) for field in events.schema.fields] == [
        ("ID", "bigint"),
        ("KIND", "string"),
        ("AMOUNT", "double"),
    ]


def test_rows_of_numbers(session: Session) -> None:
    assert session.range(1, 10, 3).collect() == [Row(ID=1), Row(ID=4), Row(ID=7)]
    assert session.sql("select count(*) from events").collect()[0].as_dict() == {"COUNT(*)": 4}


def test_what_is_not_there_is_refused_by_name(session: Session) -> None:
    with pytest.raises(SnowparkSQLException, match=r"Unsupported feature|Unknown function|Unknown procedure"):
        session.call("no_such_procedure")


def test_frames_of_other_statements_than_queries(session: Session) -> None:
    session.sql("create or replace temporary stage audio").collect()
    for name in ("a.flac", "b.flac", "notes.txt"):
        session.file.put_stream(io.BytesIO(b"12345"), f"@audio/{name}", auto_compress=False)
    files = session.sql(r"list @audio pattern = '.*\.flac'")
    assert files.count() == 2
    assert files.select(F.sum(F.col('"size"'))).collect() == [Row(10)]
    session.create_dataframe([[1]], schema=["A"]).write.save_as_table("scanned", mode="overwrite")
    tables = session.sql("show tables in schema")
    found = tables.filter(F.col('"name"') == "SCANNED")
    assert found.count() == 1
    assert found.select(F.col('"rows"'), F.col('"created_on"').is_not_null()).collect() == [Row(1, True)]
    columns = session.sql("describe table scanned")
    assert columns.select('"name"', '"type"').collect() == [Row("A", "NUMBER(38,0)")]
    files.select(F.col('"name"').alias("N")).write.save_as_table("listed", mode="overwrite")
    assert session.table("listed").count() == 2
