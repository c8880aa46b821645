"""The reference of the API, whose examples are each for itself: a collaboration of ours has what they name."""

from __future__ import annotations

from pages_jobs import ENDED, with_a_job
from pages_page import CLEANROOMS, Found, Page, Part
from pages_rooms import REGISTRY, ROOM, Given, collaboration, joins, offering, table, template

_REQUESTS = f"{ROOM}.VIEW_UPDATE_REQUESTS('reference')"
_PENDING = Found(_REQUESTS, "ID", {"STATUS": "PENDING_MY_APPROVAL"})
_COLUMNS = "{STATUS: {category: passthrough}}"
_COUNT = "SELECT COUNT(*) AS N FROM IDENTIFIER({{ source_table[0] }}) AS p1"
_ALIASES = {
    "alice": "alice", "Provider": "provider", "Collaborator3": "third", "collaborator_1234": "fourth",
    "AnalysisRunner_1": "fifth", "AnalysisRunner_2": "sixth",
}  # fmt: skip


def _given() -> Given:
    made = table("R_DB", "T", "SELECT HASHED_EMAIL, STATUS FROM SAMOOHA_SAMPLE_DATABASE.DEMO.CUSTOMERS LIMIT 50")
    alice = (
        *made,
        *(offering(name, "v1", "t", _COLUMNS, "R_DB.PUBLIC.T") for name in ("shared", "private", "linked")),
        *(template(name, "v1", _COUNT) for name in ("counted", "added", "removed")),
        template("alice_test_template", "2026_01_12_V1", _COUNT),
    )
    return (
        *(("alice", each) for each in alice),
        *(("provider", each) for each in made),
        ("provider", offering("data_offering_1", "2026_01_12_v0", "test_dataset", _COLUMNS, "R_DB.PUBLIC.T")),
        *(("bob", each) for each in made),
        ("bob", offering("bob_data", "v1", "t", _COLUMNS, "R_DB.PUBLIC.T")),
        ("third", template("asked", "v1", _COUNT)),
        ("third", template("asked", "v2", _COUNT)),
        ("alice", collaboration("reference", "alice", _ALIASES, """
            alice:
              data_providers:
                alice: {data_offerings: []}
                Provider: {data_offerings: [{id: data_offering_1_2026_01_12_v0}]}
              templates: [{id: counted_v1}]
            Collaborator3:
              data_providers:
                alice: {data_offerings: []}
            collaborator_1234:
              data_providers:
                alice: {data_offerings: []}
              templates: [{id: removed_v1}]
            AnalysisRunner_1:
              data_providers:
                alice: {data_offerings: [{id: shared_v1}]}
            AnalysisRunner_2:
              data_providers:
                alice: {data_offerings: [{id: shared_v1}]}
            """)),
        *joins("provider", "reference", "alice"),
        *joins("third", "reference", "alice"),
        *joins("fourth", "reference", "alice"),
        ("alice", collaboration("torn", "alice", {"alice": "alice"}, """
            alice:
              data_providers:
                alice: {data_offerings: []}
            """)),
    )  # fmt: skip


_NAMED = {"collaboration_name": "reference"}
_REQUESTED = tuple(
    ("third", f"{ROOM}.ADD_TEMPLATE_REQUEST('reference', 'asked_{version}', ['alice'])") for version in ("v1", "v2")
)
_ADMINISTERED = (
    ("alice", "USE ROLE ACCOUNTADMIN"),
    ("alice", "CREATE ROLE COLLABORATOR_ANALYST_ROLE"),
    ("alice", "USE ROLE SAMOOHA_APP_ROLE"),
)
REFERENCE = Page(
    f"{CLEANROOMS}/collaboration-api-reference.md",
    ("alice", "bob", "carol", "provider", "third", "fourth", "fifth", "sixth", "offerings", "codes", "jobs"),
    (
        Part("alice", 0, 2),
        Part("codes", 3, 3, given=(("codes", f"{REGISTRY}.CREATE_REGISTRY('my_custom_registry', 'TEMPLATE')"),)),
        Part("alice", 4, 10, variables=_NAMED),
        Part("alice", 11, 13, variables={"template_alias": "added_v1", "template_id": "removed_v1"}),
        Part("alice", 14, 21),
        Part("offerings", 22, 22, given=(
            ("offerings", f"{REGISTRY}.CREATE_REGISTRY('my_custom_registry', 'DATA OFFERING')"),)),
        Part("alice", 23, 40, variables={
            "my_data_id": "linked_v1", "data_offering_id": "shared_v1", "my_private_data_offering_id": "private_v1",
        }),
        Part("codes", 41, 42),
        Part("alice", 43, 51, variables={"collaboration_id": "reference"}),
        Part("alice", 52, 53, given=_REQUESTED, variables={"request_id": _PENDING}),
        Part("alice", 54, 59),
        Part("alice", 60, 60, variables={"collaboration_name": "torn"}),
        Part("alice", 61, 68, variables=_NAMED),
        Part("sixth", 69, 72, variables=_NAMED),
        Part("sixth", 73, 74),
        Part("alice", 75, 82, variables={"template_name": "counted_v1"}),
        Part("jobs", 83, 83, given=with_a_job("jobs")),
        Part("alice", 84, 94),
        Part("alice", 95, 97, given=_ADMINISTERED),
    ),
    {
        "corp_id.account_id": "LOCAL.{alice}",
        "corp2_id.account2_id": "LOCAL.{bob}",
        "corp3_id.account3_id": "LOCAL.{carol}",
        "org1.account1234": "LOCAL.{alice}",
        "request_1324f934457": _PENDING,
        "role_that_created_this_collaboration": "ACCOUNTADMIN",
        "alexander_hamilton": "ADMIN",
        "<job_id>": ENDED,
    },
    given=_given(),
    reasons={
        "'my_custom_registry',\n  $$\n  api_version: 2.0.0\n  spec_type: code_spec": "CREATE_REGISTRY knows no type "
        "for code specs (the page itself names TEMPLATE and DATA OFFERING)",
    },
    files=("train.py",),
)  # fmt: skip
