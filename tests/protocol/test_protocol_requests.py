from __future__ import annotations

import re
import uuid
from pathlib import Path
from typing import Any

import pytest
from snowflake import snowpark

from cleanroom_ml.engine.contracts.statement_time import set_seconds
from cleanroom_ml.engine.protocol.bindings import Bindings
from cleanroom_ml.engine.protocol.errors import WireError
from cleanroom_ml.engine.protocol.hosts import allowed_hosts, is_loopback
from cleanroom_ml.engine.protocol.login import parse_login
from cleanroom_ml.engine.protocol.parameters import login_parameters, query_parameters
from cleanroom_ml.engine.protocol.queries import Cancellation, cancellation, moves_files, parse_query, scanned_result
from cleanroom_ml.engine.sql.binds import StagedRows

REQUEST = {"requestId": str(uuid.uuid4())}


def login_body(**data: Any) -> dict[str, Any]:
    return {"data": {"ACCOUNT_NAME": "alpha", "LOGIN_NAME": "ann", "PASSWORD": "geheim", **data}}


def test_a_login_is_read_with_folded_names() -> None:
    query = {"databaseName": "db", "schemaName": '"Mixed"', "roleName": "public"}
    login = parse_login(query, login_body(SESSION_PARAMETERS={"timezone": "UTC", "AUTOCOMMIT": True}))
    assert (login.account, login.user, login.database, login.schema, login.role) == (
        "ALPHA",
        "ANN",
        "DB",
        "Mixed",
        "PUBLIC",
    )
    assert login.parameters == {"TIMEZONE": "UTC", "AUTOCOMMIT": "true"}


def test_a_login_does_not_show_its_secret() -> None:
    assert "geheim" not in repr(parse_login({}, login_body()))


@pytest.mark.parametrize(
    "data",
    [
        {"ACCOUNT_NAME": None},
        {"LOGIN_NAME": ""},
        {"LOGIN_NAME": "a b"},
        {"PASSWORD": None},
        {"PASSWORD": 7},
        {"AUTHENTICATOR": "EXTERNALBROWSER"},
        {"AUTHENTICATOR": "SNOWFLAKE_JWT"},
        {"SESSION_PARAMETERS": {str(n): n for n in range(200)}},
        {"ACCOUNT_NAME": "x" * 300},
    ],
)
def test_a_login_that_cannot_be_is_refused(data: dict[str, Any]) -> None:
    with pytest.raises(WireError):
        parse_login({}, login_body(**data))


def test_a_query_request_is_read() -> None:
    body = {"sqlText": "select ?", "asyncExec": True, "parameters": {"MULTI_STATEMENT_COUNT": 0, "x": 1}}
    request = parse_query(REQUEST, body)
    assert (request.sql, request.asynchronous, request.statements, request.parameters) == (
        "select ?",
        True,
        0,
        {"X": "1"},
    )
    for transfer in ("put file:///a @s", "-- x\n/* y */ GET @s file:///a"):
        assert not parse_query(REQUEST, {"sqlText": transfer, "asyncExec": True}).asynchronous
    timed = parse_query(REQUEST, {"sqlText": "x", "parameters": {"STATEMENT_TIMEOUT_IN_SECONDS": "5"}})
    assert set_seconds(timed.parameters) == 5
    assert set_seconds(parse_query(REQUEST, {"sqlText": "x"}).parameters) is None


@pytest.mark.parametrize(
    ("query", "body"),
    [
        ({}, {"sqlText": "x"}),
        ({"requestId": "1"}, {"sqlText": "x"}),
        (REQUEST, {}),
        (REQUEST, {"sqlText": 1}),
        *((REQUEST, {"sqlText": "x", "bindStage": stage}) for stage in ("@s", "s/d", "@s/../d", "@~/d", "@a.b/d", 1)),
        (REQUEST, {"sqlText": "x", "bindStage": "@s/d", "bindings": {"1": {"type": "FIXED", "value": "1"}}}),
        (REQUEST, {"sqlText": "x", "parameters": []}),
        (REQUEST, {"sqlText": "x", "parameters": {"MULTI_STATEMENT_COUNT": "²"}}),
    ],
)
def test_a_query_request_that_cannot_be_is_refused(query: dict[str, str], body: dict[str, Any]) -> None:
    with pytest.raises(WireError):
        parse_query(query, body)


def test_python_says_by_what_it_accepts_whether_it_moves_files() -> None:
    """snowflake-connector-python, network.py::SnowflakeRestful.request. Of other clients nothing is known."""
    python = {"user-agent": "PythonConnector/4.8.1 (Linux) CPython/3.11", "accept": "application/snowflake"}
    assert not moves_files(python)
    assert moves_files({**python, "accept": "application/json"})
    assert moves_files({"user-agent": "JDBC/3.22.0", "accept": "application/snowflake"})
    assert moves_files({})


def test_the_scan_of_a_result_is_known_by_its_exact_text() -> None:
    query_id = str(uuid.uuid4())
    assert scanned_result(f"select * from table(result_scan('{query_id}'))") == query_id
    assert scanned_result(f"SELECT *  FROM TABLE ( RESULT_SCAN ( '{query_id}' ) ) ;") == query_id
    assert scanned_result(f"select a from table(result_scan('{query_id}'))") is None
    assert scanned_result("select * from table(result_scan('x'))") is None
    assert scanned_result(f"select * from table(result_scan('{query_id}')) -- and then\n;") == query_id


