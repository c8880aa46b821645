"""Requests as the server tells them: times, decisions, and columns that are not what they should be."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
import yaml
from services_requests import spec
from services_targets import Account

from cleanroom_ml.errors import UsageError
from cleanroom_ml.services.answers import named_rows
from cleanroom_ml.services.times import rfc3339
from cleanroom_ml.services.update_requests import _request, pick_request, waits_for_me

# As the API reference documents it: VIEW_UPDATE_REQUESTS, "Returns" and "Details column contents".
ROW: dict[str, Any] = {
    "id": "r1",
    "type": "Add Template",
    "status": "PENDING_MY_APPROVAL",
    "details": json.dumps({"template_id": "train_V1", "share_with": ["a", "b"], "requested_by": "p"}),
    "updated_on": datetime(2026, 1, 2, 3, tzinfo=timezone(timedelta(hours=1))),
    "approval_log": json.dumps([{"collaborator": "p", "decision": "APPROVED", "reason": None, "decided_on": None}]),
    "spec": spec()["template"],
}
TEMPLATE = yaml.safe_load(spec()["template"])


def test_a_request_is_read() -> None:
    found = _request(ROW)
    assert (found.id, found.kind, found.template_id, found.requester, found.share_with, found.open) == (
        "r1",
        "ADD_TEMPLATE",
        "train_V1",
        "p",
        ("a", "b"),
        True,
    )
    assert found.updated_on == "2026-01-02T02:00:00.000000Z"
    assert [(entry.collaborator, entry.decision, entry.decided_on) for entry in found.decisions] == [
        ("p", "APPROVED", "")
    ]
    assert found.code_specs == ("code_V1",), "of its spec, where the details do not list them"


@pytest.mark.parametrize(
    "change",
    [
        {"details": {"template_id": "train_V1", "share_with": ["a", "b"], "requested_by": "p"}},
        {"details": "template_id: train_V1\nshare_with: [a, b]\nrequested_by: p\n"},
        {"details": {"TEMPLATE_ID": "train_V1", "SHARE_WITH": "a, b", "REQUESTED_BY": "p"}},
        {"details": {"template_id": "train_V1", "share_with": '["a", "b"]', "requested_by": "p"}},
        {"details": {"template_id": "train_V1", "share_with": [{"alias": "a"}, {"alias": "b"}], "requested_by": "p"}},
        {"spec": json.dumps(TEMPLATE)},
        {"spec": TEMPLATE},
        {"spec": json.dumps(spec()["template"])},
        {"spec": spec()["template"] + "description: null\ncreated_on: 2026-01-01\n"},
        {"type": "ADD_TEMPLATE", "status": "pending my approval"},
        {"status": "PENDING"},
    ],
)
def test_every_form_of_it_is_read_as_the_same(change: dict[str, Any]) -> None:
    for row in (ROW | change, {key.upper(): value for key, value in (ROW | change).items()}):
        [named] = named_rows([row], "id")
        found = _request(named)
        assert (
            found.kind,
            found.status,
            found.template_id,
            found.share_with,
            found.requester,
            found.template_name,
        ) == (
            "ADD_TEMPLATE",
            "PENDING_MY_APPROVAL",
            "train_V1",
            ("a", "b"),
            "p",
            "train",
        )


def test_the_older_status_and_one_that_nobody_knows() -> None:
    assert _request(ROW | {"status": "AWAITING_PARTNER_APPROVAL"}).status == "PENDING_PARTNER_APPROVAL"
    odd = _request(ROW | {"status": "On hold"})
    assert (odd.status, odd.open) == ("ON_HOLD", False)


@pytest.mark.parametrize(
    ("log", "read"),
    [
        ([{"collaborator": "a", "status": "APPROVED"}], [("a", "APPROVED", "")]),
        ('[{"COLLABORATOR_NAME": "a", "ACTION": "rejected", "REASON": "no"}]', [("a", "REJECTED", "no")]),
        ([{"approver": "a", "approval_status": "PENDING_APPROVAL"}], [("a", "PENDING", "")]),
        (
            {"a": "APPROVED", "b": {"status": "REJECTED", "comment": "no"}},
            [("a", "APPROVED", ""), ("b", "REJECTED", "no")],
        ),
        ({"alias": "a", "decision": "APPROVED"}, [("a", "APPROVED", "")]),
        ([], []),
        (None, []),
    ],
)
def test_a_log_that_can_be_read(log: object, read: list[tuple[str, str, str]]) -> None:
    found = _request(ROW | {"approval_log": log})
    assert [(each.collaborator, each.decision, each.reason) for each in found.decisions] == read
    assert found.log.unread == ""


@pytest.mark.parametrize(
    "log", ["approved by all", '["a approved"]', '{"x": 1}', [{"collaborator": "a", "vote": 1}], "[1, null]", "1"]
)
def test_a_log_that_cannot_be_read_is_shown_as_it_came(log: object) -> None:
    found = _request(ROW | {"approval_log": log})
    assert found.log.unread == (log if isinstance(log, str) else json.dumps(log))


@pytest.mark.parametrize("value", [None, "", "not json", "1", '"text"', "[1, null]", "{}", "\x00", "[" * 5_000])
def test_a_column_that_is_not_what_it_should_be_is_nothing(value: str | None) -> None:
    assert _request({**ROW, "details": value}).requester == ""
    assert _request({**ROW, "spec": value}).template is None
    assert _request({**ROW, "spec": value}).runs_code, "what cannot be read may run code"


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
        ("2026-01-02 03:00:00.500 -0800", "2026-01-02T11:00:00.500000Z"),
        ("soon", "soon"),
        (None, ""),
    ],
)
def test_times_are_rfc_3339_in_utc(value: object, told: str) -> None:
    assert rfc3339(value) == told


def sent(*requests: tuple[str, str, str, str]) -> Account:
    """A target with these requests: (id, template, version, status), oldest first."""
    rows = []
    for number, (request_id, name, version, status) in enumerate(requests):
        told = {"template_id": f"{name}_{version}", "share_with": ["advertiser"], "requested_by": "publisher"}
        text = spec(version=version)["template"].replace("name: train", f"name: {name}")
        on = datetime(2026, 1, 1 + number, tzinfo=UTC)
        changed = {"id": request_id, "status": status, "updated_on": on, "details": told, "spec": text}
        rows.append(ROW | changed)
    return Account({"COLLABORATION.VIEW_UPDATE_REQUESTS": rows})


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
    assert pick_request(sent(*requests), "c", wanted, waits=waits_for_me).id == picked


@pytest.mark.parametrize("wanted", ["train", None])
def test_of_several_that_wait_it_says_which(wanted: str | None) -> None:
    target = sent(("r1", "train", "V1", MINE), ("r2", "train", "V2", MINE), ("r3", "train", "V3", "REJECTED"))
    with pytest.raises(UsageError) as caught:
        pick_request(target, "c", wanted, waits=waits_for_me)
    # The newest is the one that is likely meant.
    assert "r2: train_V2 for advertiser, from publisher; r1: train_V1" in str(caught.value.why)
    assert caught.value.fix == "name one, such as train_V2"
    assert "r3" not in str(caught.value.why)


def test_two_requests_for_one_template_are_told_apart_by_their_ids() -> None:
    target = sent(("r1", "train", "V1", MINE), ("r2", "train", "V1", MINE))
    with pytest.raises(UsageError) as caught:
        pick_request(target, "c", "train", waits=waits_for_me)
    assert caught.value.fix == "name one, such as r2"


@pytest.mark.parametrize("wanted", ["nope", "tra", "", "train_V3"])
def test_no_such_request(wanted: str) -> None:
    target = sent(("r1", "train", "V1", MINE))
    with pytest.raises(UsageError, match="no update request"):
        pick_request(target, "c", wanted, waits=waits_for_me)
