"""LEAVE and TEARDOWN: each twice, and what a party that is leaving has from the first call on: nothing.

Source: user-guide/cleanrooms/collaboration-api-reference, LEAVE, TEARDOWN and GET_STATUS; texts of errors as they were
seen: docs/api-digest.md §9.
"""

from __future__ import annotations

from typing import Any

import pytest
from rooms_world import COLLABORATION, OFFERING, SQL_TEMPLATE, World, request_id
from test_rooms_activation import BLOCK
from test_rooms_activation import spec as activation
from test_rooms_runs import JOB, VIEW, approved, give, refused, run  # noqa: F401 (a fixture)

from cleanroom_ml.engine.assembly.procedures import PROCEDURES
from cleanroom_ml.engine.contracts.job import JobState
from cleanroom_ml.engine.rooms import access, analysis
from cleanroom_ml.engine.rooms.access import INTERNAL_SCHEMA
from cleanroom_ml.engine.rooms.analysis import Analyses
from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.storage.keys import Key

pytestmark = pytest.mark.sandbox

# They tell of no room, or are how one gets out of it; INITIALIZE makes another one.
OF_NO_ROOM = {"INITIALIZE", "VIEW_COLLABORATIONS", "GET_STATUS", "REVIEW", "LEAVE", "TEARDOWN"}


def statuses(party: Any, name: str = "lookalike") -> dict[str, str]:
    return {row["COLLABORATOR_NAME"]: row["STATUS"] for row in party.call("GET_STATUS", name)}


def job(world: World) -> str:
    return str(world.advertiser.value("RUN", "lookalike", *JOB))


def test_leaving_takes_two_calls_and_cannot_be_undone(joined: World) -> None:
    spaces = joined.storage.namespaces
    joined.advertiser.call("LEAVE", "lookalike")
    assert statuses(joined.advertiser) == {"adv": "LOCAL_DROP_PENDING"}, "others are its business no more"
    assert statuses(joined.publisher) == {"pub": "JOINED", "adv": "LOCAL_DROP_PENDING"}
    assert spaces.database_kind("ADVERTISER", "SFDCR_LOOKALIKE") == "application"
    (row,) = joined.advertiser.call("VIEW_COLLABORATIONS")
    assert (row["COLLABORATION_NAME"], row["COLLABORATION_SPEC"]) == ("lookalike", None)
    joined.advertiser.call("LEAVE", "lookalike")
    assert spaces.database_kind("ADVERTISER", "SFDCR_LOOKALIKE") is None
    assert statuses(joined.advertiser) == {"adv": "LEFT"}
    assert joined.advertiser.call("VIEW_COLLABORATIONS") == []
    assert "CollaborationNotFoundException" in refused(joined.advertiser, "LEAVE", "lookalike")
    assert "CollaborationNotFoundException" in refused(joined.advertiser, "JOIN", "lookalike")
    again = refused(joined.advertiser, "REVIEW", "lookalike", "LOCAL.PUBLISHER")
    assert again == "CollaborationInvitationNotFound: Pending invitation for collaboration: lookalike not found"
    assert statuses(joined.publisher) == {"pub": "JOINED", "adv": "LEFT"}


def test_a_half_done_leave_has_no_invitation(joined: World) -> None:
    joined.advertiser.call("LEAVE", "lookalike")
    assert "CollaborationInvitationNotFound" in refused(joined.advertiser, "REVIEW", "lookalike", "LOCAL.PUBLISHER")


def test_a_teardown_takes_two_calls_and_the_others_leave(joined: World) -> None:
    joined.publisher.call("TEARDOWN", "lookalike")
    assert statuses(joined.publisher) == {"pub": "LOCAL_DROP_PENDING", "adv": "LOCAL_DROP_PENDING"}
    joined.publisher.call("TEARDOWN", "lookalike")
    assert statuses(joined.publisher) == {"pub": "DROPPED", "adv": "LOCAL_DROP_PENDING"}
    joined.advertiser.call("LEAVE", "lookalike")
    assert statuses(joined.advertiser) == {"adv": "LEFT"}
    for account in ("PUBLISHER", "ADVERTISER"):
        assert joined.storage.namespaces.database_kind(account, "SFDCR_LOOKALIKE") is None


