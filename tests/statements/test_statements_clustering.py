"""Clustering keys: user-guide/tables-clustering-keys (its examples), sql-reference/sql/create-table, -/alter-table,
sql-reference/functions/get_ddl; the text of GET_DDL as snowpark-python's tests/integ/test_dataframe.py has it
(`test_write_table_with_clustering_keys_and_comment`).
"""

from __future__ import annotations

import pytest
from statements_client import Client
from statements_foreign import refused

from cleanroom_ml.engine.sql import clustering

pytestmark = pytest.mark.sandbox


def _keys(alpha: Client, name: str) -> object:
    (row,) = alpha.dicts(f"SHOW TABLES LIKE '{name}'")
    return row["cluster_by"]


def test_a_clustering_key_is_kept_and_shown(alpha: Client) -> None:
    alpha.result("CREATE OR REPLACE TABLE t1 (c1 DATE, c2 STRING, c3 NUMBER) CLUSTER BY (c1, c2)")
    assert _keys(alpha, "t1") == "LINEAR(C1, C2)"
    alpha.result('CREATE TABLE q ("C1" DATE, "C2" STRING) CLUSTER BY ( CAST ("C1" AS DATE), substring("C2", 0, 10))')
    ddl = str(alpha.rows("SELECT GET_DDL('table', 'q')")[0][0])
    assert 'Q cluster by ( CAST ("C1" AS DATE), substring("C2", 0, 10))(' in ddl
    alpha.result(ddl.removesuffix(";"))
    assert alpha.rows("SELECT GET_DDL('table', 'q')")[0][0] == ddl, "the statement makes the same again"
    alpha.result("CREATE TABLE of_query (a INT) CLUSTER BY (a) AS SELECT 1")
    assert _keys(alpha, "of_query") == "LINEAR(A)"
    for like in ("CLONE", "LIKE"):
        alpha.result(f"CREATE TABLE {like}_of {like} t1")
        assert _keys(alpha, f"{like}_of") == "LINEAR(C1, C2)"
    alpha.result("ALTER TABLE t1 CLUSTER BY (c1, c3)")
    assert _keys(alpha, "t1") == "LINEAR(C1, C3)"
    assert alpha.rows(
        "SELECT clustering_key, auto_clustering_on FROM information_schema.tables WHERE table_name = 'T1'"
    ) == [("LINEAR(C1, C3)", "YES")]
    alpha.result("ALTER TABLE t1 RENAME COLUMN c3 TO c4")
    assert _keys(alpha, "t1") == "LINEAR(C1, C4)"
    assert "clustering key" in refused(alpha, "ALTER TABLE t1 DROP COLUMN c4")
    alpha.result("ALTER TABLE t1 DROP CLUSTERING KEY")
    assert _keys(alpha, "t1") == ""
    alpha.result("ALTER TABLE t1 DROP COLUMN c4")


def test_a_clustering_key_is_of_the_tables_columns(alpha: Client) -> None:
    alpha.result("CREATE TABLE v (a INT, d VARIANT) CLUSTER BY (d:id::number)")
    assert refused(alpha, "CREATE TABLE w (a INT) CLUSTER BY (nope)").startswith("000904")
    assert refused(alpha, "ALTER TABLE v CLUSTER BY (TO_DATE(nope))").startswith("000904")
    assert "'VARIANT' for clustering keys" in refused(alpha, "ALTER TABLE v CLUSTER BY (d)")
    for changing in ("RANDOM()", "a + UNIFORM(1, 2, RANDOM())", "CURRENT_DATE", "SUM(a)", "CURRENT_USER()"):
        assert "CLUSTER BY of" in refused(alpha, f"ALTER TABLE v CLUSTER BY ({changing})"), changing
    assert _keys(alpha, "v") == "LINEAR(D:ID::NUMBER)"


def test_a_renamed_column_is_told_from_a_function_and_a_member() -> None:
    assert clustering.renamed('date(date), v:date, "DATE"', "DATE", "a b") == 'date("a b"), v:date, "a b"'
