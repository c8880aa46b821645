"""The sample tables as a data offering: cleanrooms/collaboration-api-reference, "REGISTER_DATA_OFFERING", offers
SAMOOHA_SAMPLE_DATABASE.DEMO.CUSTOMERS; what the caller has to have on it is in cleanrooms/manage-access.
"""

from __future__ import annotations

import json
from typing import Any

import pytest
from rooms_roles import lesser, refused
from rooms_world import World
from test_rooms_runs import give

from cleanroom_ml.engine.rooms import offerings

pytestmark = pytest.mark.sandbox
PRINTED = """
    api_version: 2.0.0
    spec_type: data_offering
    version: v1
    name: customers
    datasets:
     - alias: customers_1
       data_object_fqn: SAMOOHA_SAMPLE_DATABASE.DEMO.CUSTOMERS
       allowed_analyses: template_only
       schema_and_template_policies:
         hashed_email:
           category: join_custom
         status:
           category: passthrough
"""
"""As that page prints it."""
FREE = (
    PRINTED.replace("version: v1", "version: v2")
    .replace("template_only", "template_and_freeform_sql")
    .replace("category: passthrough", "category: passthrough\n           activation_allowed: true")
    + """
       freeform_sql_policies:
         aggregation_policy: {name: data.public.large, entity_keys: [hashed_email]}
"""
)
BLOCK = """BEGIN
  CREATE OR REPLACE TABLE cleanroom.activation_data_best AS
    SELECT DISTINCT p.STATUS FROM IDENTIFIER({{ source_table[0] }}) AS p;
  RETURN 'best';
END;"""
SPEC = """
api_version: 2.0.0
spec_type: analysis
template: act_v1
template_configuration:
  view_mappings: {source_tables: [pub.customers_v2.customers_1]}
  activation: {snowflake_collaborator: pub, segment_name: q1}
"""
STATUSES = ["GOLD", "MEMBER", "PLATINUM", "SILVER"]


def test_a_sample_table_is_offered_run_queried_and_activated(joined: World) -> None:
    own, runner = joined.publisher, joined.advertiser
    own.sql("USE ROLE samooha_app_role")  # the role of that page: it needs no grant of anybody
    assert own.value("REGISTER_DATA_OFFERING", PRINTED) == "customers_v1"
    own.sql("USE ROLE accountadmin")
    own.sql(
        "CREATE AGGREGATION POLICY data.public.large AS () RETURNS AGGREGATION_CONSTRAINT -> "
        "AGGREGATION_CONSTRAINT(MIN_GROUP_SIZE => 200)"
    )
    own.call("REGISTER_DATA_OFFERING", FREE)
    for offered in ("customers_v1", "customers_v2"):
        own.call("LINK_DATA_OFFERING", "lookalike", offered, ["adv"])
    give(joined, "SELECT p.STATUS, COUNT(*) AS N FROM IDENTIFIER({{ source_table[0] }}) AS p GROUP BY p.STATUS")
    run: list[dict[str, Any]] = runner.call("RUN", "lookalike", "t_v1", ["pub.customers_v1.customers_1"], [], {})
    assert sorted(row["STATUS"] for row in run) == STATUSES
    assert sum(row["N"] for row in run) == 1000
    # Its policies hold: a column that is not offered is not there, and a group must be large enough.
    joined_view = "SFDCR_LOOKALIKE.FREEFORM_SQL.PUB_CUSTOMERS_V2_CUSTOMERS_1"
    counted = runner.sql(f"SELECT status, COUNT(*) AS n FROM {joined_view} GROUP BY status")
    assert {row["STATUS"] for row in counted} <= {*STATUSES, None}
    assert sum(row["N"] for row in counted) == 1000
    give(joined, BLOCK, name="act", kind="sql_activation")
    runner.call("RUN", "lookalike", SPEC)
    own.call("PROCESS_ACTIVATION", "lookalike", "q1")
    kept = own.sql("SELECT RECORDS FROM lookalike.activation.segment_records")
    assert sorted(json.loads(row["RECORDS"])["STATUS"] for row in kept) == STATUSES


@pytest.mark.attack
def test_a_sample_table_is_offered_by_who_may_share_it(joined: World, monkeypatch: pytest.MonkeyPatch) -> None:
    analyst = lesser(joined, "PUBLISHER", "ANALYST")
    joined.publisher.sql("USE ROLE accountadmin")
    joined.publisher.procedures.call(
        joined.publisher.session,
        ("SAMOOHA_BY_SNOWFLAKE_LOCAL_DB", "ADMIN", "GRANT_PRIVILEGE_ON_ACCOUNT_TO_ROLE"),
        ("REGISTER DATA OFFERING", "analyst"),
        query_id="g",
    )
    said = refused(analyst, "REGISTER_DATA_OFFERING", PRINTED)
    assert said.startswith("DatasetReferenceUsageWithGrantOptionMissingError: The current role 'ANALYST'")
    statement = said.partition("run: ")[2].rstrip(";")
    with monkeypatch.context() as patch:
        patch.setattr(offerings, "require_offered", lambda *_: None)
        analyst.call("REGISTER_DATA_OFFERING", PRINTED.replace("name: customers", "name: taken"))
    joined.publisher.sql(statement)
    analyst.call("REGISTER_DATA_OFFERING", PRINTED)


def test_a_view_over_a_sample_table_is_offered(joined: World) -> None:
    """What reads the sample data is no worse than the sample data."""
    own = joined.publisher
    own.sql("CREATE VIEW data.public.members AS SELECT * FROM samooha_sample_database.demo.customers_2")
    own.call("REGISTER_DATA_OFFERING", PRINTED.replace("SAMOOHA_SAMPLE_DATABASE.DEMO.CUSTOMERS", "DATA.PUBLIC.MEMBERS"))
