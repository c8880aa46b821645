"""Making, reviewing and joining collaborations; who sees them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from rooms_world import CODE_SPEC, COLLABORATION, JOB_TEMPLATE, OFFERING, SQL_TEMPLATE, World

from cleanroom_ml.engine.load.cancellation import Cancellation
from cleanroom_ml.engine.rooms.access import INTERNAL_SCHEMA
from cleanroom_ml.engine.rooms.statuses import Statuses
from cleanroom_ml.engine.sql.errors import SqlError

pytestmark = pytest.mark.sandbox


def refused(party: Any, name: str, *args: Any) -> str:
    with pytest.raises(SqlError) as caught:
        party.call(name, *args)
    return caught.value.message


def statuses(party: Any) -> dict[str, str]:
    return {row["COLLABORATOR_NAME"]: row["STATUS"] for row in party.call("GET_STATUS", "lookalike")}


def test_the_owner_joins_at_once_or_later(world: World) -> None:
    (row,) = world.publisher.call("INITIALIZE", COLLABORATION)
    assert row["COLLABORATION_NAME"] == "lookalike"
    assert row["AUTO_JOIN_TASK"] is None
    assert statuses(world.publisher) == {"pub": "CREATED", "adv": "INVITED"}
    (row,) = world.publisher.call("VIEW_COLLABORATIONS")
    assert row["COLLABORATION_NAME"] is None, "NULL until it is installed by calling JOIN"
    assert world.advertiser.call("VIEW_COLLABORATIONS") == [], "invisible until its owner has joined"
    world.publisher.call("JOIN", "lookalike")
    assert statuses(world.publisher)["pub"] == "JOINED"
    (row,) = world.advertiser.call("VIEW_COLLABORATIONS")
    assert (row["SOURCE_NAME"], row["COLLABORATION_NAME"], row["OWNER_ACCOUNT"]) == (
        "lookalike",
        None,
        "LOCAL.PUBLISHER",
    )


def test_reviewing_installs_the_application_under_the_chosen_name(world: World) -> None:
    world.publisher.call("INITIALIZE", COLLABORATION, "COMPUTE_WH")
    (row,) = world.advertiser.call("REVIEW", "lookalike", "local.publisher", "mine")
    assert row["COLLABORATION_NAME"] == "mine"
    assert "analysis_runners" in row["COLLABORATION_SPEC"]
    assert world.storage.namespaces.database_kind("ADVERTISER", "SFDCR_MINE") == "application"
    assert world.storage.namespaces.schema_exists("ADVERTISER", "SFDCR_MINE", INTERNAL_SCHEMA)
    world.advertiser.call("JOIN", "mine")
    described = dict(world.rooms.describe_application(world.advertiser.session, "SFDCR_MINE").rows)
    assert described["upgrade_state"] == "COMPLETE"
    with pytest.raises(SqlError, match="does not exist or not authorized"):
        world.rooms.describe_application(world.stranger.session, "SFDCR_MINE")


@pytest.mark.parametrize(
    "call", [("JOIN", "lookalike"), ("VIEW_TEMPLATES", "lookalike"), ("GET_CONFIGURATION", "lookalike")]
)
def test_nothing_before_its_time(world: World, call: tuple[str, ...]) -> None:
    world.publisher.call("INITIALIZE", COLLABORATION, "COMPUTE_WH")
    assert "InvalidCollaborationStatusError" in refused(world.advertiser, *call)


def test_joining_twice_and_reviewing_afterwards_are_refused(joined: World) -> None:
    """collaboration-api-reference, REVIEW: not for owners, and not again once it is joined."""
    again = refused(joined.advertiser, "JOIN", "lookalike")
    assert "InvalidCollaborationStatusError" in again
    assert again.endswith("Current status: JOINED.")
    assert "CollaborationAlreadyReviewed" in refused(joined.advertiser, "REVIEW", "lookalike", "LOCAL.PUBLISHER")
    assert (
        refused(joined.publisher, "REVIEW", "lookalike", "LOCAL.PUBLISHER")
        == "CollaborationInvitationNotFound: Pending invitation for collaboration: lookalike not found"
    )


def test_reviewing_is_repeated_until_it_is_joined_and_under_one_name(world: World) -> None:
    world.publisher.call("INITIALIZE", COLLABORATION, "COMPUTE_WH")
    first = world.advertiser.call("REVIEW", "lookalike", "LOCAL.PUBLISHER", "mine")
    assert world.advertiser.call("REVIEW", "lookalike", "LOCAL.PUBLISHER", "mine") == first
    assert world.advertiser.call("REVIEW", "lookalike", "LOCAL.PUBLISHER") == first, "the name that it has here"
    other = refused(world.advertiser, "REVIEW", "lookalike", "LOCAL.PUBLISHER", "other")
    assert "CollaborationAlreadyReviewed" in other
    assert "'mine'" in other
    assert "CollaborationInvitationNotFound" in refused(world.stranger, "REVIEW", "lookalike", "LOCAL.PUBLISHER")


def test_a_name_is_taken_once(joined: World) -> None:
    assert "CollaborationAlreadyExistsException" in refused(joined.publisher, "INITIALIZE", COLLABORATION)


def test_everybody_who_is_declared_has_a_role(world: World) -> None:
    """The text is the service's, as it was seen (docs/api-digest.md §9)."""
    idle = COLLABORATION.replace("adv: LOCAL.ADVERTISER", "adv: LOCAL.ADVERTISER, x: LOCAL.STRANGER")
    assert refused(world.publisher, "INITIALIZE", idle) == (
        "SpecValidationError: The following collaborators are declared in collaborator_identifier_aliases "
        "but have no role: x"
    )


