"""Submitting and removing templates on a target that shows what is documented, and no more."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from services_any_target import PLAIN, REGISTERED, row
from services_targets import Account

from cleanroom_ml.cli.commands.template import _older
from cleanroom_ml.errors import ServerError, UsageError
from cleanroom_ml.services import templates


class Room:
    """A target that lists what it was sent only after it was asked a few times."""

    def __init__(self, late: int, *, known: tuple[dict[str, Any], ...] = ()) -> None:
        self.rows, self.late, self.pauses, self.waiting = list(known), late, [], []
        self.account = Account(
            {
                "COLLABORATION.VIEW_UPDATE_REQUESTS": self.view,
                "COLLABORATION.ADD_TEMPLATE_REQUEST": self.add,
                "COLLABORATION.REMOVE_TEMPLATE": lambda *_: [],
                "REGISTRY.VIEW_REGISTERED_TEMPLATES": [{"template_id": "train_V1", "template_spec": REGISTERED}],
            },
            "ACME-PUBLISHER",
        )
        self.rows: list[dict[str, Any]]
        self.pauses: list[float]
        self.waiting: list[dict[str, Any]]

    def add(self, _: str, template_id: str, runners: list[str]) -> list[dict[str, Any]]:
        details = {"template_id": template_id, "share_with": runners, "requested_by": "publisher"}
        self.waiting.append(row(PLAIN, id=f"request_{len(self.rows) + 2}", status="REQUESTED", details=details))
        return [{"add_template_request": "sent"}]

    def view(self, _: str) -> list[dict[str, Any]]:
        self.late -= bool(self.waiting)
        return [*self.rows, *(self.waiting if self.late < 0 else [])]

    def submit(self, tmp_path: Path, *runners: str) -> templates.Submission:
        path = tmp_path / "train.yaml"
        path.write_text(PLAIN)
        project: Any = type("P", (), {"code_spec_paths": ()})()
        return templates.submit(self.account, project, "lookalike", (path,), runners=runners, pause=self.pauses.append)

    def asked(self) -> list[str]:
        return [sql for sql in self.account.sent if "ADD_TEMPLATE_REQUEST" in sql]


def test_submitting_is_one_request_for_all_runners_and_is_waited_for(tmp_path: Path) -> None:
    room = Room(late=3)
    done = room.submit(tmp_path, "advertiser", "agency")
    assert [(each.runner, each.request_id, each.new) for each in done.requests] == [
        ("advertiser", "request_2", True),
        ("agency", "request_2", True),
    ]
    assert len(room.asked()) == 1
    assert room.pauses == [0.5, 1.0, 2.0]
    again = room.submit(tmp_path, "advertiser", "agency")
    assert [each.new for each in again.requests] == [False, False]
    assert len(room.asked()) == 1, "repeated, it sends nothing"


def test_what_is_never_listed_is_said_and_not_sent_twice(tmp_path: Path) -> None:
    room = Room(late=1_000)
    done = room.submit(tmp_path, "advertiser")
    assert (done.requests, done.unlisted) == ((), ("train_V1 for advertiser",))
    assert len(room.asked()) == 1
    assert sum(room.pauses) < 60


@pytest.mark.parametrize(
    ("known", "asks"),
    [
        ([row(PLAIN, status="REQUESTED")], 0),
        ([row(PLAIN, status="COMPLETED")], 0),
        ([row(PLAIN, status="REJECTED")], 0),
        ([row(PLAIN, status="REJECTED", approval_log=[{"collaborator": "publisher", "status": "REJECTED"}])], 1),
        ([row(PLAIN, status="FAILED")], 1),
        ([row(PLAIN, status="COMPLETED", details={"template_id": "train_V1", "share_with": "agency"})], 1),
        (
            [
                row(PLAIN, status="COMPLETED"),
                row(
                    PLAIN,
                    id="r2",
                    type="Remove Template",
                    status="COMPLETED",
                    details={"template_id": "TRAIN_V1", "remove_for": ["ADVERTISER"]},
                    updated_on="2026-11-02 10:00:00",
                ),
            ],
            1,
        ),
    ],
)
def test_what_was_sent_before_is_not_sent_again(known: list[dict[str, Any]], asks: int, tmp_path: Path) -> None:
    room = Room(late=0, known=tuple(known))
    room.submit(tmp_path, "advertiser")
    assert len(room.asked()) == asks


@pytest.mark.parametrize(
    ("change", "superseded"),
    [
        ({}, ("train_V0",)),
        ({"status": "COMPLETED"}, ()),
        ({"details": {"template_id": "train_V0", "share_with": "advertiser", "requested_by": "agency"}}, ()),
        ({"updated_on": "2026-11-09 10:00:00"}, ()),
    ],
)
def test_an_older_version_that_waits_still_is_told(
    change: dict[str, Any], superseded: tuple[str, ...], tmp_path: Path
) -> None:
    """After `spec register --bump` both waited, and nothing said that the old one is to be taken back."""
    old = {"template_id": "train_V0", "share_with": "advertiser", "requested_by": "publisher"}
    before = row(PLAIN.replace("V1", "V0"), id="r0", **{"status": "REQUESTED", "details": old, **change})
    sent = row(PLAIN, id="r1", status="REQUESTED", updated_on="2026-11-02 10:00:00")
    done = Room(late=0, known=(before, sent)).submit(tmp_path, "advertiser")
    assert done.superseded == superseded
    assert _older(done) == tuple(f"cleanroom-ml template withdraw {each}" for each in superseded)


def test_taking_a_template_away_names_those_that_have_it() -> None:
    have = {"advertiser", "agency"}

    def removed(_: str, __: str, runners: list[str]) -> list[dict[str, Any]]:
        have.difference_update({each.lower() for each in runners})
        return []

    account = Account(
        {
            "COLLABORATION.VIEW_TEMPLATES": lambda _: [{"template_id": "train_V1", "shared_with": str(sorted(have))}],
            "COLLABORATION.REMOVE_TEMPLATE": removed,
        }
    )
    assert templates.remove_from_room(account, "lookalike", "TRAIN_v1", ("Agency", "other")) == ("Agency",)
    have.add("agency")
    assert templates.remove_from_room(account, "lookalike", "train_V1", ()) == ("advertiser", "agency")
    assert templates.remove_from_room(account, "lookalike", "train_V1", ("other",)) == ()
    sent = [sql.partition("REMOVE_TEMPLATE")[2] for sql in account.sent if "REMOVE_TEMPLATE" in sql]
    assert sent == ["('lookalike', 'TRAIN_v1', ['Agency'])", "('lookalike', 'train_V1', ['advertiser', 'agency'])"]
    with pytest.raises(UsageError, match="no template"):
        templates.remove_from_room(account, "lookalike", "nope_V1", ())


def test_who_runs_nothing_is_no_one_to_share_with(tmp_path: Path) -> None:
    room = Room(late=0)
    room.account.answers["COLLABORATION.ADD_TEMPLATE_REQUEST"] = ServerError("no runner", fix="the target's")
    with pytest.raises(ServerError, match="no runner") as caught:
        room.submit(tmp_path, "advertizer")
    assert caught.value.why == "did you mean 'advertiser'? there are: advertiser"
    assert caught.value.fix == "share it with who runs: cleanroom-ml template submit --with advertiser"
