"""The pages that show a part of what happens in a collaboration, and the collaborations that they take as given."""

from __future__ import annotations

import textwrap

from pages_page import API, CLEANROOMS, Found, Page, Part

ROOM = f"CALL {API}.COLLABORATION"
REGISTRY = f"CALL {API}.REGISTRY"
_SAMPLE = "SAMOOHA_SAMPLE_DATABASE.DEMO.CUSTOMERS"
Given = tuple[tuple[str, str], ...]


def offering(name: str, version: str, dataset: str, policies: str, table: str) -> str:
    """A call that registers a data offering of one dataset."""
    return f"""{REGISTRY}.REGISTER_DATA_OFFERING($$
api_version: 2.0.0
spec_type: data_offering
name: {name}
version: {version}
datasets:
  - alias: {dataset}
    data_object_fqn: {table}
    object_class: custom
    allowed_analyses: template_only
    schema_and_template_policies: {policies}
$$)"""


def template(name: str, version: str, body: str, more: str = "") -> str:
    """A call that registers a template."""
    return f"""{REGISTRY}.REGISTER_TEMPLATE($$
api_version: 2.0.0
spec_type: template
name: {name}
version: {version}
type: sql_analysis
{more}template: |
{textwrap.indent(body, "  ")}
$$)"""


def collaboration(name: str, owner: str, aliases: dict[str, str], runners: str) -> str:
    """A call that creates a collaboration; `aliases` says whose each is, `runners` is YAML."""
    named = "\n".join(f"  {alias}: LOCAL.{{{party}}}" for alias, party in aliases.items())
    return f"""{ROOM}.INITIALIZE($$
api_version: 2.0.0
spec_type: collaboration
name: {name}
owner: {owner}
collaborator_identifier_aliases:
{named}
analysis_runners:
{textwrap.indent(textwrap.dedent(runners).strip(), "  ")}
$$, 'APP_WH')"""


def joins(party: str, name: str, owner: str) -> Given:
    """Somebody who was invited reviews and joins."""
    return (party, f"{ROOM}.REVIEW('{name}', 'LOCAL.{{{owner}}}')"), (party, f"{ROOM}.JOIN('{name}')")


def table(database: str, name: str, query: str) -> tuple[str, ...]:
    """Statements that make a table."""
    return (
        f"CREATE DATABASE IF NOT EXISTS {database}",
        f"CREATE OR REPLACE TABLE {database}.PUBLIC.{name} AS {query}",
    )


_PURCHASES = "SELECT HASHED_EMAIL AS PURCHASE_ID, STATUS AS CAMPAIGN_NAME FROM " + _SAMPLE + " LIMIT 20"
_BOUGHT = "{PURCHASE_ID: {category: passthrough}, CAMPAIGN_NAME: {category: passthrough}}"
_LENT_BODY = """SELECT {{ conv_purchase_id }} AS A, {{ conv_purchase_amount }} AS B, {{ publisher_impression_id }} AS C,
  {{ publisher_campaign_name }} AS D, {{ publisher_device_type }} AS E, COUNT(*) AS N
FROM IDENTIFIER({{ source_table[0] }}) AS p1, IDENTIFIER({{ source_table[1] }}) AS p2,
  IDENTIFIER({{ my_table[0] }}) AS c1"""
_LENT_PARAMETERS = "parameters:\n" + "".join(
    f"  - {{name: {name}}}\n"
    for name in ("conv_purchase_id", "conv_purchase_amount", "publisher_impression_id", "publisher_campaign_name",
                 "publisher_device_type")
)  # fmt: skip
LENT: Given = (
    *((party, each) for party in ("advertiser", "publisher", "partner") for each in table("L_DB", "P", _PURCHASES)),
    *((party, offering("ADVERTISER_DATA", "V1", "CUSTOMERS", _BOUGHT, "L_DB.PUBLIC.P"))
      for party in ("advertiser", "publisher")),
    ("partner", offering("MY_DATA", "V1", "MY_CUSTOMERS", _BOUGHT, "L_DB.PUBLIC.P")),
    ("partner", template("mytemplate", "v1", _LENT_BODY, _LENT_PARAMETERS)),
    ("partner", collaboration(
        "lent", "PARTNER", {"PARTNER": "partner", "ADVERTISER1": "advertiser", "PUBLISHER": "publisher"}, """
        PARTNER:
          data_providers:
            ADVERTISER1: {data_offerings: [{id: ADVERTISER_DATA_V1}]}
            PUBLISHER: {data_offerings: [{id: ADVERTISER_DATA_V1}]}
          templates: [{id: mytemplate_v1}]
        """)),
    *joins("advertiser", "lent", "partner"),
    *joins("publisher", "lent", "partner"),
    ("partner", f"{ROOM}.LINK_LOCAL_DATA_OFFERING('lent', 'MY_DATA_V1')"),
)  # fmt: skip
"""A collaboration in which somebody without data to share uses a table of their own."""

