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
    alpha.result("ROLLBACK")
    assert alpha.rows("SELECT COUNT(*) FROM t") == [(2,)], "what the client says of its own DDL commits nothing"
    alpha.result("BEGIN")
    alpha.result("CREATE TEMPORARY TABLE another (a INT)")
    assert alpha.rows("SELECT CURRENT_TRANSACTION()") == [(None,)], "other DDL does"
