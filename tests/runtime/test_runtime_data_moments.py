"""Moments on the wire and in a job: what the engine sends as two numbers is read as the moment that it is."""

from __future__ import annotations

import datetime as dt

import pyarrow as pa

from cleanroom_ml.engine.sql.types.sql_type import SqlType
from cleanroom_ml.engine.warehouse.arrow_out import convert, wire_schema
from cleanroom_ml.runtime.data.columns import decoded

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
    assert sent.column(1).to_pylist()[1] == {"epoch": -500_000, "timezone": 960}
    target = pa.schema([pa.field(name, pa.timestamp("us", tz="UTC")) for name in ("L", "Z")])
    got = decoded(sent, target, [0, 1])
    assert got.column(0).to_pylist() == MOMENTS
    assert got.column(1).to_pylist() == MOMENTS
