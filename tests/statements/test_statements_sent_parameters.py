"""Parameters that a client sends with one statement (snowpark: `statement_params`; the values are those of its suite,
tests/integ/test_bind_variable.py::test_statement_params; sql-reference/parameters says what each means).
"""

from __future__ import annotations

from datetime import date

import pytest
from statements_client import Client

from cleanroom_ml.engine.sql.errors import SqlError

pytestmark = pytest.mark.sandbox


def test_a_statement_has_its_own_parameters_and_the_next_one_has_not(alpha: Client) -> None:
    sent = {"DATE_INPUT_FORMAT": "MM-DD-YYYY", "SF_PARTNER": "FAKE_PARTNER"}
    text = "SELECT column1::DATE FROM VALUES (?), (?)"
    assert alpha.rows(text, "01-01-1970", "12-31-2000", parameters=sent) == [(date(1970, 1, 1),), (date(2000, 12, 31),)]
    with pytest.raises(SqlError, match="not recognized"):
        alpha.result(text, "01-01-1970", "12-31-2000")
    zoned = "SELECT '2024-01-01 00:00:00'::TIMESTAMP_LTZ::VARCHAR"
    assert alpha.rows(zoned, parameters={"TIMEZONE": "America/New_York"}) == [("2024-01-01 00:00:00.000 -0500",)]
    assert "TIMEZONE" not in alpha.session.parameters


@pytest.mark.parametrize(
    "sent",
    [{"WEEK_START": "9"}, {"QUOTED_IDENTIFIERS_IGNORE_CASE": "true"}, {"AUTOCOMMIT": "false"}, {"TIMEZONE": "Mars"}],
)
def test_what_would_not_act_is_refused(alpha: Client, sent: dict[str, str]) -> None:
    with pytest.raises(SqlError, match=next(iter(sent))):
        alpha.result("SELECT 1", parameters=sent)


def test_snowparks_own_ddl_leaves_the_transaction_open(alpha: Client) -> None:
    """tests/integ/scala/test_session_suite.py::test_create_temp_table_no_commit of snowpark-python."""
    alpha.result("CREATE TEMPORARY TABLE t (c1 INT)")
    alpha.result("INSERT INTO t VALUES (1), (2)")
    alpha.result("BEGIN")
    alpha.result("INSERT INTO t VALUES (3)")
    own = {"SNOWPARK_SKIP_TXN_COMMIT_IN_DDL": "true"}
    alpha.result("CREATE TEMPORARY TABLE kept AS SELECT * FROM t", parameters=own)
    assert alpha.rows("SELECT CURRENT_TRANSACTION() IS NOT NULL, (SELECT COUNT(*) FROM kept)") == [(True, 3)]
    # scala/test_dataframe_reader_suite.py::test_read_staged_file_no_commit: files are read through a table that goes
    alpha.result("INSERT INTO kept VALUES (4)")
    alpha.result("DROP TABLE kept", parameters=own)
    alpha.result("CREATE OR REPLACE TEMPORARY TABLE again (a INT)", parameters=own)
    alpha.result("INSERT INTO again VALUES (5)")
    alpha.result("CREATE OR REPLACE TEMPORARY TABLE again (a INT)", parameters=own)
    assert alpha.rows("SELECT CURRENT_TRANSACTION() IS NOT NULL, (SELECT COUNT(*) FROM again)") == [(True, 0)]
    alpha.result("ROLLBACK")
    assert alpha.rows("SELECT COUNT(*) FROM t") == [(2,)], "what the client says of its own DDL commits nothing"
    alpha.result("BEGIN")
    alpha.result("CREATE TEMPORARY TABLE another (a INT)")
    assert alpha.rows("SELECT CURRENT_TRANSACTION()") == [(None,)], "other DDL does"
    alpha.result("CREATE TABLE lasting (a INT)")
    alpha.result("BEGIN")
    alpha.result("INSERT INTO t VALUES (6)")
    alpha.result("CREATE TEMPORARY TABLE gone AS SELECT 1 AS a", parameters=own)
    alpha.result("INSERT INTO gone VALUES (2)")
    alpha.result("DROP TABLE gone", parameters=own)
    alpha.result("COMMIT")
    assert alpha.rows("SELECT COUNT(*) FROM t") == [(3,)], "the rest is committed"
    alpha.result("BEGIN")
    alpha.result("INSERT INTO lasting VALUES (1)")
    alpha.result("DROP TABLE lasting", parameters=own)
    assert alpha.rows("SELECT CURRENT_TRANSACTION()") == [(None,)], "a permanent table's rows are committed first"
    alpha.result("BEGIN")
    alpha.result("CREATE TABLE permanent (a INT)", parameters=own)
    assert alpha.rows("SELECT CURRENT_TRANSACTION()") == [(None,)], "it is said of temporary things alone"
