"""What holds, or is to be seen, only some questions later.

Statuses: service-behaviour, "What is asynchronous, and how it ends"; collaboration-api-reference, EDIT and
GET_CONFIGURATION.
"""

from __future__ import annotations

import json

import pytest
from asking import STATUS_OF, Asks, Engine, call

from cleanroom_ml.engine.contracts.table import Rows
from cleanroom_ml.engine.service_mode.sendings import SENDING_FAILED

ACTIVATIONS = Rows.answer(
    tuple((name, "VARCHAR") for name in ("SEGMENT_NAME", "BATCH_ID", "STATUS")),
    [("q1", "b1", "SHARED"), ("old", "b0", "PROCESSED")],
)
RUN = call("COLLABORATION.RUN", "room", "spec")
VIEW = call("COLLABORATION.VIEW_ACTIVATIONS", "room")
MOVED = Rows.answer((("TABLE_NAME", "VARCHAR"), ("SEGMENT_NAME", "VARCHAR")), [("room.activation.t", "q1")])


def test_a_setting_is_pending_with_its_old_value() -> None:
    now = Rows.answer(
        tuple((name, "VARCHAR") for name in ("CONFIGURATION", "VALUE", "STATUS")),
        [("TEMPLATE_AUTO_APPROVAL", "true", "ACTIVE"), ("ALLOW_ML_JOBS_MONITORING", "true", "ACTIVE")],
    )
    asks = Asks(Engine(GET_CONFIGURATION=now), "late-settings")
    asks(call("COLLABORATION.SET_CONFIGURATION", "room", "template_auto_approval", "true"))
    view = call("COLLABORATION.GET_CONFIGURATION", "room")
    told = [asks(view).rows for _ in range(3)]
    assert [rows[0][1:] for rows in told] == [("false", "PENDING"), ("false", "PENDING"), ("true", "ACTIVE")]
    assert {rows[1] for rows in told} == {now.rows[1]}
    asks(call("COLLABORATION.DISABLE_TEMPLATE_AUTO_APPROVAL", "room"))
    assert asks(view).rows[0][1:] == ("true", "PENDING"), "the value that it had before"


def _sent() -> tuple[Asks, Asks, Engine]:
    columns = tuple((name, "VARCHAR") for name in ("BATCH_ID", "SEGMENT_NAME", "STATUS"))
    engine = Engine(VIEW_ACTIVATIONS=ACTIVATIONS, PROCESS=MOVED)
    engine.answers["RUN"] = Rows.answer(columns, [("b1", "q1", "SHARED")])
    sender = Asks(engine, "late-activations")
    receiver = Asks(engine, account="BRAND")
    receiver.layer = sender.layer
    assert sender(RUN).rows == [("b1", "q1", "PENDING")]
    return sender, receiver, engine


def test_what_is_sent_is_pending_then_replicating_then_shared() -> None:
    sender, receiver, _ = _sent()
    told = [asks(VIEW).rows for asks in (sender, receiver, sender)]
    assert [rows[0][2] for rows in told] == ["PENDING", "REPLICATING", "SHARED"]
    assert {rows[1] for rows in told} == {ACTIVATIONS.rows[1]}


@pytest.mark.parametrize("wanted", ["", ", 'q1'", ", ['b1']"])
def test_what_is_under_way_cannot_be_processed(wanted: str) -> None:
    _, receiver, engine = _sent()
    process = f"CALL SAMOOHA_BY_SNOWFLAKE_LOCAL_DB.COLLABORATION.PROCESS_ACTIVATION('room'{wanted})"
    assert receiver(process).rows == ()
    receiver(VIEW)
    assert process not in engine.reached
    assert receiver(process).rows == MOVED.rows
    assert process in engine.reached


@pytest.mark.parametrize("wanted", ["'other'", "['b9']"])
def test_what_has_arrived_can_be_processed_meanwhile(wanted: str) -> None:
    _, receiver, engine = _sent()
    process = f"CALL SAMOOHA_BY_SNOWFLAKE_LOCAL_DB.COLLABORATION.PROCESS_ACTIVATION('room', {wanted})"
    receiver(process)
    assert process in engine.reached


def test_what_is_sent_to_oneself_is_there_at_once() -> None:
    columns = tuple((name, "VARCHAR") for name in ("BATCH_ID", "SEGMENT_NAME", "STATUS"))
    asks = Asks(Engine(RUN=Rows.answer(columns, [("b1", "q1", "PROCESSED")])), "late-activations")
    assert asks(RUN).rows == [("b1", "q1", "PROCESSED")]


