"""Update requests as the API reference documents them (collaboration-api-reference, "Update request procedures",
ADD_TEMPLATE_REQUEST, REMOVE_TEMPLATE, LINK_DATA_OFFERING), and the engine's own answers beside them.
"""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from rooms_world import CODE_SPEC, JOB_TEMPLATE, OFFERING, SQL_TEMPLATE, World, request_id, told

from cleanroom_ml.engine.assembly.procedures import OWN_PROCEDURES, PROCEDURES
from cleanroom_ml.engine.rooms import access, requests_store, template_removal
from cleanroom_ml.engine.rooms.role_checks import RoleChecks
from cleanroom_ml.engine.rooms.schema import SCHEMA
from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.storage.database import Database, Schema

pytestmark = pytest.mark.sandbox

COLUMNS = ["ID", "TYPE", "STATUS", "APPROVAL_LOG", "DETAILS", "SPEC", "UPDATED_ON"]
STATUSES = {
    "REQUESTED", "PENDING_MY_APPROVAL", "PENDING_PARTNER_APPROVAL", "REJECTED", "APPROVED", "COMPLETED", "FAILED",
}  # fmt: skip
# "Details column contents": `failure_reason` only when the status is FAILED, `code_specs` only where there are any.
DETAILS = {
    "Add Template": {"template_id", "share_with", "requested_by"},
    "Remove Template": {"template_id", "remove_for", "requested_by"},
    "Link Data Offering": {"data_offering_id", "share_with", "requested_by"},
    "Unlink Data Offering": {"data_offering_id", "remove_for", "requested_by"},
}
# The publisher owns and provides to both runners; the advertiser and the agency run, each also on its own data.
TWO_RUNNERS = """
api_version: 2.0.0
spec_type: collaboration
name: lookalike
owner: pub
collaborator_identifier_aliases: {pub: LOCAL.PUBLISHER, adv: LOCAL.ADVERTISER, agency: LOCAL.STRANGER}
analysis_runners:
  adv: {data_providers: {pub: {data_offerings: []}}}
  agency: {data_providers: {pub: {data_offerings: []}, adv: {data_offerings: []}}}
"""
RUN = ("RUN", "lookalike", "count_v1", ["pub.sales_v1.customers"], [], {"col": "city", "city": "Oslo"})


def refused(party: Any, name: str, *args: Any) -> str:
    with pytest.raises(SqlError) as caught:
        party.call(name, *args)
    return caught.value.message


def seen(party: Any) -> dict[str, dict[str, Any]]:
    """The newest request of each type."""
    return {row["TYPE"]: row for row in party.call("VIEW_UPDATE_REQUESTS", "lookalike")}


@pytest.fixture
def two(world: World) -> World:
    """Three joined collaborators, two of them runners, with the publisher's table linked to both."""
    world.table("PUBLISHER", "CUSTOMERS", {"EMAIL_HASH": ["a" * 64], "CITY": ["Oslo"], "SECRET": ["s"]})
    world.publisher.call("REGISTER_DATA_OFFERING", OFFERING)
    world.publisher.call("REGISTER_TEMPLATE", SQL_TEMPLATE)
    world.publisher.call("INITIALIZE", TWO_RUNNERS, "COMPUTE_WH")
    for party in (world.advertiser, world.stranger):
        party.call("REVIEW", "lookalike", "LOCAL.PUBLISHER")
        party.call("JOIN", "lookalike")
    world.publisher.call("LINK_DATA_OFFERING", "lookalike", "sales_v1", ["adv", "agency"])
    return world


@pytest.fixture
def shared(two: World) -> World:
    """`count_v1` is approved for both runners, by one request."""
    two.publisher.call("ADD_TEMPLATE_REQUEST", "lookalike", "count_v1", ["adv", "agency"])
    for party in (two.advertiser, two.stranger):
        party.call("APPROVE_UPDATE_REQUEST", "lookalike", request_id(party))
    return two


