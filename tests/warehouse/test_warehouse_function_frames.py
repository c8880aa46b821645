"""What comes from the process of a party's functions is bounded and checked before it is used; and what values it gets
and may give (developer-guide/udf-stored-procedure-data-type-mapping).
"""

from __future__ import annotations

import datetime
import socket
import struct
from decimal import Decimal
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from cleanroom_ml.engine.sql.types.sql_type import parse_type
from cleanroom_ml.engine.warehouse import python_frames as frames
from cleanroom_ml.engine.warehouse.python_handlers import Function, install
from cleanroom_ml.engine.warehouse.python_signature import Signature
from cleanroom_ml.engine.warehouse.python_values import SQL_NULL, arrow_type, given, taken


def stream(*columns: pa.Array, names: tuple[str, ...] = ()) -> bytes:
    batch = pa.record_batch(list(columns), names=list(names) or [f"f{n}" for n in range(len(columns))])
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, batch.schema) as writer:
        writer.write_batch(batch)
    return bytes(sink.getvalue().to_pybytes())


GOOD = stream(pa.array([1, 2], pa.int64()))


def beyond() -> bytes:
    """A text column whose offsets point behind its data."""
    data = stream(pa.array(["ab", "cde"]))
    right, wrong = struct.pack("<3i", 0, 2, 5), struct.pack("<3i", 0, 2, 1 << 20)
    assert data.count(right) == 1
    return data.replace(right, wrong)


@pytest.mark.attack
@pytest.mark.parametrize(
    ("data", "wanted"),
    [
        (stream(pa.array([1, 2], pa.int32())), pa.int64()),
        (stream(pa.array(["1", "2"])), pa.int64()),
        (stream(pa.array([1, 2], pa.int64()), pa.array([1, 2], pa.int64())), pa.int64()),
        (stream(pa.array([1, 2], pa.int64()), names=("other",)), pa.int64()),
        (stream(pa.array([1], pa.int64())), pa.int64()),
        (stream(pa.array([1, 2, 3], pa.int64())), pa.int64()),
        (beyond(), pa.string()),
        (GOOD[:-20], pa.int64()),
        (GOOD[8:], pa.int64()),
        (b"", pa.int64()),
        (b"\xff\xff\xff\xff\xff\xff\xff\x7f" * 4, pa.int64()),
    ],
)
def test_an_answer_has_the_declared_type_and_as_many_rows(data: bytes, wanted: pa.DataType) -> None:
    assert frames.unpacked(GOOD, [pa.int64()], 2)[0].to_pylist() == [1, 2]
    with pytest.raises(frames.BadFrame):
        frames.unpacked(data, [wanted], 2)


MOMENTS = [
    (pa.array([2**31 - 1], pa.int32()).view(pa.date32()), "infinity"),
    (pa.array([-(2**31) + 1], pa.int32()).view(pa.date32()), "-infinity"),
    (pa.array([2_932_897], pa.int32()).view(pa.date32()), "10000-01-01"),
    (pa.array([2**63 - 1], pa.int64()).view(pa.timestamp("us")), "infinity"),
]


