"""Linking, unlinking and removing are done when the view shows it, and not before.

Source: service-behaviour, "What is asynchronous, and how it ends" (LINK_*, UNLINK_*: VIEW_DATA_OFFERINGS,
VIEW_UPDATE_REQUESTS); collaboration-api-reference, VIEW_UPDATE_REQUESTS (types and their details).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from services_targets import Account

from cleanroom_ml.errors import ServerError, WaitTimeoutError
from cleanroom_ml.services import applied, offerings, templates

Rows = list[dict[str, Any]]


class Room:
    """What is linked, and what is asked for; a change is shown after `late` looks, or `fails`, or never."""

    def __init__(self, late: int = 0, *, fails: str = "", shared: tuple[str, ...] = ()) -> None:
        self.late, self.fails, self.shared, self.requests = late, fails, list(shared), Rows()
        self.change: Callable[[], object] | None = None
        procedures = ("LINK_DATA_OFFERING", "UNLINK_DATA_OFFERING", "LINK_LOCAL_DATA_OFFERING", "REMOVE_TEMPLATE")
        self.account = Account(
            {
                **{f"COLLABORATION.{name}": self.changes(name) for name in procedures},
                "COLLABORATION.VIEW_DATA_OFFERINGS": lambda _: self.view("data_offering_id", "x_V1"),
                "COLLABORATION.VIEW_TEMPLATES": lambda _: self.view("template_id", "x_V1"),
                "COLLABORATION.VIEW_UPDATE_REQUESTS": lambda _: self.requests,
                "REGISTRY.VIEW_REGISTERED_DATA_OFFERINGS": [],
            },
            "ACME-PUBLISHER",
        )

    def changes(self, procedure: str) -> Callable[..., Rows]:
        def changed(_: str, about: str, runners: tuple[str, ...] = ("LOCAL",)) -> Rows:
            kind = procedure.replace("_LOCAL", "").replace("_", " ").title()
            key = "template_id" if "TEMPLATE" in procedure else "data_offering_id"
            details = {key: about, "share_with": list(runners)} | ({"failure_reason": self.fails} if self.fails else {})
            status = "FAILED" if self.fails else "APPROVED"
            number = len(self.requests)
            self.requests.append({"id": f"r{number}", "type": kind, "status": status, "details": details})
            there = set(self.shared) | set(runners) if procedure.startswith("LINK") else set(self.shared) - set(runners)
            self.change = None if self.fails else lambda: setattr(self, "shared", sorted(there))
            return []

        return changed

    def view(self, column: str, name: str) -> Rows:
        if self.change is not None:
            self.late -= 1
            if self.late < 0:
                self.change()
                self.change = None
        return [{column: name.lower(), "shared_with": self.shared}] if self.shared else []

    def sent(self) -> list[str]:
        return [sql for sql in self.account.sent if "LINK" in sql or "REMOVE_TEMPLATE" in sql]


CHANGES: dict[str, tuple[tuple[str, ...], Callable[[Any], object]]] = {
    "link": ((), lambda account: offerings.link(account, "lookalike", "x_V1", ("advertiser",)).new),
    "link local": ((), lambda account: offerings.link_local(account, "lookalike", "x_V1").new),
    "unlink": (("advertiser",), lambda account: offerings.unlink(account, "lookalike", "x_V1")),
    "remove": (("advertiser",), lambda account: templates.remove_from_room(account, "lookalike", "x_V1", ())),
}
every_change = pytest.mark.parametrize(("shared", "change"), CHANGES.values(), ids=list(CHANGES))


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.sleep", lambda _: None)


@every_change
def test_a_change_is_done_when_it_is_shown(shared: tuple[str, ...], change: Callable[[Any], object]) -> None:
    room = Room(late=3, shared=shared)
    assert change(room.account)
    assert room.change is None, "it is shown by now"
    assert len(room.sent()) == 1


@every_change
def test_a_change_that_fails_later_is_an_error(shared: tuple[str, ...], change: Callable[[Any], object]) -> None:
    room = Room(fails="the share is gone", shared=shared)
    with pytest.raises(ServerError, match="x_V1 has failed") as caught:
        change(room.account)
    assert caught.value.why == "the share is gone"


@every_change
def test_a_change_that_is_never_shown_says_where_it_is(
    shared: tuple[str, ...], change: Callable[[Any], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    room = Room(late=1_000, shared=shared)
    monkeypatch.setattr(applied, "APPLIED_SECONDS", 0.0)
    with pytest.raises(WaitTimeoutError, match="x_V1 is APPROVED, and not shown yet"):
        change(room.account)
    monkeypatch.undo()
    monkeypatch.setattr("time.sleep", lambda _: None)
    room.late = 1
    assert change(room.account), "the same again goes on"
    assert len(room.sent()) == 1, "what is on its way is not sent a second time"


def test_an_older_failure_is_another_requests() -> None:
    room = Room(fails="the share is gone")
    with pytest.raises(ServerError):
        offerings.link(room.account, "lookalike", "x_V1", ("advertiser",))
    room.fails, room.late = "", 2
    assert offerings.link(room.account, "lookalike", "x_V1", ("advertiser",)).new
