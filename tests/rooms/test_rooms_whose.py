"""An approval is of accounts: whose room, whose request, whose data; and what a request tells of what came before."""

from __future__ import annotations

import json
from typing import Any

import pytest
from rooms_world import COLLABORATION, SQL_TEMPLATE, World, request_id, told

from cleanroom_ml.engine.rooms import payloads, requests_store
from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.evidence import approval_digest, approval_subject

pytestmark = pytest.mark.sandbox

# The advertiser runs on its own data alone; the publisher owns, the stranger may send templates.
OWN_DATA = """
api_version: 2.0.0
spec_type: collaboration
name: lookalike
owner: pub
collaborator_identifier_aliases: {pub: LOCAL.PUBLISHER, adv: LOCAL.ADVERTISER, guest: LOCAL.STRANGER}
analysis_runners:
  adv: {data_providers: {adv: {data_offerings: []}}}
  guest: {data_providers: {guest: {data_offerings: []}}}
"""


def refused(party: Any, name: str, *args: Any) -> str:
    with pytest.raises(SqlError) as caught:
        party.call(name, *args)
    return caught.value.message


def run(world: World, template: str = "count_v1") -> list[dict[str, Any]]:
    arguments = {"col": "city", "city": "Oslo"}
    return world.advertiser.call("RUN", "lookalike", template, ["pub.sales_v1.customers"], [], arguments)


def send(world: World, party: Any, version: str = "v1", body: str = SQL_TEMPLATE) -> None:
    party.call("REGISTER_TEMPLATE", body.replace("version: v1", f"version: {version}"))
    party.call("ADD_TEMPLATE_REQUEST", "lookalike", f"count_{version}", ["adv"])


def approve(party: Any) -> None:
    party.call("APPROVE_UPDATE_REQUEST", "lookalike", request_id(party))


@pytest.fixture
def asked(joined: World) -> World:
    """The publisher has sent `count_v1`."""
    send(joined, joined.publisher)
    return joined


@pytest.fixture
def guests(world: World) -> World:
    """Three have joined a room in which the advertiser alone decides; nothing was sent yet."""
    world.publisher.call("INITIALIZE", OWN_DATA, "COMPUTE_WH")
    for party in (world.advertiser, world.stranger):
        party.call("REVIEW", "lookalike", "LOCAL.PUBLISHER")
        party.call("JOIN", "lookalike")
    return world


def test_a_request_names_every_account_and_both_sides_see_the_same(asked: World) -> None:
    spec = told(asked.advertiser)
    assert [(party["account"], party["alias"], party["roles"]) for party in spec["parties"]] == [
        ("LOCAL.ADVERTISER", "adv", ["analysis_runner", "data_provider"]),
        ("LOCAL.PUBLISHER", "pub", ["owner", "requester", "data_provider", "activation_destination"]),
    ]
    with asked.storage.database.read() as connection:
        (uid,) = connection.execute("SELECT uid FROM room_collaborations").fetchone()
    assert spec["room"] == uid
    assert (
        approval_digest(approval_subject(spec)) == spec["approval_digest"] == told(asked.publisher)["approval_digest"]
    )


@pytest.mark.attack
def test_a_room_of_the_same_name_and_aliases_with_other_accounts_has_another_digest(asked: World) -> None:
    """What the advertiser pinned for the publisher's room is not what the stranger's room of that name asks."""
    spec = COLLABORATION.replace("LOCAL.PUBLISHER", "LOCAL.STRANGER")
    asked.stranger.call("INITIALIZE", spec, "COMPUTE_WH")
    asked.advertiser.call("REVIEW", "lookalike", "LOCAL.STRANGER", "other")
    asked.advertiser.call("JOIN", "other")
    asked.stranger.call("REGISTER_TEMPLATE", SQL_TEMPLATE)
    asked.stranger.call("ADD_TEMPLATE_REQUEST", "lookalike", "count_v1", ["adv"])
    real, copied = told(asked.advertiser), told(asked.advertiser, "other")
    assert {key for key in real if real[key] != copied[key]} == {"room", "parties", "approval_digest"}
    # Without the accounts and the room's id there would be nothing to tell them apart by.
    same = {key: real[key] for key in ("room", "parties")}
    assert approval_digest(approval_subject(copied | same)) == real["approval_digest"]


