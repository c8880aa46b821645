"""Rows end to end: real workers, real objects."""

from __future__ import annotations

import threading
import uuid
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from statements_client import Client

from cleanroom_ml.engine.contracts.table import Rows
from cleanroom_ml.engine.sql.binds import Binds
from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.statements import compaction
from cleanroom_ml.engine.statements.executor import Executor
from cleanroom_ml.engine.storage.keys import Key
from cleanroom_ml.engine.storage.storage import Storage
from cleanroom_ml.engine.warehouse.outcomes import Written
from cleanroom_ml.engine.warehouse.pool import Warehouse

pytestmark = pytest.mark.sandbox


def parquet(tmp_path: Path, **columns: list[Any]) -> bytes:
    path = tmp_path / f"{uuid.uuid4()}.parquet"
    pq.write_table(pa.table(columns), path)
    return path.read_bytes()


def test_rows_in_and_out(alpha: Client) -> None:
    alpha.result("CREATE TABLE t (a INT, b VARCHAR, c DATE)")
    assert alpha.rows("INSERT INTO t VALUES (1, 'x', '2024-02-29'), (2, NULL, NULL)") == [(2,)]
    assert alpha.rows("INSERT INTO t (b, a) SELECT 'y', ?", 3) == [(1,)]
    assert alpha.rows("SELECT a, b, c FROM t ORDER BY a") == [
        (1, "x", date(2024, 2, 29)),
        (2, None, None),
        (3, "y", None),
    ]
    assert alpha.rows("UPDATE t SET b = 'z' WHERE a >= 2") == [(2, 0)]
    assert alpha.rows("DELETE FROM t WHERE a = 1") == [(1,)]
    assert alpha.rows("SELECT a, b FROM t ORDER BY a") == [(2, "z"), (3, "z")]
    alpha.result("CREATE TABLE s (a INT, b VARCHAR) AS SELECT 3, 'new' UNION ALL SELECT 4, 'four'")
    merged = alpha.result(
        "MERGE INTO t USING s ON t.a = s.a WHEN MATCHED THEN UPDATE SET b = s.b"
        " WHEN NOT MATCHED THEN INSERT (a, b) VALUES (s.a, s.b)"
    )
    assert isinstance(merged, Rows)
    assert [name for name, _ in merged.columns] == ["number of rows inserted", "number of rows updated"]
    assert list(merged.rows) == [(1, 1)]
    assert alpha.rows("SELECT a, b FROM t ORDER BY a") == [(2, "z"), (3, "new"), (4, "four")]
    assert alpha.rows("INSERT OVERWRITE INTO t (a) SELECT 9") == [(1,)]
    assert alpha.rows("SELECT a FROM t") == [(9,)]
    alpha.result("TRUNCATE TABLE t")
    assert alpha.rows("SELECT a FROM t") == []


def test_a_batch_of_bound_rows(alpha: Client) -> None:
    alpha.result("CREATE TABLE t (a INT, b VARCHAR)")
    rows = [(number, f"r{number}") for number in range(500)]
    assert alpha.rows("INSERT INTO t VALUES (?, ?)", binds=Binds.batch(rows)) == [(500,)]
    assert alpha.rows("SELECT COUNT(*), SUM(a) FROM t") == [(500, sum(range(500)))]
    assert alpha.rows("DELETE FROM t WHERE a = ?", binds=Binds.batch([(1,), (2,), (-1,)])) == [(2,)]
    assert alpha.rows("SELECT COUNT(*) FROM t") == [(498,)]


def test_not_null_is_enforced(alpha: Client) -> None:
    alpha.result("CREATE TABLE t (a INT NOT NULL)")
    with pytest.raises(SqlError, match="NULL result in a non-nullable column A"):
        alpha.result("INSERT INTO t SELECT NULL")
    assert alpha.rows("SELECT COUNT(*) FROM t") == [(0,)]


