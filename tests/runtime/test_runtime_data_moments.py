"""Moments on the wire and in a job: what the engine sends as two numbers is read as the moment that it is."""

from __future__ import annotations

import datetime as dt

import pyarrow as pa
import pytest

from cleanroom_ml.engine.sql.types.sql_type import SqlType
from cleanroom_ml.engine.warehouse.arrow_out import convert, narrowed, wire_schema
from cleanroom_ml.engine.warehouse.arrow_types import fine_type
from cleanroom_ml.runtime.data.columns import ColumnValueError, decoded

MOMENTS = [
    dt.datetime(2024, 3, 10, 20, 0, 0, 123456, dt.UTC),
    dt.datetime(1969, 12, 31, 23, 59, 59, 500000, dt.UTC),
    dt.datetime(9999, 12, 31, 23, 59, 59, 0, dt.UTC),
    None,
]


def test_moments_with_a_zone_arrive_in_a_job() -> None:
    local = pa.array(MOMENTS, pa.timestamp("us", tz="UTC"))
    zoned = pa.array(
        [None if found is None else {"utc": found.replace(tzinfo=None), "shift": -480} for found in MOMENTS],
        pa.struct([("utc", pa.timestamp("us")), ("shift", pa.int16())]),
    )
    given = pa.record_batch([local, zoned], names=["L", "Z"])
    schema = wire_schema(["L", "Z"], [SqlType("TIMESTAMP_LTZ"), SqlType("TIMESTAMP_TZ")], given.schema)
    sent = convert(given, schema)
    assert sent.column(1).to_pylist()[1] == {"epoch": -1, "fraction": 500_000_000, "timezone": 960}
    target = pa.schema([pa.field(name, pa.timestamp("us", tz="UTC")) for name in ("L", "Z")])
    got = decoded(sent, target, [0, 1])
    assert got.column(0).to_pylist() == MOMENTS
    assert got.column(1).to_pylist() == MOMENTS


def test_moments_without_a_zone_are_nanoseconds_where_64_bits_hold_them() -> None:
    """connector: `CArrowChunkIterator.cpp`, TIMESTAMP_NTZ as one field or two."""
    naive = [None if each is None else each.replace(tzinfo=None) for each in MOMENTS]
    near = [each for each in naive if each is None or each.year < 2262]
    target = pa.schema([pa.field("N", pa.timestamp("us"))])
    for moments, kind in ((naive, "struct<epoch: int64, fraction: int32>"), (near, "int64")):
        given = pa.record_batch([pa.array(moments, pa.timestamp("us"))], names=["N"])
        schema = wire_schema(["N"], [SqlType("TIMESTAMP_NTZ")], given.schema)
        sent = narrowed(pa.Table.from_batches([convert(given, schema)]))
        assert str(sent.schema.field("N").type) == kind
        assert sent.schema.field("N").metadata[b"scale"] == b"9"
        assert decoded(sent.to_batches()[0], target, [0]).column(0).to_pylist() == moments
    assert sent.column("N").to_pylist()[1] == -500_000_000


@pytest.mark.parametrize("name", ["TIMESTAMP_NTZ", "TIMESTAMP_LTZ", "TIMESTAMP_TZ", "TIME"])
def test_nanoseconds_are_refused_by_name_and_never_cut(name: str) -> None:
    """A job's frames have microseconds; the connector's reader would give them."""
    kind = SqlType(name)
    moment = kind.record.moment
    assert moment is not None
    counted = [(each.name, pa.int64() if each.name == "moment_us" else each.type) for each in fine_type(moment)]
    shift = {"shift": 0} if name == "TIMESTAMP_TZ" else {}
    given = pa.array([{"moment_us": 5, "moment_ns": 1, **shift}, None], pa.struct(counted)).cast(fine_type(moment))
    batch = pa.record_batch([given], names=["A"])
    sent = convert(batch, wire_schema(["A"], [kind], batch.schema))
    target = pa.time64("us") if name == "TIME" else pa.timestamp("us", tz=None if name == "TIMESTAMP_NTZ" else "UTC")
    with pytest.raises(ColumnValueError, match=r"nanoseconds.* select it as TIMESTAMP_NTZ\(6\)"):
        decoded(sent, pa.schema([pa.field("A", target)]), [0])