def test_the_name_of_a_collaboration_that_is_over_is_free(approved: World) -> None:  # noqa: F811
    """And a new one of that name has nothing of the old one: not even what was granted to its application."""
    approved.publisher.call("TEARDOWN", "lookalike")
    approved.publisher.call("TEARDOWN", "lookalike")
    approved.publisher.call("INITIALIZE", COLLABORATION, "COMPUTE_WH")
    assert "CollaborationAlreadyExistsException" in refused(
        approved.advertiser, "REVIEW", "lookalike", "LOCAL.PUBLISHER"
    )
    approved.advertiser.call("LEAVE", "lookalike")
    approved.advertiser.call("REVIEW", "lookalike", "LOCAL.PUBLISHER")
    approved.advertiser.call("JOIN", "lookalike")
    assert statuses(approved.advertiser) == {"pub": "JOINED", "adv": "JOINED"}
    assert approved.storage.warehouses.grants("ADVERTISER", "SFDCR_LOOKALIKE") == []
    assert approved.advertiser.call("VIEW_TEMPLATES", "lookalike") == []
    assert approved.advertiser.call("VIEW_DATA_OFFERINGS", "lookalike") == []


def test_who_has_not_joined_cannot_leave(joined: World) -> None:
    """The text is the service's, as it was seen."""
    for status in ("IN_REVIEW", "INSTALLATION_FAILED", "JOIN_FAILED"):
        with joined.storage.database.transaction() as connection:
            connection.execute("UPDATE room_members SET status = ? WHERE account = 'ADVERTISER'", (status,))
        assert refused(joined.advertiser, "LEAVE", "lookalike") == (
            "InvalidCollaborationStatusError: This action requires the collaboration status to be one of the "
            f"following: LOCAL_DROP_PENDING, LEAVING. Current status: {status}."
        )


def test_each_side_has_its_own_way_out(joined: World) -> None:
    assert "PermissionDeniedException" in refused(joined.publisher, "LEAVE", "lookalike")
    assert "PermissionDeniedException" in refused(joined.advertiser, "TEARDOWN", "lookalike")
    for procedure in ("LEAVE", "TEARDOWN"):
        real = refused(joined.stranger, procedure, "lookalike")
        assert real.replace("lookalike", "?") == refused(joined.stranger, procedure, "nowhere").replace("nowhere", "?")


def test_an_owner_joins_before_it_tears_down(world: World) -> None:
    world.publisher.call("INITIALIZE", COLLABORATION)
    message = refused(world.publisher, "TEARDOWN", "lookalike")
    assert message.startswith("InvalidCollaborationStatusError: ")
    assert message.endswith("Current status: CREATED. You must join it before you can tear it down.")


def test_an_invitation_goes_with_the_collaboration(world: World) -> None:
    world.publisher.call("INITIALIZE", COLLABORATION, "COMPUTE_WH")
    world.publisher.call("TEARDOWN", "lookalike")
    assert statuses(world.publisher) == {"pub": "LOCAL_DROP_PENDING", "adv": "DROPPED"}
    assert world.advertiser.call("VIEW_COLLABORATIONS") == []


def test_a_database_in_the_applications_way_is_never_dropped(world: World) -> None:
    world.publisher.call("INITIALIZE", COLLABORATION, "COMPUTE_WH")
    world.storage.namespaces.create_database("ADVERTISER", "SFDCR_LOOKALIKE")
    refused(world.advertiser, "REVIEW", "lookalike", "LOCAL.PUBLISHER")
    world.publisher.call("TEARDOWN", "lookalike")
    world.advertiser.call("LEAVE", "lookalike")
    assert world.storage.namespaces.database_kind("ADVERTISER", "SFDCR_LOOKALIKE") == "standard"


