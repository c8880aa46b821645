"""Procedures in Python: what their Session is, and that it may no more than whoever calls, or owns, them.

Expected values: developer-guide/stored-procedure/stored-procedures-rights, -/python/procedures-python-overview
and -tabular, sql-reference/sql/create-procedure, -/call-with and sql-reference/transactions.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from statements_client import Client
from statements_foreign import refused

from cleanroom_ml.engine.load.cancellation import Cancellation
from cleanroom_ml.engine.protocol.capabilities import Capabilities
from cleanroom_ml.engine.queries.answers import Answers
from cleanroom_ml.engine.queries.python_procedures import ProcedureCalls
from cleanroom_ml.engine.sandbox.choosing import driver_for
from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.statements import policy, procedures
from cleanroom_ml.engine.statements.executor import Executor
from cleanroom_ml.engine.storage.storage import Storage
from cleanroom_ml.engine.warehouse.python_procedures import ProcedureProcesses

pytestmark = [pytest.mark.sandbox, pytest.mark.usefixtures("python")]
slow = pytest.mark.slow


@pytest.fixture(scope="module")
def processes() -> Iterator[ProcedureProcesses]:
    made = ProcedureProcesses()
    yield made
    made.close()


def connect(executor: Executor, storage: Storage, processes: ProcedureProcesses) -> None:
    capabilities = Capabilities(b"k" * 32)
    executor.python = ProcedureCalls(storage, Answers(storage.queries.spool, capabilities), capabilities, processes)


@pytest.fixture
def python(executor: Executor, storage: Storage, processes: ProcedureProcesses) -> None:
    connect(executor, storage, processes)


def made(client: Client, body: str, *, name: str = "p()", returns: str = "VARCHAR", rights: str = "CALLER") -> None:
    """A procedure whose handler has one line for each of `body`."""
    lines = "\n".join(f"    {line}" for line in body.splitlines())
    given = ", ".join(["session", *(part.split()[0] for part in name[name.index("(") + 1 : -1].split(",") if part)])
    client.result(
        f"CREATE OR REPLACE PROCEDURE {name} RETURNS {returns} LANGUAGE PYTHON RUNTIME_VERSION = '3.11' "
        f"PACKAGES = ('snowflake-snowpark-python') HANDLER = 'main' EXECUTE AS {rights} AS $$\n"
        f"def main({given}):\n{lines}\n$$"
    )


def test_its_session_is_its_callers(alpha: Client) -> None:
    """Temporary tables, variables and the current schema are there, and what it sets stays."""
    alpha.result("CREATE TEMPORARY TABLE mine AS SELECT 1 AS a UNION ALL SELECT 2")
    alpha.result("SET v = 'x'")
    made(
        alpha,
        "n = session.table('mine').count()\n"
        "session.sql(\"SET v = 'y'\").collect()\n"
        "session.create_dataframe([[7]], schema=['B']).write.save_as_table('left', table_type='temp')\n"
        "return f\"{k} {n} {session.get_current_schema()} {session.sql('select $v').collect()[0][0]}\"",
        name="p(k NUMBER)",
    )
    assert alpha.rows("CALL p(1 + 2)") == [('3 2 "PUBLIC" y',)]
    assert alpha.rows("SELECT $v, b FROM left") == [("y", 7)]
    made(alpha, "return session.table('mine').filter('a > 1')", returns="TABLE(a NUMBER)")
    assert alpha.rows("CALL p()") == [(2,)]


@slow
def test_values_files_and_anonymous_ones(alpha: Client) -> None:
    for body, returns, wanted in (
        ("return {'a': [1, None]}", "VARIANT", '{\n  "a": [\n    1,\n    null\n  ]\n}'),
        ("return 2.5", "FLOAT", 2.5),
        ("import datetime\nreturn datetime.date(2024, 2, 29)", "VARCHAR", "2024-02-29"),
        ("return None", "NUMBER", None),
    ):
        made(alpha, body, returns=returns)
        assert alpha.rows("CALL p()") == [(wanted,)], body
    made(alpha, "return 'abc'", returns="NUMBER")
    assert "'abc'" in refused(alpha, "CALL p()") or "not recognized" in refused(alpha, "CALL p()")
    # developer-guide/stored-procedure/python/procedures-python-files: staged files are there by Session.file.
    alpha.result("CREATE STAGE s")
    made(
        alpha,
        "import io\nsession.file.put_stream(io.BytesIO(b'rows'), '@s/d/f.txt', auto_compress=False)\n"
        "return session.file.get_stream('@s/d/f.txt').read().decode()",
    )
    assert alpha.rows("CALL p()") == [("rows",)]
    # sql-reference/sql/call-with
    text = (
        "WITH q AS PROCEDURE (n NUMBER) RETURNS NUMBER LANGUAGE PYTHON RUNTIME_VERSION = '3.11' "
        "PACKAGES = ('snowflake-snowpark-python') HANDLER = 'f' AS $$\ndef f(session, n):\n  return n * 2\n$$ "
        "CALL q(21)"
    )
    assert alpha.rows(text) == [(42,)]
    assert "RESTRICTED CALLER" in refused(alpha, "CREATE PROCEDURE r() RETURNS INT EXECUTE AS RESTRICTED CALLER AS '1'")
    alpha.put("S", "helper.py", b"def f(session):\n    return 'imported'\n")
    alpha.result(
        "CREATE PROCEDURE i() RETURNS VARCHAR LANGUAGE PYTHON RUNTIME_VERSION = '3.11' IMPORTS = ('@s/helper.py') "
        "PACKAGES = ('snowflake-snowpark-python') HANDLER = 'helper.f'"
    )
    assert alpha.rows("CALL i()") == [("imported",)]


@slow
@pytest.mark.attack
def test_it_has_no_network_no_files_and_no_token(
    alpha: Client, executor: Executor, storage: Storage, processes: ProcedureProcesses, tmp_path: Path
) -> None:
    secret = tmp_path / "secret"
    secret.write_text("of somebody else")
    made(
        alpha,
        "import json, os, socket\nseen = {}\n"
        "try:\n    seen['file'] = open(path).read()\n"
        "except OSError as error:\n    seen['file'] = type(error).__name__\n"
        "try:\n    socket.create_connection(('198.51.100.1', 9), 0.2)\n    seen['network'] = 'a way out'\n"
        "except TimeoutError:\n    seen['network'] = 'a way out'\n"
        "except OSError as error:\n    seen['network'] = error.errno\n"
        "seen['names'] = [n for n in os.environ if 'TOKEN' in n or 'SECRET' in n or 'CLEANROOM' in n]\n"
        "seen['token'] = session.connection.rest.token\n"
        "return json.dumps(seen)",
        name="p(path VARCHAR)",
    )
    seen = json.loads(alpha.rows("CALL p(?)", str(secret))[0][0])
    assert seen["file"] == "FileNotFoundError"
    assert seen["network"] in {1, 13, 97, 101}
    assert not seen["names"]
    assert seen["token"] == "none"
    unprotected = ProcedureProcesses(driver=driver_for("a test of what the sandbox is for"))
    try:
        connect(executor, storage, unprotected)
        assert json.loads(alpha.rows("CALL p(?)", str(secret))[0][0])["file"] == "of somebody else"
    finally:
        unprotected.close()


@slow
@pytest.mark.attack
def test_it_may_what_its_caller_may_and_no_more(
    admin: Client, reader: Client, beta: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    admin.result("CREATE TABLE secret AS SELECT 4711 AS a")
    body = "return str(session.sql('SELECT a FROM alpha_db.public.secret').collect()[0][0])"
    made(admin, body, name="as_caller()")
    made(admin, body, name="as_owner()", rights="OWNER")
    for name in ("as_caller", "as_owner"):
        admin.result(f"GRANT USAGE ON PROCEDURE {name}() TO ROLE reader")
        assert admin.rows(f"CALL {name}()") == [("4711",)]
    assert "does not exist or not authorized" in refused(reader, "CALL as_caller()")
    assert "has its owner's rights: USE ROLE" in refused(reader, "CALL as_owner()")
    made(admin, "session.sql('USE ROLE accountadmin').collect()\n" + body, name="climbs()")
    admin.result("GRANT USAGE ON PROCEDURE climbs() TO ROLE reader")
    made(beta, body)
    assert "does not exist or not authorized" in refused(beta, "CALL p()")
    monkeypatch.setattr(procedures, "refuse_another_role", lambda work, procedure: None)
    assert reader.rows("CALL as_owner()") == [("4711",)], "without the control it is lent the owner's rights"


@slow
@pytest.mark.attack
def test_with_its_owners_rights_it_leaves_the_callers_session_alone(
    alpha: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """stored-procedures-rights: no session variables of the caller's, and none of its own; no ALTER SESSION, no USE."""
    made(alpha, "return session.get_current_schema()", rights="OWNER")
    made(alpha, "return session.get_current_schema()", name="as_caller()")
    alpha.result("CREATE SCHEMA elsewhere")
    # It uses the schema that it was created in, a caller's rights procedure that of its caller.
    assert alpha.rows("CALL public.p()") == [('"PUBLIC"',)]
    assert alpha.rows("CALL public.as_caller()") == [('"ELSEWHERE"',)]
    alpha.result("USE SCHEMA public")
    alpha.result("SET v = 'of the caller'")
    made(alpha, "return session.sql(t).collect()[0][0]", name="p(t VARCHAR)", rights="OWNER")
    for text in ("SET v = 1", "USE SCHEMA public", "ALTER SESSION SET TIMEZONE = 'UTC'", "UNSET v"):
        assert "in a procedure with its owner's rights" in refused(alpha, f"CALL p($${text}$$)"), text
    assert "V" in refused(alpha, "CALL p('SELECT $v')").upper()
    monkeypatch.setattr(policy, "check_owner", lambda statement: None)
    alpha.result("CALL p($$SET v = 'changed'$$)")
    assert alpha.rows("SELECT $v") == [("changed",)], "without the control it does"


