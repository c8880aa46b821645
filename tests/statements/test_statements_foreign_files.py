"""ORC and Avro files, one column `$1` as Parquet is: sql-reference/sql/create-file-format, TYPE = ORC | AVRO."""

from __future__ import annotations

import io
import json
import zlib

import pyarrow as pa
import pyarrow.orc as orc
import pytest
from statements_client import Client

from cleanroom_ml.engine.sql.errors import SqlError

pytestmark = pytest.mark.sandbox

SCHEMA = {
    "type": "record",
    "name": "r",
    "fields": [
        {"name": "num", "type": "long"},
        {"name": "str", "type": ["null", "string"]},
        {"name": "day", "type": {"type": "int", "logicalType": "date"}},
        {"name": "list", "type": {"type": "array", "items": "double"}},
    ],
}


def _long(number: int) -> bytes:
    left, made = (number << 1) ^ (number >> 63), b""
    while left > 0x7F:
        made, left = made + bytes([left & 0x7F | 0x80]), left >> 7
    return made + bytes([left])


def _bytes(data: bytes) -> bytes:
    return _long(len(data)) + data


def avro(codec: str, rows: bytes, count: int) -> bytes:
    """A container file, as avro.apache.org/docs/1.11.1/specification has it."""
    meta = {b"avro.schema": json.dumps(SCHEMA).encode(), b"avro.codec": codec.encode()}
    packed = rows if codec == "null" else zlib.compress(rows, wbits=-15)
    header = _long(len(meta)) + b"".join(_bytes(key) + _bytes(value) for key, value in meta.items()) + _long(0)
    return b"Obj\x01" + header + b"s" * 16 + _long(count) + _bytes(packed) + b"s" * 16


FIRST = _long(1) + _long(1) + _bytes("é".encode()) + _long(19000) + _long(1) + b"\x00" * 6 + b"\xf8\x3f" + _long(0)
SECOND = _long(-70000) + _long(0) + _long(0) + _long(0)


def test_files_that_a_worker_makes_parquet_of(alpha: Client) -> None:
    alpha.result("CREATE STAGE s")
    output = io.BytesIO()
    orc.write_table(pa.table({"num": [1, 2], "str": ["a", None]}), output)
    alpha.put("S", "a.orc", output.getvalue())
    for codec in ("null", "deflate"):
        alpha.put("S", f"{codec}.avro", avro(codec, FIRST + SECOND, 2))
    for kind in ("ORC", "AVRO"):
        alpha.result(f"CREATE FILE FORMAT {kind.lower()} TYPE = {kind}")
    read = "SELECT $1:num::int, $1:str::text FROM @s/{} (FILE_FORMAT => {}) ORDER BY 1 DESC"
    assert alpha.rows(read.format("a.orc", "orc")) == [(2, None), (1, "a")]
    for name in ("null", "deflate"):
        assert alpha.rows(read.format(f"{name}.avro", "avro")) == [(1, "é"), (-70000, None)]
    (row,) = alpha.rows("SELECT $1:day::date::text, $1:list[0]::float FROM @s/null.avro (FILE_FORMAT => avro) LIMIT 1")
    assert row == ("2022-01-08", 1.5)
    inferred = "SELECT COLUMN_NAME, TYPE FROM TABLE(INFER_SCHEMA(LOCATION => '@s/{}', FILE_FORMAT => '{}'))"
    assert alpha.rows(inferred.format("a.orc", "orc")) == [("num", "NUMBER(38, 0)"), ("str", "TEXT")]
    assert [name for name, _ in alpha.rows(inferred.format("null.avro", "avro"))] == ["num", "str", "day", "list"]
    alpha.result("CREATE TABLE t (num INT, str VARCHAR)")
    copy = "COPY INTO t FROM @s/{} FILE_FORMAT = (TYPE = {}) MATCH_BY_COLUMN_NAME = CASE_INSENSITIVE"
    alpha.result(copy.format("a.orc", "ORC"))
    alpha.result(copy.format("deflate.avro", "AVRO"))
    assert alpha.rows("SELECT sum(num), count(str) FROM t") == [(-69996, 2)]
    alpha.put("S", "bad.avro", avro("null", FIRST, 2))
    alpha.put("S", "bad.orc", b"ORC" + b"x" * 100)
    for name, kind in (("bad.avro", "avro"), ("bad.orc", "orc"), ("a.orc", "avro")):
        with pytest.raises(SqlError, match="cannot be read: it is damaged"):
            alpha.rows(f"SELECT count(*) FROM @s/{name} (FILE_FORMAT => {kind})")
    alpha.put("S", "many.avro", avro("null", b"", 1 << 60))
    with pytest.raises(SqlError, match="cannot be read: it is damaged"):
        alpha.rows("SELECT count(*) FROM @s/many.avro (FILE_FORMAT => avro)")
    with pytest.raises(SqlError, match="COPY INTO a stage with TYPE = ORC"):
        alpha.result("COPY INTO @s/out FROM t FILE_FORMAT = (TYPE = ORC)")