def test_an_edit_is_applied_one_operation_after_the_other() -> None:
    operations = [
        {"operation_type": "ADD_COLLABORATOR", "status": "COMPLETED"},
        {"operation_type": "LINK_DATA_OFFERING", "status": "FAILED", "failure_reason": "gone"},
    ]
    details = json.dumps({"operations": operations, "requested_by": "a", "failure_reason": "see operations"})
    columns = tuple((name, "VARCHAR") for name in ("ID", "TYPE", "STATUS", "DETAILS"))
    rows = [("r1", "Edit Collaboration", "FAILED", details), ("r2", "Add Template", "COMPLETED", "{}")]
    asks = Asks(Engine(VIEW=Rows.answer(columns, rows)), "late-edits")
    view = call("COLLABORATION.VIEW_UPDATE_REQUESTS", "room")
    told = [asks(view).rows for _ in range(3)]
    assert [each[0][2] for each in told] == ["APPROVED", "APPROVED", "FAILED"]
    shown = [json.loads(str(each[0][3])) for each in told]
    assert [[each["status"] for each in one["operations"]] for one in shown] == [
        ["REQUESTED", "REQUESTED"], ["COMPLETED", "REQUESTED"], ["COMPLETED", "FAILED"]
    ]  # fmt: skip
    assert ["failure_reason" in one for one in shown] == [False, False, True]
    assert {each[1] for each in told} == {rows[1]}


def test_whom_an_edit_adds_is_reviewing_before_it_joins() -> None:
    """collaboration-api-reference, EDIT, usage notes."""
    columns = (("COLLABORATOR_ACCOUNT", "VARCHAR"), ("STATUS", "VARCHAR"), ("DETAILS", "VARCHAR"))
    status = Rows.answer(columns, [("LOCAL.SHOP", "JOINED", ""), ("LOCAL.LATE", "IN_REVIEW", "")])
    asks = Asks(Engine(GET_STATUS=status), "late-edits")
    assert [row[1] for row in asks(STATUS_OF).rows] == ["JOINED", "IN_REVIEW"]
    asks(call("COLLABORATION.EDIT", "room", "spec"))
    assert [row[1] for row in asks(STATUS_OF).rows] == ["JOINED", "REVIEWING"]


LISTED = Rows.answer(
    tuple((name, "VARCHAR") for name in ("SEGMENT_NAME", "BATCH_ID", "STATUS", "DETAILS")),
    [
        ("q1", "b1", "SHARED", ""),
        ("q1", "b2", "SHARED", ""),
        ("q1", "b3", "PROCESSED", ""),
        ("old", "b0", "SHARED", ""),
    ],
)


def _failed() -> tuple[Asks, Asks, Engine]:
    """The sender's first activation has failed, and its second has not."""
    columns = tuple((name, "VARCHAR") for name in ("BATCH_ID", "SEGMENT_NAME", "STATUS"))
    engine = Engine(VIEW_ACTIVATIONS=LISTED, PROCESS=MOVED)
    sender = Asks(engine, "activation-fails")
    receiver = Asks(engine, account="BRAND")
    receiver.layer = sender.layer
    for batch, status in (("b1", "PENDING"), ("b2", "SHARED")):
        engine.answers["RUN"] = Rows.answer(columns, [(batch, "q1", "SHARED")])
        assert sender(RUN).rows == [(batch, "q1", status)]
    return sender, receiver, engine


def test_the_first_activation_fails_and_its_details_say_so() -> None:
    """service-behaviour, "What is asynchronous": activation to a partner: FAILED with details."""
    for asks in _failed()[:2]:
        told = asks(VIEW).rows
        assert told[0][2:] == ("FAILED", SENDING_FAILED)
        assert [row[2] for row in told[1:]] == ["SHARED", "PROCESSED", "SHARED"]


@pytest.mark.parametrize(
    ("wanted", "asked"),
    [
        ("", ["b2", "b0"]),
        (", 'q1'", ["b2", "b3"]),
        (", ['b1', 'b2']", ["b2"]),
        (", ['b1']", None),
        (", 'old'", "as it is"),
    ],
)
def test_nothing_of_what_has_failed_is_processed(wanted: str, asked: object) -> None:
    _, receiver, engine = _failed()
    process = f"CALL SAMOOHA_BY_SNOWFLAKE_LOCAL_DB.COLLABORATION.PROCESS_ACTIVATION('room'{wanted})"
    assert receiver(process).rows == (MOVED.rows if asked else ())
    reached = [(text, values) for text, values in engine.asked if "PROCESS" in text]
    ours = process.partition("(")[0] + "(?, ?)"
    assert reached == ([(process, ())] if asked == "as it is" else [(ours, ("room", asked))] if asked else [])


def test_what_is_linked_is_in_the_view_some_views_later() -> None:
    """service-behaviour, "What is asynchronous": LINK_* is done when VIEW_DATA_OFFERINGS shows it."""
    columns = (("TEMPLATE_VIEW_NAME", "VARCHAR"), ("DATA_OFFERING_ID", "VARCHAR"))
    view = Rows.answer(columns, [("shop.x_V1.t", "x_V1"), ("shop.y_V1.t", "y_V1")])
    asks = Asks(Engine(VIEW_DATA_OFFERINGS=view), "late-links")
    asks(call("COLLABORATION.LINK_DATA_OFFERING", "room", "X_v1", "brand"))
    shown = call("COLLABORATION.VIEW_DATA_OFFERINGS", "room")
    assert [len(asks(shown).rows) for _ in range(3)] == [1, 1, 2]