def test_every_answer_has_the_documented_columns_and_keys_and_no_other(shared: World) -> None:
    shared.publisher.call("REMOVE_TEMPLATE", "lookalike", "count_v1", ["agency"])
    shared.publisher.call("UNLINK_DATA_OFFERING", "lookalike", "sales_v1", ["agency"])
    rows = shared.publisher.call("VIEW_UPDATE_REQUESTS", "lookalike")
    assert {row["TYPE"] for row in rows} == DETAILS.keys()
    for row in rows:
        assert list(row) == COLUMNS
        assert row["STATUS"] in STATUSES
        assert json.loads(row["DETAILS"]).keys() == DETAILS[row["TYPE"]]
        assert json.loads(row["DETAILS"])["requested_by"] == "pub"
    found = {row["TYPE"]: row for row in rows}
    assert found["Add Template"]["SPEC"] == found["Remove Template"]["SPEC"] == SQL_TEMPLATE
    assert found["Link Data Offering"]["SPEC"] == found["Unlink Data Offering"]["SPEC"] == OFFERING


def test_code_specs_are_among_the_details_where_there_are_any(submitted: World) -> None:
    row = seen(submitted.advertiser)["Add Template"]
    assert json.loads(row["DETAILS"]) == {
        "template_id": "train_v1",
        "share_with": ["adv"],
        "code_specs": ["model_v1"],
        "requested_by": "pub",
    }
    assert row["SPEC"] == JOB_TEMPLATE


def test_a_failure_is_told_in_the_details(submitted: World) -> None:
    with submitted.storage.database.transaction() as connection:
        requests_store.move(connection, request_id(submitted.advertiser), "FAILED", 1, failure="no room")
    row = seen(submitted.advertiser)["Add Template"]
    assert row["STATUS"] == "FAILED"
    assert json.loads(row["DETAILS"])["failure_reason"] == "no room"


def test_what_is_declared_in_the_spec_shows_nothing_of_ours(world: World) -> None:
    world.publisher.call("REGISTER_TEMPLATE", SQL_TEMPLATE)
    declared = TWO_RUNNERS.replace(
        "{pub: {data_offerings: []}}}\n  agency", "{pub: {data_offerings: []}}, templates: [{id: count_v1}]}\n  agency"
    )
    world.publisher.call("INITIALIZE", declared, "COMPUTE_WH")
    (row,) = world.publisher.call("VIEW_UPDATE_REQUESTS", "lookalike")
    assert json.loads(row["DETAILS"]).keys() == DETAILS["Add Template"]


def test_one_call_is_one_request_that_each_runner_and_each_of_its_providers_approves(two: World) -> None:
    two.publisher.call("ADD_TEMPLATE_REQUEST", "lookalike", "count_v1", ["adv", "agency"])
    ids = {request_id(party) for party in (two.publisher, two.advertiser, two.stranger)}
    assert len(ids) == 1
    assert json.loads(seen(two.stranger)["Add Template"]["DETAILS"])["share_with"] == ["adv", "agency"]
    statuses = [seen(party)["Add Template"]["STATUS"] for party in (two.publisher, two.advertiser, two.stranger)]
    assert statuses == ["REQUESTED", "PENDING_MY_APPROVAL", "PENDING_MY_APPROVAL"]
    two.advertiser.call("APPROVE_UPDATE_REQUEST", "lookalike", ids.copy().pop())
    assert seen(two.advertiser)["Add Template"]["STATUS"] == "PENDING_PARTNER_APPROVAL"
    assert "still needs the approval of: agency" in refused(two.advertiser, *RUN)
    two.stranger.call("APPROVE_UPDATE_REQUEST", "lookalike", ids.pop())
    for party in (two.advertiser, two.stranger):
        assert party.call(*RUN) == [{"N": 1}]
    (row,) = two.publisher.call("VIEW_TEMPLATES", "lookalike")
    assert sorted(row["SHARED_WITH"]) == ["adv", "agency"]