def test_a_document_has_its_keys_in_order(alpha: Client) -> None:
    """As any OBJECT (sql-reference/data-types-semistructured): `$1` of a file is a VARIANT like another."""
    alpha.result("CREATE STAGE s")
    alpha.result("CREATE FILE FORMAT j TYPE = JSON")
    alpha.put("S", "a.json", b'{"z": 1, "a": {"y": 2, "b": 1.50}}')
    alpha.put("S", "a.csv", b"1,2\n")
    (row,) = alpha.rows('SELECT $1::text, "$1":z::int, t.$1:a:b::float FROM @s/a.json (FILE_FORMAT => j) t')
    assert row == ('{"a":{"b":1.5,"y":2},"z":1}', 1, 1.5)
    flat = "SELECT f.key FROM @s/a.json (FILE_FORMAT => j) t, LATERAL FLATTEN(input => t.$1) f"
    assert alpha.rows(flat) == [("a",), ("z",)]
    assert alpha.rows("SELECT $1, $2 FROM @s/a.csv") == [("1", "2")]


def test_an_array_in_a_file_is_one_document_unless_its_brackets_are_stripped(alpha: Client) -> None:
    """sql-reference/sql/create-file-format, STRIP_OUTER_ARRAY; snowpark-python, tests/integ/scala/
    test_dataframe_copy_into.py::test_copy_into_json_format_name.
    """
    alpha.result("CREATE STAGE s")
    alpha.result("CREATE FILE FORMAT j TYPE = JSON")
    alpha.result("CREATE FILE FORMAT stripped TYPE = JSON STRIP_OUTER_ARRAY = TRUE")
    alpha.put("S", "array.json", b'[{"a": 1}, {"a": 2}]')
    alpha.put("S", "lines.json", b'[1]\n{"a":\n 1}[2]')
    read = "SELECT $1::text FROM @s/{} (FILE_FORMAT => {})"
    assert alpha.rows(read.format("array.json", "j")) == [('[{"a":1},{"a":2}]',)]
    assert alpha.rows(read.format("lines.json", "j")) == [("[1]",), ('{"a":1}',), ("[2]",)]
    assert alpha.rows(read.format("array.json", "stripped")) == [('{"a":1}',), ('{"a":2}',)]
    alpha.result("CREATE TABLE kept (v VARIANT)")
    alpha.result("COPY INTO kept FROM @s/array.json FILE_FORMAT = (TYPE = JSON)")
    assert alpha.rows("SELECT array_size(v) FROM kept") == [(2,)]


def test_a_file_format_is_described_whole(alpha: Client) -> None:
    """sql-reference/sql/desc-file-format, its tables; the second is of snowpark-python's suite,
    tests/integ/scala/test_dataframe_copy_into.py::test_csv_read_format_name.
    """
    for kind in ("JSON", "PARQUET"):
        alpha.result(f"CREATE FILE FORMAT my_{kind} TYPE = {kind}")
    assert alpha.rows("DESC FILE FORMAT my_parquet") == [
        ("TYPE", "String", "PARQUET", "CSV"),
        ("TRIM_SPACE", "Boolean", "FALSE", "FALSE"),
        ("NULL_IF", "List", "[]", "[\\\\N]"),
        ("COMPRESSION", "String", "SNAPPY", "AUTO"),
        ("BINARY_AS_TEXT", "Boolean", "TRUE", "TRUE"),
    ]
    assert [row[0] for row in alpha.rows("DESC FILE FORMAT my_json")][-5:] == [
        *("STRIP_OUTER_ARRAY", "STRIP_NULL_VALUES", "IGNORE_UTF8_ERRORS", "REPLACE_INVALID_CHARACTERS"),
        "SKIP_BYTE_ORDER_MARK",
    ]
    alpha.result("CREATE TEMPORARY FILE FORMAT c TYPE = CSV SKIP_HEADER = 1 NULL_IF = ('none', 'NA')")
    told = {row[0]: row[1:] for row in alpha.rows("DESC FILE FORMAT c")}
    assert told["RECORD_DELIMITER"] == ("String", "\\n", "\\n")
    assert told["ESCAPE_UNENCLOSED_FIELD"] == ("String", "\\\\", "\\\\")
    changed = {name: row for name, row in told.items() if row[1] != row[2]}
    assert changed == {"SKIP_HEADER": ("Integer", "1", "0"), "NULL_IF": ("List", "[none, NA]", "[\\\\N]")}
