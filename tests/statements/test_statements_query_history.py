"""The account's history of queries: columns and who sees what are those of sql-reference/account-usage/query_history
and sql-reference/functions/query_history.
"""

from __future__ import annotations

import uuid
from dataclasses import replace

import pytest
from statements_client import Client
from statements_foreign import ABSENT, refused

from cleanroom_ml.engine.statements import query_history
from cleanroom_ml.engine.storage.queries import MOST_TAG

VIEW = "SNOWFLAKE.ACCOUNT_USAGE.QUERY_HISTORY"
# Of the first page's table, and of the second one's, in their order: those that tell anything here.
TOLD = (
    *("QUERY_ID", "QUERY_TEXT", "DATABASE_NAME", "SCHEMA_NAME", "QUERY_TYPE", "SESSION_ID", "USER_NAME", "ROLE_NAME"),
    *("WAREHOUSE_NAME", "QUERY_TAG", "EXECUTION_STATUS", "ERROR_CODE", "ERROR_MESSAGE", "START_TIME", "END_TIME"),
    "TOTAL_ELAPSED_TIME",
)


def asked(
    client: Client, *, tag: str | None = None, error: str = "", ended: bool = True, as_owner: bool = False
) -> str:
    """A statement as the front records it (queries/service.py)."""
    query_id = str(uuid.uuid4())
    queries = client.storage.queries
    queries.start(query_id, client.session.id, None, "hash", query_tag=tag, as_owner=as_owner)
    if error:
        queries.fail(query_id, code=100038, sqlstate="22018", message=error)
    elif ended:
        queries.finish(query_id, '{"type": 4096, "arrow": {"total": 3}}')
    return query_id


def function(arguments: str = "", by: str = "", columns: str = "QUERY_ID") -> str:
    return f"SELECT {columns} FROM TABLE(INFORMATION_SCHEMA.QUERY_HISTORY{by}({arguments}))"


def ids(client: Client, text: str) -> list[str]:
    return [row[0] for row in client.rows(text)]


def test_the_view_tells_what_is_recorded(admin: Client) -> None:
    admin.result("ALTER SESSION SET QUERY_TAG = 'of the session'")
    admin.result("USE WAREHOUSE w")
    first = asked(admin)
    second = asked(admin, tag='{"activity_id": "a1"}')
    failed = asked(admin, error="Numeric value 'x' is not recognized", tag="t" * 3000)
    asked(admin, ended=False)
    listed = admin.rows(f"SELECT {', '.join(TOLD)} FROM {VIEW} ORDER BY START_TIME")
    found = {row[0]: dict(zip(TOLD, row, strict=True)) for row in listed}
    assert set(found) == {first, second, failed}, "the view has what has ended"
    one = found[first]
    assert [one[name] for name in TOLD[1:10]] == [
        *(None, "ALPHA_DB", "PUBLIC", "SELECT", int(admin.session.id), "ALPHA_USER", "ACCOUNTADMIN", "W"),
        "of the session",
    ]
    assert (one["EXECUTION_STATUS"], one["ERROR_CODE"], one["TOTAL_ELAPSED_TIME"] >= 0) == ("success", None, True)
    assert admin.rows(f"SELECT COUNT_IF(START_TIME <= END_TIME) FROM {VIEW}") == [(3,)]
    lost = found[failed]
    assert (lost["EXECUTION_STATUS"], lost["ERROR_CODE"], lost["QUERY_TYPE"]) == ("fail", 100038, "UNKNOWN")
    assert lost["ERROR_MESSAGE"] == "Numeric value 'x' is not recognized"
    assert len(lost["QUERY_TAG"]) == MOST_TAG
    # cleanrooms/activity-history, "Get query execution details for your account's runs"
    printed = f'SELECT * FROM {VIEW} WHERE QUERY_TAG = \'{{"activity_id": "a1"}}\' ORDER BY START_TIME DESC'
    ((only, *_),) = admin.rows(printed)
    assert only == second


