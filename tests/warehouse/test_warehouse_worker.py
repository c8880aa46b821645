"""What runs in a warehouse's sandbox, called in the test's own process: in there nobody measures it."""

from __future__ import annotations

import errno
import gzip
import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from cleanroom_ml.engine.warehouse.failing import streamed
from cleanroom_ml.engine.warehouse.worker import Handler

TOKEN = "t" * 32
ALL = [["N", "NUMBER(38,0)"], ["A", "NUMBER(10,2)"], ["D", "DATE"], ["C", "TIME(9)"], ["M", "TIMESTAMP_NTZ(9)"],
       ["L", "TIMESTAMP_LTZ(9)"], ["Z", "TIMESTAMP_TZ(9)"], ["S", "VARCHAR(5)"], ["V", "VARIANT"], ["F", "FLOAT"],
       ["Y", "BINARY"], ["B", "BOOLEAN"]]  # fmt: skip
ROW = (
    "SELECT 7 AS n, 1.25 AS a, DATE '2024-01-02' AS d, TIME '03:04:05' AS c, TIMESTAMP '2024-01-02 03:04:05' AS m,"
    " TIMESTAMPTZ '2024-01-02 03:04:05+00' AS l, {'utc': TIMESTAMP '2024-01-02 03:04:05', 'shift': 60::SMALLINT} AS z,"
    " 'text' AS s, CAST('{\"a\":1}' AS JSON) AS v, 0.5::DOUBLE AS f, 'x'::BLOB AS y, true AS b"
)


@pytest.fixture
def fresh() -> Iterator[Callable[[], Handler]]:
    """Makes handlers; in a sandbox the process ends with its DuckDB, here it is closed."""
    made: list[Handler] = []

    def make() -> Handler:
        made.append(Handler())
        return made[-1]

    yield make
    for each in made:
        if each._ready is not None:
            each._ready.connection.close()


@pytest.fixture
def handler(fresh: Callable[[], Handler]) -> Handler:
    return fresh()


def asked(
    handler: Handler, op: str, sql: str, inputs: Sequence[bytes] = (), **more: Any
) -> tuple[dict[str, Any], bytes]:
    """The answer, and what was written."""
    files = [tempfile.TemporaryFile() for _ in (*inputs, None)]  # noqa: SIM115 - closed below
    for file, data in zip(files, inputs, strict=False):
        file.write(data)
        file.flush()
    request = {"op": op, "sql": sql, "token": TOKEN, "inputs": len(inputs), **more}
    answer = handler(request, [file.fileno() for file in files])  # type: ignore[arg-type]
    written = os.pread(files[-1].fileno(), 1 << 24, 0)
    for file in files:
        file.close()
    return answer, written


def rows_of(answer: dict[str, Any], data: bytes) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for offset, length, rows in answer["batches"]:
        with pa.ipc.open_stream(pa.py_buffer(data[offset : offset + length])) as stream:
            table = stream.read_all()
        assert table.num_rows == rows
        found += table.to_pylist()
    return found


def test_rows_are_written_read_and_written_again(handler: Handler, fresh: Callable[[], Handler]) -> None:
    written, data = asked(handler, "write", ROW, columns=ALL)
    assert {name: written[name] for name in ("rows", "inserted", "deleted")} == {"rows": 1, "inserted": 0, "deleted": 0}
    assert '"A":["1.25","1.25"]' in written["bounds"]
    table = pq.read_table(pa.BufferReader(data))
    assert [str(field.type) for field in table.schema][:3] == ["int64", "decimal128(10, 2)", "date32[day]"]
    answer, spool = asked(fresh(), "query", f"SELECT * FROM read_parquet('{TOKEN}:0:')", [data])
    (row,) = rows_of(answer, spool)
    assert (row["N"], row["S"], row["F"], row["B"], row["Y"]) == (7, "text", 0.5, True, b"x")
    given = [[name, text] for name, text in answer["columns"]]
    again, third = asked(
        fresh(), "write", "SELECT * FROM _spooled", [spool], columns=given,
        spooled=[batch[:2] for batch in answer["batches"]],
    )  # fmt: skip
    assert again["rows"] == 1
    pairs = zip(table.to_pylist(), pq.read_table(pa.BufferReader(third)).to_pylist(), strict=True)
    assert all({**before, "V": None} == {**after, "V": None} for before, after in pairs)


