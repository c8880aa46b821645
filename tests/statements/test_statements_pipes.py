"""Session variables, `->>`, LAST_QUERY_ID and RESULT_SCAN: sql-reference/session-variables, operators-flow,
functions/last_query_id and functions/result_scan of Snowflake's documentation.
"""

from __future__ import annotations

import secrets

import pytest
from statements_client import Client

from cleanroom_ml.engine.contracts.table import Rows
from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.statements.results import encode

pytestmark = pytest.mark.sandbox


def recorded(client: Client, text: str) -> str:
    """Runs a statement as the front does, which records it; its id."""
    query_id = secrets.token_hex(16)
    client.storage.queries.start(query_id, client.session.id, query_id, "hash")
    result = client.result(text, query_id=query_id)
    client.storage.queries.finish(query_id, encode(result) if isinstance(result, Rows) else "{}")
    return query_id


def test_a_session_variable_stands_wherever_a_value_or_a_name_does(alpha: Client) -> None:
    alpha.result("SET (my_table, n, sch) = ('ALPHA_DB.PUBLIC.SV', 42, 'ALPHA_DB.PUBLIC')")
    alpha.result("CREATE OR REPLACE TABLE IDENTIFIER($my_table) (i INT)")
    alpha.result("INSERT INTO IDENTIFIER($my_table) (i) VALUES ($n)")
    assert alpha.rows("UPDATE IDENTIFIER($my_table) SET i = $n + 1") == [(1, 0)]
    assert alpha.rows("SELECT * FROM IDENTIFIER($my_table) WHERE i > $n") == [(43,)]
    assert alpha.rows("SELECT count(*) FROM TABLE($my_table)") == [(1,)]
    assert alpha.rows("SELECT 1 LIMIT $n") == [(1,)]
    assert alpha.rows("SELECT getvariable('N'), getvariable('NONE')") == [(42, None)]
    assert alpha.rows("DELETE FROM IDENTIFIER($my_table) WHERE i > $n") == [(1,)]
    alpha.result("USE SCHEMA IDENTIFIER($sch)")
    alpha.result("ALTER TABLE IDENTIFIER($my_table) RENAME TO sv2")
    alpha.result("SET my_table = 'SV2'")
    alpha.result("DROP TABLE IDENTIFIER($my_table)")
    # An argument of CALL: the value arrives, and what it names is not there.
    with pytest.raises(SqlError) as caught:
        alpha.result("CALL some.where.procedure($n)")
    assert "syntax" not in caught.value.message
    for text in ("CALL some.where.procedure($none)", "DROP TABLE IDENTIFIER($none)", "SELECT $none"):
        with pytest.raises(SqlError, match=r"Session variable '\$NONE' does not exist"):
            alpha.result(text)


def test_steps_of_a_pipe_read_those_before_them(alpha: Client) -> None:
    alpha.result("CREATE TABLE w AS SELECT column1 AS k FROM VALUES (1), (2), (3)")
    assert alpha.rows('SHOW TABLES LIKE \'W\' ->> SELECT "name", "rows" FROM $1') == [("W", 3)]
    assert alpha.rows("SELECT k FROM w ->> SELECT k * 10 AS t FROM $1 WHERE k > 1 ->> SELECT sum(t) FROM $1") == [(50,)]
    two = "SELECT count(*) AS n FROM w ->> INSERT INTO w VALUES (4) ->> SELECT a.n, b.* FROM $2 AS a, $1 AS b"
    assert alpha.rows(two) == [(3, 1)]
    with pytest.raises(SqlError, match="different name for each column"):
        alpha.rows("SELECT 1 AS a, 2 AS a ->> SELECT * FROM $1")
    for text in ("SELECT 1 ->>", "->> SELECT 1", "SELECT 1 ->> SELECT * FROM $2", "SELECT * FROM $1"):
        with pytest.raises(SqlError):
            alpha.rows(text)


def test_the_last_statements_of_a_session(alpha: Client, alpha_again: Client) -> None:
    first = recorded(alpha, "CREATE TABLE t (a INT)")
    recorded(alpha_again, "SELECT 1")
    second = recorded(alpha, "SHOW TABLES")
    assert alpha.rows("SELECT last_query_id(), last_query_id(-1), last_query_id(-2), last_query_id(1)") == [
        (second, second, first, first)
    ]
    assert alpha.rows("SELECT last_query_id(-3), last_query_id(0)") == [(None, None)]
    assert alpha.rows("SELECT count(*) FROM TABLE(RESULT_SCAN(LAST_QUERY_ID())) WHERE \"name\" = 'T'") == [(1,)]
