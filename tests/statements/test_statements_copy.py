"""COPY INTO a table: sql-reference/sql/copy-into-table and user-guide/data-load-considerations-load of Snowflake's
documentation.
"""

from __future__ import annotations

import datetime as dt
import io

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from statements_client import Client

from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.statements.kinds import copy_into

pytestmark = pytest.mark.sandbox

FORMAT = "FILE_FORMAT = (TYPE = CSV SKIP_HEADER = 1 FIELD_OPTIONALLY_ENCLOSED_BY = '\"')"
NOTHING = [("Copy executed with 0 files processed.",)]
BAD = b"id,name\n4,x\nbad,y\n5,z\n"


def staged(client: Client, name: str, data: bytes) -> None:
    client.result("CREATE STAGE IF NOT EXISTS s")
    client.put("S", name, data)


def test_an_unchanged_file_is_loaded_once(alpha: Client) -> None:
    """The load metadata: by name and content; FORCE and a TRUNCATE load again, another content is another file."""
    staged(alpha, "a.csv", b"id,name\n1,a\n2,b\n")
    alpha.result("CREATE TABLE t (id INT, name VARCHAR)")
    assert alpha.rows(f"COPY INTO t FROM @s {FORMAT}")[0][:4] == ("s/a.csv", "LOADED", 2, 2)
    assert alpha.rows(f"COPY INTO t FROM @s {FORMAT}") == NOTHING
    assert alpha.rows(f"COPY INTO t FROM @s {FORMAT} FORCE = TRUE")[0][3] == 2
    alpha.result("ALTER TABLE t RENAME TO u")
    assert alpha.rows(f"COPY INTO u FROM @s {FORMAT}") == NOTHING
    alpha.put("S", "a.csv", b"id,name\n3,c\n")
    assert alpha.rows(f"COPY INTO u FROM @s {FORMAT}")[0][3] == 1
    alpha.result("TRUNCATE TABLE u")
    assert alpha.rows(f"COPY INTO u FROM @s {FORMAT}")[0][3] == 1
    alpha.result("CREATE OR REPLACE TABLE u (id INT, name VARCHAR)")
    alpha.result("BEGIN")
    assert alpha.rows(f"COPY INTO u FROM @s {FORMAT}")[0][3] == 1
    assert alpha.rows(f"COPY INTO u FROM @s {FORMAT}") == NOTHING
    alpha.result("ROLLBACK")
    assert alpha.rows(f"COPY INTO u FROM @s {FORMAT}")[0][3] == 1
    assert alpha.rows("SELECT count(*) FROM u") == [(1,)]


