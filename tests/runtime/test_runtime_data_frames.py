"""`to_pandas()` of a job gives what pyarrow and the connector give, in half of the memory."""

from __future__ import annotations

import datetime
import decimal

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from cleanroom_ml.runtime.data import RemoteTable

DAY = datetime.date(2024, 2, 29)
MOMENT = datetime.datetime(2024, 2, 29, 10, 11, 12, 131415)

VALUES = {
    "INT": pa.array([1, 2, 3], pa.int64()),
    "INT_NULL": pa.array([1, None, 3], pa.int64()),
    "FLOAT": pa.array([0.5, None, 1.5]),
    "BOOL": pa.array([True, False, True]),
    "BOOL_NULL": pa.array([True, None, False]),
    "DATE": pa.array([DAY, None, DAY]),
    "TIME": pa.array([datetime.time(1, 2, 3, 4), None, None], pa.time64("us")),
    "NTZ": pa.array([MOMENT, None, MOMENT], pa.timestamp("us")),
    "LTZ": pa.array([MOMENT, None, MOMENT], pa.timestamp("us", tz="Europe/Zurich")),
    "TEXT": pa.array(["a", None, "a"]),
    "BYTES": pa.array([b"a", None, b"b"]),
    '"kind"': pa.array(["x", "y", None]).dictionary_encode(),
}


def in_pieces(table: pa.Table, size: int) -> RemoteTable:
    return RemoteTable.concat(
        [RemoteTable.from_arrow(table.slice(begin, size)) for begin in range(0, table.num_rows, size)]
    )


@pytest.mark.parametrize("size", [1, 2, 3])
def test_same_as_pyarrow(size: int) -> None:
    table = pa.table(VALUES)
    if size < 3:  # chunks of a text column may have dictionaries of their own
        table = table.set_column(11, '"kind"', table['"kind"'].cast(pa.string()))
    expected = table.to_pandas()
    for name in ("NTZ", "LTZ"):
        expected[name] = expected[name].dt.as_unit("ns")  # as Snowflake's own, whose timestamps have nanoseconds
    pd.testing.assert_frame_equal(in_pieces(table, size).to_pandas(), expected)


def test_a_moment_beyond_nanoseconds_keeps_its_value() -> None:
    last = datetime.datetime(9999, 12, 31, 23, 59, 59)
    frame = RemoteTable.from_arrow(pa.table({"T": pa.array([last, MOMENT], pa.timestamp("us"))})).to_pandas()
    assert frame["T"].dtype == "datetime64[us]"
    assert frame["T"].tolist() == [pd.Timestamp(last), pd.Timestamp(MOMENT)]


def test_limit_and_order_of_columns() -> None:
    table = in_pieces(pa.table({"A": range(10), "B": range(10, 20)}), 3).select(["B", "A"])
    frame = table.to_pandas(4)
    assert list(frame.columns) == ["B", "A"]
    assert frame["A"].tolist() == [0, 1, 2, 3]
    assert frame.index.equals(pd.RangeIndex(4))
    assert len(table.to_pandas(0)) == 0


def test_equal_texts_of_a_chunk_are_one_object() -> None:
    frame = RemoteTable.from_arrow(pa.table({"S": ["a long city name"] * 1000})).to_pandas()
    assert len({id(value) for value in frame["S"]}) == 1


def test_two_columns_of_one_name_are_both_there() -> None:
    table = pa.table([pa.array([1]), pa.array([2])], names=["A", "A"])
    assert RemoteTable.from_arrow(table).to_pandas().to_numpy().tolist() == [[1, 2]]


def test_numbers_are_writeable_and_their_own() -> None:
    source = np.arange(3.0)
    frame = RemoteTable.from_arrow(pa.table({"A": source})).to_pandas()
    frame.loc[0, "A"] = 7.0
    assert source[0] == 0.0


def test_a_decimal_of_twenty_digits_is_refused_by_name() -> None:
    big = pa.table({"A": pa.array([decimal.Decimal(10**20)], pa.decimal128(38, 0))})
    with pytest.raises(ValueError, match=r"column A .* int64 does not hold; select it as FLOAT or as VARCHAR"):
        RemoteTable.from_arrow(big)
