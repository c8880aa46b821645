"""DDL, SHOW, DESCRIBE, context: what needs no worker."""

from __future__ import annotations

import uuid

import pytest
from statements_client import Client

from cleanroom_ml.engine.contracts import table
from cleanroom_ml.engine.contracts.table import Rows
from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.statements import results
from cleanroom_ml.engine.statements.registry import listings
from cleanroom_ml.engine.statements.results import Download, Upload
from cleanroom_ml.engine.storage.storage import Storage


def status(client: Client, text: str) -> str:
    ((message,),) = client.rows(text)
    assert isinstance(message, str)
    return message


def test_texts_of_success(alpha: Client) -> None:
    assert status(alpha, "CREATE TABLE t (a INT, b VARCHAR(10) NOT NULL)") == "Table T successfully created."
    assert status(alpha, "CREATE TABLE IF NOT EXISTS t (a INT)") == "T already exists, statement succeeded."
    assert status(alpha, "DROP TABLE t") == "T successfully dropped."
    assert status(alpha, "DROP TABLE IF EXISTS t") == "Drop statement executed successfully (T already dropped)."
    assert status(alpha, "CREATE STAGE s DIRECTORY = (ENABLE = TRUE)") == "Stage area S successfully created."
    assert status(alpha, "DROP STAGE s") == "S successfully dropped."
    assert status(alpha, "CREATE DATABASE d") == "Database D successfully created."
    assert (alpha.session.database, alpha.session.schema) == ("D", "PUBLIC")
    assert status(alpha, "CREATE SCHEMA x") == "Schema X successfully created."
    assert alpha.session.schema == "X"
    assert status(alpha, "DROP DATABASE d") == "D successfully dropped."
    assert alpha.session.database is None


def test_describe_a_table(alpha: Client) -> None:
    alpha.result("CREATE TABLE t (a INT, b VARCHAR(10) NOT NULL, c TIMESTAMP_NTZ, d VARIANT)")
    found = [(row["name"], row["type"], row["kind"], row["null?"]) for row in alpha.dicts("DESC TABLE t")]
    assert found == [
        ("A", "NUMBER(38,0)", "COLUMN", "Y"),
        ("B", "VARCHAR(10)", "COLUMN", "N"),
        ("C", "TIMESTAMP_NTZ(9)", "COLUMN", "Y"),
        ("D", "VARIANT", "COLUMN", "Y"),
    ]


def test_show_tables(alpha: Client) -> None:
    alpha.result("CREATE TABLE one (a INT)")
    alpha.result("CREATE TEMPORARY TABLE other (a INT)")
    result = alpha.result("SHOW TABLES")
    assert isinstance(result, Rows)
    assert tuple(name for name, _ in result.columns) == listings()["TABLES"].columns
    assert [row[1] for row in result.rows] == ["ONE", "OTHER"]
    assert [row["name"] for row in alpha.dicts("SHOW TERSE TABLES LIKE 'o%e' IN SCHEMA public")] == ["ONE"]
    assert list(alpha.dicts("SHOW TERSE TABLES")[0]) == ["created_on", "name", "kind", "database_name", "schema_name"]
    assert [row["name"] for row in alpha.dicts("SHOW TABLES STARTS WITH 'O' LIMIT 1")] == ["ONE"]


def test_a_temporary_table_is_its_sessions(alpha: Client, alpha_again: Client) -> None:
    alpha.result("CREATE TEMPORARY TABLE t (a INT)")
    with pytest.raises(SqlError, match="does not exist or not authorized"):
        alpha_again.result("DESC TABLE t")
    alpha_again.result("CREATE TABLE t (b INT)")
    assert [row["name"] for row in alpha.dicts("DESC TABLE t")] == ["A"]
    alpha.result("DROP TABLE t")
    assert [row["name"] for row in alpha.dicts("DESC TABLE t")] == ["B"]


def test_create_is_refused_where_something_is(alpha: Client) -> None:
    alpha.result("CREATE TABLE t (a INT)")
    with pytest.raises(SqlError, match="already exists"):
        alpha.result("CREATE TABLE t (a INT)")
    alpha.result("CREATE OR REPLACE TABLE t (b INT)")
    assert [row["name"] for row in alpha.dicts("DESC TABLE t")] == ["B"]


def test_rename_and_like(alpha: Client) -> None:
    alpha.result("CREATE TABLE t (a INT NOT NULL)")
    alpha.result("CREATE TABLE u LIKE t")
    assert [row["null?"] for row in alpha.dicts("DESC TABLE u")] == ["N"]
    alpha.result("ALTER TABLE identifier(?) RENAME TO identifier(?)", "u", '"w x"')
    assert [row["name"] for row in alpha.dicts("SHOW TABLES")] == ["T", "w x"]


def test_stage_files(alpha: Client) -> None:
    alpha.result("CREATE STAGE s DIRECTORY = (ENABLE = TRUE)")
    alpha.put("S", "code/a.py", b"one")
    alpha.put("S", "code/b.txt", b"three")
    assert [row[:2] for row in alpha.rows("LIST @s/code")] == [("s/code/a.py", 3), ("s/code/b.txt", 5)]
    refreshed = alpha.rows("ALTER STAGE s REFRESH")
    assert [row[:2] for row in refreshed] == [
        ("code/a.py", "REGISTERED_NEW"),
        ("code/b.txt", "REGISTERED_NEW"),
    ]
    got = alpha.result("GET @s/code file:///tmp/x PARALLEL = 3")
    assert isinstance(got, Download)
    assert ([file.path for file in got.files], got.parallel, got.target) == (["code/a.py", "code/b.txt"], 3, "/tmp/x")
    assert alpha.rows("REMOVE @s/code/a.py") == [("s/code/a.py", "removed")]
    assert [row[0] for row in alpha.rows("ls @s")] == ["s/code/b.txt"]