def test_only_ones_own_account_can_own(world: World) -> None:
    assert "is not your account" in refused(world.stranger, "INITIALIZE", COLLABORATION)
    assert "no account of this engine" in refused(
        world.publisher, "INITIALIZE", COLLABORATION.replace("ADVERTISER", "NOBODY")
    )


@pytest.mark.attack
@pytest.mark.parametrize(
    "call",
    [
        ("GET_STATUS",),
        ("JOIN",),
        ("VIEW_DATA_OFFERINGS",),
        ("VIEW_TEMPLATES",),
        ("VIEW_CODE_SPECS",),
        ("VIEW_UPDATE_REQUESTS",),
        ("VIEW_ACTIVATIONS",),
        ("VIEW_ACTIVITY_HISTORY",),
        ("GET_CONFIGURATION",),
        ("PROCESS_ACTIVATION",),
        ("ADD_TEMPLATE_REQUEST", "x_v1", ["adv"]),
        ("REMOVE_TEMPLATE", "x_v1", ["adv"]),
        ("LINK_DATA_OFFERING", "sales_v1", ["adv"]),
        ("UNLINK_DATA_OFFERING", "sales_v1", ["adv"]),
        ("SET_CONFIGURATION", "ALLOW_ML_JOBS_MONITORING", "false"),
        ("RUN", "train_v1", [], [], {}),
    ],
    ids=lambda call: call[0],
)
def test_a_stranger_cannot_tell_it_from_what_does_not_exist(joined: World, call: tuple[Any, ...]) -> None:
    if call[0] == "ADD_TEMPLATE_REQUEST":
        joined.stranger.call("REGISTER_TEMPLATE", SQL_TEMPLATE.replace("name: count", "name: x"))
    real = refused(joined.stranger, call[0], "lookalike", *call[1:])
    none = refused(joined.stranger, call[0], "nowhere", *call[1:])
    assert real.replace("lookalike", "?") == none.replace("nowhere", "?")
    assert "CollaborationNotFoundException" in real


def test_a_database_in_the_way_fails_the_installation_and_can_be_repeated(world: World) -> None:
    world.publisher.call("INITIALIZE", COLLABORATION, "COMPUTE_WH")
    world.storage.namespaces.create_database("ADVERTISER", "SFDCR_LOOKALIKE")
    assert "SFDCR_LOOKALIKE" in refused(world.advertiser, "REVIEW", "lookalike", "LOCAL.PUBLISHER")
    assert statuses(world.publisher)["adv"] == "INSTALLATION_FAILED"
    assert [row["DETAILS"] for row in world.publisher.call("GET_STATUS", "lookalike")] == ["", ""], (
        "not others' business"
    )
    world.storage.namespaces.drop_database("ADVERTISER", "SFDCR_LOOKALIKE")
    world.advertiser.call("REVIEW", "lookalike", "LOCAL.PUBLISHER")
    assert statuses(world.publisher)["adv"] == "IN_REVIEW"


def test_declared_offerings_must_be_registered_to_join(world: World) -> None:
    world.table("PUBLISHER", "CUSTOMERS", {"EMAIL_HASH": ["a" * 64], "CITY": ["Oslo"]})
    declared = COLLABORATION.replace("pub: {data_offerings: []}", "pub: {data_offerings: [{id: sales_v1}]}")
    (answer,) = world.publisher.call("INITIALIZE", declared, "COMPUTE_WH")
    assert answer["AUTO_JOIN_TASK"], "joining comes after creating: what becomes of it tells GET_STATUS"
    assert statuses(world.publisher)["pub"] == "CREATED"
    own = next(row for row in world.publisher.call("GET_STATUS", "lookalike") if row["COLLABORATOR_NAME"] == "pub")
    failed = json.loads(own["DETAILS"])["auto_join"]
    assert (failed["enabled"], failed["phase"]) == (False, "failed")
    assert "DataProviderWithoutDataOffering" in failed["failure_summary"]
    assert "DataProviderWithoutDataOffering" in refused(world.publisher, "JOIN", "lookalike")
    assert statuses(world.publisher)["pub"] == "JOIN_FAILED"
    world.publisher.call("REGISTER_DATA_OFFERING", OFFERING)
    world.publisher.call("JOIN", "lookalike")
    world.advertiser.call("REVIEW", "lookalike", "LOCAL.PUBLISHER")
    (row,) = world.advertiser.call("VIEW_DATA_OFFERINGS", "lookalike")
    assert row["TEMPLATE_VIEW_NAME"] == "pub.sales_v1.customers"


