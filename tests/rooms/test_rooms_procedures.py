"""Procedures in Python of code specs: a template calls them, and they may send what the template might.

Source: cleanrooms/resources-code-specs ("Stored procedure") and cleanrooms/spec-code-spec.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator

import pytest
from rooms_world import SQL_TEMPLATE, World, request_id
from test_rooms_runs import refused

from cleanroom_ml.engine.protocol.capabilities import Capabilities
from cleanroom_ml.engine.queries.answers import Answers
from cleanroom_ml.engine.queries.python_procedures import ProcedureCalls
from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.statements import policy
from cleanroom_ml.engine.warehouse.python_procedures import ProcedureProcesses

pytestmark = [pytest.mark.sandbox, pytest.mark.slow]
V = "pub.sales_v1.customers"
SPEC = """
api_version: 2.0.0
spec_type: code_spec
name: data_processor
version: v1
procedures:
  - name: aggregate_metrics
    language: PYTHON
    handler: process
    arguments:
      - {name: table_name, type: STRING}
      - {name: group_column, type: STRING}
    returns: STRING
    packages: [snowflake-snowpark-python]
    code_body: |
      def process(session, table_name, group_column):
          df = session.table(table_name)
          result = df.group_by(group_column).count()
          result.write.mode("overwrite").save_as_table("aggregated_results")
          return f"Aggregated {df.count()} rows into aggregated_results"
  - name: tries
    language: PYTHON
    handler: tries
    arguments: [{name: text, type: STRING}]
    returns: STRING
    packages: [snowflake-snowpark-python]
    code_body: |
      def tries(session, text):
          return str(session.sql(text).collect())
  - name: tells
    language: PYTHON
    handler: tells
    arguments: [{name: table_name, type: STRING}]
    returns: STRING
    packages: [snowflake-snowpark-python]
    code_body: |
      def tells(session, table_name):
          raise ValueError(str(session.table(table_name).collect()))