@pytest.mark.attack
@pytest.mark.parametrize(("column", "shown"), MOMENTS)
def test_a_date_that_python_has_not_is_refused(column: pa.Array, shown: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """2^31 - 1 days are DuckDB's infinity, which would be stored, and be another day for each client."""
    listed = pa.ListArray.from_arrays(pa.array([0, 1], pa.int32()), pa.StructArray.from_arrays([column], ["c0"]))
    for sent in (column, listed):
        with pytest.raises(frames.BadFrame, match="out of range"):
            frames.unpacked(stream(sent), [sent.type], 1)
    monkeypatch.setattr(frames, "_check_moments", lambda column: None)
    (taken_over,) = frames.unpacked(stream(column), [column.type], 1)
    connection = duckdb.connect()
    connection.register("given", pa.table({"f0": taken_over}))
    found = connection.sql("SELECT f0::VARCHAR FROM given").fetchall()
    assert found == [(shown,)], "without the control DuckDB has it"


@pytest.mark.attack
def test_a_length_is_refused_before_anything_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.sendall(frames.ANSWER.pack(0, frames.MOST_BYTES + 1))
        with pytest.raises(frames.BadFrame):
            frames.receive(ours, frames.ANSWER)
        # Without the control it waits for as much as the other side likes to say.
        monkeypatch.setattr(frames, "MOST_BYTES", 1 << 62)
        theirs.sendall(frames.ANSWER.pack(0, 1 << 40))
        theirs.close()
        assert frames.receive(ours, frames.ANSWER) is None


ZONE = "Europe/Berlin"
VALUES = [
    ("NUMBER(38,0)", 10**37, int, 10**37),
    ("NUMBER(10,2)", Decimal("1.50"), Decimal, Decimal("1.50")),
    ("FLOAT", 2.5, float, 2.5),
    ("VARCHAR", "x", str, "x"),
    ("BOOLEAN", True, bool, True),
    ("BINARY", b"abc", bytes, b"abc"),
    ("DATE", datetime.date(2024, 1, 2), datetime.date, datetime.date(2024, 1, 2)),
    ("TIME", datetime.time(10, 11), datetime.time, datetime.time(10, 11)),
    ("TIMESTAMP_NTZ", datetime.datetime(2024, 1, 2, 3), datetime.datetime, datetime.datetime(2024, 1, 2, 3)),
    ("ARRAY", '[1,2.5,null,"x"]', list, [1, 2.5, None, "x"]),
    ("OBJECT", '{"a":{"b":1}}', dict, {"a": {"b": 1}}),
    ("VARIANT", '"text"', str, "text"),
]


@pytest.mark.parametrize(("name", "stored", "kind", "seen"), VALUES)
def test_a_value_is_pythons_own_and_comes_back_as_it_was(name: str, stored: Any, kind: type, seen: Any) -> None:
    found = parse_type(name)
    column = pa.array([stored, None], arrow_type(found))
    value, null = given(column, found, ZONE)
    assert (type(value), value) == (kind, seen)
    assert null is (SQL_NULL if name == "VARIANT" else None)
    assert taken([value, null], found, ZONE).equals(column)


def test_moments_have_the_zone_that_is_documented() -> None:
    """LTZ: the session's clock, without a zone; TZ: with its own offset."""
    local, zoned = parse_type("TIMESTAMP_LTZ"), parse_type("TIMESTAMP_TZ")
    utc = datetime.datetime(2024, 7, 1, 12, tzinfo=datetime.UTC)
    (value,) = given(pa.array([utc], arrow_type(local)), local, ZONE)
    assert value == datetime.datetime(2024, 7, 1, 14)
    assert taken([value], local, ZONE).to_pylist() == [utc]
    shifted = {"utc": utc.replace(tzinfo=None), "shift": -90}
    (value,) = given(pa.array([shifted], arrow_type(zoned)), zoned, ZONE)
    assert (value, value.utcoffset()) == (utc, datetime.timedelta(minutes=-90))
    assert taken([value], zoned, ZONE).to_pylist() == [shifted]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("VARCHAR", 1),
        ("NUMBER(38,0)", "1"),
        ("NUMBER(3,0)", 1000),
        ("NUMBER(5,2)", float("nan")),
        ("FLOAT", "1"),
        ("BOOLEAN", 1),
        ("DATE", "2024-01-01"),
        ("TIMESTAMP_NTZ", datetime.datetime.now(datetime.UTC)),
        ("TIMESTAMP_TZ", datetime.datetime(2024, 1, 1)),
        ("ARRAY", {}),
        ("OBJECT", []),
        ("VARIANT", object()),
    ],
)
def test_a_value_of_another_type_is_an_error_and_not_another_value(name: str, value: Any) -> None:
    with pytest.raises((TypeError, ValueError)):
        taken([value], parse_type(name), ZONE)


def function(body: str, handler: str, gives: str | None, *takes: str, strict: bool = False, **more: Any) -> Function:
    signature: Signature = {
        "called": "f", "parameters": list(takes), "names": [f"A{place}" for place in range(len(takes))],
        "returns": gives, "columns": [], "aggregate": False,
        "partitioned": False, "takes": [], "gives": "", **more,
    }  # fmt: skip
    return Function(signature, handler, body, strict=strict, zone=ZONE)


