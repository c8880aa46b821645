"""Free-form SQL over one table: a publisher who shares it with policies, an advertiser who queries it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rooms_world import World

PEOPLE = {
    "EMAIL_HASH": [f"{number:064x}" for number in range(12)],
    "CITY": ["Oslo"] * 6 + ["Bergen"] * 3 + ["Bodø"] * 2 + ["Moss"],
    "INCOME": list(range(10, 22)),
    "SECRET": [f"secret {number}" for number in range(12)],
}
OFFERING = """
api_version: 2.0.0
spec_type: data_offering
name: people
version: v1
datasets:
  - alias: people
    data_object_fqn: DATA.PUBLIC.PEOPLE
    allowed_analyses: template_and_freeform_sql
    schema_and_template_policies:
      EMAIL_HASH: {category: join_standard, column_type: hashed_email_sha256}
      CITY: {category: passthrough}
      INCOME: {category: passthrough}
"""
POLICIES = """
CREATE AGGREGATION POLICY data.public.five AS () RETURNS AGGREGATION_CONSTRAINT ->
  AGGREGATION_CONSTRAINT(MIN_GROUP_SIZE => 5);
CREATE AGGREGATION POLICY data.public.none AS () RETURNS AGGREGATION_CONSTRAINT -> NO_AGGREGATION_CONSTRAINT();
CREATE JOIN POLICY data.public.joins AS () RETURNS JOIN_CONSTRAINT -> JOIN_CONSTRAINT(JOIN_REQUIRED => TRUE);
CREATE PROJECTION POLICY data.public.never AS () RETURNS PROJECTION_CONSTRAINT ->
  PROJECTION_CONSTRAINT(ALLOW => false);
CREATE PROJECTION POLICY data.public.nulls AS () RETURNS PROJECTION_CONSTRAINT ->
  PROJECTION_CONSTRAINT(ALLOW => false, ENFORCEMENT => 'NULLIFY');
CREATE MASKING POLICY data.public.masked AS (val STRING) RETURNS STRING ->
  CASE WHEN CURRENT_ACCOUNT() = 'PUBLISHER' THEN val ELSE '***' END;
CREATE ROW ACCESS POLICY data.public.north AS (city STRING) RETURNS BOOLEAN -> city <> 'Oslo'
"""
AGGREGATED = "aggregation_policy: {name: data.public.five, entity_keys: [hashed_email_sha256]}"
JOINED = "join_policy: {name: data.public.joins, columns: [hashed_email_sha256]}"
HIDDEN = "projection_policies: [{name: data.public.never, columns: [hashed_email_sha256]}]"
NULLED = "projection_policies: [{name: data.public.nulls, columns: [hashed_email_sha256]}]"
MASKED = "masking_policies: [{name: data.public.masked, columns: [city]}]"
FILTERED = "row_access_policy: {name: data.public.north, columns: [city]}"


OFFERINGS = {
    "free": (),
    "agg": (AGGREGATED,),
    "rows": ("aggregation_policy: {name: data.public.five}",),
    "unagg": ("aggregation_policy: {name: data.public.none}",),
    "joins": (JOINED,),
    "both": (AGGREGATED, JOINED),
    "hidden": (HIDDEN,),
    "nulled": (NULLED,),
    "agghidden": (AGGREGATED, HIDDEN),
    "masked": (MASKED,),
    "filtered": (FILTERED,),
    "gone": (),
}


def offering(name: str, *policies: str) -> str:
    """The spec of an offering, with these policies."""
    listed = "".join(f"      {each}\n" for each in policies)
    text = OFFERING.replace("name: people\n", f"name: {name}\n", 1)
    return text + (f"    freeform_sql_policies:\n{listed}" if listed else "")


def prepared(world: World) -> World:
    """The publisher's table under each of the policies, shared with the advertiser, who has a table of its own."""
    types = {"INCOME": "NUMBER(38,0)", "SPENT": "NUMBER(38,0)"}
    world.table("PUBLISHER", "PEOPLE", PEOPLE, types)
    for text in POLICIES.split(";\n"):
        world.publisher.sql(text)
    known = PEOPLE["EMAIL_HASH"][:7]
    world.table("ADVERTISER", "MINE", {"EMAIL": known, "SPENT": [2**place for place in range(7)]}, types)
    for party in (world.advertiser, world.publisher):
        party.sql("USE SCHEMA data.public")
    for name, policies in OFFERINGS.items():
        world.publisher.call("REGISTER_DATA_OFFERING", offering(name, *policies))
        world.publisher.call("LINK_DATA_OFFERING", "lookalike", f"{name}_v1", ["adv"])
    return world


def named(text: str) -> str:
    """A text with the names of the views in it: `{agg}`."""
    return text.format(**{name: f"SFDCR_LOOKALIKE.FREEFORM_SQL.PUB_{name.upper()}_V1_PEOPLE" for name in OFFERINGS})


def rows(world: World, text: str) -> Sequence[tuple[Any, ...]]:
    """What the advertiser reads, in order: `{agg}` in the text is a view. NULLs are last."""
    found = [tuple(row.values()) for row in world.advertiser.sql(named(text))]
    return sorted(found, key=lambda row: [(value is None, str(value)) for value in row])