@slow
@pytest.mark.attack
def test_time_is_bounded_and_it_is_ended_from_outside(alpha: Client) -> None:
    made(alpha, "while True:\n    pass")
    with pytest.raises(SqlError, match=r"(?i)time"):
        alpha.result("CALL p()", parameters={"STATEMENT_TIMEOUT_IN_SECONDS": "1"})
    made(alpha, "while True:\n    session.sql('select 1').collect()")
    token = Cancellation()
    timer = threading.Timer(1.0, token.cancel, (SqlError.cancelled(),))
    timer.start()
    with token.entered(), pytest.raises(SqlError) as error:
        alpha.result("CALL p()")
    assert error.value.code == SqlError.cancelled().code
    timer.join()
    assert alpha.rows("SELECT 1") == [(1,)]


@slow
@pytest.mark.attack
def test_recursion_is_bounded(alpha: Client) -> None:
    made(alpha, "return session.call('p', n + 1)", name="p(n NUMBER)")
    assert "call each other" in refused(alpha, "CALL p(0)")
    assert alpha.rows("SELECT 1") == [(1,)]


@slow
@pytest.mark.attack
def test_what_is_no_request_ends_it(alpha: Client) -> None:
    """The code has its line's descriptor: what it writes there itself is bounded, and harms nobody else."""
    made(
        alpha,
        "import os, stat\n"
        "for fd in map(int, os.listdir('/proc/self/fd')):\n"
        "    try:\n        if stat.S_ISSOCK(os.fstat(fd).st_mode):\n            os.write(fd, b'\\xff' * 64)\n"
        "    except OSError:\n        pass\n"
        "session.sql('select 1').collect()\nreturn 'went on'",
    )
    assert "went on" not in refused(alpha, "CALL p()")
    assert alpha.rows("SELECT 1") == [(1,)]


