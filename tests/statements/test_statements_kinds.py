"""The records of statement kinds: each statement has one, and what it says is what the engine does."""

from __future__ import annotations

import sys
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from types import ModuleType

import pytest
from statements_client import Client

from cleanroom_ml.engine.contracts import table
from cleanroom_ml.engine.contracts.records import records_of
from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.read import create, registry
from cleanroom_ml.engine.sql.read.call import Call
from cleanroom_ml.engine.sql.read.statement import Statement
from cleanroom_ml.engine.statements import policy, results
from cleanroom_ml.engine.statements.kind import Allowed, Kind
from cleanroom_ml.engine.statements.registry import kind_of, listings, object_kinds, statement_kinds

# What a job and a template may send, written down a second time: whoever allows them more says so here as well.
IN_TEMPLATES = (
    "AlterTable Begin Block Call Commit CopyInto CreateFileFormat CreateStage CreateTable Delete Describe Drop"
    " InferSchema Insert ListFiles Merge Query Remove Rollback Show Truncate Update"
)
OF_JOBS = "AlterSession Get Immediate Pipe Put SetVariable UnsetVariable Use"


def nodes(base: type[Statement] = Statement) -> Iterator[type[Statement]]:
    """Those that stand in a module of ours: a dataclass with slots leaves the class behind that it was made from.

    What two of them have in common, a class with a private name, is no statement.
    """
    for node in base.__subclasses__():
        if getattr(sys.modules[node.__module__], node.__name__, None) is node and node is not Unheard:
            if not node.__name__.startswith("_"):
                yield node
            yield from nodes(node)


def names(allowed: Allowed) -> set[str]:
    return {node.__name__ for node, kind in statement_kinds().items() if kind.allowed is allowed}


def test_every_statement_that_is_read_has_a_record() -> None:
    registry.forms()
    assert set(nodes()) - {create.CreateObject} == set(statement_kinds())


def test_every_kind_of_object_that_is_read_has_a_record_and_the_same_verbs() -> None:
    read = {form.name: form for form in registry.objects()}
    assert read.keys() == object_kinds().keys()
    assert {name for name, form in read.items() if form.drop} == {
        name for name, kind in object_kinds().items() if kind.drop is not None
    }
    assert listings().keys() <= {" ".join(words) for words in registry.displayed()}
    assert {" ".join(form.displayed) for form in read.values()} <= listings().keys()


def test_what_rooms_allow() -> None:
    calls = kind_of(Call(("CLEANROOM", "SPEC$NAME"), ()))
    assert calls.narrowed is not None
    assert [calls.narrowed(Call(name, ())) for name in (("CLEANROOM", "SPEC$NAME"), ("D", "S", "P"), ("P",))] == [
        *(True, False, False)
    ], "of a code spec's procedures alone"
    assert names(Allowed.TEMPLATE) == set(IN_TEMPLATES.split())
    assert names(Allowed.JOB) == set(OF_JOBS.split())
    in_room = {name for name, kind in object_kinds().items() if kind.room_drops}
    assert in_room == {"TABLE", "STAGE", "FILE FORMAT"}
    assert {name for name, kind in object_kinds().items() if kind.room_describes} == {"TABLE", "VIEW", "STAGE"}
    assert {name for name, listing in listings().items() if listing.in_room} == {
        *("TABLES", "VIEWS", "OBJECTS", "COLUMNS", "STAGES", "FILE FORMATS", "PARAMETERS", "VARIABLES")
    }


@dataclass(frozen=True, slots=True)
class Unheard(Statement):
    pass


def test_a_record_that_says_nothing_allows_accounts_only(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SqlError, match="UNHEARD"):
        kind_of(Unheard())
    silent = Kind(Unheard, lambda work, statement: results.success())
    monkeypatch.setattr(policy, "kind_of", lambda statement: silent)
    policy.check(Unheard(), restricted=False)
    with pytest.raises(SqlError, match="UNHEARD in a clean room"):
        policy.check(Unheard(), restricted=True)
    with pytest.raises(SqlError, match="UNHEARD in a template"):
        policy.check_template(Unheard())


