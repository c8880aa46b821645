"""QUERY_HISTORY and its like: sql-reference/functions/query_history (columns, limits, whose queries); the call is that
of snowpark-python's suite, tests/utils.py::assert_executed_with_query_tag.
"""

from __future__ import annotations

import uuid

import pytest
from statements_client import Client
from statements_foreign import refused

from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.storage.storage import Storage

pytestmark = pytest.mark.sandbox
MINE = "select * from table(information_schema.query_history_by_session())"


def recorded(client: Client, tag: str, *, fails: bool = False) -> str:
    """A statement's record as the front makes it; its id."""
    query_id = str(uuid.uuid4())
    client.storage.queries.start(query_id, client.session.id, None, "hash", tag=tag)
    if fails:
        client.storage.queries.fail(query_id, code=904, sqlstate="42000", message="invalid identifier 'X'")
    else:
        client.storage.queries.finish(query_id, "{}")
    return query_id


def test_a_session_sees_what_its_user_asked(alpha: Client, alpha_again: Client, beta: Client) -> None:
    mine = recorded(alpha, "a tag")
    failed = recorded(alpha, "", fails=True)
    other = recorded(alpha_again, "another session")
    recorded(beta, "of another account")
    found = (
        f"SELECT query_id, query_text, query_tag, execution_status, error_code, end_time >= start_time FROM ({MINE})"
    )
    assert alpha.rows(found) == [
        (failed, None, "", "FAILED_WITH_ERROR", 904, True),
        (mine, None, "a tag", "SUCCESS", None, True),
    ]
    assert alpha.rows(f"{MINE.replace('*', 'query_id')} where QUERY_TAG='a tag'") == [(mine,)]
    everything = "SELECT query_id FROM TABLE(alpha_db.information_schema.query_history"
    assert {row[0] for row in alpha.rows(f"{everything}())")} == {mine, failed, other}
    assert alpha.rows(f"{everything}(RESULT_LIMIT => 1))") == [(other,)]
    assert alpha.rows(f"{everything}_by_session(SESSION_ID => {alpha_again.session.id}))") == [(other,)]
    assert len(alpha.rows(f"{everything}_by_user(USER_NAME => CURRENT_USER()))")) == 3
    assert alpha.rows(f"{everything}_by_user(USER_NAME => 'somebody'))") == [], "it is not for the session to see"


def test_what_it_does_not_take_is_refused(alpha: Client) -> None:
    for text, said in (
        ("query_history(RESULT_LIMIT => 0)", "RESULT_LIMIT"),
        ("query_history(END_TIME_RANGE_START => CURRENT_TIMESTAMP())", "END_TIME_RANGE_START"),
        ("query_history(SESSION_ID => 1)", "SESSION_ID"),
        ("query_history_by_warehouse()", "Unknown table function"),
    ):
        assert said in refused(alpha, f"SELECT * FROM TABLE(information_schema.{text})")


def test_no_procedure_with_its_owners_rights_and_no_view_sees_it(alpha: Client, storage: Storage) -> None:
    """Its page: "Neither stored procedures nor user-defined functions can run this query"."""
    with pytest.raises(SqlError, match="Unknown table function"):
        alpha.result(f"CREATE VIEW v AS {MINE}")
    body = f"BEGIN LET r RESULTSET := ({MINE}); RETURN TABLE(r); END"
    alpha.result(f"CREATE PROCEDURE p() RETURNS TABLE () LANGUAGE SQL AS '{body}'")
    assert "Unknown table function" in refused(alpha, "CALL p()")
