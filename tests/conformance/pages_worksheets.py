"""Worksheets that somebody ran on two accounts and published. They use two templates of the service's own, whose text
is not public: templates of ours with their names and parameters stand for them.
"""

from __future__ import annotations

from pages_page import FIELD, Page, Part
from pages_rooms import Given, offering, table, template

_LISTS = "".join(
    f"  - {{name: {name}, type: array}}\n"
    for name in ("join_clauses", "count_column", "my_group_by", "source_group_by", "activation_column")
)
_TEXTS = "".join(
    f"  - {{name: {name}, type: string}}\n" for name in ("my_where_clause", "source_where_clause", "where_clause")
)
_PARAMETERS = f"parameters:\n{_LISTS}{_TEXTS}"
_JOINED = (
    "FROM IDENTIFIER({{ source_table[0] }}) AS p1 JOIN IDENTIFIER({{ my_table[0] }}) AS c1\n"
    "  ON {{ join_clauses[0] | sqlsafe }}"
)
_OVERLAP = template(
    "standard_audience_overlap",
    "v0",
    f"SELECT 1 AS WATERFALL_LEVEL, 'OVERLAP' AS METRIC_TYPE, COUNT(*) AS COUNT_VALUE\n{_JOINED}",
    _PARAMETERS,
)
_ACTIVATED = template(
    "standard_audience_overlap_activation",
    "v0",
    "BEGIN\n"
    "  CREATE OR REPLACE TABLE cleanroom.activation_data_audience AS\n"
    "  SELECT OBJECT_CONSTRUCT({% for each in activation_column %}{{ each }}, {{ each | sqlsafe }}"
    "{% if not loop.last %}, {% endif %}{% endfor %}) AS ID\n"
    f"  {_JOINED};\n"
    "  RETURN 'audience';\n"
    "END;",
    _PARAMETERS,
).replace("sql_analysis", "sql_activation")
_SAMPLE = "SAMOOHA_SAMPLE_DATABASE.DEMO.CUSTOMERS"
_C360 = (
    "SELECT SHA2(HASHED_EMAIL) AS HASHED_MSISDN, 20260420 AS DATE_PARTITION, HASHED_EMAIL, 30 AS AGE, 'F' AS GENDER, "
    f"0.5::FLOAT AS CHURN_SCORE, 0.25::FLOAT AS CLV_SCORE, TRUE AS IS_HIGH_VALUE FROM {_SAMPLE} LIMIT 300"
)
_AUDIENCE = (
    "SELECT SHA2(HASHED_EMAIL) AS HASHED_MSISDN, 20260420 AS DATE_PARTITION, STATUS AS CUSTOMER_TIER, "
    "AGE_BAND AS SEGMENT, "
    f"0.5::FLOAT AS PROPENSITY, 'spring' AS LAST_CAMPAIGN, 'email' AS CHANNEL_PREF FROM {_SAMPLE}_2 LIMIT 300"
)
_WIDE = "{" + ", ".join(
    ["HASHED_MSISDN: {category: join_standard, column_type: hashed_phone_sha256}"]
    + [f"{name}: {{category: passthrough, activation_allowed: true}}"
       for name in ("DATE_PARTITION", "HASHED_EMAIL", "AGE", "GENDER", "CHURN_SCORE", "CLV_SCORE", "IS_HIGH_VALUE")]
) + "}"  # fmt: skip
_HIGH_VALUE = f"CREATE TABLE DCR_CONSUMER_1M.DATA.ACTIVATION_TELCO_HIGHVALUE AS {_AUDIENCE}"