def test_records_are_found_and_strays_are_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "found_kinds").mkdir()
    (tmp_path / "found_kinds" / "__init__.py").write_text("")
    (tmp_path / "found_kinds" / "one.py").write_text("NUMBERS = (1, 2)\nWORDS = (1,)")
    (tmp_path / "found_kinds" / "two.py").write_text("NUMBERS = (3,)")
    monkeypatch.syspath_prepend(tmp_path)
    package: ModuleType = __import__("found_kinds")
    assert records_of(package, "NUMBERS", int) == (1, 2, 3)
    with pytest.raises(TypeError, match="no str"):
        records_of(package, "WORDS", str)


@pytest.mark.parametrize(
    ("text", "wire"),
    [
        ("DESCRIBE TABLE information", table.DESCRIBE),
        ("LIST @~", table.LIST),
        ("ROLLBACK", table.TRANSACTION),
        ("USE SCHEMA public", table.USE),
        ("ALTER SESSION SET QUERY_TAG = 'x'", table.ALTER_SESSION),
        ("PUT file:///x @~", table.PUT),
        ("GET @~ file:///x", table.GET),
    ],
)
def test_the_wire_gets_the_records_type(alpha: Client, text: str, wire: int) -> None:
    alpha.result("CREATE TABLE information (a INT)")
    assert results.statement_type(alpha.result(text)) == wire


@pytest.mark.sandbox
def test_the_commit_before_a_ddl_is_not_its_outcome(alpha: Client) -> None:
    """A DDL commits what is open, and may fail after that: the client is told so, also when it asks again."""
    alpha.result("CREATE TABLE t (a INT)")
    alpha.result("BEGIN")
    alpha.result("INSERT INTO t VALUES (1)")
    query_id = str(uuid.uuid4())
    alpha.storage.queries.start(query_id, alpha.session.id, str(uuid.uuid4()), "hash")
    with pytest.raises(SqlError, match="already exists"):
        alpha.result("CREATE TABLE t (b INT)", query_id=query_id)
    record = alpha.storage.queries.get(query_id)
    assert record is not None
    assert record.state != "SUCCESS"
    assert alpha.rows("SELECT a FROM t") == [(1,)]


def test_the_types_of_statements_are_those_that_clients_know() -> None:
    """snowflake-jdbc, SFStatementType; connector, STATEMENT_TYPE_ID_*."""
    known = {"SELECT": 0x1000, "INSERT": 0x3100, "UPDATE": 0x3200, "DELETE": 0x3300, "MERGE": 0x3400, "COPY": 0x3600,
             "ALTER_SESSION": 0x4100, "USE": 0x4300, "SHOW": 0x4400, "DESCRIBE": 0x4500, "LIST": 0x4701,
             "DDL": 0x6000, "GET": 0x7101, "PUT": 0x7102, "REMOVE": 0x7103}  # fmt: skip
    assert {name: getattr(table, name) for name in known} == known


def test_what_a_session_without_a_database_cannot_do_is_named(alpha: Client) -> None:
    """As Snowflake says it: what could not be performed, and that a database is missing (error 090105)."""
    alpha.session.database = alpha.session.schema = None
    for text, operation in (
        ("CREATE TABLE t (a INT)", "CREATE TABLE"),
        ("SELECT * FROM s.t", "SELECT"),
        ("CREATE SCHEMA s", "CREATE SCHEMA"),
        ("USE SCHEMA s", "USE SCHEMA"),
        ("DROP TABLE t", "DROP TABLE"),
    ):
        with pytest.raises(SqlError, match=f"Cannot perform {operation}. This session does not have a"):
            alpha.result(text)
    with pytest.raises(SqlError, match="Object 'T' does not exist"):
        alpha.result("SELECT * FROM t")