def test_columns_change(alpha: Client) -> None:
    alpha.result("CREATE TABLE t AS SELECT 1 AS a, 'x' AS b")
    alpha.result("ALTER TABLE t ADD COLUMN c FLOAT")
    alpha.result("ALTER TABLE t RENAME COLUMN b TO d")
    alpha.result("ALTER TABLE t DROP COLUMN a")
    assert alpha.rows("SELECT * FROM t") == [("x", None)]


def test_views_have_their_owners_place(alpha: Client) -> None:
    alpha.result("CREATE TABLE t AS SELECT 1 AS a")
    alpha.result("CREATE VIEW v (x) AS SELECT a FROM t")
    alpha.result("CREATE SCHEMA elsewhere")
    alpha.result("CREATE TABLE t AS SELECT 2 AS a")
    assert alpha.rows("SELECT x FROM public.v") == [(1,)]
    # A temporary table of a reader does not get between a view and its table.
    alpha.result("USE SCHEMA public")
    alpha.result("CREATE TEMPORARY TABLE t AS SELECT 3 AS a")
    assert alpha.rows("SELECT x FROM v") == [(1,)]
    assert alpha.rows("SELECT a FROM t") == [(3,)]


def test_describe_only_gives_columns(alpha: Client) -> None:
    alpha.result("CREATE TABLE t (a INT, b VARCHAR)")
    described = alpha.result("SELECT a, b || 'x' AS c FROM t", describe_only=True)
    assert isinstance(described, Rows)
    assert [(name, kind.name) for name, kind in described.columns] == [("A", "NUMBER"), ("C", "VARCHAR")]
    assert list(described.rows) == []


def test_information_schema(alpha: Client) -> None:
    alpha.result("CREATE TABLE t (a INT, b VARCHAR)")
    found = alpha.rows("SELECT table_name, table_type FROM information_schema.tables")
    assert found == [("T", "BASE TABLE")]
    assert alpha.rows("SELECT COUNT(*) FROM information_schema.columns WHERE table_name = 'T'") == [(2,)]


def test_what_write_pandas_sends(alpha: Client, tmp_path: Path) -> None:
    alpha.result(
        "CREATE TEMP STAGE /* x */ identifier(?) FILE_FORMAT=(TYPE=PARQUET COMPRESSION=auto BINARY_AS_TEXT=FALSE)",
        "SP_STAGE",
    )
    data = parquet(tmp_path, a=[1, 2, 3], B=["x", "y", None])
    alpha.put("SP_STAGE", "file0.txt", data, session_id=alpha.session.id)
    alpha.result(
        "CREATE TEMP FILE FORMAT identifier(?) /* x */ TYPE=PARQUET COMPRESSION=auto USE_LOGICAL_TYPE = TRUE", "FF"
    )
    inferred = alpha.rows(
        "SELECT COLUMN_NAME, TYPE FROM table(infer_schema(location=>?, file_format=>?))", "@SP_STAGE", "FF"
    )
    assert dict(inferred) == {"a": "NUMBER(38, 0)", "B": "TEXT"}
    alpha.result('CREATE TABLE IF NOT EXISTS identifier(?) ("a" NUMBER(38, 0), "B" TEXT)  /* x */ ', "T")
    loaded = alpha.rows(
        'COPY INTO identifier(?) /* x */ ("a","B") FROM (SELECT $1:"a"::NUMBER(38, 0),$1:"B"::TEXT FROM \'@SP_STAGE\') '
        "FILE_FORMAT=(TYPE=PARQUET USE_VECTORIZED_SCANNER=False COMPRESSION=auto BINARY_AS_TEXT=FALSE) "
        "PURGE=TRUE ON_ERROR=?",
        "T",
        "abort_statement",
    )
    assert loaded == [("sp_stage/file0.txt", "LOADED", 3, 3, 1, 0, None, None, None, None)]
    assert alpha.rows('SELECT "a", "B" FROM T ORDER BY 1') == [(1, "x"), (2, "y"), (3, None)]
    assert alpha.rows("LIST @SP_STAGE") == []


