"""COPY INTO a stage: sql-reference/sql/copy-into-location of Snowflake's documentation."""

from __future__ import annotations

import gzip

import pytest
from statements_client import Client

from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.storage.keys import Key

pytestmark = pytest.mark.sandbox


def content(client: Client, path: str) -> bytes:
    key = Key("ALPHA", "ALPHA_DB", "PUBLIC", "S")
    found = {file.path: file.sha256 for file in client.storage.stages.list_files(key)}
    return client.storage.objects.path(found[path]).read_bytes()


@pytest.mark.slow
def test_rows_become_a_file(alpha: Client) -> None:
    alpha.result("CREATE STAGE s")
    alpha.result("CREATE TABLE t AS SELECT column1 AS a, column2 AS b FROM VALUES (1, 'x,y'), (2, NULL), (3, 'q\"q')")
    plain = "FILE_FORMAT = (TYPE = CSV COMPRESSION = NONE)"
    assert alpha.rows(f"COPY INTO @s/out/ FROM (SELECT * FROM t ORDER BY a) {plain} HEADER = TRUE")[0][0] == 3
    assert content(alpha, "out/data_0_0_0.csv") == b'A,B\n1,x\\,y\n2,\\N\n3,q"q\n'
    with pytest.raises(SqlError, match="Use overwrite option"):
        alpha.result(f"COPY INTO @s/out/ FROM t {plain}")
    alpha.result(f"COPY INTO @s/out/ FROM (SELECT 1) {plain} OVERWRITE = TRUE")
    assert content(alpha, "out/data_0_0_0.csv") == b"1\n"
    enclosed = "FILE_FORMAT = (TYPE = CSV FIELD_OPTIONALLY_ENCLOSED_BY = '\"')"
    alpha.result(f"COPY INTO @s/q FROM (SELECT * FROM t ORDER BY a) {enclosed}")
    assert gzip.decompress(content(alpha, "q_0_0_0.csv.gz")) == b'1,"x,y"\n2,\\N\n3,"q""q"\n'
    alpha.result(
        "COPY INTO @s/j/ FROM (SELECT object_construct('a', a) FROM t WHERE a = 1) FILE_FORMAT = (TYPE = JSON)"
    )
    assert gzip.decompress(content(alpha, "j/data_0_0_0.json.gz")) == b'{"a":1}\n'
    alpha.result("COPY INTO @s/p/ FROM t FILE_FORMAT = (TYPE = PARQUET) HEADER = TRUE")
    alpha.result("CREATE FILE FORMAT pf TYPE = PARQUET")
    assert alpha.rows("SELECT count(*), sum($1:A::int) FROM @s/p/ (FILE_FORMAT => pf)") == [(3, 6)]
    assert alpha.rows("COPY INTO @s/none/ FROM (SELECT * FROM t WHERE FALSE)") == [(0, 0, 0)]
    with pytest.raises(SqlError, match="Unsupported"):
        alpha.result("COPY INTO @s FROM t DETAILED_OUTPUT = TRUE")


def test_a_file_for_each_value(alpha: Client) -> None:
    """PARTITION BY: the value is a directory, and the rows keep their column."""
    alpha.result("CREATE STAGE s")
    plain = "FILE_FORMAT = (TYPE = CSV COMPRESSION = NONE)"
    rows = "(SELECT column1 AS a, column2 AS b FROM VALUES ('x', 1), ('y', 2), ('x', 3), (NULL, 4))"
    assert alpha.rows(f"COPY INTO @s/out FROM {rows} PARTITION BY ('a=' || a) {plain}")[0][0] == 4
    assert [row[0] for row in alpha.rows("LIST @s")] == [
        f"s/out/{value}/data_0_0_0.csv" for value in ("__NULL__", "a=x", "a=y")
    ]
    assert sorted(content(alpha, "out/a=x/data_0_0_0.csv").splitlines()) == [b"x,1", b"x,3"]
    assert content(alpha, "out/__NULL__/data_0_0_0.csv") == b"\\N,4\n"
    assert alpha.rows(f"COPY INTO @s/w FROM {rows} PARTITION BY b > 2 {plain} HEADER = TRUE")[0][0] == 4
    assert content(alpha, "w/true/data_0_0_0.csv").startswith(b"A,B\n")
    for text, message in [
        (f"COPY INTO @s/n FROM {rows} PARTITION BY (uuid_string()) {plain}", "others each time"),
        (f"COPY INTO @s/n FROM {rows} PARTITION BY ('../' || a) {plain}", "."),
        (f"COPY INTO @s/n FROM {rows} PARTITION BY (a) {plain} SINGLE = TRUE", "does not go with SINGLE"),
        (f"COPY INTO @s/n FROM {rows} PARTITION BY {plain}", "."),
    ]:
        with pytest.raises(SqlError, match=message):
            alpha.result(text)
    assert alpha.rows("LIST @s/n") == []
