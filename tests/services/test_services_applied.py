"""Linking, unlinking and removing are done when the view shows it, and not before.

Source: service-behaviour, "What is asynchronous, and how it ends" (LINK_*, UNLINK_*: VIEW_DATA_OFFERINGS,
VIEW_UPDATE_REQUESTS); collaboration-api-reference, VIEW_UPDATE_REQUESTS (types and their details).
"""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any
from unittest import mock

import pytest
from services_targets import Account

from cleanroom_ml.connection.errors import of_text, told
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


TAKING_AWAY = {name: change for name, (shared, change) in CHANGES.items() if shared}


@pytest.mark.parametrize("change", TAKING_AWAY.values(), ids=list(TAKING_AWAY))
def test_what_was_taken_away_before_and_is_shown_late_is_done(change: Callable[[Any], object]) -> None:
    """The answer to the first time never came, and neither view tells yet that it was sent."""
    room = Room(late=6, shared=("advertiser",))
    room.change = lambda: setattr(room, "shared", [])
    refused = ServerError("ResourceNotFoundException: x_V1 is not yours")
    for procedure in ("UNLINK_DATA_OFFERING", "REMOVE_TEMPLATE"):
        room.account.answers[f"COLLABORATION.{procedure}"] = refused
    assert change(room.account)
    room.late, room.shared, room.change = 6, ["advertiser"], None
    with pytest.raises(ServerError, match="is not yours"), mock.patch.object(applied, "REFUSED_SECONDS", 0.0):
        change(room.account)


OFFERING = """\
api_version: 2.0.0
spec_type: data_offering
name: x
version: V1
datasets:
  - {alias: a, data_object_fqn: CRM.SALES.BUYERS, allowed_analyses: template_only,
     schema_and_template_policies: {id: {category: join_custom}}}
"""


def test_who_may_not_pass_a_table_on_is_told_the_grants_of_that_table() -> None:
    """service-behaviour, "Data grants": the error has no names; what it lacks is USAGE and SELECT."""
    room = Room()
    said = "Grant not executed: Insufficient privileges."
    room.account.answers["COLLABORATION.LINK_DATA_OFFERING"] = of_text(told(f"003102 (42501): {said}"))
    room.account.answers["REGISTRY.VIEW_REGISTERED_DATA_OFFERINGS"] = [
        {"data_offering_id": "x_V1", "data_offering_spec": OFFERING}
    ]
    room.account._connection = SimpleNamespace(role="LINKER", close=lambda: None)  # type: ignore[assignment]
    with pytest.raises(ServerError, match=said) as caught, room.account as session:
        offerings.link(session, "lookalike", "x_V1", ("advertiser",))
    assert str(caught.value.fix).split("; ")[:3] == [
        "GRANT USAGE ON DATABASE CRM TO ROLE LINKER WITH GRANT OPTION",
        "GRANT USAGE ON SCHEMA CRM.SALES TO ROLE LINKER WITH GRANT OPTION",
        "GRANT SELECT ON TABLE CRM.SALES.BUYERS TO ROLE LINKER WITH GRANT OPTION",
    ]