@pytest.mark.attack
@pytest.mark.parametrize("when", ["before approval", "before a run"])
def test_an_approval_does_not_pass_to_another_account(asked: World, when: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The provider's alias is somebody else's account now: nothing that was sent for the first holds for the second."""

    def swap() -> None:
        with asked.storage.database.transaction() as connection:
            connection.execute("UPDATE room_members SET alias = 'x', alias_key = 'X' WHERE account = 'PUBLISHER'")
            (uid,) = connection.execute("SELECT uid FROM room_collaborations").fetchone()
            connection.execute(
                "INSERT INTO room_members VALUES (?, 'STRANGER', 'pub', 'PUB', 0, NULL, NULL, 'JOINED', '', 0)", (uid,)
            )

    if when == "before a run":
        approve(asked.advertiser)
        assert run(asked) == [{"N": 1}]
        swap()
        assert "was sent for other parties" in refused(
            asked.advertiser, "RUN", "lookalike", "count_v1", ["pub.sales_v1.customers"], [], {}
        )
        monkeypatch.setattr(requests_store, "check_parties", lambda connection, request: None)
        # Without the control the run gets as far as the stranger's data.
        assert "is not shared with" in refused(
            asked.advertiser, "RUN", "lookalike", "count_v1", ["pub.sales_v1.customers"], [], {}
        )
        return
    request = request_id(asked.advertiser)
    swap()
    assert "was sent for other parties" in refused(asked.advertiser, "APPROVE_UPDATE_REQUEST", "lookalike", request)
    monkeypatch.setattr(requests_store, "check_parties", lambda connection, request: None)
    asked.advertiser.call("APPROVE_UPDATE_REQUEST", "lookalike", request)


def older(world: World) -> None:
    """The catalog as a home of before format 2 has it: the request names neither room nor accounts."""
    with world.storage.database.transaction() as connection:
        (text,) = connection.execute("SELECT payload FROM room_requests WHERE type = 'Add Template'").fetchone()
        kept = {
            key: value for key, value in json.loads(text).items() if key not in ("room", "parties", "collaboration")
        }
        connection.execute(
            "UPDATE room_requests SET payload = ? WHERE type = 'Add Template'", (json.dumps(kept | {"previous": None}),)
        )


def test_what_was_approved_in_an_older_home_still_runs(asked: World) -> None:
    approve(asked.advertiser)
    older(asked)
    assert run(asked) == [{"N": 1}]


def test_what_waits_in_an_older_home_is_withdrawn_and_sent_again(asked: World) -> None:
    request = request_id(asked.advertiser)
    older(asked)
    assert "before requests said whose they are" in refused(
        asked.advertiser, "APPROVE_UPDATE_REQUEST", "lookalike", request
    )
    asked.publisher.call("REJECT_UPDATE_REQUEST", "lookalike", request, "withdrawn")
    asked.publisher.call("ADD_TEMPLATE_REQUEST", "lookalike", "count_v1", ["adv"])
    approve(asked.advertiser)
    assert run(asked) == [{"N": 1}]


@pytest.mark.attack
def test_another_sender_is_shown_nothing_of_what_was_approved_before(guests: World) -> None:
    """The guest's template of the same name is a first version of its own, and the owner's text stays unseen."""
    send(guests, guests.publisher, body=SQL_TEMPLATE + "  -- the publisher's secret\n")
    approve(guests.advertiser)
    send(guests, guests.stranger, "v2")
    assert "secret" not in json.dumps(guests.stranger.call("VIEW_UPDATE_REQUESTS", "lookalike"), default=str)
    assert told(guests.stranger)["previous"] is None
    assert told(guests.advertiser)["previous"] is None


@pytest.mark.attack
def test_a_provider_who_came_later_is_shown_nothing_of_what_was_approved_before(guests: World) -> None:
    send(guests, guests.publisher, body=SQL_TEMPLATE + "  -- before the guest's time\n")
    approve(guests.advertiser)
    with guests.storage.database.transaction() as connection:
        (uid,) = connection.execute("SELECT uid FROM room_collaborations").fetchone()
        connection.execute("INSERT INTO room_runners VALUES (?, 'ADV', 'GUEST')", (uid,))
    send(guests, guests.publisher, "v2")
    assert told(guests.advertiser)["previous"]["template_id"] == "count_v1"
    assert told(guests.publisher)["previous"]["template_id"] == "count_v1"
    assert told(guests.stranger)["template_id"] == "count_v2"
    assert told(guests.stranger)["previous"] is None
    # What each is shown beside the request does not count for what it is.
    assert told(guests.stranger)["approval_digest"] == told(guests.advertiser)["approval_digest"]


def test_a_withdrawn_request_has_ended_and_can_be_sent_again(asked: World) -> None:
    request = request_id(asked.publisher)
    asked.publisher.call("REJECT_UPDATE_REQUEST", "lookalike", request, "a mistake")
    row = asked.advertiser.call("VIEW_UPDATE_REQUESTS", "lookalike")[-1]
    assert row["STATUS"] == "REJECTED"
    log = {entry["collaborator"]: (entry["decision"], entry["reason"]) for entry in json.loads(row["APPROVAL_LOG"])}
    assert log == {"pub": ("REJECTED", "a mistake")}
    for party in (asked.advertiser, asked.publisher):
        assert "UpdateRequestStateException" in refused(party, "APPROVE_UPDATE_REQUEST", "lookalike", request)
    asked.publisher.call("ADD_TEMPLATE_REQUEST", "lookalike", "count_v1", ["adv"])
    assert request_id(asked.advertiser) != request
    approve(asked.advertiser)
    assert run(asked) == [{"N": 1}]


def test_a_sender_who_does_not_decide_can_withdraw_too(guests: World) -> None:
    send(guests, guests.stranger)
    request = request_id(guests.stranger)
    assert guests.stranger.call("VIEW_UPDATE_REQUESTS", "lookalike")[-1]["STATUS"] == "REQUESTED"
    guests.stranger.call("REJECT_UPDATE_REQUEST", "lookalike", request, "")
    assert "UpdateRequestStateException" in refused(guests.advertiser, "APPROVE_UPDATE_REQUEST", "lookalike", request)


@pytest.mark.attack
def test_nobody_withdraws_what_was_approved(asked: World) -> None:
    request = request_id(asked.publisher)
    approve(asked.advertiser)
    for party in (asked.publisher, asked.advertiser):
        assert "UpdateRequestStateException" in refused(party, "REJECT_UPDATE_REQUEST", "lookalike", request, "")
    assert run(asked) == [{"N": 1}]


@pytest.mark.attack
def test_an_invitation_that_a_name_does_not_tell_from_another_is_not_chosen_by_chance(world: World) -> None:
    """Two owners invite the advertiser to rooms of one name: GET_STATUS and JOIN by that name are of neither."""
    world.publisher.call("INITIALIZE", COLLABORATION, "COMPUTE_WH")
    world.stranger.call("INITIALIZE", COLLABORATION.replace("LOCAL.PUBLISHER", "LOCAL.STRANGER"), "COMPUTE_WH")
    message = refused(world.advertiser, "GET_STATUS", "lookalike")
    assert "LOCAL.PUBLISHER" in message
    assert "LOCAL.STRANGER" in message
    world.advertiser.call("REVIEW", "lookalike", "LOCAL.PUBLISHER")
    world.advertiser.call("JOIN", "lookalike")
    accounts = [row["COLLABORATOR_ACCOUNT"] for row in world.advertiser.call("GET_STATUS", "lookalike")]
    assert accounts == ["LOCAL.PUBLISHER", "LOCAL.ADVERTISER"]


def test_everything_that_a_request_carries_is_shown_and_digested(asked: World) -> None:
    """What is stored, but for the two kept beside it, is what is shown; nothing shown is left out of the digest."""
    with asked.storage.database.read() as connection:
        stored = json.loads(
            connection.execute("SELECT payload FROM room_requests WHERE type = 'Add Template'").fetchone()["payload"]
        )
    spec = told(asked.advertiser)
    assert stored.keys() - spec.keys() == set()
    assert spec.keys() - stored.keys() == {"previous", "approval_digest"}
    assert approval_subject(spec).keys() == stored.keys() | {"format"}
    assert payloads.digest_of(stored) == spec["approval_digest"]