def test_handlers_of_the_pages() -> None:
    """developer-guide/udf/python/udf-python-batch, -aggregate-functions and resources-code-specs."""
    numbers = pa.array([1, 2, 3, None], pa.int64())
    batch = "import pandas\ndef f(df):\n return df[0] + df[1] + 1\nf._sf_vectorized_input = pandas.DataFrame"
    vectorized = function(batch, "f", "NUMBER(10,0)", "NUMBER(10,0)", "NUMBER(10,0)")
    assert vectorized([numbers, numbers]).to_pylist() == [3, 5, 7, None]
    plain = "def f(x):\n  return x + 1"
    strict = function(plain, "f", "NUMBER(10,0)", "NUMBER(10,0)", strict=True)
    assert strict([numbers]).to_pylist() == [2, 3, 4, None]
    with pytest.raises(TypeError):
        function(plain, "f", "NUMBER(10,0)", "NUMBER(10,0)")([numbers])
    total = (
        "class S:\n  def __init__(self):\n    self.s = 0\n  def accumulate(self, v):\n    self.s += v\n"
        "  def finish(self):\n    return self.s"
    )
    groups = pa.array([[{"a0": 1}, {"a0": 2}], [], None], pa.list_(pa.struct([("a0", pa.int64())])))
    summed = function(total, "S", "NUMBER(10,0)", "NUMBER(10,0)", aggregate=True)
    assert summed([groups]).to_pylist() == [3, 0, 0]
    rows = (
        "class T:\n  def process(self, text, delimiter):\n    for i, t in enumerate(text.split(delimiter)):\n"
        "      yield (t.strip(), i)"
    )
    table = function(rows, "T", "", "VARCHAR", "VARCHAR", returns=None, columns=["VARCHAR", "NUMBER(10,0)"])
    assert table([pa.array(["a, b", "c"]), pa.array([",", ","])]).to_pylist() == [
        [{"c0": "a", "c1": 0}, {"c0": "b", "c1": 1}],
        [{"c0": "c", "c1": 0}],
    ]


def partitions(*groups: list[tuple[str, int]]) -> list[pa.Array]:
    kind = pa.struct([("a0", pa.string()), ("a1", pa.int64())])
    return [pa.array([[{"a0": a, "a1": b} for a, b in group] for group in groups], pa.list_(kind))]


VECTORIZED = """
import pandas
from _snowflake import vectorized
class whole:
    @vectorized(input=pandas.DataFrame)
    def end_partition(self, df):
        return pandas.DataFrame({"n": [len(df)], "s": [df["A1"].sum()]})
class batches:
    def process(self, df):
        return df["A1"] + len(df), df["A1"]
    process._sf_vectorized_input = pandas.DataFrame
    process._sf_max_batch_size = 2
class wrong(batches):
    def process(self, df):
        return df["A1"][:1], df["A1"][:1]
    process._sf_vectorized_input = pandas.DataFrame
"""


def test_vectorized_table_functions_get_dataframes() -> None:
    """developer-guide/udf/python/udf-python-tabular-vectorized: `end_partition` gets all rows of a partition, `process`
    gives a row for each row; columns have the names of the arguments.
    """
    install("/nowhere", ())
    types: dict[str, Any] = {"columns": ["NUMBER(38,0)", "NUMBER(38,0)"], "partitioned": True}
    groups = partitions([("x", 1), ("x", 2), ("x", 3)], [("y", 7)])

    def rows(handler: str) -> list[list[tuple[int | None, ...]]]:
        made = function(VECTORIZED, handler, None, "VARCHAR", "NUMBER(10,0)", **types)(groups)
        return [[(row["i"], row["c0"], row["c1"]) for row in group] for group in made.to_pylist()]

    assert rows("whole") == [[(None, 3, 6)], [(None, 1, 7)]]
    assert rows("batches") == [[(1, 3, 1), (2, 4, 2), (3, 4, 3)], [(1, 8, 7)]]
    with pytest.raises(ValueError, match="1 rows were returned for 3 rows"):
        rows("wrong")
