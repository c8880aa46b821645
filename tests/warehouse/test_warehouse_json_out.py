"""A result as JSON texts: what the connector's `converter.py` reads of each type, and where chunks are cut."""

from __future__ import annotations

import json
import os
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from cleanroom_ml.engine.sql.types.sql_type import from_duckdb
from cleanroom_ml.engine.warehouse import json_out, worker

VALUES = (
    # DuckDB's value; its text in the form that converter.py's `_<TYPE>_to_python` takes
    ("CAST(1.50 AS DECIMAL(10,2))", "1.50"),
    ("CAST(-0.05 AS DECIMAL(10,2))", "-0.05"),
    ("CAST(12345678901234567890123456789.123 AS DECIMAL(38,3))", "12345678901234567890123456789.123"),
    ("CAST(0.0000000001 AS DECIMAL(38,10))", "0.0000000001"),
    ("CAST(170141183460469231731687303715884105727 // 10 AS HUGEINT)", "17014118346046923173168730371588410572"),
    ("CAST(1.5 AS DOUBLE)", "1.5"),
    ("CAST('nan' AS DOUBLE)", "NaN"),
    ("CAST('-inf' AS DOUBLE)", "-inf"),
    ("true", "1"),
    ("false", "0"),
    ("""'x"é,' || chr(10)""", 'x"é,\n'),
    ("DATE '1969-12-31'", "-1"),
    ("TIME '01:02:03.5'", "3723.500000000"),
    ("TIMESTAMP '1969-12-31 23:59:58.75'", "-1.250000000"),
    ("TIMESTAMP '12345-01-02 00:00:00.25'", "327403468800.250000000"),
    ("TIMESTAMPTZ '1969-12-31 23:59:58.75+00'", "-1.250000000"),
    ("CAST(struct_pack(utc := TIMESTAMP '1970-01-01', shift := -90) AS STRUCT(utc TIMESTAMP, shift SMALLINT))",
     "0.000000000 1350"),
    ("from_hex('AB0c')", "AB0C"),
)  # fmt: skip


def written(sql: str, path: Path) -> list[list[list[str | None]]]:
    """The chunks of a query's result, as the connector reads them."""
    relation = duckdb.sql(sql)
    types = [from_duckdb(str(found)) for found in relation.types]
    fd = os.open(path, os.O_RDWR | os.O_CREAT)
    try:
        batches, _ = worker._spool(relation.to_arrow_reader(100_000), list(relation.columns), types, fd)
        chunks = json_out.append(fd, batches, types)
        end = sum(length for _, length, _ in batches)
        found = []
        for offset, length, rows in chunks:
            assert offset == end
            found.append(json.loads(f"[{os.pread(fd, length, offset).decode()}]"))
            assert len(found[-1]) == rows
            end += length
        assert os.fstat(fd).st_size == end
        return found
    finally:
        os.close(fd)


def test_each_type_is_the_text_that_the_connector_reads(tmp_path: Path) -> None:
    listed = ", ".join(value for value, _ in VALUES)
    nulls = ", ".join(f"CASE WHEN false THEN {value} END" for value, _ in VALUES)
    [rows] = written(f"SELECT {listed} UNION ALL SELECT {nulls}", tmp_path / "spool")
    assert rows == [[text for _, text in VALUES], [None] * len(VALUES)]


def test_chunks_are_cut_by_rows_and_by_bytes(tmp_path: Path) -> None:
    chunks = written("SELECT i, repeat('x', 100) FROM range(50000) t(i)", tmp_path / "spool")
    assert len(chunks[0]) == json_out.FIRST_ROWS
    assert [row[0] for chunk in chunks for row in chunk] == [str(i) for i in range(50_000)]
    assert max(len(json.dumps(chunk)) for chunk in chunks) < 1.2 * json_out.CHUNK_BYTES
    assert len(chunks) > 3


def test_a_first_row_that_is_large_is_alone(tmp_path: Path) -> None:
    chunks = written("SELECT repeat('x', 3000000) UNION ALL SELECT 'y'", tmp_path / "spool")
    assert [len(chunk) for chunk in chunks] == [1, 1]
    assert written("SELECT 1 WHERE false", tmp_path / "none") == []


@pytest.mark.parametrize(
    ("units", "digits", "text"), [(-5, 1, "-0.5"), (0, 3, "0.000"), (12, 0, "12"), (-12, 0, "-12")]
)
def test_scaled_numbers_keep_their_digits_and_sign(units: int, digits: int, text: str) -> None:
    assert json_out._scaled(units, digits) == text
    assert Decimal(text) == Decimal(units).scaleb(-digits)
