"""DEFAULT, IDENTITY, CLONE and ALTER TABLE: sql-reference/sql/create-table, create-clone, alter-table and
alter-table-column of Snowflake's documentation.
"""

from __future__ import annotations

import pytest
from statements_client import Client

from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.statements.account_catalog import AccountCatalog
from cleanroom_ml.engine.statements.executor import Executor
from cleanroom_ml.engine.statements.kinds import dml, table
from cleanroom_ml.engine.storage.keys import Column
from cleanroom_ml.engine.storage.rights import Rights
from cleanroom_ml.engine.storage.table_rows import columns_from_json, columns_json

pytestmark = pytest.mark.sandbox

TABLE = (
    "CREATE TABLE t (id INT AUTOINCREMENT START 10 INCREMENT 5, name VARCHAR(5) NOT NULL, n NUMBER(10, 2) DEFAULT 1.5,"
    " s VARCHAR DEFAULT 'x' || 'y' COMMENT 'c')"
)


def test_what_a_column_gets_that_is_given_nothing(alpha: Client) -> None:
    alpha.result(TABLE)
    alpha.result("INSERT INTO t (name) VALUES ('a'), ('b')")
    alpha.result("INSERT INTO t (name, s, n) VALUES ('c', DEFAULT, DEFAULT)")
    alpha.result("INSERT INTO t (id, name, s) VALUES (99, 'd', NULL)")
    assert [(*row[:2], str(row[2]), row[3]) for row in alpha.rows("SELECT * FROM t ORDER BY name")] == [
        *((10, "a", "1.50", "xy"), (15, "b", "1.50", "xy"), (20, "c", "1.50", "xy"), (99, "d", "1.50", None))
    ]
    described = alpha.dicts("DESCRIBE TABLE t")
    assert [row["default"] for row in described] == ["IDENTITY START 10 INCREMENT 5 NOORDER", None, "1.5", "'x' || 'y'"]
    assert described[3]["comment"] == "c"