def test_declared_templates_are_approved_by_joining(world: World) -> None:
    world.publisher.call("REGISTER_TEMPLATE", SQL_TEMPLATE)
    declared = COLLABORATION.replace("    activation_dest", "    templates: [{id: count_v1}]\n    activation_dest")
    world.publisher.call("INITIALIZE", declared, "COMPUTE_WH")
    (row,) = world.advertiser.call("REVIEW", "lookalike", "LOCAL.PUBLISHER")
    assert "count_v1" in row["COLLABORATION_SPEC"], "what joining approves is shown before"
    assert world.advertiser.call("VIEW_TEMPLATES", "lookalike") == []
    world.advertiser.call("JOIN", "lookalike")
    assert [row["TEMPLATE_ID"] for row in world.advertiser.call("VIEW_TEMPLATES", "lookalike")] == ["count_v1"]
    (row,) = world.advertiser.call("VIEW_COLLABORATIONS")
    assert "count_v1" in row["COLLABORATION_SPEC"]


@pytest.mark.parametrize(
    ("status", "after"), [("INSTALLING", "INSTALLATION_FAILED"), ("JOINING", "JOIN_FAILED"), ("JOINED", "JOINED")]
)
def test_a_killed_engine_leaves_what_can_be_called_again(joined: World, status: str, after: str) -> None:
    with joined.storage.database.transaction() as connection:
        connection.execute("UPDATE room_members SET status = ? WHERE account = 'ADVERTISER'", (status,))
    joined.rooms.recover()
    assert statuses(joined.publisher)["adv"] == after
    if after == "INSTALLATION_FAILED":
        joined.advertiser.call("REVIEW", "lookalike", "LOCAL.PUBLISHER")
    if after != "JOINED":
        joined.advertiser.call("JOIN", "lookalike")
    assert statuses(joined.publisher)["adv"] == "JOINED"


def test_only_the_owner_changes_monitoring(joined: World) -> None:
    change = ("SET_CONFIGURATION", "lookalike", "ALLOW_ML_JOBS_MONITORING", "false")
    assert "PermissionDeniedException" in refused(joined.advertiser, *change)
    joined.publisher.call(*change)
    values = {row["CONFIGURATION"]: row["VALUE"] for row in joined.advertiser.call("GET_CONFIGURATION", "lookalike")}
    assert values["ALLOW_ML_JOBS_MONITORING"] == "false"


@pytest.mark.parametrize(
    ("name", "code"),
    [
        (("SAMOOHA_BY_SNOWFLAKE_LOCAL_DB", "COLLABORATION", "DROP_EVERYTHING"), "Unknown function"),
        (("OTHER", "COLLABORATION", "RUN"), "Unknown function"),
        (("RUN",), "Unknown function"),
        (("SAMOOHA_BY_SNOWFLAKE_LOCAL_DB", "COLLABORATION", "JOIN"), "takes 1 arguments"),
    ],
)
def test_other_procedures_say_what_they_are(world: World, name: tuple[str, ...], code: str) -> None:
    with pytest.raises(SqlError, match=code):
        world.publisher.procedures.call(world.publisher.session, name, (), query_id="q")


def test_declared_templates_with_code_are_not_approved_by_joining(world: World) -> None:
    world.stage("PUBLISHER", {"model/train.py": "print(1)\n"})
    world.publisher.call("REGISTER_CODE_SPEC", CODE_SPEC)
    world.publisher.call("REGISTER_TEMPLATE", JOB_TEMPLATE)
    declared = COLLABORATION.replace("    activation_dest", "    templates: [{id: train_v1}]\n    activation_dest")
    world.publisher.call("INITIALIZE", declared, "COMPUTE_WH")
    world.advertiser.call("REVIEW", "lookalike", "LOCAL.PUBLISHER")
    world.advertiser.call("JOIN", "lookalike")
    (request,) = world.advertiser.call("VIEW_UPDATE_REQUESTS", "lookalike")
    assert request["STATUS"] == "PENDING_MY_APPROVAL"
    world.advertiser.call("APPROVE_UPDATE_REQUEST", "lookalike", request["ID"])
    assert [row["TEMPLATE_ID"] for row in world.advertiser.call("VIEW_TEMPLATES", "lookalike")] == ["train_v1"]


def test_joining_that_was_cancelled_can_be_tried_again(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """It failed, and says so: nothing of a cancelled statement is left half done."""
    world.publisher.call("INITIALIZE", COLLABORATION, "COMPUTE_WH")
    world.advertiser.call("REVIEW", "lookalike", "LOCAL.PUBLISHER")
    move, token = Statuses.move, Cancellation()

    def moved(statuses: Statuses, uid: str, account: str, wanted: str, details: str = "") -> None:
        move(statuses, uid, account, wanted, details)
        if wanted == "JOINING":
            token.cancel(SqlError.cancelled())

    with monkeypatch.context() as patch, token.entered():
        patch.setattr(Statuses, "move", moved)
        with pytest.raises(SqlError, match="canceled"):
            world.advertiser.call("JOIN", "lookalike")
    world.advertiser.call("JOIN", "lookalike")
    assert world.advertiser.call("GET_STATUS", "lookalike")
