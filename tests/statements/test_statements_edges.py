"""What a client makes too large, too deep or damaged is its own error, by the name of the limit or of the file."""

from __future__ import annotations

import gzip
import io
import json
import random

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from statements_client import Client

from cleanroom_ml.engine.contracts.limits import MAX_COLUMNS, MAX_NESTING_OF_JSON
from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.read import columns as declared
from cleanroom_ml.engine.statements.kinds import table as ddl_tables
from cleanroom_ml.engine.storage import table_rows as tables
from cleanroom_ml.engine.warehouse import answers, pool

pytestmark = [pytest.mark.sandbox, pytest.mark.attack]

TOO_MANY = 21


def parquet(columns: int = 2, rows: int = 500) -> bytes:
    table = pa.table({"A": list(range(rows)), "B": [f"x{n}" for n in range(rows)]})
    if columns != 2:
        table = pa.table({f"C{n}": [1] for n in range(columns)})
    file = io.BytesIO()
    pq.write_table(table, file, compression="snappy", use_dictionary=False)
    return file.getvalue()


def damaged(data: bytes) -> dict[str, bytes]:
    """Cut, not that at all, and overwritten somewhere in its values and in its end."""
    noise = random.Random(7).randbytes(24)
    middle = len(data) // 3
    return {
        "cut": data[: len(data) // 2],
        "other": b"this is a letter\n" * 9,
        "values": data[:middle] + noise + data[middle + 24 :],
        "end": data[:-40] + noise + data[-16:],
    }


def refusal(client: Client, text: str) -> SqlError | None:
    try:
        client.rows(text)
    except SqlError as error:
        return error
    return None


def test_a_damaged_file_is_the_clients_error_by_its_name(alpha: Client) -> None:
    alpha.rows("CREATE TABLE t (a INT, b VARCHAR)")
    alpha.rows("CREATE TABLE v (d VARIANT)")
    alpha.rows("CREATE STAGE s")
    lines = b"".join(b"%d,x%d\n" % (n, n) for n in range(500))
    documents = b"".join(b'{"a": %d}\n' % n for n in range(500))
    cases = {
        "p.parquet": (parquet(), "TYPE = PARQUET", "COPY INTO t FROM @s/{} MATCH_BY_COLUMN_NAME = CASE_INSENSITIVE"),
        "c.csv.gz": (gzip.compress(lines), "TYPE = CSV", "COPY INTO t FROM @s/{}"),
        "j.json.gz": (gzip.compress(documents), "TYPE = JSON", "COPY INTO v FROM @s/{}"),
    }
    refused = 0
    for name, (whole, form, copy) in cases.items():
        for how, data in {"whole": whole, **damaged(whole)}.items():
            path = f"{how}/{name}"
            alpha.put("S", path, data)
            error = refusal(alpha, f"{copy.format(path)} FILE_FORMAT = ({form})")
            if error is None:
                assert how not in ("cut", "other"), path  # what no checksum holds can only be another value
                continue
            if how == "values" and error.code in (100038, 100080):
                continue  # unpacked, but no number or no row any more
            assert (how != "whole", error.code) == (True, 100183), (path, error)
            assert f"'{path}'" in error.message
            refused += 1
    assert refused >= 8
    alpha.put("S", "q/p.parquet", parquet()[:100])
    alpha.rows("CREATE FILE FORMAT f TYPE = PARQUET")
    for text in (
        "SELECT $1 FROM @s/q/p.parquet (FILE_FORMAT => 'f')",
        "SELECT * FROM TABLE(INFER_SCHEMA(LOCATION => '@s/q/', FILE_FORMAT => 'f'))",
        "CREATE TABLE u AS SELECT $1 AS a FROM @s/q/p.parquet (FILE_FORMAT => 'f')",
    ):
        with pytest.raises(SqlError, match=r"p\.parquet' cannot be read"):
            alpha.rows(text)


def test_a_table_has_no_more_columns_than_the_limit(alpha: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    assert MAX_COLUMNS < 10_000
    for module in (declared, answers, pool, tables, ddl_tables):
        monkeypatch.setattr(module, "MAX_COLUMNS", TOO_MANY - 1)
    listed = ", ".join(f"c{n} INT" for n in range(TOO_MANY))
    alpha.rows("CREATE STAGE s")
    alpha.put("S", "wide.parquet", parquet(TOO_MANY))
    alpha.rows("CREATE FILE FORMAT f TYPE = PARQUET")
    half = ", ".join(f"c{n} INT" for n in range(TOO_MANY // 2 + 1))
    alpha.rows(f"CREATE TABLE half ({half})")
    for text in (
        f"CREATE TABLE t ({listed})",
        f"CREATE TEMPORARY TABLE t ({listed})",
        "CREATE TABLE t AS SELECT a.*, b.* FROM half a, half b",
        "CREATE VIEW t AS SELECT a.*, b.* FROM half a, half b",
        "SELECT a.*, b.* FROM half a, half b",
        "ALTER TABLE half ADD COLUMN " + ", ".join(f"d{n} INT" for n in range(TOO_MANY // 2 + 1)),
        "COPY INTO half FROM @s/wide.parquet FILE_FORMAT = (TYPE = PARQUET) MATCH_BY_COLUMN_NAME = CASE_INSENSITIVE",
        "SELECT * FROM TABLE(INFER_SCHEMA(LOCATION => '@s/', FILE_FORMAT => 'f'))",
    ):
        with pytest.raises(SqlError, match="MAX_COLUMNS") as caught:
            alpha.rows(text)
        assert caught.value.code == 1003, text[:60]


def test_a_document_is_not_nested_deeper_than_a_client_can_read(alpha: Client) -> None:
    alpha.rows("CREATE TABLE v (n INT, d VARIANT)")
    alpha.rows("CREATE STAGE s")

    def nested(depth: int) -> str:
        return "[" * depth + '"[[[{"' + "]" * depth

    deep = nested(2_000)
    repeated = "PARSE_JSON(REPEAT('[', 999) || REPEAT(']', 999))"
    alpha.put("S", "deep.json", deep.encode())
    for text, values in (
        ("SELECT PARSE_JSON(?)", (deep,)),
        ("SELECT TRY_PARSE_JSON(?)", (deep,)),
        ("SELECT PARSE_JSON(REPEAT('[', 2000) || REPEAT(']', 2000)) AS d", ()),
        ("SELECT ARRAY_CONSTRUCT(PARSE_JSON(?))", (nested(MAX_NESTING_OF_JSON),)),
        ("INSERT INTO v SELECT 1, PARSE_JSON(?)", (deep,)),
        ("CREATE TABLE w AS SELECT PARSE_JSON(?) AS d", (deep,)),
        ("COPY INTO v (d) FROM @s/deep.json FILE_FORMAT = (TYPE = JSON)", ()),
        (f"CALL p(PARSE_JSON('{deep}'))", ()),
        (f"BEGIN LET r RESULTSET := (SELECT {repeated} AS d); RETURN TABLE(r); END", ()),
    ):
        with pytest.raises(SqlError, match="MAX_NESTING_OF_JSON") as caught:
            alpha.rows(text, *values)
        assert caught.value.code != 603, text
    assert alpha.rows("SELECT COUNT(*) FROM v") == [(0,)]
    # Step by step it is bounded as well: each of these documents is made of the one before it.
    alpha.rows("INSERT INTO v SELECT 1, PARSE_JSON(?)", nested(MAX_NESTING_OF_JSON))
    with pytest.raises(SqlError, match="MAX_NESTING_OF_JSON"):
        alpha.rows("UPDATE v SET d = ARRAY_CONSTRUCT(d)")
    ((document,),) = alpha.rows("SELECT d FROM v")
    assert json.loads(document)


def test_wide_documents_are_no_deep_ones(alpha: Client) -> None:
    wide = json.dumps([{"a": [n], "b": "]]]]"} for n in range(2_000)])
    ((document,),) = alpha.rows("SELECT PARSE_JSON(?)", wide)
    assert len(json.loads(document)) == 2_000
