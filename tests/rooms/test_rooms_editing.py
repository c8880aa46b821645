"""EDIT: what can be changed in an existing collaboration, who has to approve it, and what becomes of each operation.

Source: user-guide/cleanrooms/collaboration-api-reference, EDIT ("Supported changes", "Usage notes") and
VIEW_UPDATE_REQUESTS ("Details column contents").
"""

from __future__ import annotations

import json
from typing import Any

import pytest
from rooms_world import COLLABORATION, OFFERING, SQL_TEMPLATE, World
from test_rooms_runs import JOB, VIEW, approved, give, refused, run  # noqa: F401 (a fixture)

from cleanroom_ml.engine.contracts.job import JobState
from cleanroom_ml.engine.rooms import joining, requests_store

pytestmark = pytest.mark.sandbox

# `lookalike` with a late joiner; {runner} and {more} are what it is in it.
LATE = """
api_version: 2.0.0
spec_type: collaboration
name: lookalike
owner: pub
collaborator_identifier_aliases: {{pub: LOCAL.PUBLISHER, adv: LOCAL.ADVERTISER, late: LOCAL.STRANGER}}
analysis_runners:
  adv:
    data_providers:
      pub: {{data_offerings: [{{id: sales_v1}}]}}
      adv: {{data_offerings: [{{id: redeemers_v1}}]}}
{more}
    activation_destinations: {{snowflake_collaborators: [pub]}}
{runner}
"""
RUNNER = "  late: {data_providers: {pub: {data_offerings: [{id: sales_v1}]}}, templates: [{id: t_v1}]}"
PROVIDER = "      late: {data_offerings: [{id: sales_v1}]}"
TEMPLATES = "    templates: [{id: t_v1}]"
COUNT = "SELECT COUNT(*) AS N FROM IDENTIFIER({{ source_table[0] }}) AS p"


def late(*, more: tuple[str, ...] = (), runner: str = "") -> str:
    return LATE.format(more="\n".join(more), runner=runner)


def spec_of(party: Any) -> str:
    (row,) = party.call("VIEW_COLLABORATIONS")
    return str(row["COLLABORATION_SPEC"])


def edit(party: Any, spec: str) -> None:
    party.call("EDIT", "lookalike", spec)


def request(party: Any) -> dict[str, Any]:
    return [row for row in party.call("VIEW_UPDATE_REQUESTS", "lookalike") if row["TYPE"] == "Edit Collaboration"][-1]


def operations(party: Any) -> dict[str, str]:
    return {each["operation_type"]: each["status"] for each in json.loads(request(party)["DETAILS"])["operations"]}


def approve(party: Any) -> None:
    party.call("APPROVE_UPDATE_REQUEST", "lookalike", request(party)["ID"])


def joins(world: World) -> None:
    world.stranger.call("REVIEW", "lookalike", "LOCAL.PUBLISHER")
    world.stranger.call("JOIN", "lookalike")


def test_a_late_runner_is_approved_by_those_whose_data_it_gets_and_invited(joined: World) -> None:
    """The documentation's own example: who is new reviews and joins, and does not decide on the request."""
    give(joined, COUNT)
    wanted = late(more=(TEMPLATES,), runner=RUNNER)
    edit(joined.publisher, wanted)
    row = request(joined.publisher)
    assert (row["TYPE"], row["STATUS"]) == ("Edit Collaboration", "COMPLETED"), "only the owner's data: it agrees"
    assert row["SPEC"] == wanted
    details = json.loads(row["DETAILS"])
    assert set(details) == {"operations", "requested_by"}
    assert details["requested_by"] == "pub"
    assert operations(joined.publisher) == {
        "ADD_COLLABORATOR": "COMPLETED",
        "ADD_ANALYSIS_RUNNER": "COMPLETED",
        "ADD_DATA_PROVIDER": "COMPLETED",
        "LINK_DATA_OFFERING": "COMPLETED",
        "ADD_TEMPLATE": "COMPLETED",
    }
    status = {row["COLLABORATOR_NAME"]: row["STATUS"] for row in joined.publisher.call("GET_STATUS", "lookalike")}
    assert status == {"pub": "JOINED", "adv": "JOINED", "late": "INVITED"}
    joins(joined)
    assert joined.stranger.call("RUN", "lookalike", "t_v1", [VIEW], [], {}) == [{"N": 2}]
    assert run(joined, VIEW) == [{"N": 2}], "the others go on"
    assert "late" in spec_of(joined.advertiser)


