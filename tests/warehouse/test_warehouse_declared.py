"""What is written fits its declared column: cut to its digits of a second, rounded to its scale half away from zero, or
refused (sql-reference/data-types-datetime, sql-reference/data-types-numeric); nothing finer is cut and not told.
"""

from __future__ import annotations

import datetime
from decimal import Decimal

import duckdb
import pyarrow as pa
import pytest

from cleanroom_ml.engine.sql.types.sql_type import parse_type
from cleanroom_ml.engine.warehouse.arrow_out import column
from cleanroom_ml.engine.warehouse.arrow_types import sent_type
from cleanroom_ml.engine.warehouse.parquet_out import casting

NOON = "2024-01-01 12:00:00"
M = datetime.datetime


@pytest.fixture(scope="module")
def connection() -> duckdb.DuckDBPyConnection:
    made = duckdb.connect()
    made.execute("SET TimeZone = 'UTC'")
    return made


def written(connection: duckdb.DuckDBPyConnection, value: str, declared: str) -> object:
    sql = f"SELECT {value} AS _0"
    given = [str(found) for found in connection.sql(sql).types]
    return connection.sql(casting(sql, ["_0"], [["A", declared]], given)).fetchall()[0][0]


def _fine(micros: int, nanos: int) -> dict[str, object]:
    """A moment with nanoseconds (sql/types/fine.py)."""
    return {"moment_us": M(2024, 1, 1, 12, 0, 0, micros), "moment_ns": nanos}


@pytest.mark.parametrize(
    ("value", "declared", "expected"),
    [
        (f"TIMESTAMP '{NOON}.123456'", "TIMESTAMP_NTZ(3)", M(2024, 1, 1, 12, 0, 0, 123000)),
        ("TIMESTAMP '1960-01-01 00:00:00.999999'", "TIMESTAMP_NTZ(0)", M(1960, 1, 1)),
        (f"TIMESTAMPTZ '{NOON}.123456+00'", "TIMESTAMP_TZ(2)", {"utc": M(2024, 1, 1, 12, 0, 0, 120000), "shift": 0}),
        ("NULL", "TIMESTAMP_TZ(2)", None),
        ("TIME '10:00:00.999999'", "TIME(0)", datetime.time(10)),
        (f"TIMESTAMP_NS '{NOON}.123456789'", "TIMESTAMP_NTZ(6)", M(2024, 1, 1, 12, 0, 0, 123456)),
        (f"TIMESTAMP_NS '{NOON}.123456789'", "TIMESTAMP_NTZ", _fine(123456, 789)),
        (f"TIMESTAMP_NS '{NOON}.123456789'", "TIMESTAMP_NTZ(7)", _fine(123456, 700)),
        (f"TIMESTAMPTZ_NS '{NOON}.000000001+00'", "TIMESTAMP_TZ", _fine(0, 1) | {"shift": 0}),
        ("TIMESTAMP_NS '1969-12-31 23:59:59.999999999'", "DATE", datetime.date(1969, 12, 31)),
        ("2.5::DOUBLE", "NUMBER(3,0)", 3),
        ("-2.5::DOUBLE", "INT", -3),
        ("1.5::FLOAT", "INT", 2),
        ("0.125::DOUBLE", "NUMBER(5,2)", Decimal("0.13")),
        ("'1.005'", "NUMBER(5,2)", Decimal("1.01")),
    ],
)
def test_a_value_is_cut_or_rounded_to_its_column(
    connection: duckdb.DuckDBPyConnection, value: str, declared: str, expected: object
) -> None:
    assert written(connection, value, declared) == expected


@pytest.mark.parametrize(
    ("value", "declared", "error"),
    [
        ("1000", "NUMBER(3,0)", "cleanroom:range:0"),
        ("999.5::DOUBLE", "NUMBER(3,0)", "cleanroom:range:0"),
        ("999.999::DOUBLE", "NUMBER(5,2)", "DECIMAL"),
        ("'abc'", "VARCHAR(2)", "cleanroom:length:0"),
    ],
)
def test_what_does_not_fit_fails(connection: duckdb.DuckDBPyConnection, value: str, declared: str, error: str) -> None:
    with pytest.raises(duckdb.Error, match=error):
        written(connection, value, declared)


def test_nanoseconds_of_a_staged_file_are_not_cut_on_their_way_out() -> None:
    given = pa.array([1_700_000_000_000_000_001, -1, None], pa.timestamp("ns"))
    assert column(given, sent_type(parse_type("TIMESTAMP_NTZ"), given.type)).to_pylist() == [
        {"epoch": 1_700_000_000, "fraction": 1},
        {"epoch": -1, "fraction": 999_999_999},
        None,
    ]
    times = pa.array([1, None], pa.time64("ns"))
    assert column(times, sent_type(parse_type("TIME"), times.type)).to_pylist() == [1, None]