def test_a_number_is_given_once(alpha: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever numbered rows from a number that somebody else has taken meanwhile numbers them again."""
    alpha.result("CREATE TABLE t (id INT IDENTITY(1, 1), v INT)")
    committed, seen = dml.committed, []

    def meanwhile(*args: object, **kwargs: object) -> bool:
        if not seen:
            seen.append(True)
            alpha.result("INSERT INTO t (v) VALUES (1), (2)")
        return committed(*args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(dml, "committed", meanwhile)
    alpha.result("INSERT INTO t (v) VALUES (3)")
    assert alpha.rows("SELECT * FROM t ORDER BY id") == [(1, 1), (2, 2), (3, 3)]


def test_transactions_clones_and_copies_number_on(alpha: Client) -> None:
    alpha.result("CREATE TABLE t (id INT IDENTITY, v INT DEFAULT 7)")
    alpha.result("BEGIN")
    alpha.result("INSERT INTO t (v) VALUES (1)")
    alpha.result("INSERT INTO t (v) VALUES (2)")
    alpha.result("COMMIT")
    alpha.result("CREATE TABLE c CLONE t")
    alpha.result("INSERT INTO c (v) VALUES (3)")
    alpha.result("INSERT INTO t (v) SELECT 4")
    assert alpha.rows("SELECT * FROM c ORDER BY id") == [(1, 1), (2, 2), (3, 3)]
    assert alpha.rows("SELECT * FROM t ORDER BY id") == [(1, 1), (2, 2), (3, 4)]
    with pytest.raises(SqlError, match="IDENTITY"):
        alpha.result("MERGE INTO t USING (SELECT 1 AS v) s ON t.v = 100 WHEN NOT MATCHED THEN INSERT (v) VALUES (s.v)")
    merge = "MERGE INTO t USING (SELECT 9 AS i) s ON t.id = s.i WHEN NOT MATCHED THEN INSERT (id) VALUES (s.i)"
    assert alpha.rows(merge) == [(1,)]
    assert alpha.rows("SELECT v FROM t WHERE id = 9") == [(7,)]


def test_what_alter_table_changes(alpha: Client) -> None:
    alpha.result("CREATE TABLE t (a INT, s VARCHAR(5) DEFAULT 'x')")
    alpha.result("INSERT INTO t (a) VALUES (1), (NULL)")
    alpha.result("ALTER TABLE t ADD COLUMN IF NOT EXISTS z INT DEFAULT 7, a INT")
    assert alpha.rows("SELECT * FROM t ORDER BY a") == [(1, "x", 7), (None, "x", 7)]
    alpha.result("ALTER TABLE t ALTER COLUMN z DROP DEFAULT")
    alpha.result("ALTER TABLE t MODIFY s VARCHAR(50), COLUMN z SET NOT NULL")
    for text, message in [
        ("ALTER TABLE t ALTER COLUMN a SET NOT NULL", "NULL result in a non-nullable column A"),
        ("ALTER TABLE t ALTER COLUMN s SET DATA TYPE VARCHAR(3)", "cannot change column S"),
        ("ALTER TABLE t ALTER COLUMN a SET DATA TYPE VARCHAR", "cannot change column A"),
        ("ALTER TABLE t ALTER COLUMN nothing DROP DEFAULT", "does not exist"),
        ("INSERT INTO t (a) VALUES (2)", "non-nullable column Z"),
        ("ALTER TABLE t SET TAG x = 'y'", "Unsupported"),
        ("ALTER TABLE t DROP COLUMN nothing", "does not exist"),
    ]:
        with pytest.raises(SqlError, match=message):
            alpha.result(text)
    alpha.result("ALTER TABLE t DROP COLUMN IF EXISTS nothing, z")
    alpha.result("ALTER TABLE t SET DATA_RETENTION_TIME_IN_DAYS = 1")
    alpha.result("ALTER TABLE t CLUSTER BY (a)")
    alpha.result("CREATE TABLE u (b INT PRIMARY KEY)")
    with pytest.raises(SqlError, match="non-nullable column B"):
        alpha.result("INSERT INTO u VALUES (NULL)")
    alpha.result("ALTER TABLE t SWAP WITH u")
    assert alpha.rows("SELECT count(*) FROM u") == [(2,)]
    assert alpha.rows("SELECT * FROM t") == []


@pytest.mark.parametrize("default", ["(SELECT 1)", "a", "$v", "nothing_known()"])
def test_a_default_reads_nothing(alpha: Client, default: str) -> None:
    """It is evaluated by whoever inserts, with that session's rights: it may name no table and no variable."""
    with pytest.raises(SqlError):
        alpha.result(f"CREATE TABLE t (a INT, b INT DEFAULT {default})")


@pytest.mark.attack
def test_a_room_clones_nothing(alpha: Client, executor: Executor, monkeypatch: pytest.MonkeyPatch) -> None:
    """A copy would have the rows without the policies."""
    alpha.result("CREATE TABLE t (a INT)")
    catalog = AccountCatalog(
        alpha.storage,
        alpha.session,
        lambda _, paths: [True] * len(paths),
        Rights.of_session(alpha.storage, alpha.session),
    )
    text = "CREATE TABLE copied CLONE t"
    with pytest.raises(SqlError, match="CLONE in a clean room"):
        executor.execute_in(catalog, alpha.session, text, None, "q")
    found = alpha.storage.tables.get(catalog.target(("T",), "TABLE"))
    assert found is not None
    monkeypatch.setattr(table, "_cloned", lambda *_: (found.columns, found.objects))
    executor.execute_in(catalog, alpha.session, text, None, "q")
    assert alpha.rows("SELECT count(*) FROM copied") == [(0,)]


def test_columns_of_a_catalog_from_before_are_read() -> None:
    assert columns_from_json('[["A", "NUMBER(38,0)", false]]') == (Column("A", "NUMBER(38,0)", False),)
    columns = (Column("A", "NUMBER(38,0)", True, None, 3, 2), Column("B", "VARCHAR", False, "'x'", comment="c"))
    assert columns_from_json(columns_json(columns)) == columns
    assert columns_json((Column("A", "DATE"),)) == '[["A", "DATE", true]]'


@pytest.mark.sandbox
def test_columns_may_differ_only_in_case(alpha: Client) -> None:
    """sql-reference/identifiers-syntax: a name in quotes keeps its case."""
    alpha.result('CREATE TABLE pairs (a INT, "a" VARCHAR NOT NULL)')
    alpha.result("INSERT INTO pairs VALUES (1, 'x'), (2, 'y')")
    alpha.result("INSERT INTO pairs (\"a\", a) SELECT 'z', 3")
    assert alpha.rows('SELECT "a", A FROM pairs WHERE A > 1 ORDER BY "a" DESC') == [("z", 3), ("y", 2)]
    assert [row["name"] for row in alpha.dicts("DESC TABLE pairs")] == ["A", "a"]
    alpha.result("ALTER TABLE pairs ADD COLUMN b INT DEFAULT 7")
    alpha.result('CREATE TABLE copied AS SELECT "a", A, b FROM pairs')
    assert alpha.rows('SELECT A, "a", b FROM copied ORDER BY A') == [(1, "x", 7), (2, "y", 7), (3, "z", 7)]
    with pytest.raises(SqlError, match="non-nullable column a"):
        alpha.result("INSERT INTO pairs VALUES (4, NULL, 1)")
    for text in ("UPDATE pairs SET a = 1", 'DELETE FROM pairs WHERE "a" = 1'):
        with pytest.raises(SqlError, match="differ only in case"):
            alpha.result(text)
    with pytest.raises(SqlError, match="duplicate column name 'A'"):
        alpha.result("CREATE TABLE twice (a INT, A INT)")