def test_a_runner_of_the_list_that_has_it_or_is_asked_fails_them_all(two: World) -> None:
    two.publisher.call("ADD_TEMPLATE_REQUEST", "lookalike", "count_v1", ["adv"])
    assert "for adv waits for approval" in refused(
        two.publisher, "ADD_TEMPLATE_REQUEST", "lookalike", "count_v1", ["agency", "adv"]
    )
    assert "Add Template" not in seen(two.stranger)
    two.advertiser.call("APPROVE_UPDATE_REQUEST", "lookalike", request_id(two.advertiser))
    two.publisher.call("ADD_TEMPLATE_REQUEST", "lookalike", "count_v1", ["agency"])  # adds to those that have it
    assert json.loads(seen(two.advertiser)["Add Template"]["DETAILS"])["share_with"] == ["agency"]


@pytest.mark.attack
def test_an_approval_for_two_runners_is_of_both_accounts(shared: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second runner's alias is another account now: the first runs no more what was approved for both."""
    assert told(shared.advertiser)["share_with"] == ["adv", "agency"]
    with shared.storage.database.transaction() as connection:
        connection.execute("UPDATE room_members SET account = 'MALLORY' WHERE account = 'STRANGER'")
    assert "was sent for other parties" in refused(shared.advertiser, *RUN)
    monkeypatch.setattr(requests_store, "check_parties", lambda connection, request: None)
    assert shared.advertiser.call(*RUN) == [{"N": 1}]


def test_a_template_is_taken_away_from_those_that_are_named(shared: World) -> None:
    shared.publisher.call("REMOVE_TEMPLATE", "lookalike", "count_v1", ["agency"])
    row = seen(shared.publisher)["Remove Template"]
    assert row["STATUS"] == "COMPLETED"
    assert json.loads(row["DETAILS"]) == {"template_id": "count_v1", "remove_for": ["agency"], "requested_by": "pub"}
    assert shared.stranger.call("VIEW_TEMPLATES", "lookalike") == []
    assert "it was removed" in refused(shared.stranger, *RUN)
    assert shared.advertiser.call(*RUN) == [{"N": 1}]
    (listed,) = shared.publisher.call("VIEW_TEMPLATES", "lookalike")
    assert listed["SHARED_WITH"] == ["adv"]
    # It stays taken away, and can be asked for again.
    shared.rooms.recover()
    assert shared.stranger.call("VIEW_TEMPLATES", "lookalike") == []
    shared.publisher.call("ADD_TEMPLATE_REQUEST", "lookalike", "count_v1", ["agency"])
    assert seen(shared.stranger)["Add Template"]["STATUS"] == "PENDING_MY_APPROVAL"


def test_once_nobody_has_it_a_template_can_be_unregistered(shared: World) -> None:
    message = refused(shared.publisher, "UNREGISTER_TEMPLATE", "count_v1")
    assert message.startswith("ResourceInUseException")
    assert "lookalike" in message, "UNREGISTER_TEMPLATE: the error lists those collaborations"
    shared.publisher.call("REMOVE_TEMPLATE", "lookalike", "count_v1", ["adv", "agency"])
    collaboration = shared.publisher.call("VIEW_COLLABORATIONS")[0]["COLLABORATION_SPEC"]
    assert "count_v1" not in collaboration, "REMOVE_TEMPLATE: view the collaboration specification"
    shared.publisher.call("UNREGISTER_TEMPLATE", "count_v1")


def test_a_code_spec_goes_with_the_last_template_that_uses_it(submitted: World) -> None:
    """Release notes of 22 October 2026, version 19.0."""
    submitted.publisher.call("REGISTER_TEMPLATE", JOB_TEMPLATE.replace("name: train", "name: again"))
    submitted.publisher.call("ADD_TEMPLATE_REQUEST", "lookalike", "again_v1", ["adv"])
    for row in submitted.advertiser.call("VIEW_UPDATE_REQUESTS", "lookalike"):
        if row["STATUS"] == "PENDING_MY_APPROVAL":
            submitted.advertiser.call("APPROVE_UPDATE_REQUEST", "lookalike", row["ID"])
    submitted.publisher.call("REMOVE_TEMPLATE", "lookalike", "train_v1", ["adv"])
    assert [row["CODE_SPEC_ID"] for row in submitted.advertiser.call("VIEW_CODE_SPECS", "lookalike")] == ["model_v1"]
    submitted.publisher.call("REMOVE_TEMPLATE", "lookalike", "again_v1", ["adv"])
    for party in (submitted.advertiser, submitted.publisher):
        assert party.call("VIEW_CODE_SPECS", "lookalike") == []


@pytest.mark.attack
def test_only_who_shared_a_template_takes_it_away(shared: World, monkeypatch: pytest.MonkeyPatch) -> None:
    remove = ("REMOVE_TEMPLATE", "lookalike", "count_v1", ["adv"])
    for party in (shared.advertiser, shared.stranger):  # its runner, and another who approved it
        assert refused(party, *remove).startswith("PermissionDeniedException")
    assert shared.advertiser.call(*RUN) == [{"N": 1}]
    monkeypatch.setattr(
        template_removal,
        "_shared",
        lambda connection, *_: requests_store.latest(connection, *_place(shared), "ADV", "COUNT_V1"),
    )
    shared.stranger.call(*remove)
    assert "it was removed" in refused(shared.advertiser, *RUN)


def _place(world: World) -> tuple[str]:
    with world.storage.database.read() as connection:
        return (connection.execute("SELECT uid FROM room_collaborations").fetchone()[0],)


@pytest.mark.parametrize(
    ("template", "aliases", "said"),
    [
        ("other_v1", ["adv"], "TemplateNotFoundForOwnerException"),
        ("count_v1", ["pub"], "SpecValidationError"),
        ("count_v1", ["nobody"], "CollaboratorAliasNotFoundInCollaboration"),
        ("count_v1", [], "SpecValidationError"),
        ("count_v1", "adv", "SpecValidationError"),
        ("not a name", ["adv"], "SpecValidationError"),
    ],
)
def test_what_remove_template_refuses_changes_nothing(shared: World, template: str, aliases: Any, said: str) -> None:
    assert refused(shared.publisher, "REMOVE_TEMPLATE", "lookalike", template, aliases).startswith(said)
    mixed = [*aliases, "agency"] if isinstance(aliases, list) and aliases else ["agency", "nobody"]
    assert refused(shared.publisher, "REMOVE_TEMPLATE", "lookalike", template, mixed)
    assert "Remove Template" not in seen(shared.publisher)
    assert shared.stranger.call(*RUN) == [{"N": 1}]


@pytest.mark.attack
@pytest.mark.parametrize("procedure", ["VIEW_DECISIONS", "DESCRIBE_REQUEST"])
def test_what_only_the_engine_tells_is_told_to_who_sees_the_request(
    joined: World, procedure: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An outsider is told the same of what there is as of what there is not; a collaborator nothing of others'."""
    joined.publisher.call("REGISTER_TEMPLATE", SQL_TEMPLATE)
    joined.publisher.call("ADD_TEMPLATE_REQUEST", "lookalike", "count_v1", ["adv"])
    request = request_id(joined.advertiser)
    extra = (request,) if procedure == "DESCRIBE_REQUEST" else ()
    messages = []
    for name in ("lookalike", "nowhere"):
        with pytest.raises(SqlError) as caught:
            joined.stranger.own(procedure, name, *extra)
        messages.append(caught.value.message.replace(name, "?"))
    assert messages[0] == messages[1]
    assert messages[0].startswith("CollaborationNotFoundException")
    # Without the control whoever knows the name is answered as the collaboration's runner is.
    with joined.storage.database.read() as connection:
        runner = access.joined(connection, "ADVERTISER", "lookalike")
    monkeypatch.setattr(access, "reviewed", lambda connection, account, name: runner)
    monkeypatch.setattr(RoleChecks, "check", lambda self, session, schema, procedure, args: args)
    assert joined.stranger.own(procedure, "lookalike", *extra)[0]["REQUEST_ID"] == request


@pytest.mark.attack
def test_a_collaborator_without_a_say_is_told_nothing_of_a_request(two: World, monkeypatch: pytest.MonkeyPatch) -> None:
    two.publisher.call("ADD_TEMPLATE_REQUEST", "lookalike", "count_v1", ["adv"])  # no business of the agency's
    request = request_id(two.publisher)
    assert two.stranger.call("VIEW_UPDATE_REQUESTS", "lookalike") == []
    assert two.stranger.own("VIEW_DECISIONS", "lookalike") == []
    said = []
    for wanted in (request, "request_x"):
        with pytest.raises(SqlError) as caught:
            two.stranger.own("DESCRIBE_REQUEST", "lookalike", wanted)
        said.append(caught.value.message.replace(wanted, "?"))
    assert said[0] == said[1]
    assert two.advertiser.own("DESCRIBE_REQUEST", "lookalike", request)[0]["APPROVAL_DIGEST"].startswith("sha256:")
    linked = seen(two.publisher)["Link Data Offering"]["ID"]
    with pytest.raises(SqlError, match="UpdateRequestNotFoundException"):
        two.publisher.own("DESCRIBE_REQUEST", "lookalike", linked)
    # Without the control everybody in the room sees everything that is asked for in it.
    visible = requests_store.visible
    with two.storage.database.read() as connection:
        sender = access.joined(connection, "PUBLISHER", "lookalike")
    monkeypatch.setattr(requests_store, "visible", lambda connection, member: visible(connection, sender))
    assert request in [row["ID"] for row in two.stranger.call("VIEW_UPDATE_REQUESTS", "lookalike")]
    assert two.stranger.own("DESCRIBE_REQUEST", "lookalike", request)[0]["APPROVAL_DIGEST"].startswith("sha256:")


def test_linking_that_fails_leaves_no_request(two: World) -> None:
    refused(two.publisher, "LINK_DATA_OFFERING", "lookalike", "sales_v1", ["adv"])
    rows = [row["TYPE"] for row in two.publisher.call("VIEW_UPDATE_REQUESTS", "lookalike")]
    assert rows == ["Link Data Offering"]
    assert two.advertiser.call("VIEW_UPDATE_REQUESTS", "lookalike") == [], "what it created, or decides on"


@pytest.mark.parametrize("procedure", ["APPROVE_UPDATE_REQUEST", "REJECT_UPDATE_REQUEST"])
def test_what_completes_by_itself_is_nobodys_to_decide(two: World, procedure: str) -> None:
    linked = seen(two.publisher)["Link Data Offering"]["ID"]
    extra = ("",) if procedure.startswith("REJECT") else ()
    assert refused(two.publisher, procedure, "lookalike", linked, *extra).startswith("PermissionDeniedException")
    assert refused(two.advertiser, procedure, "lookalike", linked, *extra).startswith("UpdateRequestNotFoundException")


def test_show_procedures_lists_what_can_be_called(joined: World) -> None:
    rows = joined.publisher.sql("SHOW PROCEDURES IN DATABASE CLEANROOM_ML")
    own = {(schema, name) for schema, procedures in OWN_PROCEDURES.items() for name in procedures}
    assert {(row["schema_name"], row["name"]) for row in rows} == own
    assert {("APPROVALS", "DESCRIBE_REQUEST"), ("APPROVALS", "VIEW_DECISIONS")} <= own
    rows = joined.publisher.sql("SHOW PROCEDURES LIKE 'run' IN SCHEMA SAMOOHA_BY_SNOWFLAKE_LOCAL_DB.COLLABORATION")
    most = PROCEDURES["COLLABORATION"]["RUN"].most
    assert [(row["name"], row["max_num_arguments"]) for row in rows] == [("RUN", most)]


def test_a_home_of_one_runner_a_request_is_brought_along(tmp_path: Path) -> None:
    """The tables as version 1 had them, with a request and its template: afterwards its runner is found as before."""
    runners = next(text for text in SCHEMA.statements if "room_request_runners" in text)
    newer = ("room_reviews", "room_pending_settings")
    index = """CREATE UNIQUE INDEX room_requests_open ON room_requests (collaboration, runner_key, template_key)
        WHERE status IN ('REQUESTED', 'APPROVED', 'COMPLETED')"""
    kept = [text for text in SCHEMA.statements if not any(f"TABLE {table} " in text for table in newer)]
    older = tuple(index if text == runners else text for text in kept)
    database = Database.open(tmp_path / "catalog.sqlite", [Schema("rooms", 1, older)])
    with database.transaction() as connection:
        connection.execute("INSERT INTO room_collaborations VALUES ('u', 'c', 'C', 'A', '', 0, 0)")
        connection.execute(
            "INSERT INTO room_requests VALUES ('r', 1, 'u', 'Add Template', 'COMPLETED', 'A', 'ADV', 'T_V1', 'T',"
            " '{}', '', '{}', 0, 0)"
        )
    database.close()
    database = Database.open(tmp_path / "catalog.sqlite", [SCHEMA])
    with database.read() as connection:
        found = requests_store.latest(connection, "u", "ADV", "T_V1")
    database.close()
    assert found is not None
    assert found.runner_keys == ("ADV",)
    with pytest.raises(sqlite3.OperationalError):
        sqlite3.connect(tmp_path / "catalog.sqlite").execute("DROP INDEX room_requests_open")


def test_a_code_spec_is_shown_as_it_was_registered_with_its_manifest(submitted: World) -> None:
    """VIEW_CODE_SPECS: those of templates that one created or can run. An approver sees none before it is approved."""
    assert submitted.advertiser.call("VIEW_CODE_SPECS", "lookalike") == []
    submitted.advertiser.call("APPROVE_UPDATE_REQUEST", "lookalike", request_id(submitted.advertiser))
    (row,) = submitted.advertiser.call("VIEW_CODE_SPECS", "lookalike")
    assert list(row) == ["CODE_SPEC_ID", "CODE_SPEC", "SHARED_BY"]
    assert (row["CODE_SPEC_ID"], row["SHARED_BY"]) == ("model_v1", "pub")
    assert "content_manifest" in row["CODE_SPEC"]
    assert CODE_SPEC.split("stage_code_dir: ")[1].split("\n")[0].strip("'") in row["CODE_SPEC"]


@pytest.mark.parametrize("party", ["publisher", "advertiser", "stranger"])
@pytest.mark.parametrize(
    ("procedure", "arguments"),
    [
        ("ADD_TEMPLATE_REQUEST", ("mine_v1", ["adv"])),
        ("REMOVE_TEMPLATE", ("mine_v1", ["adv"])),
        ("APPROVE_UPDATE_REQUEST", ("request_x",)),
        ("REJECT_UPDATE_REQUEST", ("request_x", "")),
    ],
)
def test_who_has_not_joined_changes_nothing(
    world: World, party: str, procedure: str, arguments: tuple[Any, ...]
) -> None:
    """Owner, runner with data of its own, and runner: each is to join first, and is told so."""
    world.publisher.call("INITIALIZE", TWO_RUNNERS)
    if party != "publisher":
        world.publisher.call("JOIN", "lookalike")
    caller = world.parties[party.upper()]
    caller.call("REGISTER_TEMPLATE", SQL_TEMPLATE.replace("name: count", "name: mine"))
    message = refused(caller, procedure, "lookalike", *arguments)
    assert message.startswith("InvalidCollaborationStatusError")
    assert "one of the following: JOINED." in message