@pytest.mark.attack
def test_who_is_leaving_is_refused_by_every_procedure(joined: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every one of the table, so that a new one cannot forget."""
    joined.advertiser.call("REGISTER_TEMPLATE", SQL_TEMPLATE)
    arguments = {
        "ADD_TEMPLATE_REQUEST": ("count_v1", ["adv"]),
        "REJECT_UPDATE_REQUEST": ("request_1", "no"),
        "SET_CONFIGURATION": ("TEMPLATE_AUTO_APPROVAL", "true"),
        "RUN": ("count_v1", [], [], {}),
        "RUN_ML_JOB_ACTION": ("api_version: 2.0.0\nspec_type: ml_job_action\njob_id: JOB_1\naction: get_status\n",),
        "EDIT": (COLLABORATION,),
    }
    joined.advertiser.call("LEAVE", "lookalike")
    for name, procedure in PROCEDURES["COLLABORATION"].items():
        if name not in OF_NO_ROOM:
            more = arguments.get(name, ("redeemers_v1", ["adv"])[: procedure.fewest - 1])
            said = refused(joined.advertiser, name, "lookalike", *more)
            assert said.startswith("InvalidCollaborationStatusError: "), name
            assert said.endswith("Current status: LOCAL_DROP_PENDING."), name
    # Without the control who is leaving goes on reading what there is: nothing of it was taken from the others.
    monkeypatch.setattr(access, "ENDING", frozenset())
    monkeypatch.setattr(access, "_in", lambda member, wanted: member)
    for name in ("VIEW_UPDATE_REQUESTS", "VIEW_ACTIVITY_HISTORY", "GET_CONFIGURATION", "VIEW_TEMPLATES"):
        joined.advertiser.call(name, "lookalike")


@pytest.mark.attack
def test_a_job_of_who_left_reads_nothing_any_more(
    approved: World,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    give(approved, "BEGIN CREATE TABLE cleanroom.kept AS SELECT 1 AS X; RETURN 'x'; END;")
    run(approved, VIEW)
    job_id = job(approved)
    session, _ = approved.storage.sessions.create("ADVERTISER", "ANN", kind="job", job_id=job_id)
    catalog = approved.rooms.job_catalog(session)
    view = tuple(part.upper() for part in VIEW.split("."))
    assert catalog.source(("CLEANROOM", "KEPT")) is not None
    assert catalog.source(view) is not None
    approved.advertiser.call("LEAVE", "lookalike")
    assert catalog.source(("CLEANROOM", "KEPT")) is None
    assert catalog.source(view) is None
    with pytest.raises(SqlError, match="does not exist or not authorized"):
        catalog.target(("CLEANROOM", "KEPT"))
    # Without the control its tables are there until the second call.
    monkeypatch.setattr(access, "stands", lambda connection, collaboration, account: True)
    assert catalog.source(("CLEANROOM", "KEPT")) is not None
    approved.advertiser.call("LEAVE", "lookalike")
    key = Key("ADVERTISER", "SFDCR_LOOKALIKE", INTERNAL_SCHEMA, "KEPT")
    assert approved.storage.tables.get(key) is None


@pytest.mark.parametrize("who", ["the runner", "its provider", pytest.param("everybody", marks=pytest.mark.slow)])
def test_jobs_end_with_whose_they_are_and_whose_data_they_read(approved: World, who: str) -> None:  # noqa: F811
    job_id = job(approved)
    if who == "the runner":
        approved.advertiser.call("LEAVE", "lookalike")
    elif who == "everybody":
        approved.publisher.call("TEARDOWN", "lookalike")
    else:
        with approved.storage.database.transaction() as connection:  # an owner never leaves
            connection.execute("UPDATE room_members SET is_owner = 0 WHERE account = 'PUBLISHER'")
        approved.publisher.call("LEAVE", "lookalike")
    assert approved.jobs.states[job_id] is JobState.CANCELLED


@pytest.mark.attack
@pytest.mark.parametrize("controlled", [True, False])
def test_what_was_under_way_is_not_handed_out(joined: World, controlled: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """The run had begun before its runner left, and ends after."""
    give(joined, "SELECT COUNT(*) AS N FROM IDENTIFIER({{ source_table[0] }}) AS p")
    execute = Analyses._execute

    def slow(self: Analyses, *args: Any) -> object:
        result = execute(self, *args)
        joined.advertiser.call("LEAVE", "lookalike")
        return result

    monkeypatch.setattr(Analyses, "_execute", slow)
    with monkeypatch.context() as patch:
        if not controlled:
            patch.setattr(analysis, "check_standing", lambda database, scope: None)
            assert run(joined, VIEW) == [{"N": 2}]
            return
        with pytest.raises(SqlError, match="InvalidCollaborationStatusError"):
            run(joined, VIEW)


@pytest.mark.attack
def test_a_job_that_was_sent_while_its_runner_left_is_ended(approved: World, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    submit = approved.jobs.submit

    def slow(request: Any) -> str:
        approved.advertiser.call("LEAVE", "lookalike")
        return submit(request)

    monkeypatch.setattr(approved.jobs, "submit", slow)
    assert "InvalidCollaborationStatusError" in refused(approved.advertiser, "RUN", "lookalike", *JOB)
    assert list(approved.jobs.states.values()) == [JobState.CANCELLED]


def test_what_only_they_could_decide_or_receive_ends(joined: World) -> None:
    give(joined, BLOCK, name="act", kind="sql_activation")
    joined.advertiser.call("RUN", "lookalike", activation())
    joined.publisher.call("REGISTER_TEMPLATE", SQL_TEMPLATE)
    joined.publisher.call("ADD_TEMPLATE_REQUEST", "lookalike", "count_v1", ["adv"])
    joined.advertiser.call("LEAVE", "lookalike")
    request = joined.publisher.call("VIEW_UPDATE_REQUESTS", "lookalike")[-1]
    assert request["STATUS"] == "FAILED"
    assert "adv has left" in request["DETAILS"]
    assert "UpdateRequestStateException" in refused(
        joined.publisher, "APPROVE_UPDATE_REQUEST", "lookalike", request_id(joined.publisher)
    )
    (row,) = joined.publisher.call("VIEW_ACTIVATIONS", "lookalike")
    assert row["STATUS"] == "SHARED", "what it has sent to others is theirs"
    assert joined.publisher.call("VIEW_DATA_OFFERINGS", "lookalike") == [], "shared with nobody any more"
    joined.publisher.call("TEARDOWN", "lookalike")
    with joined.storage.database.read() as connection:
        (batch,) = connection.execute("SELECT status, objects FROM room_activations").fetchall()
    assert tuple(batch) == ("FAILED", "[]"), "and kept no longer"


def test_what_is_used_nowhere_any_more_can_be_unregistered(joined: World) -> None:
    assert "lookalike" in refused(joined.publisher, "UNREGISTER_DATA_OFFERING", "sales_v1")
    joined.publisher.call("TEARDOWN", "lookalike")
    joined.publisher.call("UNREGISTER_DATA_OFFERING", "sales_v1")
    joined.publisher.call("REGISTER_DATA_OFFERING", OFFERING)


@pytest.mark.slow
@pytest.mark.parametrize(("status", "account"), [("LEAVING", "ADVERTISER"), ("DROPPING", "PUBLISHER")])
def test_a_killed_engine_carries_on_with_it(approved: World, status: str, account: str) -> None:  # noqa: F811
    job_id = job(approved)
    with approved.storage.database.transaction() as connection:
        connection.execute("UPDATE room_members SET status = ? WHERE account = ?", (status, account))
    assert "InvalidCollaborationStatusError" in refused(approved.parties[account], "VIEW_TEMPLATES", "lookalike")
    approved.rooms.recover()
    assert statuses(approved.advertiser)["adv"] == "LOCAL_DROP_PENDING"
    assert approved.jobs.states[job_id] is JobState.CANCELLED
    approved.advertiser.call("LEAVE", "lookalike")