def test_put(alpha: Client) -> None:
    alpha.result("CREATE TEMPORARY STAGE s")
    sent = alpha.result("PUT 'file:///tmp/a b.py' @s/code/ AUTO_COMPRESS = FALSE OVERWRITE = TRUE PARALLEL = 8")
    assert isinstance(sent, Upload)
    assert (sent.stage.name, sent.session_id, sent.directory) == ("S", alpha.session.id, "code/")
    assert (sent.source, sent.auto_compress, sent.overwrite, sent.parallel) == ("/tmp/a b.py", False, True, 8)
    with pytest.raises(SqlError, match="invalid parameter 'OVERWRIT'"):
        alpha.result("PUT file:///tmp/x @s OVERWRIT = TRUE")


def test_context(alpha: Client, storage: Storage) -> None:
    alpha.result("ALTER SESSION SET QUERY_TAG = 'x', TIMEZONE = 'Europe/Berlin'")
    kept = storage.sessions.get(alpha.session.id)
    assert kept is not None
    assert kept.parameters == {"QUERY_TAG": "x", "TIMEZONE": "Europe/Berlin"}
    assert [row["value"] for row in alpha.dicts("SHOW PARAMETERS LIKE 'TIMEZONE' IN SESSION")] == ["Europe/Berlin"]
    alpha.result("USE ROLE sysadmin")
    assert alpha.session.role == "SYSADMIN"
    with pytest.raises(SqlError, match="Insufficient privileges"):
        alpha.result("USE ROLE orgadmin")
    with pytest.raises(SqlError, match="Warehouse 'NONE_SUCH' does not exist"):
        alpha.result("USE WAREHOUSE none_such")
    alpha.result("CREATE WAREHOUSE w2 WAREHOUSE_SIZE = 'XSMALL'")
    assert alpha.session.warehouse == "W2"


def test_grants_that_are_not_enforced_are_refused(alpha: Client, storage: Storage) -> None:
    for text in (
        "GRANT APPLY MASKING POLICY ON ACCOUNT TO ROLE public",
        "GRANT READ ON DATABASE alpha_db TO ROLE public",
        "GRANT USAGE ON DATABASE alpha_db TO DATABASE ROLE r",
        "GRANT OWNERSHIP ON ACCOUNT TO ROLE public",
        "GRANT USAGE ON DATABASE alpha_db TO SHARE sco_data_offerings_room",
        "GRANT ALL ON WAREHOUSE compute_wh TO APPLICATION sfdcr_room",
        "REVOKE USAGE ON WAREHOUSE compute_wh FROM APPLICATION sfdcr_room",
    ):
        with pytest.raises(SqlError, match="Unsupported feature"):
            alpha.result(text)
    with pytest.raises(SqlError, match="does not exist or not authorized"):
        alpha.result("GRANT USAGE ON WAREHOUSE compute_wh TO APPLICATION alpha_db")
    alpha.result("GRANT USAGE ON WAREHOUSE compute_wh TO APPLICATION sfdcr_room")
    assert storage.warehouses.has_usage("ALPHA", "WAREHOUSE", "COMPUTE_WH", "SFDCR_ROOM")


def test_a_repeated_request_is_answered_and_not_run(alpha: Client, storage: Storage) -> None:
    request = "6f1c54f4-7f4e-4c0c-9d7f-3f1f3b8d9a11"
    assert alpha.recorded("CREATE OR REPLACE TABLE t (a INT)", request) == [("Table T successfully created.",)]
    before = storage.tables.list("ALPHA", "ALPHA_DB", "PUBLIC")[0].snapshot
    assert alpha.recorded("CREATE OR REPLACE TABLE t (a INT)", request) == [("Table T successfully created.",)]
    assert storage.tables.list("ALPHA", "ALPHA_DB", "PUBLIC")[0].snapshot == before


def test_a_query_that_was_aborted_commits_nothing(alpha: Client, storage: Storage) -> None:
    for text in ("CREATE TABLE t (a INT)", "CREATE STAGE t", "CREATE DATABASE other"):
        query_id = str(uuid.uuid4())
        storage.queries.start(query_id, alpha.session.id, None, "hash")
        storage.queries.abort(query_id)
        with pytest.raises(SqlError, match="canceled"):
            alpha.result(text, query_id=query_id)
    assert alpha.rows("SHOW TABLES") == []
    assert alpha.rows("SHOW STAGES") == []
    assert [row["name"] for row in alpha.dicts("SHOW DATABASES")] == ["ALPHA_DB", "SAMOOHA_SAMPLE_DATABASE"]


@pytest.mark.parametrize(
    ("text", "kind"),
    [("SHOW TABLES", table.SHOW), ("CREATE TABLE t (a INT)", table.DDL), ("BEGIN", table.TRANSACTION)],
)
def test_kinds_of_statements(alpha: Client, text: str, kind: int) -> None:
    assert results.statement_type(alpha.result(text)) == kind