def test_copy_is_all_or_nothing(alpha: Client) -> None:
    alpha.result("CREATE TABLE t (a INT, b VARCHAR)")
    alpha.result("CREATE STAGE s")
    alpha.put("S", "1.csv", b"1,one\n2,two\n")
    alpha.put("S", "2.csv", b"three,3\n")
    with pytest.raises(SqlError):
        alpha.result("COPY INTO t FROM @s")
    assert alpha.rows("SELECT COUNT(*) FROM t") == [(0,)]
    assert [row[3] for row in alpha.rows("COPY INTO t FROM @s FILES = ('1.csv')")] == [2]
    assert [row[0] for row in alpha.rows("COPY INTO t FROM @s PATTERN = '.*1[.]csv' FORCE = TRUE")] == ["s/1.csv"]
    assert alpha.rows("SELECT COUNT(*) FROM t") == [(4,)]
    with pytest.raises(SqlError, match="Unsupported feature"):
        alpha.result("COPY INTO t FROM @s INCLUDE_METADATA = (a = METADATA$FILENAME)")


def test_patterns_do_not_run_in_the_front(alpha: Client) -> None:
    alpha.result("CREATE STAGE s")
    alpha.put("S", "a" * 60 + "!", b"x")
    # Exponential for a backtracking matcher.
    assert alpha.rows("LIST @s PATTERN = '(.*a+)+b'") == []
    assert len(alpha.rows("LIST @s PATTERN = '.*a!'")) == 1
    with pytest.raises(SqlError, match="Invalid regular expression"):
        alpha.result("LIST @s PATTERN = '('")


def test_variables(alpha: Client) -> None:
    alpha.result("SET (n, word) = (1 + 2, 'x')")
    assert alpha.rows("SELECT $n, $word") == [(3, "x")]
    assert [(row["name"], row["value"]) for row in alpha.dicts("SHOW VARIABLES")] == [("N", "3"), ("WORD", "x")]
    alpha.result("UNSET n")
    assert [row["name"] for row in alpha.dicts("SHOW VARIABLES")] == ["WORD"]


def test_a_block(alpha: Client) -> None:
    alpha.result("CREATE TABLE t (a INT)")
    text = "BEGIN LET n INT := 0; INSERT INTO t VALUES (1), (2); SELECT SUM(a) INTO :n FROM t; RETURN n; END"
    assert alpha.rows(text) == [(3,)]


def test_concurrent_inserts_land_exactly_once(alpha: Client, alpha_again: Client) -> None:
    alpha.result("CREATE TABLE t (a INT)")
    failures: list[BaseException] = []

    def insert(client: Client, start: int) -> None:
        try:
            for number in range(start, start + 10):
                client.result("INSERT INTO t VALUES (?)", number)
        except BaseException as error:  # noqa: BLE001 - told to the test below
            failures.append(error)

    threads = [threading.Thread(target=insert, args=(client, 100 * n)) for n, client in enumerate((alpha, alpha_again))]
    for thread in threads:
        thread.start()
    alpha.result("DELETE FROM t WHERE a < 0")
    for thread in threads:
        thread.join()
    assert not failures
    assert sorted(alpha.rows("SELECT a FROM t")) == [(n,) for start in (0, 100) for n in range(start, start + 10)]


