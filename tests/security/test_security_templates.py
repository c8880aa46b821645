"""A template runs in its caller's session: what it may leave behind there, and that it ends when its CALL is ended."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import snowflake.connector
from snowflake.connector.errors import Error

from cleanroom_ml.connection.literals import literal

MakeAccount = Callable[[str], dict[str, Any]]
pytestmark = pytest.mark.sandbox

OFFERING = """
api_version: 2.0.0
spec_type: data_offering
name: sales
version: v1
datasets:
  - alias: people
    data_object_fqn: D.PUBLIC.PEOPLE
    allowed_analyses: template_only
    schema_and_template_policies:
      EMAIL: {category: passthrough}
"""
COLLABORATION = """
api_version: 2.0.0
spec_type: collaboration
name: security_room
owner: pub
collaborator_identifier_aliases: {pub: LOCAL.SEC_PUB, adv: LOCAL.SEC_ADV}
analysis_runners:
  adv:
    data_providers:
      pub: {data_offerings: []}
"""
# The worst template that anybody could approve: the runner writes the statement.
TEMPLATE = """
api_version: 2.0.0
spec_type: template
name: anything
version: v1
type: sql_analysis
parameters: [{name: stmt, required: true, type: string}]
template: |
  {{ stmt | sqlsafe }}
"""
FOREVER = "WITH RECURSIVE r AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM r) SELECT COUNT(*) FROM r"


class Party:
    """One account's connection."""

    def __init__(self, parameters: dict[str, Any]) -> None:
        self.connection = snowflake.connector.connect(**parameters)

    def sql(self, text: str, **options: Any) -> list[Any]:
        return list(self.connection.cursor().execute(text, **options).fetchall())

    def call(self, name: str, *args: object) -> list[Any]:
        given = ", ".join(literal(argument) for argument in args)
        return self.sql(f"CALL SAMOOHA_BY_SNOWFLAKE_LOCAL_DB.{name}({given})")

    def run(self, statement: str) -> list[Any]:
        tables = ["pub.sales_v1.people"]
        return self.call("COLLABORATION.RUN", "security_room", "anything_v1", tables, [], {"stmt": statement})


@pytest.fixture(scope="module")
def runner(make_account: MakeAccount) -> Iterator[Party]:
    """The advertiser, with the template approved and the publisher's table linked."""
    publisher, advertiser = Party(make_account("SEC_PUB")), Party(make_account("SEC_ADV"))
    publisher.sql("CREATE DATABASE D")
    publisher.sql("CREATE TABLE D.PUBLIC.PEOPLE AS SELECT 'ann@example.com' AS EMAIL")
    publisher.call("REGISTRY.REGISTER_DATA_OFFERING", OFFERING)
    publisher.call("REGISTRY.REGISTER_TEMPLATE", TEMPLATE)
    publisher.call("COLLABORATION.INITIALIZE", COLLABORATION, "COMPUTE_WH")
    advertiser.call("COLLABORATION.REVIEW", "security_room", "LOCAL.SEC_PUB")
    advertiser.call("COLLABORATION.JOIN", "security_room")
    publisher.call("COLLABORATION.LINK_DATA_OFFERING", "security_room", "sales_v1", ["adv"])
    publisher.call("COLLABORATION.ADD_TEMPLATE_REQUEST", "security_room", "anything_v1", ["adv"])
    request = advertiser.call("COLLABORATION.VIEW_UPDATE_REQUESTS", "security_room")[-1][0]
    advertiser.call("COLLABORATION.APPROVE_UPDATE_REQUEST", "security_room", request)
    yield advertiser
    for party in (publisher, advertiser):
        party.connection.close()


def test_the_template_reads_what_is_shared(runner: Party) -> None:
    assert runner.run("SELECT EMAIL FROM pub.sales_v1.people") == [("ann@example.com",)]


@pytest.mark.attack
@pytest.mark.parametrize(
    "statement",
    [
        "SET leak = (SELECT MAX(EMAIL) FROM pub.sales_v1.people)",
        "ALTER SESSION SET QUERY_TAG = 'left behind'",
        "USE SCHEMA cleanroom",
        "UNSET mine",
        "GET @files 'file:///tmp/'",
        "PUT 'file:///etc/passwd' @files",
    ],
)
def test_nothing_of_a_template_stays_in_the_callers_session(runner: Party, statement: str) -> None:
    runner.sql("SET mine = 1")
    before = runner.sql("SELECT CURRENT_DATABASE(), CURRENT_SCHEMA(), $MINE")
    with pytest.raises(Error, match="in a template"):
        runner.run(f"BEGIN {statement}; RETURN 1; END")
    assert runner.sql("SELECT CURRENT_DATABASE(), CURRENT_SCHEMA(), $MINE") == before
    assert not [row for row in runner.sql("SHOW VARIABLES") if "ann@example.com" in str(row)]
    assert not runner.sql("SHOW PARAMETERS LIKE 'QUERY_TAG'")[0][1]


@pytest.mark.attack
@pytest.mark.parametrize(
    "statement",
    [
        "SELECT * FROM D.PUBLIC.PEOPLE",
        "SELECT * FROM SEC_OWN.PUBLIC.T",
        "SELECT * FROM SFDCR_SECURITY_ROOM.INFORMATION_SCHEMA.TABLES",
        "SELECT $1 FROM @~",
        "BEGIN CREATE TABLE SEC_OWN.PUBLIC.COPIED AS SELECT * FROM pub.sales_v1.people; RETURN 1; END",
        "BEGIN DELETE FROM pub.sales_v1.people; RETURN 1; END",
        "BEGIN DESCRIBE TABLE D.PUBLIC.PEOPLE; RETURN 1; END",
    ],
)
def test_a_template_reaches_nothing_else(runner: Party, statement: str) -> None:
    runner.sql("CREATE DATABASE IF NOT EXISTS SEC_OWN")
    runner.sql("CREATE TABLE IF NOT EXISTS SEC_OWN.PUBLIC.T (X NUMBER)")
    with pytest.raises(Error, match="does not exist or not authorized"):
        runner.run(statement)


@pytest.mark.attack
@pytest.mark.parametrize("function", ["TO_DATE(EMAIL)", "EMAIL::NUMBER", "PARSE_JSON(EMAIL)", "TO_TIMESTAMP(EMAIL)"])
def test_an_error_quotes_no_value(runner: Party, function: str) -> None:
    with pytest.raises(Error) as caught:
        runner.run(f"SELECT {function} FROM pub.sales_v1.people")
    assert "ann@" not in str(caught.value)


@pytest.mark.attack
def test_what_a_template_runs_ends_with_its_call(runner: Party) -> None:
    """Every worker is given a statement that never ends; if a CALL could not be timed out, none would be left."""
    runner.sql("ALTER SESSION SET STATEMENT_TIMEOUT_IN_SECONDS = 2")
    began = time.monotonic()
    try:
        for statement in (FOREVER, f"BEGIN LET n NUMBER := ({FOREVER}); RETURN 1; END"):
            with pytest.raises(Error, match=r"(?i)time|cancel"):
                runner.run(statement)
    finally:
        runner.sql("ALTER SESSION UNSET STATEMENT_TIMEOUT_IN_SECONDS")
    assert runner.run("SELECT EMAIL FROM pub.sales_v1.people") == [("ann@example.com",)]
    assert time.monotonic() - began < 20