@slow
def test_transactions_are_scoped(alpha: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """sql-reference/transactions, "Scoped transactions": what a procedure begins it ends, and no other one."""
    alpha.result("CREATE TABLE t (a INT)")
    made(alpha, "return str(session.sql(t).collect()[0][0])", name="p(t VARCHAR)")
    assert "90232" in refused(alpha, "CALL p('BEGIN')") or "incomplete" in refused(alpha, "CALL p('BEGIN')")
    alpha.result("BEGIN")
    alpha.result("INSERT INTO t VALUES (1)")
    alpha.result("CALL p('INSERT INTO t VALUES (2)')")
    for text in ("COMMIT", "ROLLBACK", "BEGIN", "CREATE TABLE other (a INT)", "ALTER SESSION SET AUTOCOMMIT = TRUE"):
        assert "inside of an open transaction" in refused(alpha, f"CALL p('{text}')"), text
    assert alpha.rows("SELECT count(*) FROM t") == [(2,)]
    alpha.result("ROLLBACK")
    assert alpha.rows("SELECT count(*) FROM t") == [(0,)]
    made(
        alpha,
        "for text in ('BEGIN', 'INSERT INTO t VALUES (3)', 'COMMIT'):\n    session.sql(text).collect()\nreturn 'done'",
    )
    assert alpha.rows("CALL p()") == [("done",)]
    assert alpha.rows("SELECT a FROM t") == [(3,)]
    alpha.result("BEGIN")
    alpha.result("INSERT INTO t VALUES (4)")
    monkeypatch.setattr(policy, "check_scoped", lambda statement: None)
    alpha.result("CALL p('COMMIT')")
    alpha.result("ROLLBACK")
    assert alpha.rows("SELECT count(*) FROM t") == [(2,)], "without the control it ends the caller's transaction"