def test_a_statement_is_described_before_anything_is_bound(alpha: Client) -> None:
    """Clients describe what they prepare; nothing runs, and what is not there is not described."""
    alpha.result("CREATE TABLE t (id INT, name VARCHAR)")
    for text, names in (
        ("SELECT id, name FROM t WHERE id = ?", ["ID", "NAME"]),
        ("INSERT INTO t VALUES (?, ?)", ["number of rows inserted"]),
        ("UPDATE t SET name = ? WHERE id = ?", ["number of rows updated", "number of multi-joined rows updated"]),
        ("DELETE FROM t WHERE id = :x", ["number of rows deleted"]),
        ("MERGE INTO t USING t AS s ON t.id = s.id WHEN MATCHED THEN DELETE", ["number of rows deleted"]),
    ):
        columns = getattr(alpha.result(text, describe_only=True), "columns", ())
        assert [column[0] if isinstance(column, tuple) else column.name for column in columns] == names
    assert alpha.rows("SELECT COUNT(*) FROM t") == [(0,)]
    with pytest.raises(SqlError, match="does not exist"):
        alpha.result("INSERT INTO nowhere VALUES (?)", describe_only=True)
    with pytest.raises(SqlError, match="not set"):
        alpha.result("SELECT ?")


def test_variables_keep_the_type_of_what_they_were_set_to(alpha: Client) -> None:
    """sql-reference/session-variables.md: a variable is of the type of its value."""
    alpha.result("SET (n, d, t) = (1.50::NUMBER(5, 2), '2024-01-02'::DATE, '2024-01-02 03:04:05'::TIMESTAMP_NTZ)")
    assert alpha.rows("SELECT $n, $d, HOUR($t)") == [(Decimal("1.50"), date(2024, 1, 2), 3)]
    assert [row[5] for row in alpha.rows("SHOW VARIABLES")] == ["date", "fixed", "timestamp_ntz"]


def test_setting_autocommit_commits_what_is_open(alpha: Client) -> None:
    """sql-reference/transactions.md: ALTER SESSION SET AUTOCOMMIT commits the transaction that is open."""
    alpha.result("CREATE TABLE t (a INT)")
    alpha.result("BEGIN")
    alpha.result("INSERT INTO t VALUES (1)")
    alpha.result("ALTER SESSION SET AUTOCOMMIT = FALSE")
    alpha.result("ROLLBACK")
    assert alpha.rows("SELECT * FROM t") == [(1,)]


def test_waiting_is_told_in_the_unit_that_was_asked_for(alpha: Client) -> None:
    """sql-reference/functions/system_wait.md."""
    assert alpha.rows("SELECT SYSTEM$WAIT(2, 'MILLISECONDS')") == [("waited 2 milliseconds",)]
    with pytest.raises(SqlError, match="SYSTEM\\$WAIT takes an amount"):
        alpha.result("SELECT SYSTEM$WAIT(1, 'WEEKS')")
    with pytest.raises(SqlError, match="TIMELIMIT 0"):
        alpha.result("SELECT 1 FROM TABLE(GENERATOR(TIMELIMIT => 0))")


@pytest.mark.slow
def test_rows_are_generated_for_as_long_as_is_asked_for(alpha: Client) -> None:
    """sql-reference/functions/generator.md: how many, is nobody's promise."""
    began = time.monotonic()
    ((found,),) = alpha.rows("SELECT COUNT(SEQ4()) FROM TABLE(GENERATOR(TIMELIMIT => 1))")
    assert found > 0
    assert time.monotonic() - began >= 1


