"""Which pages are run, who runs which part of them, and what is put in the place of their placeholders: in our words.

A page takes things as given (a table, a user, a collaboration that somebody has made): `given` makes them.
Nothing of a page is kept here but the names it uses.
"""

from __future__ import annotations

from pages_accounts import OF_ACCOUNTS
from pages_jobs import OF_JOBS
from pages_page import API, CLEANROOMS, Found, Page, Part
from pages_reference import REFERENCE
from pages_rooms import LENT, OF_ROOMS
from pages_worksheets import FIELD_WORKSHEETS

_SAMPLE_VIEWS = {
    "<alice_data_offering_view_name>": "alice.alice_customer_data_v1.customer_list",
    "<bob_data_offering_view_name>": "bob.bob_customer_data_v1.my_customer_list",
}
_TUTORIAL = Page(
    f"{CLEANROOMS}/tutorials/collaboration-basic-api-tutorial.md",
    ("alice", "bob"),
    (
        *(Part("alice", 0, 7), Part("bob", 8, 15), Part("alice", 16, 17), Part("bob", 18, 18)),
        *(Part("alice", 19, 19), Part("bob", 20, 20)),
    ),
    {
        "<alice_data_offering_id>": "alice_customer_data_v1",
        "<bob_data_offering_id>": "bob_customer_data_v1",
        "<alice_only_template_id>": "alice_only_template_v1",
        "<bob_shared_template_id>": "bob_shared_template_v1",
        "<bob_shared_template>": "bob_shared_template_v1",
        "<collaboration_name>": "api_tutorial_collaboration",
        "<alice_account_data_sharing_id>": "LOCAL.{alice}",
        "<bob_account_data_sharing_id>": "LOCAL.{bob}",
        **_SAMPLE_VIEWS,
    },
)
_EXAMPLES = Page(
    f"{CLEANROOMS}/demo-flows/basic-multiparty-collab.md",
    ("alice", "bob", "me", "advertiser", "publisher", "partner"),
    (
        *(Part("alice", 0, 0), Part("alice", 1, 1), Part("partner", 2, 2, variables={"collaboration_name": "lent"})),
        *(Part("alice", 3, 3, 0), Part("bob", 4, 4, 0), Part("alice", 3, 3, 1), Part("bob", 4, 4, 1)),
        *(Part("alice", 3, 3, 2), Part("bob", 4, 4, 2), Part("alice", 3, 3, 3), Part("bob", 4, 4, 3)),
        *(Part("alice", 3, 3, 4), Part("me", 5, 5, values={"<collaboration_name>": "single_user_demo"})),
    ),
    {
        "<alice data offering name>": "alice_data",
        "<version_number>": "v1",
        "<data_offering_id>": "alice_data_v1",
        "<alice data offering ID>": "alice_data_v1",
        "<alice_only_template_id>": "alice_only_template_v1",
        "<alice only template ID>": "alice_only_template_v1",
        "<alice_only_template>": "alice_only_template_v1",
        "<my account data sharing ID>": "LOCAL.{alice}",
        "<bob account data sharing ID>": "LOCAL.{bob}",
        "<collaboration_name>": "my_first_collaboration_1_0",
        "<collaboration name>": "my_first_collaboration_1_0",
        "<collaborator_id>": "LOCAL.{alice}",
        "<template ID>": "both_use_template_2026_01_12_V1",
        "<template_id>": "auto_approve_template_V1",
        "<both_use_template>": "both_use_template_2026_01_12_V1",
        "<bob data offering ID>": "bob_data_v3",
        "<data offering id>": "bob_data_v3",
        "<optional description of the analysis>": "What the two have in common",
        "<alice_data_offering_view_name>": "alice.alice_data_v1.customer_list",
        "<bob_data_offering_view_name>": "bob.bob_data_v3.my_customer_list",
        "<my_data_offering_view_name>": "bob.bob_data_v3.my_customer_list",
        "<request_ID>": Found(
            f"CALL {API}.COLLABORATION.VIEW_UPDATE_REQUESTS('my_first_collaboration_1_0')",
            "ID",
            {"STATUS": "PENDING_MY_APPROVAL"},
        ),
        "<account_data_sharing_id>": "LOCAL.{me}",
        "<data_offering_1_id>": "customers_1_V1",
        "<data_offering_2_id>": "customers_2_V1",
        "<age_band_template_id>": "age_band_count_V1",
        "<status_template_id>": "status_count_V1",
        "<age_band_count_template_name_and_version>": "age_band_count_V1",
        "<status_count_template_name_and_version>": "status_count_V1",
        "<data_offering_view_1>": "me.customers_1_V1.customers_1",
        "<data_offering_view_2>": "me.customers_2_V1.customers_2",
    },
    given=LENT,
    cuts=(r"-- Multi-step cleanup",),
    refusals={"template: '<alice_only_template>'": "alice_only_template_v1"},
    reasons={
        "data_offerings: [] -- alice has not": "its YAML has comments of SQL in it, and so is none",
        "-- The template defines": "its YAML has comments of SQL in it, and so is none",
        **dict.fromkeys(
            ("GET_STATUS($coll", "VIEW_DATA_OFFERINGS($coll", "VIEW_TEMPLATES($coll"),
            "follows from the INITIALIZE above, whose YAML has comments of SQL in it",
        ),
    },
)
_FREE_FORM = Page(
    f"{CLEANROOMS}/free-form-sql.md",
    ("provider", "consumer"),
    (
        *(Part("provider", 3, 3, 0), Part("consumer", 4, 4, 0), Part("provider", 0, 0), Part("consumer", 1, 2)),
        Part("provider", 3, 3, 1),
    ),
    {
        "<data_offering_id>": "provider_customers_V1",
        "<template_id>": "status_summary_V1",
        "<provider_account_data_sharing_id>": "LOCAL.{provider}",
        "<consumer_account_data_sharing_id>": "LOCAL.{consumer}",
        "<provider_data_sharing_id>": "LOCAL.{provider}",
        "<status_summary_template_name_and_version>": "status_summary_V1",
        "<template_view_name>": "data_provider.provider_customers_V1.customers",
        "<freeform_view_name>": "SFDCR_FREEFORM_SQL_DEMO.FREEFORM_SQL.DATA_PROVIDER_PROVIDER_CUSTOMERS_V1_CUSTOMERS",
    },
    refusals={
        "SELECT hashed_email_b64_encoded, status, age_band": "Aggregation policy violation",
        "SELECT region_code, COUNT(*)": "invalid identifier 'REGION_CODE'",
    },
)
_WITH_DOWNLOADS = (
    ("collab-multi-party-insights.md", "four worksheets"),
    ("collab-inventory-forecasting.md", "two worksheets and a generator of sample data"),
    ("demo-flows/basic-flow-overlap.md", "a notebook of the first API"),
    ("resources-templates.md", ""),
    ("spec-template.md", ""),
)
PAGES: tuple[Page, ...] = (
    _TUTORIAL,
    _EXAMPLES,
    *OF_JOBS,
    *OF_ROOMS,
    *OF_ACCOUNTS,
    REFERENCE,
    FIELD_WORKSHEETS,
    _FREE_FORM,
    *(Page(f"{CLEANROOMS}/{path}", downloads=what) for path, what in _WITH_DOWNLOADS),
)
