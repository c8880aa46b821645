"""Checks that are one line of code each: without that line, a test here fails."""

from __future__ import annotations

import pytest
from rooms_world import COLLABORATION, OFFERING, World
from test_rooms_activation import BLOCK, SPEC
from test_rooms_runs import JOB, VIEW, action, give, refused
from test_rooms_runs import approved as approved

from cleanroom_ml.engine.storage.changes import CreateTable
from cleanroom_ml.engine.storage.keys import Column, Key
from cleanroom_ml.engine.storage.namespaces import Namespaces
from cleanroom_ml.engine.storage.warehouses import GrantKind

pytestmark = [pytest.mark.sandbox, pytest.mark.attack]

ASK = "RUN_ML_JOB_ACTION"
ACTIONS = ["get_status", "get_logs", "get_result"]


@pytest.fixture
def two_rooms(approved: World) -> World:
    """The advertiser runs in `lookalike`, and has joined `second`."""
    approved.publisher.call("INITIALIZE", COLLABORATION.replace("name: lookalike", "name: second"), "COMPUTE_WH")
    approved.advertiser.call("REVIEW", "second", "LOCAL.PUBLISHER")
    approved.advertiser.call("JOIN", "second")
    return approved


def test_a_job_and_its_grants_are_of_one_room(two_rooms: World) -> None:
    runner = two_rooms.advertiser
    job_id = runner.value("RUN", "lookalike", *JOB)
    for what in ACTIONS:
        elsewhere = refused(runner, ASK, "second", action(job_id, what))
        assert elsewhere.startswith("MLJobNotFoundException")
        assert elsewhere.replace(job_id, "JOB_9") == refused(runner, ASK, "second", action("JOB_9", what))
    assert runner.call(ASK, "lookalike", action(job_id, "get_status"))[0]["STATUS"] == "PENDING"
    # Each grant is asked: of this application, in this account. One for the account's other room is none.
    kinds: tuple[tuple[GrantKind, str], ...] = (("WAREHOUSE", "COMPUTE_WH"), ("COMPUTE POOL", "ML_POOL"))
    for kind, name in kinds:
        granted = two_rooms.storage.warehouses
        granted.revoke_all("ADVERTISER", kind, name)
        granted.grant_usage("ADVERTISER", kind, name, "SFDCR_SECOND")
        granted.grant_usage("PUBLISHER", kind, name, "SFDCR_LOOKALIKE")
        message = refused(runner, "RUN", "lookalike", *JOB)
        assert f"GRANT USAGE ON {kind} {name} TO APPLICATION SFDCR_LOOKALIKE" in message
        assert list(two_rooms.jobs.requests) == [job_id]
        granted.grant_usage("ADVERTISER", kind, name, "SFDCR_LOOKALIKE")
    assert runner.value("RUN", "lookalike", *JOB) != job_id


def test_a_providers_view_reads_no_room(joined: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is in a room's database is the room's, also for the account that it is in: neither a data offering nor the
    text of a view that one is of names it.
    """
    inside = Key("PUBLISHER", "SFDCR_LOOKALIKE", "CLEANROOM", "CUSTOMERS")
    columns = (Column("EMAIL_HASH", "VARCHAR"), Column("CITY", "VARCHAR"))
    joined.storage.tables.commit([CreateTable(inside, columns)])
    view = Key("PUBLISHER", "DATA", "PUBLIC", "WINDOW")
    joined.storage.views.create(view, columns, "SELECT * FROM SFDCR_LOOKALIKE.CLEANROOM.CUSTOMERS")
    spec = OFFERING.replace("name: sales", "name: window")
    direct = spec.replace("DATA.PUBLIC.CUSTOMERS", "SFDCR_LOOKALIKE.CLEANROOM.CUSTOMERS")
    through = spec.replace("DATA.PUBLIC.CUSTOMERS", "DATA.PUBLIC.WINDOW")
    for text in (direct, through, direct.replace("city:", "town:")):  # nor are its columns told
        assert "does not exist or not authorized" in refused(joined.publisher, "REGISTER_DATA_OFFERING", text)
    # A view that was offered while it read something else is asked again in each run.
    joined.storage.views.replace(view, columns, "SELECT EMAIL_HASH, CITY FROM DATA.PUBLIC.CUSTOMERS")
    joined.publisher.call("REGISTER_DATA_OFFERING", through)
    joined.publisher.call("LINK_DATA_OFFERING", "lookalike", "window_v1", ["adv"])
    joined.storage.views.replace(view, columns, "SELECT * FROM SFDCR_LOOKALIKE.CLEANROOM.CUSTOMERS")
    give(joined, "SELECT COUNT(*) AS N FROM IDENTIFIER({{ source_table[0] }}) AS p")
    asked = ("RUN", "lookalike", "t_v1", ["pub.window_v1.customers"], [], {})
    assert "does not exist or not authorized" in refused(joined.advertiser, *asked)
    monkeypatch.setattr(Namespaces, "database_kind", lambda *_: "standard")
    assert joined.advertiser.call(*asked) == [{"N": 0}], "with every database alike, it would be read"


def test_nobody_is_activated_to_before_having_joined(joined: World, monkeypatch: pytest.MonkeyPatch) -> None:
    third = COLLABORATION.replace("name: lookalike", "name: three").replace(
        "adv: LOCAL.ADVERTISER}", "adv: LOCAL.ADVERTISER, late: LOCAL.STRANGER}"
    )
    third = third.replace("snowflake_collaborators: [pub]", "snowflake_collaborators: [pub, late]")
    joined.publisher.call("INITIALIZE", third, "COMPUTE_WH")
    joined.advertiser.call("REVIEW", "three", "LOCAL.PUBLISHER")
    joined.advertiser.call("JOIN", "three")
    joined.publisher.call("LINK_DATA_OFFERING", "three", "sales_v1", ["adv"])
    give(joined, BLOCK, name="act", kind="sql_activation")
    joined.publisher.call("ADD_TEMPLATE_REQUEST", "three", "act_v1", ["adv"])
    number = joined.advertiser.call("VIEW_UPDATE_REQUESTS", "three")[-1]["ID"]
    joined.advertiser.call("APPROVE_UPDATE_REQUEST", "three", number)
    wanted = SPEC.format(view=VIEW, to="late", segment="q1")
    for step in (None, "REVIEW"):
        if step:
            joined.stranger.call(step, "three", "LOCAL.PUBLISHER")
        assert "has not joined" in refused(joined.advertiser, "RUN", "three", wanted)
    assert joined.advertiser.call("VIEW_ACTIVATIONS", "three") == []
    joined.stranger.call("JOIN", "three")
    joined.advertiser.call("RUN", "three", wanted)
    joined.stranger.call("PROCESS_ACTIVATION", "three")
    found = joined.stranger.sql("SELECT * FROM three.activation.segment_records")
    assert len(found) == 2


def test_the_destination_is_asked_again_when_the_rows_leave(joined: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run may take an hour: who was taken off the list meanwhile gets nothing of it."""
    give(joined, BLOCK, name="act", kind="sql_activation")
    returned = joined.runner.returned

    def struck_off(result: object) -> object:
        with joined.storage.database.transaction() as connection:
            connection.execute("DELETE FROM room_destinations")
        return returned(result)

    monkeypatch.setattr(joined.runner, "returned", struck_off)
    message = refused(joined.advertiser, "RUN", "lookalike", SPEC.format(view=VIEW, to="pub", segment="q1"))
    assert "is not among the activation_destinations" in message
    assert joined.publisher.call("VIEW_ACTIVATIONS", "lookalike") == []