def test_what_is_written_is_meant_in_the_sessions_zone(alpha: Client) -> None:
    """sql-reference/parameters.md, TIMEZONE: a moment without an offset is in the session's zone, stored or shown."""
    alpha.result("ALTER SESSION SET TIMEZONE = 'America/New_York'")
    alpha.result("CREATE TABLE t (a TIMESTAMP_TZ, b TIMESTAMP_LTZ, c VARCHAR)")
    text = "'2024-01-02 10:00:00'"
    alpha.result(f"INSERT INTO t VALUES ({text}, {text}, {text}::TIMESTAMP_TZ::VARCHAR)")
    alpha.result(f"INSERT INTO t SELECT {text}::TIMESTAMP_TZ, {text}::TIMESTAMP_LTZ, {text}::TIMESTAMP_LTZ::VARCHAR")
    alpha.result("CREATE TABLE made AS SELECT * FROM t")
    alpha.result("ALTER SESSION SET TIMEZONE = 'UTC'")
    for table_name in ("t", "made"):
        assert (
            alpha.rows(f"SELECT a::VARCHAR, b::VARCHAR, c FROM {table_name}")
            == [("2024-01-02 10:00:00.000 -0500", "2024-01-02 15:00:00.000 +0000", "2024-01-02 10:00:00.000 -0500")] * 2
        )


def test_a_position_may_be_quoted(alpha: Client) -> None:
    """Snowpark writes `col("$1")` as `"$1"`: of a stage's file and of VALUES it is the position; else it is a name."""
    alpha.result("CREATE STAGE s")
    alpha.put("S", "f.csv", b"1,x\n2,y\n")
    assert alpha.rows('SELECT "$2", "$1" FROM @s ORDER BY 1') == [("x", "1"), ("y", "2")]
    alpha.result("CREATE TABLE t (a VARCHAR, b VARCHAR)")
    alpha.result('COPY INTO t FROM (SELECT "$2", "$1" FROM @s) FILE_FORMAT = (TYPE = CSV)')
    assert alpha.rows("SELECT * FROM t ORDER BY a") == [("x", "1"), ("y", "2")]
    assert alpha.rows('SELECT "$2" FROM VALUES (1, 2)') == [(2,)]
    assert alpha.rows('SELECT "$1" FROM (SELECT 7 AS b, 8 AS "$1")') == [(8,)]
    with pytest.raises(SqlError, match="invalid identifier"):
        alpha.rows('SELECT "$3" FROM VALUES (1, 2)')


def test_dropping_the_current_schema_leaves_public(alpha: Client) -> None:
    """sql-reference/sql/drop-schema.md: SHOW SCHEMAS has PUBLIC as the current one afterwards."""
    alpha.result("CREATE SCHEMA other")
    alpha.result("DROP SCHEMA other")
    assert alpha.rows("SELECT CURRENT_SCHEMA()") == [("PUBLIC",)]
    alpha.result("DROP SCHEMA public")
    assert alpha.rows("SELECT CURRENT_SCHEMA()") == [(None,)]


def test_a_parameter_may_stand_in_double_quotes(alpha: Client) -> None:
    """As Snowpark's own tests set it: `alter session set timezone = "America/Los_Angeles"`."""
    alpha.result('ALTER SESSION SET TIMEZONE = "America/Los_Angeles", QUERY_TAG = \'"kept"\'')
    assert alpha.session.parameters["TIMEZONE"] == "America/Los_Angeles"
    assert alpha.session.parameters["QUERY_TAG"] == '"kept"'
    with pytest.raises(SqlError, match="TIMEZONE"):
        alpha.result('ALTER SESSION SET TIMEZONE = "Nowhere"')


def test_a_transaction_has_a_number_while_it_is_open(alpha: Client) -> None:
    """sql-reference/functions/current_transaction.md."""
    alpha.result("CREATE TABLE t (a INT)")
    assert alpha.rows("SELECT CURRENT_TRANSACTION()") == [(None,)]
    alpha.result("ALTER SESSION SET AUTOCOMMIT = FALSE")
    alpha.result("INSERT INTO t VALUES (1)")
    ((number,),) = alpha.rows("SELECT CURRENT_TRANSACTION()")
    assert number.isdigit()
    assert alpha.rows("SELECT CURRENT_TRANSACTION()") == [(number,)]
    alpha.result("ROLLBACK")
    assert alpha.rows("SELECT CURRENT_TRANSACTION()") == [(None,)]
