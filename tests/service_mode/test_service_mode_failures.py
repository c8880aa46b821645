"""What fails once: creating, joining, leaving, tearing down; in which status, and what gets on from there.

Statuses and what helps: service-behaviour, "What is asynchronous, and how it ends".
"""

from __future__ import annotations

import json

import pytest
from asking import INITIALIZE, JOIN, REVIEW, STATUS, STATUS_OF, Asks, Engine, call

from cleanroom_ml.engine.contracts.table import Rows

LEAVE, TEARDOWN = call("COLLABORATION.LEAVE", "room"), call("COLLABORATION.TEARDOWN", "room")
LINK = call("COLLABORATION.LINK_DATA_OFFERING", "room", "o", "x")


@pytest.mark.parametrize(
    ("deviation", "before", "failing", "status"),
    [
        ("join-fails", (REVIEW,), JOIN, "JOIN_FAILED"),
        ("join-fails", (INITIALIZE,), JOIN, "JOIN_FAILED"),
        ("leave-fails", (REVIEW, JOIN), LEAVE, "LEAVE_FAILED"),
        ("teardown-fails", (INITIALIZE, JOIN), TEARDOWN, "DROP_FAILED"),
    ],
)
def test_the_first_call_fails_and_the_next_one_gets_on(
    deviation: str, before: tuple[str, ...], failing: str, status: str
) -> None:
    engine = Engine(GET_STATUS=STATUS)
    asks = Asks(engine, deviation)
    for statement in before:
        asks(statement)
    asks(failing)
    assert failing not in engine.reached
    assert [row[1] for row in asks(STATUS_OF).rows] == [status, "JOINED"]
    assert asks(STATUS_OF).rows[0][2] != ""
    refusal = asks.refused(LINK).message
    assert refusal.startswith("InvalidCollaborationStatusError: ")
    assert refusal.endswith(f"one of the following: JOINED. Current status: {status}."), (
        "what LINK needs, not what failed"
    )
    asks(failing)
    assert failing in engine.reached
    assert asks(STATUS_OF).rows[0][1] == "JOINED", "the engine's own answer again"
    asks(LINK)


@pytest.mark.parametrize(
    ("deviation", "before", "refused"),
    [
        ("leave-fails", (INITIALIZE, JOIN), LEAVE),
        ("leave-fails", (REVIEW,), LEAVE),
        ("teardown-fails", (INITIALIZE,), TEARDOWN),
        ("teardown-fails", (REVIEW, JOIN), TEARDOWN),
        ("join-fails", (), JOIN),
    ],
)
def test_what_would_be_refused_anyway_goes_to_the_engine(deviation: str, before: tuple[str, ...], refused: str) -> None:
    """The owner leaves, somebody tears down who is not, or has not joined: no failure hides the refusal."""
    engine = Engine()
    asks = Asks(engine, deviation)
    for statement in (*before, refused):
        asks(statement)
    assert refused in engine.reached


@pytest.mark.parametrize(
    ("deviations", "statuses"),
    [
        (("create-fails",), ["CREATE_FAILED", "JOINED", "JOINED"]),
        (("create-times-out",), ["CREATE_TIMED_OUT", "JOINED", "JOINED"]),
        (("create-fails", "create-times-out"), ["CREATE_FAILED", "CREATE_TIMED_OUT", "JOINED"]),
    ],
)
def test_the_first_rooms_of_an_account_are_of_no_use(deviations: tuple[str, ...], statuses: list[str]) -> None:
    asks = Asks(Engine(GET_STATUS=STATUS), *deviations)
    found = []
    for name in ("room", "room2", "room3"):
        asks(INITIALIZE.replace("name: room", f"name: {name}"))
        found.append(asks(call("COLLABORATION.GET_STATUS", name)).rows[0][1])
        if found[-1] != "JOINED":
            assert asks.refused(call("COLLABORATION.JOIN", name)).message.endswith(f"Current status: {found[-1]}.")
            assert asks.refused(call("COLLABORATION.TEARDOWN", name)).message.endswith(f"Current status: {found[-1]}.")
    assert found == statuses


def test_what_could_not_be_created_is_nothing_else() -> None:
    asks = Asks(Engine(GET_STATUS=STATUS), "create-fails", "auto-join-fails")
    asks(call("COLLABORATION.INITIALIZE", "name: room\n", "APP_WH"))
    assert asks(STATUS_OF).rows[0][1] == "CREATE_FAILED"
    assert asks.refused(JOIN).message.endswith("Current status: CREATE_FAILED.")


def test_who_has_failed_to_join_may_review_again() -> None:
    asks = Asks(Engine(GET_STATUS=STATUS), "join-fails")
    for statement in (REVIEW, JOIN, REVIEW, JOIN):
        asks(statement)
    assert asks(STATUS_OF).rows[0][1] == "JOINED"


def test_what_was_joined_by_hand_fails_no_more() -> None:
    asks = Asks(Engine(GET_STATUS=STATUS), "auto-join-fails", "join-fails")
    asks(call("COLLABORATION.INITIALIZE", "name: room\n", "APP_WH"))
    asks(JOIN)
    assert asks(STATUS_OF).rows[0][1] == "JOINED"


def test_joining_by_itself_fails_silently_and_by_hand_it_works() -> None:
    asks = Asks(Engine(GET_STATUS=STATUS), "auto-join-fails")
    asks(INITIALIZE)  # without a warehouse, nothing is to be joined
    assert asks(STATUS_OF).rows[0][1] == "JOINED"
    asks(call("COLLABORATION.INITIALIZE", "name: room\n", "APP_WH"))
    status, details = asks(STATUS_OF).rows[0][1:3]
    assert status == "CREATED"
    told = json.loads(str(details))["auto_join"]
    assert (told["enabled"], told["phase"]) == (False, "failed")
    assert told["failure_summary"]
    assert "Current status: CREATED." in asks.refused(LINK).message
    asks(JOIN)
    assert asks(STATUS_OF).rows[0][1:3] == ("JOINED", "")
    asks(LINK)


@pytest.mark.parametrize(("procedure", "status"), [("LEAVE", "LEAVING"), ("TEARDOWN", "DROPPING")])
def test_a_way_out_takes_a_while(procedure: str, status: str) -> None:
    leave = call(f"COLLABORATION.{procedure}", "room")
    engine = Engine(GET_STATUS=STATUS)
    engine.answers[procedure] = Rows.one(procedure, f"{procedure} of collaboration room has started. Once GET_STATUS …")
    asks = Asks(engine, "slow-endings")
    asks(leave)
    assert asks(STATUS_OF).rows[0][1] == status
    asks(leave)  # too early: nothing happens
    assert engine.reached.count(leave) == 1
    assert asks(STATUS_OF).rows[0][1] == "JOINED", "over, and the engine tells where it is"
    engine.answers[procedure] = Rows.one(procedure, "You have left collaboration room.")
    asks(leave)
    assert engine.reached.count(leave) == 2
    assert asks(STATUS_OF).rows[0][1] == "JOINED", "the second call is over at once"


def test_nothing_else_is_to_be_had_on_the_way_out() -> None:
    asks = Asks(Engine(LEAVE=Rows.one("LEAVE", "LEAVE of collaboration room has started.")), "slow-endings")
    asks(LEAVE)
    assert asks.refused(LINK).message.endswith("Current status: LEAVING.")