def test_concurrent_updates_lose_nothing(alpha: Client, alpha_again: Client) -> None:
    alpha.result("CREATE TABLE t AS SELECT 0 AS a")
    threads = [
        threading.Thread(target=lambda client=client: [client.result("UPDATE t SET a = a + 1") for _ in range(3)])
        for client in (alpha, alpha_again)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert alpha.rows("SELECT a FROM t") == [(6,)]


def test_a_repeated_insert_is_applied_once(alpha: Client) -> None:
    alpha.result("CREATE TABLE t (a INT)")
    request = str(uuid.uuid4())
    assert alpha.recorded("INSERT INTO t VALUES (1)", request) == [(1,)]
    assert alpha.recorded("INSERT INTO t VALUES (1)", request) == [(1,)]
    assert alpha.rows("SELECT COUNT(*) FROM t") == [(1,)]


def test_an_aborted_insert_leaves_nothing(alpha: Client, storage: Storage, monkeypatch: pytest.MonkeyPatch) -> None:
    alpha.result("CREATE TABLE t (a INT)")
    query_id = str(uuid.uuid4())
    storage.queries.start(query_id, alpha.session.id, None, "hash")

    write = Warehouse.write

    def aborted(*args: Any, **options: Any) -> Written:
        written = write(*args, **options)
        storage.queries.abort(query_id)
        return written

    monkeypatch.setattr(Warehouse, "write", aborted)
    with pytest.raises(SqlError, match="canceled"):
        alpha.result("INSERT INTO t VALUES (1)", query_id=query_id)
    assert alpha.rows("SELECT COUNT(*) FROM t") == [(0,)]


def test_many_small_inserts_become_one_object(alpha: Client, storage: Storage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compaction, "MOST_SMALL", 3)
    alpha.result("CREATE TABLE t (a INT)")
    for number in range(6):
        alpha.result("INSERT INTO t VALUES (?)", number)
    table = storage.tables.get(Key("ALPHA", "ALPHA_DB", "PUBLIC", "T"))
    assert table is not None
    assert len(table.objects) <= 3
    assert sorted(alpha.rows("SELECT a FROM t")) == [(n,) for n in range(6)]


def test_a_transaction(alpha: Client, alpha_again: Client) -> None:
    alpha.result("CREATE TABLE t AS SELECT 1::INT AS a")
    alpha.result("BEGIN")
    alpha.result("INSERT INTO t VALUES (2)")
    alpha.result("UPDATE t SET a = a * 10")
    assert sorted(alpha.rows("SELECT a FROM t")) == [(10,), (20,)]
    assert alpha_again.rows("SELECT a FROM t") == [(1,)]
    alpha.result("ROLLBACK")
    assert alpha.rows("SELECT a FROM t") == [(1,)]
    alpha.result("BEGIN")
    alpha.result("INSERT INTO t VALUES (2)")
    alpha.result("COMMIT")
    assert sorted(alpha_again.rows("SELECT a FROM t")) == [(1,), (2,)]


def test_a_transaction_that_was_overtaken_is_rolled_back(alpha: Client, alpha_again: Client) -> None:
    alpha.result("CREATE TABLE t AS SELECT 1 AS a")
    alpha.result("BEGIN")
    alpha.result("UPDATE t SET a = 5")
    alpha_again.result("INSERT INTO t VALUES (2)")
    with pytest.raises(SqlError, match="rolled back"):
        alpha.result("COMMIT")
    assert sorted(alpha.rows("SELECT a FROM t")) == [(1,), (2,)]


def test_a_transaction_does_not_outlive_the_engine(alpha: Client, storage: Storage, executor: Executor) -> None:
    alpha.result("CREATE TABLE t (a INT)")
    alpha.result("BEGIN")
    alpha.result("INSERT INTO t VALUES (1)")
    # The next engine has the session of the catalog, and none of the last engine's memory.
    kept = storage.sessions.get(alpha.session.id)
    assert kept is not None
    after = Client(storage, Executor(storage, executor._warehouse), kept)
    with pytest.raises(SqlError, match="rolled back"):
        after.result("COMMIT")
    assert after.rows("SELECT COUNT(*) FROM t") == [(0,)]
    after.result("INSERT INTO t VALUES (1)")
    assert after.rows("SELECT COUNT(*) FROM t") == [(1,)]
