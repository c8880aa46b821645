"""Temporary, recursive and altered views: sql-reference/sql/create-view, -/alter-view, -/comment."""

from __future__ import annotations

import pytest
from statements_client import Client

from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.storage.storage import Storage


@pytest.mark.sandbox
def test_a_temporary_view_is_its_sessions_and_hides_what_is_there(
    alpha: Client, alpha_again: Client, storage: Storage
) -> None:
    alpha.result("CREATE TEMPORARY TABLE mine (a INT)")
    alpha.result("CREATE TABLE t (a INT)")
    alpha.result("CREATE OR REPLACE TEMP VIEW t (b COMMENT 'x') AS SELECT count(*) + 41 FROM mine")
    alpha.result("CREATE TEMPORARY VIEW w AS SELECT 2 AS two")
    assert alpha.rows("SELECT b FROM t") == [(41,)], "it stands before the table, and reads what is the session's"
    assert [(row["name"], row["comment"]) for row in alpha.dicts("DESC VIEW t")] == [("B", "x")]
    assert alpha_again.rows("SELECT count(*) FROM t") == [(0,)]
    assert alpha_again.rows("SHOW VIEWS") == []
    for text in ("SELECT * FROM w", "DESC VIEW w", "DROP VIEW w"):
        with pytest.raises(SqlError, match="does not exist or not authorized"):
            alpha_again.result(text)
    with pytest.raises(SqlError, match="not exist or not authorized"):
        alpha.result("INSERT INTO t VALUES (1)")
    with pytest.raises(SqlError, match="already exists"):
        alpha.result("CREATE TEMPORARY TABLE w (a INT)")
    alpha.result("DROP VIEW t")
    assert alpha.rows("SELECT count(*) FROM t") == [(0,)]
    storage.sessions.close(alpha.session.id)
    with storage.database.read() as connection:
        assert connection.execute("SELECT count(*) FROM temporary_views").fetchone()[0] == 0


@pytest.mark.sandbox
def test_recursive_and_altered(alpha: Client) -> None:
    alpha.result("CREATE RECURSIVE VIEW r (n) AS SELECT 1 UNION ALL SELECT n + 1 FROM r WHERE n < 4")
    assert alpha.rows("SELECT n FROM r ORDER BY n") == [(1,), (2,), (3,), (4,)]
    for text in (
        "ALTER VIEW r RENAME TO v",
        "ALTER VIEW v SET SECURE",
        "COMMENT ON VIEW v IS 'said'",
        "ALTER VIEW v ALTER COLUMN n COMMENT 'a number'",
        "ALTER VIEW IF EXISTS never SET SECURE",
        "COMMENT IF EXISTS ON TABLE never IS 'x'",
    ):
        alpha.result(text)
    (shown,) = alpha.dicts("SHOW VIEWS")
    assert (shown["name"], shown["is_secure"], shown["comment"]) == ("V", "true", "said")
    assert [row["comment"] for row in alpha.dicts("DESC VIEW v")] == ["a number"]
    alpha.result("ALTER VIEW v UNSET COMMENT")
    assert [row["comment"] for row in alpha.dicts("SHOW VIEWS")] == [""]
    for text in ("ALTER VIEW v SET TAG a = 'b'", "ALTER VIEW v ADD ROW ACCESS POLICY p ON (n)"):
        with pytest.raises(SqlError, match="Unsupported feature"):
            alpha.result(text)