@pytest.mark.parametrize(
    ("sql", "meant"),
    [
        ("select system$cancel_all_queries(17)", Cancellation(session_id="17")),
        ("SELECT /* all */ SYSTEM$CANCEL_ALL_QUERIES ( '17' );", Cancellation(session_id="17")),
        (f"select system$cancel_query('{'ABCDEF01-' * 4}')", Cancellation(query_id="abcdef01-" * 4)),
        ("select system$cancel_query('x')", None),
        ("select system$cancel_all_queries('1 or 2')", None),
        ("select system$cancel_all_queries(17), 1", None),
        ("select '", None),
    ],
)
def test_statements_that_cancel_others(sql: str, meant: Cancellation | None) -> None:
    assert cancellation(sql) == meant


def test_a_batch_that_lies_in_a_stage_is_read() -> None:
    """As the connector names it (`bind_upload_agent.BindUploadAgent`)."""
    request = parse_query(REQUEST, {"sqlText": "x", "bindStage": "@SYSTEMBIND/0123456789abcdef0123456789abcdef"})
    assert request.bindings == Bindings(staged=StagedRows(("SYSTEMBIND",), "0123456789abcdef0123456789abcdef/"))


def test_the_connector_is_told_when_to_bind_through_a_stage() -> None:
    """Snowflake's default (sql-reference/parameters, CLIENT_STAGE_ARRAY_BINDING_THRESHOLD)."""
    told = {entry["name"]: entry["value"] for entry in login_parameters({"TIMEZONE": "Europe/Paris", "OURS": "x"})}
    assert told["CLIENT_STAGE_ARRAY_BINDING_THRESHOLD"] == 65280
    assert told["CLIENT_TELEMETRY_ENABLED"] is False
    assert told["TIMEZONE"] == "Europe/Paris"
    assert "OURS" not in told
    assert {"name": "TIMEZONE", "value": "Etc/UTC"} in query_parameters({})


def test_a_client_is_told_what_its_session_has_set_since() -> None:
    """The connector takes it from each answer (`connection._update_parameters`)."""
    session = {"CLIENT_PREFETCH_THREADS": "7", "AUTOCOMMIT": "false", "CLIENT_STAGE_ARRAY_BINDING_THRESHOLD": "1",
               "CLIENT_SESSION_KEEP_ALIVE": "perhaps"}  # fmt: skip
    for told in (query_parameters(session), login_parameters(session)):
        assert {"name": "CLIENT_PREFETCH_THREADS", "value": 7} in told
        assert {"name": "AUTOCOMMIT", "value": False} in told
        assert {"name": "CLIENT_STAGE_ARRAY_BINDING_THRESHOLD", "value": 1} not in told
        assert {"name": "CLIENT_SESSION_KEEP_ALIVE", "value": "perhaps"} not in told


def test_a_login_answers_every_switch_that_snowpark_asks_for() -> None:
    """Snowpark never asks the server again: what it is not told is off, even what Snowflake has switched on.

    The names are read from the client itself: those of `_get_client_side_session_parameter`, and the connector's own.
    """
    told = {entry["name"]: entry["value"] for entry in login_parameters({})}
    wanted = _asked_for("session.py") | _asked_for("_internal/server_connection.py")
    assert "PYTHON_SNOWPARK_ENABLE_THREAD_SAFE_SESSION" in wanted
    # Of versions that a feature needs, and of places that there are not here, "" and no are the right answers.
    of_versions = {name for name in wanted if "VERSION" in name or "BOUND" in name}
    elsewhere = {"ENABLE_ASYNC_QUERY_IN_PYTHON_STORED_PROCS", "ENABLE_CREATE_SESSION_IN_STORED_PROCS",
                 "PYTHON_SNOWPARK_CLIENT_AST_MODE", "SNOWPARK_PANDAS_DUMMY_ROW_POS_OPTIMIZATION_ENABLED",
                 "SNOWPARK_PANDAS_HYBRID_EXECUTION_ENABLED"}  # fmt: skip
    assert wanted - of_versions - elsewhere <= told.keys()
    assert told["PYTHON_SNOWPARK_ENABLE_THREAD_SAFE_SESSION"] is True


def _source(name: str) -> str:
    return (Path(snowpark.__file__).parent / name).read_text()


def _asked_for(name: str) -> set[str]:
    """What a module of Snowpark asks the login's answer for, with constants looked up."""
    text = _source(name)
    constants = dict(re.findall(r'^(_?[A-Z_]+) = \(?\s*"(\w+)"', text, re.MULTILINE))
    asked = re.findall(r'_get_client_side_session_parameter\(\s*("?\w+"?),', text)
    return {each.strip('"') if each.startswith('"') else constants.get(each, "") for each in asked} - {""}


@pytest.mark.attack
@pytest.mark.parametrize(
    "host", ["evil.example:20000", "127.0.0.1:80", "127.0.0.1", "127.0.0.1.evil:20000", "", "0:20000"]
)
def test_other_hosts_are_not_ours(host: str) -> None:
    assert host not in allowed_hosts("127.0.0.1", 20000)


def test_loopback_names_are_ours() -> None:
    assert {"127.0.0.1:20000", "localhost:20000", "[::1]:20000"} == allowed_hosts("127.0.0.1", 20000)
    assert is_loopback("::1")
    assert not is_loopback("0.0.0.0")