def test_two_loads_at_once_load_a_file_once(alpha: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second one commits while the first one has read already: it sees so, and reads again."""
    staged(alpha, "a.csv", b"id\n1\n")
    alpha.result("CREATE TABLE t (id INT)")
    other = f"COPY INTO t FROM @s {FORMAT}"
    committed, seen = copy_into.dml.committed, []

    def meanwhile(*args: object, **kwargs: object) -> bool:
        if not seen:
            seen.append(True)
            alpha.rows(other)
        return committed(*args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(copy_into.dml, "committed", meanwhile)
    assert alpha.rows(other) == NOTHING
    assert alpha.rows("SELECT count(*) FROM t") == [(1,)]


def test_the_first_error_is_told_with_its_place(alpha: Client) -> None:
    staged(alpha, "b.csv", BAD)
    alpha.result("CREATE TABLE t (id INT, name VARCHAR(3))")
    with pytest.raises(SqlError, match=r"Numeric value 'bad' is not recognized") as caught:
        alpha.rows(f"COPY INTO t FROM @s {FORMAT}")
    assert (caught.value.code, caught.value.sqlstate) == (100038, "22018")
    assert "File 's/b.csv', line 3, character 1" in caught.value.message
    assert '"T"["ID":1]' in caught.value.message
    assert alpha.rows("SELECT count(*) FROM t") == [(0,)]
    for name, data, message in [
        (
            "w.csv",
            b"h\n1,x\n2\n",
            r"Number of columns in file \(1\) does not match that of the corresponding table \(2\)",
        ),
        ("x.csv", b"h\n1,x\n2,y,z\n", r"Number of columns in file \(3\)"),
        ("y.csv", b"h\n1,toolong\n", r"length limit \(3\) exceeded by string 'toolong'"),
    ]:
        staged(alpha, name, data)
        with pytest.raises(SqlError, match=message):
            alpha.rows(f"COPY INTO t FROM @s/{name} {FORMAT}")


@pytest.mark.slow
def test_on_error(alpha: Client) -> None:
    staged(alpha, "b.csv", BAD)
    alpha.result("CREATE TABLE t (id INT, name VARCHAR(3))")
    told = (1, "Numeric value 'bad' is not recognized", 3, 1, '"T"["ID":1]')
    for on_error, status, loaded, limit in [
        ("SKIP_FILE", "LOAD_FAILED", 0, 1),
        ("SKIP_FILE_2", "PARTIALLY_LOADED", 2, 2),
        ("'SKIP_FILE_20%'", "LOAD_FAILED", 0, 3),
        ("'SKIP_FILE_40%'", "PARTIALLY_LOADED", 2, 3),
        ("CONTINUE", "PARTIALLY_LOADED", 2, 3),
    ]:
        alpha.result("TRUNCATE TABLE t")
        found = alpha.rows(f"COPY INTO t FROM @s {FORMAT} ON_ERROR = {on_error}")
        assert found == [("s/b.csv", status, 3, loaded, limit, *told)]
        assert alpha.rows("SELECT count(*) FROM t") == [(loaded,)]
    assert alpha.rows(f"COPY INTO t FROM @s {FORMAT} ON_ERROR = CONTINUE") == NOTHING
    # Of a file that failed nothing is known to be loaded: the next COPY reads it again (user-guide/
    # data-load-considerations-load, "Executing parallel COPY statements that reference the same data files").
    staged(alpha, "none.csv", b"h\nbad,x\nworse,y\n")
    for _ in range(2):
        [found] = alpha.rows(f"COPY INTO t FROM @s {FORMAT} ON_ERROR = CONTINUE")
        assert found[:4] == ("s/none.csv", "LOAD_FAILED", 2, 0)
    for wrong in ("MAYBE", "SKIP_FILE_X", "'SKIP_FILE_101%'"):
        with pytest.raises(SqlError, match="ON_ERROR"):
            alpha.rows(f"COPY INTO t FROM @s {FORMAT} ON_ERROR = {wrong} FORCE = TRUE")


@pytest.mark.slow
def test_a_file_that_cannot_be_read_is_one_that_is_not_loaded(alpha: Client) -> None:
    """snowflake-connector-python, test/integ/test_put_get_snow_4525.py: LOAD_FAILED, and the others are loaded."""
    staged(alpha, "bogus", b"\x80\xff\x00{" * 64)
    alpha.result("CREATE TABLE t (v VARIANT)")
    with pytest.raises(SqlError, match="cannot be read"):
        alpha.rows("COPY INTO t FROM @s FILE_FORMAT = (TYPE = PARQUET)")
    staged(alpha, "good.json", b'{"a": 1}')
    for tolerant in ("SKIP_FILE", "CONTINUE"):
        found = {
            row[0]: (row[1], row[3], row[5])
            for row in alpha.rows(f"COPY INTO t FROM @s ON_ERROR = {tolerant} FORCE = TRUE FILE_FORMAT = (TYPE = JSON)")
        }
        assert found == {"s/bogus": ("LOAD_FAILED", 0, 1), "s/good.json": ("LOADED", 1, 0)}


@pytest.mark.slow
def test_what_fields_mean(alpha: Client) -> None:
    """Empty is NULL, an empty text in quotes is not; a line may break in quotes; TRUNCATECOLUMNS cuts."""
    staged(alpha, "m.csv", b'a,b\n1,x\n4,"mu\nlti"\n5,longer\n6,""\n7,\n8,NULL\n9,\\N\n10,"a\r\nb"\n')
    alpha.result("CREATE TABLE t (a INT, b VARCHAR(5))")
    assert alpha.rows(f"COPY INTO t FROM @s {FORMAT} TRUNCATECOLUMNS = TRUE")[0][3] == 8
    assert alpha.rows("SELECT * FROM t ORDER BY a") == [
        *((1, "x"), (4, "mu\nlt"), (5, "longe"), (6, ""), (7, None), (8, "NULL"), (9, None), (10, "a\r\nb"))
    ]
    staged(alpha, "n.csv", b"name,id,more\nx,1,y\n")
    header = "FILE_FORMAT = (TYPE = CSV PARSE_HEADER = TRUE) MATCH_BY_COLUMN_NAME = CASE_INSENSITIVE"
    alpha.result("CREATE TABLE h (id INT, name VARCHAR, other INT)")
    assert alpha.rows(f"COPY INTO h FROM @s/n.csv {header}")[0][3] == 1
    assert alpha.rows("SELECT * FROM h") == [(1, "x", None)]
    staged(alpha, "w.csv", b"h\n1\n2,y,z\n")
    loose = FORMAT.replace("TYPE = CSV", "TYPE = CSV ERROR_ON_COLUMN_COUNT_MISMATCH = FALSE")
    alpha.result("TRUNCATE TABLE t")
    assert alpha.rows(f"COPY INTO t FROM @s/w.csv {loose}")[0][3] == 2
    assert alpha.rows("SELECT * FROM t ORDER BY a") == [(1, None), (2, "y")]
    assert alpha.rows("SELECT metadata$filename, metadata$file_row_number, $1 FROM @s/w.csv ORDER BY 2") == [
        *(("w.csv", 1, "h"), ("w.csv", 2, "1"), ("w.csv", 3, "2"))
    ]
    assert alpha.rows("SELECT * FROM @s/w.csv ORDER BY 1") == [("1",), ("2",), ("h",)]


def test_columns_that_a_file_does_not_fill(alpha: Client) -> None:
    """sql-reference/sql/copy-into-table: columns that are not in the list get their default values, an
    AUTOINCREMENT or IDENTITY column with its next numbers: over all files, and no number of a row that is left out.
    """
    staged(alpha, "a.csv", b"id,name\n1,x\n2,y\n")
    staged(alpha, "b.csv", BAD)
    alpha.result("CREATE TABLE t (n INT IDENTITY(10, 5), id INT, name VARCHAR, w VARCHAR DEFAULT 'd')")
    copy = f"COPY INTO t(id, name) FROM @s {FORMAT} ON_ERROR = CONTINUE"
    assert [row[1] for row in alpha.rows(copy)] == ["LOADED", "PARTIALLY_LOADED"]
    alpha.result("BEGIN")
    alpha.result(f"{copy} FORCE = TRUE")
    alpha.result("ROLLBACK")
    alpha.result("INSERT INTO t(id) VALUES (7)")
    assert alpha.rows("SELECT * FROM t ORDER BY n") == [
        (10, 1, "x", "d"),
        (15, 2, "y", "d"),
        (20, 4, "x", "d"),
        (25, 5, "z", "d"),
        (30, 7, None, "d"),
    ]


def test_without_from_a_table_is_loaded_from_its_own_stage(alpha: Client) -> None:
    """sql-reference/sql/copy-into-table: "When copying data from files in a table location, the FROM clause can be
    omitted".
    """
    alpha.result("CREATE TABLE t (id INT, name VARCHAR)")
    assert alpha.rows("COPY INTO t") == NOTHING  # from here on the table's stage is there
    alpha.put("%T", "a.csv", b"id,name\n1,x\n")
    assert alpha.rows(f"COPY INTO t {FORMAT} ON_ERROR = SKIP_FILE")[0][1:4] == ("LOADED", 1, 1)
    assert alpha.rows("COPY INTO t") == NOTHING
    with pytest.raises(SqlError, match="does not exist"):
        alpha.rows("COPY INTO nothing")


def test_moments_that_pandas_writes(alpha: Client) -> None:
    """connector: `write_pandas(use_logical_type=True)`: Parquet's nanoseconds in UTC become the column's type."""
    moments = [dt.datetime(2020, 1, 2, 1, 4, 5, 6, tzinfo=dt.UTC), None]
    column = pa.array(moments, pa.timestamp("ns", tz="+02:00"))
    for name, values in (("a", column), ("b", pa.array([1], pa.timestamp("ns", tz="UTC")))):
        file = io.BytesIO()
        pq.write_table(pa.table({"A": values, "B": values, "C": values}), file)
        staged(alpha, f"{name}/x.parquet", file.getvalue())
    alpha.result("CREATE TABLE t (a TIMESTAMP_TZ, b TIMESTAMP_LTZ, c TIMESTAMP_NTZ)")
    copy = "COPY INTO t FROM @s/{} FILE_FORMAT = (TYPE = PARQUET) MATCH_BY_COLUMN_NAME = CASE_INSENSITIVE"
    alpha.result(copy.format("a"))
    text = "2020-01-02 01:04:05.000006"
    assert alpha.rows(
        "SELECT to_char(a, 'YYYY-MM-DD HH24:MI:SS.FF6 TZHTZM'), to_char(b, 'YYYY-MM-DD HH24:MI:SS.FF6'),"
        " to_char(c, 'YYYY-MM-DD HH24:MI:SS.FF6') FROM t ORDER BY a"
    ) == [(f"{text} +0000", text, text), (None, None, None)]
    alpha.result(copy.format("b"))
    assert alpha.rows("SELECT date_part(ns, a), date_part(ns, b), date_part(ns, c) FROM t ORDER BY a")[0] == (1, 1, 1)


def test_columns_of_a_stage_by_number_and_alias(alpha: Client) -> None:
    """user-guide/querying-stage: `SELECT t.$1, t.$2 FROM @mystage1 … t`, whose columns are called `$1` and `$2`."""
    staged(alpha, "a.csv", b"1,x\n2,y\n")
    result = alpha.result("SELECT t.$2, t.$1 FROM @s t")
    assert [column.name for column in result.columns] == ["$2", "$1"]  # type: ignore[union-attr]
    assert sorted(alpha.rows("SELECT t.$2, t.$1 FROM @s t")) == [("x", "1"), ("y", "2")]
    alpha.result("CREATE TABLE t (n INT IDENTITY, id INT, name VARCHAR)")
    alpha.result("COPY INTO t(name, id) FROM (SELECT t.$2, t.$1 FROM @s t)")
    assert alpha.rows("SELECT * FROM t ORDER BY n") == [(1, 1, "x"), (2, 2, "y")]
