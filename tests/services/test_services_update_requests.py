"""Requests as the server tells them: times, decisions, and columns that are not what they should be."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone

import pytest
from services_requests import spec

from cleanroom_ml.services.times import rfc3339
from cleanroom_ml.services.update_requests import _request

ROW = {
    "id": "r1",
    "type": "ADD_TEMPLATE",
    "status": "PENDING_MY_APPROVAL",
    "details": None,
    "updated_on": datetime(2026, 1, 2, 3, tzinfo=timezone(timedelta(hours=1))),
    "approval_log": json.dumps([{"collaborator": "a", "decision": "PENDING", "reason": None, "decided_on": None}]),
    "spec": json.dumps({"template_id": "train_V1", "requester": "p", "runner": "a", "template": spec()["template"]}),
}


def test_a_request_is_read() -> None:
    found = _request(ROW)
    assert (found.id, found.template_id, found.requester, found.runner, found.open) == (
        "r1",
        "train_V1",
        "p",
        "a",
        True,
    )
    assert found.updated_on == "2026-01-02T02:00:00.000000Z"
    assert [(entry.collaborator, entry.decision, entry.decided_on) for entry in found.decisions] == [
        ("a", "PENDING", "")
    ]


@pytest.mark.parametrize("column", ["approval_log", "spec"])
@pytest.mark.parametrize("value", [None, "", "not json", "1", '"text"', "[1, null]", "{}"])
def test_a_column_that_is_not_what_it_should_be_is_nothing(column: str, value: str | None) -> None:
    found = _request({**ROW, column: value})
    assert found.decisions == () if column == "approval_log" else found.spec == {}


@pytest.mark.parametrize(
    ("wanted", "concerns"), [("train", True), ("TRAIN_v1", True), ("train_V2", False), ("tra", False)]
)
def test_which_template_a_request_is_about(wanted: str, concerns: bool) -> None:
    assert _request(ROW).concerns(wanted) is concerns


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (datetime(2026, 1, 2), "2026-01-02T00:00:00.000000Z"),
        ("2026-01-02T03:00:00+01:00", "2026-01-02T02:00:00.000000Z"),
        ("2026-01-02 03:00:00.5", "2026-01-02T03:00:00.500000Z"),
        ("soon", "soon"),
        (None, ""),
    ],
)
def test_times_are_rfc_3339_in_utc(value: object, told: str) -> None:
    assert rfc3339(value) == told