def test_whole_numbers_that_64_bits_do_not_hold_are_written_in_128(handler: Handler) -> None:
    written, data = asked(
        handler, "write", "SELECT 10::HUGEINT ** 30 AS n UNION ALL SELECT 1", columns=[["N", "NUMBER(38,0)"]]
    )
    assert written["rows"] == 2
    assert str(pq.read_schema(pa.BufferReader(data)).field("N").type) == "decimal128(38, 0)"


def test_what_each_row_of_a_change_is_is_counted_and_dropped(handler: Handler) -> None:
    sql = "SELECT * FROM (VALUES (1, 0), (2, 1), (3, 2), (4, 3), (5, 4)) AS _rows(n, op)"
    written, data = asked(handler, "write", sql, columns=[["N", "NUMBER(38,0)"]], operations=True)
    counts = {name: written[name] for name in ("rows", "updated", "joined", "inserted", "deleted")}
    assert counts == {"rows": 4, "updated": 2, "joined": 1, "inserted": 1, "deleted": 1}
    assert pq.read_table(pa.BufferReader(data))["N"].to_pylist() == [1, 2, 3, 5]


@pytest.mark.parametrize("packed", [False, True])
def test_lines(handler: Handler, packed: bool) -> None:
    written, data = asked(handler, "lines", "SELECT 'a' UNION ALL SELECT 'b'", packed=packed)
    assert written["rows"] == 2
    assert (gzip.decompress(data) if packed else data) == b"a\nb\n"


def test_small_rows_by_value_and_what_a_query_gives(handler: Handler, fresh: Callable[[], Handler]) -> None:
    answer, _ = asked(handler, "rows", ROW + ", NULL AS nothing", limit=5)
    assert answer["rows"][0][:4] == [7, "1.25", "2024-01-02", "03:04:05"]
    assert answer["rows"][0][6] == "2024-01-02T03:04:05 60"
    assert answer["rows"][0][10:] == ["78", True, None]
    described, _ = asked(fresh(), "describe", "SELECT 1::BIGINT AS a, 'x' AS b")
    assert [name for name, _ in described["columns"]] == ["a", "b"]
    empty, _ = asked(fresh(), "query", "SELECT 1 AS a WHERE FALSE")
    assert (empty["batches"], empty["total"]) == ([], 0)