@pytest.mark.attack
def test_who_sees_which_statements(
    admin: Client, reader: Client, beta: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The view is ACCOUNTADMIN's; the functions tell of one's own, and of a warehouse for who may MONITOR or OPERATE
    it; of no job, no run, and no procedure with its owner's rights, whose errors may be of what its caller may not see.
    """
    bob, _ = admin.storage.sessions.create("ALPHA", "BOB", role="READER", database="ALPHA_DB", schema="PUBLIC")
    admin.result("GRANT ROLE reader TO USER bob")
    client = replace(reader, session=bob)
    reader.session.warehouse = "W"
    admin.storage.sessions.update(reader.session)
    mine, theirs, foreign = asked(client), asked(reader), asked(beta)
    asked(reader, as_owner=True, error="of a secret")
    run = admin.storage.sessions.open_run("ALPHA", "ALPHA_USER")
    asked(replace(reader, session=run))
    for text in (f"SELECT * FROM {VIEW}", "SELECT * FROM SNOWFLAKE.ACCOUNT_USAGE.OTHER"):
        said = refused(client, text)
        assert said.startswith(ABSENT) or "Unsupported feature 'SNOWFLAKE.ACCOUNT_USAGE" in said, text
    assert set(ids(client, function())) == {mine}
    assert ids(client, function("USER_NAME => 'alpha_user'", "_BY_USER")) == []
    admin.result("GRANT MONITOR ON WAREHOUSE w TO ROLE reader")
    assert set(ids(client, function())) == {mine, theirs}
    assert ids(client, function("WAREHOUSE_NAME => 'w'", "_BY_WAREHOUSE")) == [theirs]
    everything = ids(admin, f"SELECT QUERY_ID FROM {VIEW}")
    assert sorted(everything) == sorted((mine, theirs))
    assert foreign not in everything
    # A new warehouse of the name is not the one that they ran in.
    admin.result("CREATE OR REPLACE WAREHOUSE w")
    admin.result("GRANT MONITOR ON WAREHOUSE w TO ROLE reader")
    assert set(ids(client, function())) == {mine}
    later = asked(reader)
    assert set(ids(client, function())) == {mine, later}
    admin.result("REVOKE MONITOR ON WAREHOUSE w FROM ROLE reader")
    monkeypatch.setattr(query_history, "_monitored_since", lambda seen, warehouse: query_history._EPOCH)
    assert set(ids(client, function())) == {mine, theirs, later}


@pytest.mark.attack
def test_no_text_of_somebody_else_asks_what_its_caller_has_sent(admin: Client, reader: Client) -> None:
    """A procedure with its owner's rights would keep it for its owner, a view show it."""
    called = "alpha_db.information_schema.query_history()"
    admin.result(
        f"CREATE PROCEDURE nice() RETURNS INT AS 'BEGIN LET x := (SELECT count(*) FROM TABLE({called})); RETURN x; END'"
    )
    for text in ("CALL nice()", f"CREATE VIEW other AS SELECT * FROM TABLE({called})"):
        assert "QUERY_HISTORY in a view, a function or a procedure with its owner's rights" in refused(admin, text)


def test_the_functions_choose(admin: Client, alpha_again: Client) -> None:
    first, second, third = (asked(client) for client in (admin, alpha_again, admin))
    running = asked(admin, ended=False)
    assert ids(admin, function()) == [running, third, second, first], "what runs, then what ended last"
    assert ids(admin, function("RESULT_LIMIT => 2")) == [running, third]
    assert ids(admin, function("", "_BY_SESSION")) == [running, third, first]
    assert ids(admin, function(f"SESSION_ID => {alpha_again.session.id}", "_BY_SESSION")) == [second]
    assert ids(admin, function("USER_NAME => CURRENT_USER", "_BY_USER"))[0] == running
    # With an end there are completed ones only; the page's own example, by position.
    hour = "DATEADD('hours', -1, CURRENT_TIMESTAMP()), CURRENT_TIMESTAMP()"
    assert ids(admin, function(hour)) == [third, second, first]
    assert ids(admin, function("END_TIME_RANGE_END => DATEADD('hours', -1, CURRENT_TIMESTAMP())")) == []
    assert ids(admin, function("END_TIME_RANGE_START => CURRENT_TIMESTAMP()")) == [running]
    admin.result("USE SCHEMA alpha_db.information_schema")
    assert ids(admin, "SELECT query_id FROM TABLE(QUERY_HISTORY(RESULT_LIMIT => 1))") == [running]
    for wrong in ("RESULT_LIMIT => 0", "RESULT_LIMIT => 10001", "TASK_NAME => 'x'"):
        refused(admin, function(wrong))
    ((status, ended),) = admin.rows(function("RESULT_LIMIT => 1", columns="EXECUTION_STATUS, YEAR(END_TIME)"))
    assert (status, ended) == ("running", 1970)


def test_every_database_has_the_functions(admin: Client, reader: Client) -> None:
    """sql-reference/functions/query_history: of INFORMATION_SCHEMA, which the database SNOWFLAKE has too, and which
    cleanrooms pages name without a database of one's own.
    """
    mine = asked(admin)
    for database in ("snowflake", "samooha_sample_database"):
        called = f"TABLE({database}.information_schema.query_history_by_user())"
        assert ids(admin, f"SELECT query_id FROM {called}") == [mine]
    assert "QUERY_HISTORY functions" in refused(reader, "SELECT * FROM snowflake.information_schema.tables")


def test_many_statements_are_told_in_time(admin: Client) -> None:
    """More than are handed over value by value (sql/tree/build.py)."""
    with admin.storage.database.transaction(durable=False):
        tagged = [asked(admin, tag=f'it\'s "{number}"', error="ü" if number % 2 else "") for number in range(300)]
    told = admin.rows(f"SELECT QUERY_ID, QUERY_TAG, ERROR_MESSAGE, SESSION_ID FROM {VIEW}")
    assert {row[0]: row[1:] for row in told} == {
        each: (f'it\'s "{number}"', "ü" if number % 2 else None, int(admin.session.id))
        for number, each in enumerate(tagged)
    }
