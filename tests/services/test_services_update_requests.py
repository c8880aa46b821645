"""Requests as the server tells them: times, decisions, and columns that are not what they should be."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from services_requests import spec

from cleanroom_ml.errors import UsageError
from cleanroom_ml.services.times import rfc3339
from cleanroom_ml.services.update_requests import _request, pick_request, waits_for_me

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


class Sent:
    """A target with these requests: (id, template, version, status), oldest first."""

    def __init__(self, *requests: tuple[str, str, str, str]) -> None:
        self._rows = []
        for number, (request_id, name, version, status) in enumerate(requests):
            body = spec(version=version)
            body["template"] = body["template"].replace("name: train", f"name: {name}")
            told = json.dumps(body | {"template_id": f"{name}_{version}"})
            on = datetime(2026, 1, 1 + number, tzinfo=UTC)
            self._rows.append({**ROW, "id": request_id, "status": status, "updated_on": on, "spec": told})

    def call(self, procedure: str, name: str) -> list[dict[str, Any]]:
        assert procedure == "COLLABORATION.VIEW_UPDATE_REQUESTS"
        return self._rows


MINE = "PENDING_MY_APPROVAL"


@pytest.mark.parametrize(
    ("requests", "wanted", "picked"),
    [
        ([("r1", "train", "V1", "COMPLETED"), ("r2", "train", "V2", MINE)], "train", "r2"),
        ([("r1", "train", "V1", MINE), ("r2", "train", "V2", "COMPLETED")], "train", "r1"),
        ([("r1", "train", "V1", MINE), ("r2", "train", "V2", "REJECTED")], "train", "r1"),
        ([("r1", "train", "V1", MINE), ("r2", "train", "V2", "PENDING_PARTNER_APPROVAL")], "train", "r1"),
        ([("r1", "train", "V1", "REJECTED"), ("r2", "train", "V1", MINE)], "train_V1", "r2"),
        ([("r1", "train", "V1", MINE), ("r2", "train_fast", "V1", MINE)], "train", "r1"),
        ([("r1", "train", "V1", MINE), ("r2", "train", "V2", MINE)], "TRAIN_v1", "r1"),
        ([("r1", "train", "V1", MINE), ("r2", "train", "V2", MINE)], "r2", "r2"),
        ([("r1", "train", "V1", "COMPLETED"), ("r2", "train", "V2", "COMPLETED")], "train", "r2"),
        ([("r1", "train", "V1", "COMPLETED"), ("r2", "score", "V2", MINE)], None, "r2"),
    ],
)
def test_the_request_that_waits_is_meant(requests: list[Any], wanted: str | None, picked: str) -> None:
    sent: Any = Sent(*requests)
    assert pick_request(sent, "c", wanted, waits=waits_for_me).id == picked


@pytest.mark.parametrize("wanted", ["train", None])
def test_of_several_that_wait_it_says_which(wanted: str | None) -> None:
    sent: Any = Sent(("r1", "train", "V1", MINE), ("r2", "train", "V2", MINE), ("r3", "train", "V3", "REJECTED"))
    with pytest.raises(UsageError) as caught:
        pick_request(sent, "c", wanted, waits=waits_for_me)
    assert "r1: train_V1 for advertiser, from publisher; r2: train_V2" in str(caught.value.why)
    assert "r3" not in str(caught.value.why)


@pytest.mark.parametrize("wanted", ["nope", "tra", "", "train_V3"])
def test_no_such_request(wanted: str) -> None:
    sent: Any = Sent(("r1", "train", "V1", MINE))
    with pytest.raises(UsageError, match="no update request"):
        pick_request(sent, "c", wanted, waits=waits_for_me)