"""


@pytest.fixture(scope="session")
def processes() -> Iterator[ProcedureProcesses]:
    made = ProcedureProcesses(1)
    yield made
    made.close()


@pytest.fixture
def calling(joined: World, processes: ProcedureProcesses) -> World:
    """The collaboration with the code spec, and an engine that has procedures in Python."""
    executor = joined.runner.executor
    assert executor is not None
    capabilities = Capabilities(secrets.token_bytes(32))
    answers = Answers(joined.storage.queries.spool, capabilities)
    executor.python = ProcedureCalls(joined.storage, answers, capabilities, processes)
    joined.publisher.call("REGISTER_CODE_SPEC", SPEC)
    return joined


def approve(world: World, name: str, body: str) -> None:
    text = SQL_TEMPLATE[: SQL_TEMPLATE.index("template: |")].replace("name: count", f"name: {name}")
    lines = "\n".join(f"  {line}" for line in body.split("\n"))
    world.publisher.call("REGISTER_TEMPLATE", f"{text}code_specs: [data_processor_v1]\ntemplate: |\n{lines}\n")
    world.publisher.call("ADD_TEMPLATE_REQUEST", "lookalike", f"{name}_v1", ["adv"])
    world.advertiser.call("APPROVE_UPDATE_REQUEST", "lookalike", request_id(world.advertiser))


def run(world: World, name: str) -> object:
    """What a run of the template gives, as one value."""
    (row,) = world.advertiser.call("RUN", "lookalike", f"{name}_v1", [V], [], {})
    return next(iter(row.values()))


def test_the_documented_procedure_reads_a_view_and_writes_an_internal_table(calling: World) -> None:
    approve(calling, "direct", "CALL cleanroom.data_processor$aggregate_metrics({{ source_table[0] }}, 'CITY')")
    assert run(calling, "direct") == "Aggregated 2 rows into aggregated_results"
    approve(calling, "reads", "SELECT COUNT(*) AS n FROM cleanroom.aggregated_results")
    assert int(str(run(calling, "reads"))) == 2
    approve(
        calling,
        "block",
        "BEGIN\n  CALL cleanroom.data_processor$aggregate_metrics({{ source_table[0] }}, 'CITY');\n  RETURN 'done';\n"
        "END",
    )
    assert run(calling, "block") == "done"


@pytest.mark.attack
@pytest.mark.parametrize(
    "text",
    [
        "SELECT * FROM DATA.PUBLIC.CUSTOMERS",
        "SELECT SECRET FROM " + V,
        "SELECT * FROM adv.redeemers_v1.people",
        "SELECT * FROM SFDCR_LOOKALIKE.FREEFORM_SQL.PUB_SALES_V1_CUSTOMERS",
        "CREATE TABLE DATA.PUBLIC.STOLEN AS SELECT * FROM " + V,
        "CREATE VIEW stolen AS SELECT * FROM " + V,
        "SET stolen = 1",
        "USE ROLE ACCOUNTADMIN",
        "GRANT ROLE accountadmin TO USER ann",
        "CALL SAMOOHA_BY_SNOWFLAKE_LOCAL_DB.COLLABORATION.VIEW_COLLABORATIONS()",
        "PUT file:///tmp/x @~",
    ],
)
def test_a_procedure_may_do_what_its_template_might(calling: World, text: str) -> None:
    approve(calling, "tries", f"CALL cleanroom.data_processor$tries({{{{ {json.dumps(text)} }}}})")
    with pytest.raises(SqlError, match=r"Python Interpreter Error|SnowparkSQLException"):
        run(calling, "tries")


@pytest.mark.attack
def test_what_a_procedure_may_send_is_looked_at(calling: World, monkeypatch: pytest.MonkeyPatch) -> None:
    approve(calling, "tries", "CALL cleanroom.data_processor$tries('SET stolen = 1')")
    with pytest.raises(SqlError):
        run(calling, "tries")
    monkeypatch.setattr(policy, "check", lambda *_, **__: None)
    monkeypatch.setattr(policy, "check_template", lambda _: None)
    assert "successfully" in str(run(calling, "tries")), "nobody looked"


@pytest.mark.attack
def test_an_error_of_a_procedure_tells_no_value(calling: World, monkeypatch: pytest.MonkeyPatch) -> None:
    approve(calling, "tells", "CALL cleanroom.data_processor$tells({{ source_table[0] }})")
    message = refused(calling.advertiser, "RUN", "lookalike", "tells_v1", [V], [], {})
    assert "ValueError" in message
    assert "Oslo" not in message
    called = ProcedureCalls.call
    loud = lambda self, *args, silent, **more: called(self, *args, silent=False, **more)  # noqa: E731 - as it would be
    monkeypatch.setattr(ProcedureCalls, "call", loud)
    assert "Oslo" in refused(calling.advertiser, "RUN", "lookalike", "tells_v1", [V], [], {})


def test_a_job_and_a_client_call_none_of_them(calling: World) -> None:
    for text in ("CALL cleanroom.data_processor$tries('SELECT 1')", "CALL data_processor$tries('SELECT 1')"):
        with pytest.raises(SqlError):
            calling.advertiser.sql(text)
    approve(calling, "other", "SELECT 1 AS x")
    plain = SQL_TEMPLATE[: SQL_TEMPLATE.index("template: |")].replace("name: count", "name: without")
    body = f"{plain}template: |\n  CALL cleanroom.data_processor$tries('SELECT 1')\n"
    assert "unknown code spec callables" in refused(calling.publisher, "REGISTER_TEMPLATE", body)


def test_a_procedure_says_what_it_returns(joined: World) -> None:
    spec = SPEC.replace("    returns: STRING\n    packages", "    packages", 1)
    assert "procedure 'aggregate_metrics' has no `returns`" in refused(joined.publisher, "REGISTER_CODE_SPEC", spec)