@pytest.mark.attack
def test_a_late_providers_data_is_read_by_no_template_that_it_has_not_approved(
    joined: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    give(joined, COUNT)
    joined.table("STRANGER", "CUSTOMERS", {"EMAIL_HASH": ["c" * 64], "CITY": ["Rome"]})
    joined.stranger.call("REGISTER_DATA_OFFERING", OFFERING)
    edit(joined.publisher, late(more=(PROVIDER, TEMPLATES)))
    assert request(joined.advertiser)["STATUS"] == "PENDING_MY_APPROVAL"
    approve(joined.advertiser)
    joined.stranger.call("REVIEW", "lookalike", "LOCAL.PUBLISHER")
    with monkeypatch.context() as patch:  # joined as a party that approves nothing by it
        patch.setattr(joined.rooms.requests, "approve_by_joining", lambda connection, caller, member: None)
        joined.stranger.call("JOIN", "lookalike")
    theirs = "late.sales_v1.customers"
    assert run(joined, VIEW) == [{"N": 2}]
    assert "needs the approval of LOCAL.STRANGER" in refused(
        joined.advertiser, "RUN", "lookalike", "t_v1", [theirs], [], {}
    )
    with monkeypatch.context() as patch:
        patch.setattr(requests_store, "check_providers", lambda *_: None)
        assert run(joined, theirs) == [{"N": 1}]
    (row,) = joined.stranger.call("VIEW_UPDATE_REQUESTS", "lookalike")
    assert row["STATUS"] == "PENDING_MY_APPROVAL"
    joined.stranger.call("APPROVE_UPDATE_REQUEST", "lookalike", row["ID"])
    assert run(joined, theirs) == [{"N": 1}]


@pytest.mark.slow
def test_a_late_provider_approves_by_joining_what_review_showed(joined: World) -> None:
    give(joined, COUNT)
    joined.table("STRANGER", "CUSTOMERS", {"EMAIL_HASH": ["c" * 64], "CITY": ["Rome"]})
    joined.stranger.call("REGISTER_DATA_OFFERING", OFFERING)
    edit(joined.publisher, late(more=(PROVIDER, TEMPLATES)))
    approve(joined.advertiser)
    joins(joined)
    assert run(joined, "late.sales_v1.customers") == [{"N": 1}]


@pytest.mark.attack
def test_joining_agrees_to_nothing_that_came_after_the_review(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.publisher.call("REGISTER_TEMPLATE", SQL_TEMPLATE)
    world.publisher.call("INITIALIZE", COLLABORATION, "COMPUTE_WH")
    world.advertiser.call("REVIEW", "lookalike", "LOCAL.PUBLISHER")
    declared = COLLABORATION.replace("    activation_dest", "    templates: [{id: count_v1}]\n    activation_dest")
    edit(world.publisher, declared)
    assert "edited since you have reviewed it" in refused(world.advertiser, "JOIN", "lookalike")
    (row,) = world.advertiser.call("REVIEW", "lookalike", "LOCAL.PUBLISHER")
    assert "count_v1" in row["COLLABORATION_SPEC"]
    edit(world.publisher, COLLABORATION)
    edit(world.publisher, declared)
    with monkeypatch.context() as patch:
        patch.setattr(joining, "_check_seen", lambda connection, member: None)
        world.advertiser.call("JOIN", "lookalike")
    assert [row["TEMPLATE_ID"] for row in world.advertiser.call("VIEW_TEMPLATES", "lookalike")] == ["count_v1"]


@pytest.mark.attack
def test_code_is_not_approved_by_a_list_of_ids(approved: World) -> None:  # noqa: F811
    """Who has approved this code before approves it for another runner with the edit; who has not is asked."""
    wanted = late(
        more=("    templates: [{id: train_v1}]",), runner=RUNNER.replace("t_v1", "train_v1").replace("pub:", "adv:", 1)
    ).replace(
        "late: {data_providers: {adv: {data_offerings: [{id: sales_v1}]}}",
        "late: {data_providers: {adv: {data_offerings: [{id: redeemers_v1}]}}",
    )
    edit(approved.publisher, wanted)
    approve(approved.advertiser)
    assert operations(approved.publisher)["ADD_TEMPLATE"] == "COMPLETED"
    joins(approved)
    assert approved.stranger.call("VIEW_TEMPLATES", "lookalike") == []
    (row,) = approved.stranger.call("VIEW_UPDATE_REQUESTS", "lookalike")
    assert row["STATUS"] == "PENDING_MY_APPROVAL"
    approved.stranger.call("APPROVE_UPDATE_REQUEST", "lookalike", row["ID"])
    assert [each["TEMPLATE_ID"] for each in approved.stranger.call("VIEW_TEMPLATES", "lookalike")] == ["train_v1"]


@pytest.mark.slow
def test_one_rejection_ends_the_whole_edit(joined: World) -> None:
    before = spec_of(joined.publisher)
    edit(joined.publisher, late(more=(PROVIDER,)))
    joined.advertiser.call("REJECT_UPDATE_REQUEST", "lookalike", request(joined.advertiser)["ID"], "no")
    assert request(joined.publisher)["STATUS"] == "REJECTED"
    assert spec_of(joined.publisher) == before
    assert joined.stranger.call("VIEW_COLLABORATIONS") == []


def test_removing_a_collaborator_takes_all_from_it_at_once(approved: World) -> None:  # noqa: F811
    job_id = str(approved.advertiser.value("RUN", "lookalike", *JOB))
    edit(
        approved.publisher,
        late(more=("    templates: [{id: train_v1}]",), runner="  late: {data_providers: {pub: {data_offerings: []}}}"),
    )
    joins(approved)
    without = """
api_version: 2.0.0
spec_type: collaboration
name: lookalike
owner: pub
collaborator_identifier_aliases: {pub: LOCAL.PUBLISHER, late: LOCAL.STRANGER}
analysis_runners: {late: {data_providers: {pub: {data_offerings: []}}}}
"""
    edit(approved.publisher, without)
    assert request(approved.advertiser)["STATUS"] == "PENDING_MY_APPROVAL", "it is affected"
    approve(approved.advertiser)
    assert operations(approved.publisher) == {"REMOVE_COLLABORATOR": "COMPLETED"}
    assert approved.jobs.states[job_id] is JobState.CANCELLED
    (row,) = approved.advertiser.call("GET_STATUS", "lookalike")
    assert row["STATUS"] == "LOCAL_DROP_PENDING"
    assert "InvalidCollaborationStatusError" in refused(approved.advertiser, "RUN", "lookalike", *JOB)
    assert "adv" not in spec_of(approved.publisher)
    approved.advertiser.call("LEAVE", "lookalike")
    back = without.replace("late: LOCAL.STRANGER}", "late: LOCAL.STRANGER, again: LOCAL.ADVERTISER}")
    back = back.replace("{late: {data_prov", "{again: {data_providers: {pub: {data_offerings: []}}}, late: {data_prov")
    assert "LOCAL.ADVERTISER was in the collaboration and cannot rejoin it" in refused(
        approved.publisher, "EDIT", "lookalike", back
    )


def test_templates_and_data_come_and_go(joined: World) -> None:
    give(joined, COUNT)
    as_it_is = spec_of(joined.publisher)
    less = (
        as_it_is.replace("      - id: t_v1\n", "")
        .replace("    templates:\n", "")
        .replace("          - id: sales_v1\n", "")
        .replace("pub:\n        data_offerings:\n", "pub:\n        data_offerings: []\n")
    )
    edit(joined.publisher, less)
    approve(joined.advertiser)
    assert operations(joined.publisher) == {"REMOVE_TEMPLATE": "COMPLETED", "UNLINK_DATA_OFFERING": "COMPLETED"}
    assert joined.advertiser.call("VIEW_TEMPLATES", "lookalike") == []
    assert "TemplateNotApproved" in refused(joined.advertiser, "RUN", "lookalike", "t_v1", [VIEW], [], {})
    joined.publisher.call("UNREGISTER_DATA_OFFERING", "sales_v1")
    joined.publisher.call("REGISTER_DATA_OFFERING", OFFERING)
    edit(joined.publisher, as_it_is)
    approve(joined.advertiser)
    assert run(joined, VIEW) == [{"N": 2}]
    assert spec_of(joined.publisher) == as_it_is


def test_what_cannot_be_applied_any_more_is_told_by_operation(joined: World) -> None:
    """A request is FAILED too where only some of its operations could be applied."""
    give(joined, COUNT)
    edit(joined.publisher, late(more=(PROVIDER, TEMPLATES), runner=RUNNER))
    with joined.storage.database.transaction() as connection:
        connection.execute("DELETE FROM room_links WHERE offering_key = 'SALES_V1'")
        connection.execute("DELETE FROM room_resources WHERE id_key = 'SALES_V1'")
    approve(joined.advertiser)
    assert request(joined.publisher)["STATUS"] == "FAILED"
    told = json.loads(request(joined.publisher)["DETAILS"])
    failed = [each for each in told["operations"] if each["status"] == "FAILED"]
    assert [(each["operation_type"], each["share_with"]) for each in failed] == [("LINK_DATA_OFFERING", "late")]
    assert "has not linked" in failed[0]["failure_reason"]
    assert told["failure_reason"]
    assert "late" in spec_of(joined.publisher), "what could be applied is"


REFUSED = [
    (("name: lookalike", "name: other"), "name cannot be changed"),
    (("name: lookalike", "name: lookalike\ndescription: x"), "description cannot be changed"),
    (("owner: pub", "owner: adv"), "owner cannot be changed"),
    (("[pub]", "[pub, adv]"), "activation_destinations cannot be changed"),
    (("adv: LOCAL.ADVERTISER", "adv: LOCAL.STRANGER"), "neither be renamed nor mapped"),
    ((", adv: LOCAL.ADVERTISER", ", adv: LOCAL.ADVERTISER, x: LOCAL.STRANGER"), "have no role: x"),
    ((", adv: LOCAL.ADVERTISER", ", adv: LOCAL.NOBODY"), "neither be renamed nor mapped"),
    (
        ("    activation_dest", "    templates: [{id: nothing_v1}]\n    activation_dest"),
        "Templates 'nothing_v1' do not",
    ),
    (("adv: {data_offerings: []}", "adv: {data_offerings: [{id: other_v1}]}"), "has not linked a data offering"),
    (("", ""), "identical to the current one"),
]


def test_what_cannot_be_changed_is_refused_by_name(world: World) -> None:
    world.publisher.call("INITIALIZE", COLLABORATION, "COMPUTE_WH")
    for (old, new), why in REFUSED:
        said = refused(
            world.publisher, "EDIT", "lookalike", COLLABORATION.replace(old, new, 1) if old else COLLABORATION
        )
        assert said.startswith("SpecValidationError: "), why
        assert why in said
    assert world.publisher.call("VIEW_UPDATE_REQUESTS", "lookalike") == []


def test_distribution_is_set_once(world: World) -> None:
    world.publisher.call("INITIALIZE", COLLABORATION, "COMPUTE_WH")
    external = COLLABORATION + "distribution: external\n"
    edit(world.publisher, external)
    assert "distribution: external" in spec_of(world.publisher)
    assert "distribution cannot be removed" in refused(world.publisher, "EDIT", "lookalike", COLLABORATION)


def test_only_the_owner_who_has_joined_edits_and_one_edit_at_a_time(joined: World) -> None:
    spec = late(more=(PROVIDER,))
    assert "PermissionDeniedException" in refused(joined.advertiser, "EDIT", "lookalike", spec)
    real, none = refused(joined.stranger, "EDIT", "lookalike", spec), refused(joined.stranger, "EDIT", "nowhere", spec)
    assert real.replace("lookalike", "?") == none.replace("nowhere", "?")
    edit(joined.publisher, spec)
    assert "another edit" in refused(joined.publisher, "EDIT", "lookalike", spec)


def test_a_killed_engine_applies_what_was_approved(joined: World, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(joined.rooms.requests, "finish_approved", lambda: None)
        edit(joined.publisher, late(runner=RUNNER.replace(", templates: [{id: t_v1}]", "")))
    assert request(joined.publisher)["STATUS"] == "APPROVED"
    joined.rooms.recover()
    assert request(joined.publisher)["STATUS"] == "COMPLETED"
    joins(joined)