def _given() -> Given:
    provider = (
        *table("DCR_POC_1M", "UNUSED", "SELECT 1 AS N"),
        "CREATE SCHEMA DCR_POC_1M.PROVIDER_DATA",
        f"CREATE TABLE DCR_POC_1M.PROVIDER_DATA.C360_TELCO AS {_C360}",
        offering("telco_c360_offering", "v1_0", "c360", _WIDE, "DCR_POC_1M.PROVIDER_DATA.C360_TELCO"),
        _OVERLAP,
        _ACTIVATED,
    )
    consumer = (
        "CREATE DATABASE DCR_CONSUMER_1M",
        "CREATE SCHEMA DCR_CONSUMER_1M.DATA",
        f"CREATE TABLE DCR_CONSUMER_1M.DATA.MARKETING_AUDIENCE_DCR_DEMO AS {_AUDIENCE}",
        _HIGH_VALUE,
    )
    warehouses = tuple(
        (party, text)
        for party in ("provider", "consumer")
        for text in (
            "USE ROLE ACCOUNTADMIN",
            *(f"CREATE WAREHOUSE {size}" for size in ("GEN2_SMALL", "GEN2_XLARGE")),
            *(f"GRANT ALL ON WAREHOUSE {size} TO ROLE SAMOOHA_APP_ROLE" for size in ("GEN2_SMALL", "GEN2_XLARGE")),
            "USE ROLE SAMOOHA_APP_ROLE",
        )
    )
    return (
        *warehouses,
        *(("provider", each) for each in provider),
        *(("consumer", each) for each in consumer),
    )


_ACTIVATING = """CALL SAMOOHA_BY_SNOWFLAKE_LOCAL_DB.COLLABORATION.RUN('telco_audience_overlap', $$
api_version: 2.0.0
spec_type: analysis
template: standard_audience_overlap_activation_v0
template_configuration:
  view_mappings:
    source_tables: [PROVIDER.telco_c360_offering_v1_0.c360]
  local_view_mappings:
    my_tables: [LOCAL.consumer_marketing_audience_v1_0.audience]
  arguments:
    join_clauses: ["p1.HASHED_PHONE_SHA256 = c1.HASHED_PHONE_SHA256"]
    activation_column: ["p1.DATE_PARTITION", "c1.CUSTOMER_TIER", "c1.SEGMENT", "p1.AGE", "p1.IS_HIGH_VALUE"]
    where_clause: ""
  activation:
    snowflake_collaborator: CONSUMER
    segment_name: telco_highvalue_fullcolumns
$$)"""
"""What the worksheet's block does with a view that is not there."""


def _grants(party: str, block: int) -> tuple[Part, ...]:
    """A worksheet up to its activation. Its author's sessions have what sessions of Snowflake have from the start, all
    of the user's roles beside the current one, which the GRANT of a role needs; what refuses that is called without
    (`collaboration.md` beside the worksheets: USE SECONDARY ROLES NONE before JOIN, ALL after it).
    """
    return (
        Part(party, block, block, 0),
        Part(party, block, block, 1, opening=("USE SECONDARY ROLES ALL",)),
        Part(party, block, block, 2, opening=("USE SECONDARY ROLES NONE",)),
    )


FIELD_WORKSHEETS = Page(
    f"{FIELD}/03_provider_notebook/provider_workflow.sql",
    ("provider", "consumer"),
    (
        *_grants("provider", 0),
        *_grants("consumer", 1),
        Part("consumer", 1, 1, 3, given=(("consumer", _ACTIVATING),)),
    ),
    {
        "<USER>": "ADMIN",
        "<CONSUMER_USER>": "ADMIN",
        "SFSEAPAC.ARDIYANMUHAMMAD": "LOCAL.{provider}",
        "SFSEAPAC.ALVIN_JKT": "LOCAL.{consumer}",
    },
    given=_given(),
    cuts=(r"GRANT ROLE SAMOOHA_APP_ROLE", r"REGISTER_STANDARD_DCR_TEMPLATES", r"AS ACTIVATED_ROWS"),
    reasons={
        "POLICY_COLUMNS_V": "a view inside of the service's application, which nothing documents",
    },
    more=(f"{FIELD}/04_consumer_notebook/consumer_workflow.sql",),
)