def test_a_process_goes_on_with_its_session_after_small_queries_alone(
    handler: Handler, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SANDBOX_ISOLATED", "1")
    handler.open_once()
    handler.prepare()
    zone = {"zone": "Europe/Berlin", "keep": True}
    asked(handler, "query", "SELECT 1", **zone)
    assert handler.again()
    answer, _ = asked(handler, "rows", "SELECT TIMESTAMPTZ '2024-01-02 00:00:00+00'::VARCHAR", limit=1, **zone)
    assert answer["rows"] == [["2024-01-02 01:00:00+01"]]
    assert not handler.again(), "this op is not kept"
    asked(handler, "query", "SELECT * FROM range(70000)", **zone)
    assert not handler.again(), "its memory goes with it"


@pytest.mark.parametrize(
    ("sql", "kind"),
    [
        ("SELECT missing FROM (SELECT 1 AS a)", "column"),
        ("SELECT a FROM (SELECT 1 AS a) AS x, (SELECT 2 AS a) AS y", "ambiguous"),
        ("SELECT a, sum(b) FROM (SELECT 1 AS a, 2 AS b)", "group_by"),
        ("SELECT sum(sum(a)) FROM (SELECT 1 AS a)", "nested"),
        ("SELECT 1 FROM (SELECT 1 AS a) WHERE sum(a) > 0", "where"),
        ("SELECT 'x'::INTEGER", "conversion"),
        ("SELECT 300::TINYINT", "size"),
        ("SELECT substr(1, 2, 3, 4)", "arguments"),
        ("SELECT regexp_matches('a', '(')", "pattern"),
        ("SELECT * FROM read_csv('/etc/passwd')", "denied"),
        ("SELECT * FROM read_parquet('/etc/passwd')", "denied"),
        ("COPY (SELECT 1) TO '/tmp/never.csv'", "denied"),
        ("SELEC 1", "unsupported"),
        ("SELECT error('cleanroom:length:3')", "length"),
    ],
)
def test_what_went_wrong_without_duckdbs_words(handler: Handler, sql: str, kind: str) -> None:
    answer, _ = asked(handler, "rows", sql, limit=1)
    assert answer["error"]["kind"] == kind
    assert "passwd" not in str(answer)


@pytest.mark.parametrize(
    ("sql", "columns", "kind"),
    [
        ("SELECT 'toolong' AS s", [["S", "VARCHAR(5)"]], "length"),
        ("SELECT 1000 AS n", [["N", "NUMBER(2,0)"]], "range"),
        ("SELECT 1 AS a, 2 AS b", [["N", "NUMBER(38,0)"]], "types"),
        (f"SELECT * FROM read_parquet('{TOKEN}:0:')", [["N", "NUMBER(38,0)"]], "file"),
    ],
)
def test_what_does_not_fit_a_table(handler: Handler, sql: str, columns: list[list[str]], kind: str) -> None:
    answer, _ = asked(handler, "write", sql, [b"no parquet"], columns=columns)
    assert answer["error"]["kind"] == kind


def test_an_op_that_there_is_not(handler: Handler) -> None:
    with pytest.raises(ValueError, match="no such op"):
        asked(handler, "guess", "SELECT 1")


def test_each_statement_of_a_process_counts_its_records_from_1(handler: Handler) -> None:
    """The SEQ of SPLIT_TO_TABLE (snowpark-python, tests/integ/test_simplifier_suite.py::test_table_function)."""
    text = "SELECT part.s AS s, part.v AS v FROM (SELECT unnest(_sf_split_to_table('a b', ' ')) AS part)"
    for _ in range(2):
        answer, spool = asked(handler, "query", text)
        assert [(row["s"], row["v"]) for row in rows_of(answer, spool)] == [(1, "a"), (1, "b")]


@pytest.mark.parametrize("op", ["query", "write"])
@pytest.mark.parametrize(
    ("failing", "kind"),
    [
        ("CAST('secret' || i AS INTEGER)", "conversion"),
        ("error('cleanroom:json')", "json"),
        ("9223372036854775807 + i", "range"),
    ],
)
def test_what_fails_when_rows_have_been_read_is_told_as_what_it_is(
    handler: Handler, op: str, failing: str, kind: str
) -> None:
    sql = f"SELECT i, CASE WHEN i > 299000 THEN {failing} ELSE 1 END AS x FROM range(300000) r(i)"
    answer, _ = asked(handler, op, sql, columns=[["I", "NUMBER(38,0)"], ["X", "NUMBER(38,0)"]])
    assert answer["error"]["kind"] == kind
    assert "secret" not in str(answer)


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (OSError("Conversion Error: Could not convert string 'a' to INT32"), duckdb.ConversionException),
        (OSError("Invalid Input Error: cleanroom:division"), duckdb.InvalidInputException),
        (OSError("Out of Memory Error: failed to allocate"), duckdb.OutOfMemoryException),
        (OSError("IO Error: Could not write file"), duckdb.IOException),
        (OSError(errno.ENOSPC, "Conversion Error: No space left on device"), None),
        (OSError("No space left"), None),
    ],
)
def test_of_the_errors_of_a_stream_those_are_duckdbs_that_have_its_words(
    error: OSError, told: type[duckdb.Error] | None
) -> None:
    found = streamed(error)
    assert told is None if found is None else type(found) is told
    assert found is None or str(found) == str(error)
