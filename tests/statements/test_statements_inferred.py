"""What columns files are found to have, and that they can be loaded as that (sql-reference/functions/infer_schema)."""

from __future__ import annotations

import io

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from statements_client import Client

pytestmark = pytest.mark.sandbox

ZONELESS = "2026-03-01 12:00:00.123456,2026-03-01T12:00:00.5,2026-03-01 12:00:00.123456789,2026-03-01 12:00"


def _types(client: Client, path: str, format_: str) -> list[str]:
    client.result(f"CREATE OR REPLACE FILE FORMAT f TYPE = {format_}")
    query = f"SELECT TYPE FROM TABLE(INFER_SCHEMA(LOCATION => '@s/{path}', FILE_FORMAT => 'f'))"
    return [str(type_) for (type_,) in client.rows(query)]


def test_a_moment_without_a_zone_is_read_in_none(alpha: Client) -> None:
    """ "All the variations of timestamp data types are retrieved as TIMESTAMP_NTZ": the session's zone moves nothing.

    An offset in the text is kept rather than dropped, which the page does not say.
    """
    alpha.result("CREATE STAGE s")
    alpha.put("S", "a.csv", f"{ZONELESS},2026-03-01T12:00:00+02:00,05/03/2024 10:00:00\n".encode())
    alpha.put("S", "a.json", b'{"a": "2026-03-01 12:00:00.5", "b": "2026-03-01T12:00:00+02:00"}\n')
    found = _types(alpha, "a.csv", "CSV")
    assert found == ["TIMESTAMP_NTZ"] * 4 + ["TIMESTAMP_TZ", "TEXT"]
    assert _types(alpha, "a.json", "JSON") == ["TIMESTAMP_NTZ", "TIMESTAMP_TZ"]
    alpha.result("ALTER SESSION SET TIMEZONE = 'America/New_York'")
    alpha.result("CREATE TABLE t (" + ", ".join(f"c{n} {type_}" for n, type_ in enumerate(found)) + ")")
    alpha.result("COPY INTO t FROM @s/a.csv")
    assert alpha.rows("SELECT c0::VARCHAR, c2::VARCHAR, to_varchar(c4, 'HH24:MI TZHTZM') FROM t") == [
        ("2026-03-01 12:00:00.123", "2026-03-01 12:00:00.123", "12:00 +0200")
    ]


def test_a_parquet_file_with_lists_bytes_and_fine_times_is_loaded(alpha: Client) -> None:
    """Bytes next to a column that becomes a document, and times of nanoseconds, by the file's own types."""
    alpha.result("CREATE STAGE s")
    file = io.BytesIO()
    table = {"l": [[1]], "d": [b"x\xff"], "n": pa.array([None], pa.int8()), "t": pa.array([1_000], pa.time64("ns"))}
    pq.write_table(pa.table(table), file)
    alpha.put("S", "a.parquet", file.getvalue())
    assert _types(alpha, "a.parquet", "PARQUET") == ["ARRAY", "BINARY", "NUMBER(38, 0)", "TIME"]
    alpha.result("CREATE TABLE t (l ARRAY, d BINARY, n INT, t TIME, v VARIANT)")
    alpha.result("COPY INTO t FROM @s FILE_FORMAT = (TYPE = PARQUET) MATCH_BY_COLUMN_NAME = CASE_INSENSITIVE")
    rows = alpha.rows("SELECT array_size(l), l[0]::INT, d, n, to_varchar(t, 'HH24:MI:SS.FF6'), v FROM t")
    assert rows == [(1, 1, b"x\xff", None, "00:00:00.000001", None)]