_PLAIN = "{HASHED_EMAIL: {category: join_custom}, DEVICE_TYPE: {category: passthrough}}"
_DEVICES = f"SELECT HASHED_EMAIL, STATUS AS DEVICE_TYPE FROM {_SAMPLE} LIMIT 200"
_MATCHED = "{HASHED_EMAIL: {category: join_custom}, STATUS: {category: passthrough}}"

_CUSTOM_TEMPLATES = Page(
    f"{CLEANROOMS}/custom-templates.md",
    ("one", "two", "three"),
    (
        Part("three", 0, 2, given=tuple(("three", each) for each in (
            "CREATE DATABASE IF NOT EXISTS CITIES",
            "CREATE OR REPLACE TABLE CITIES.PUBLIC.TABLE_1 AS SELECT HASHED_EMAIL, REGION_CODE AS CITY FROM " + _SAMPLE,
            "CREATE OR REPLACE TABLE CITIES.PUBLIC.TABLE_2 AS SELECT HASHED_EMAIL FROM " + _SAMPLE,
        )), opening=("USE SCHEMA CITIES.PUBLIC",)),
        Part("three", 3, 8, variables={
            "collaboration_name": "templates_page", "template_id": "my_test_template_2026_01_12_V1",
        }, values={"template: $template_id": "template: my_test_template_2026_01_12_V1"}),
        Part("three", 9, 9),
        Part("three", 10, 12, given=(
            ("one", offering("pub", "audience_v2", "AUDIENCE", _PLAIN, "C_DB.PUBLIC.D")),
            ("two", offering("adv", "customers_v1", "CUSTOMERS", _PLAIN, "C_DB.PUBLIC.D")),
            ("one", collaboration("preset_page", "pub", {"pub": "one", "adv": "two", "runner": "three"}, """
                runner:
                  data_providers:
                    pub: {data_offerings: [{id: pub_audience_v2}]}
                    adv: {data_offerings: [{id: adv_customers_v1}]}
                """)),
            *joins("two", "preset_page", "one"),
            *joins("three", "preset_page", "one"),
            *((party, f"{ROOM}.SET_CONFIGURATION('preset_page', 'TEMPLATE_AUTO_APPROVAL', 'true')")
              for party in ("one", "two")),
            ("three", f"{ROOM}.ADD_TEMPLATE_REQUEST("
                      "'preset_page', 'preset_overlap_template_2026_08_18_V1', ['runner'])"),
        ), variables={"collaboration_name": "preset_page"},
             values={"template: $template_id": "template: preset_overlap_template_2026_08_18_V1"}),
    ),
    given=(
        *((party, each) for party in ("one", "two") for each in table("C_DB", "D", _DEVICES)),
        ("one", offering("data", "offering_1", "dataset_1", _PLAIN, "C_DB.PUBLIC.D")),
        ("two", offering("data", "offering_2", "dataset_2", _PLAIN, "C_DB.PUBLIC.D")),
        ("one", collaboration(
            "templates_page", "collaborator_1",
            {"collaborator_1": "one", "collaborator_2": "two", "Collaborator3": "three"},
            """
            Collaborator3:
              data_providers:
                collaborator_1: {data_offerings: [{id: data_offering_1}]}
                collaborator_2: {data_offerings: [{id: data_offering_2}]}
            """,
        )),
        *joins("two", "templates_page", "one"),
        *joins("three", "templates_page", "one"),
        *((party, f"{ROOM}.SET_CONFIGURATION('templates_page', 'TEMPLATE_AUTO_APPROVAL', 'true')")
          for party in ("one", "two")),
    ),
)  # fmt: skip
_MULTISTEP = Page(f"{CLEANROOMS}/multistep-flows.md")
_HISTORY = Page(
    f"{CLEANROOMS}/activity-history.md",
    parts=(
        Part("me", 0, 1, variables={"collaboration_name": "watched"}),
        # sql-reference/account-usage, "Enabling other roles": the view is ACCOUNTADMIN's from the start.
        Part("me", 2, 2, opening=("USE ROLE ACCOUNTADMIN",)),
    ),
    values={"<your_activity_id>": Found(f"{ROOM}.VIEW_ACTIVITY_HISTORY('watched')", "ACTIVITY_ID")},
    given=tuple(("me", each) for each in (
        *table("H_DB", "T", f"SELECT HASHED_EMAIL, STATUS FROM {_SAMPLE}"),
        offering("seen", "v1", "t", _MATCHED, "H_DB.PUBLIC.T"),
        template("counted", "v1", "SELECT COUNT(*) AS N FROM IDENTIFIER({{ source_table[0] }}) AS p1"),
        collaboration("watched", "me", {"me": "me"}, """
            me:
              data_providers:
                me: {data_offerings: [{id: seen_v1}]}
              templates: [{id: counted_v1}]
            """),
        f"{ROOM}.RUN('watched', 'counted_v1', ['me.seen_v1.t'], [], {{}})",
    )),
)  # fmt: skip
_ACTIVATION = Page(
    f"{CLEANROOMS}/activation.md",
    values={
        "<collaboration_name>": "activated",
        "[WHERE segment_name = '<segment_name>']": "WHERE segment_name = 'q1_2025'",
    },
    given=tuple(("me", each) for each in (
        *table("A_DB", "T", f"SELECT HASHED_EMAIL, STATUS FROM {_SAMPLE} LIMIT 20"),
        offering("kept", "v1", "t", _MATCHED.replace("passthrough", "passthrough, activation_allowed: true"),
                 "A_DB.PUBLIC.T"),
        template("activated", "v1", "BEGIN\n  CREATE OR REPLACE TABLE cleanroom.activation_data_r AS\n"
                 "    SELECT p1.STATUS FROM IDENTIFIER({{ source_table[0] }}) AS p1;\n  RETURN 'r';\nEND;",
                 ).replace("sql_analysis", "sql_activation"),
        collaboration("activated", "me", {"me": "me"}, """
            me:
              data_providers:
                me: {data_offerings: [{id: kept_v1}]}
              templates: [{id: activated_v1}]
              activation_destinations:
                snowflake_collaborators: [me]
            """),
        f"""{ROOM}.RUN('activated', $$
api_version: 2.0.0
spec_type: analysis
template: activated_v1
template_configuration:
  view_mappings:
    source_tables: [me.kept_v1.t]
  activation:
    snowflake_collaborator: me
    segment_name: q1_2025
$$)""",
    )),
)  # fmt: skip
_CODE_SPECS = Page(
    f"{CLEANROOMS}/resources-code-specs.md",
    ("provider", "consumer"),
    (
        *(Part("provider", 2, 4), Part("provider", 0, 1), Part("provider", 5, 6), Part("provider", 7, 8)),
    ),
    {
        "SFDCR_<application name>": "SFDCR_MY_COLLABORATION",
        "<application name>": "SFDCR_MY_COLLABORATION",
        "SFDCR_<collaboration name>": "SFDCR_MY_COLLABORATION",
    },
    given=(
        ("provider", collaboration("my_collaboration", "provider", {"provider": "provider", "consumer": "consumer"}, """
            consumer:
              data_providers:
                provider: {data_offerings: []}
            """)),
        *joins("consumer", "my_collaboration", "provider"),
    ),
    reasons={
        "-- Imports the code spec": "its YAML has comments of SQL in it, which are a part of the values",
        "-- Code spec ID includes": "its YAML has comments of SQL in it, which are a part of the values",
        "-- Update the template version": "its YAML has comments of SQL in it, which are a part of the values",
        "ADD_TEMPLATE_REQUEST(": "follows from the template above, whose YAML has comments of SQL in it",
    },
)  # fmt: skip
OF_ROOMS: tuple[Page, ...] = (_CUSTOM_TEMPLATES, _MULTISTEP, _HISTORY, _ACTIVATION, _CODE_SPECS)
