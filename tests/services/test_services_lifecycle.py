"""Into a collaboration and out of it, against a target that answers as the documentation and the field say.

Statuses and the second call: user-guide/cleanrooms/collaboration-api-reference, GET_STATUS, LEAVE and TEARDOWN; shapes
and late visibility: docs/api-digest.md §9.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from cleanroom_ml.connection.session import Connection
from cleanroom_ml.connection.target import Setting, Target
from cleanroom_ml.errors import ConflictError, ServerError, UsageError, WaitTimeoutError, WrongPartyError
from cleanroom_ml.services import collaborations, editing, leaving, memberships, offerings, registries
from cleanroom_ml.specs.collaboration import Collaboration
from cleanroom_ml.specs.parse import parse_as

SPEC = """
api_version: 2.0.0
spec_type: collaboration
name: look
owner: alice
collaborator_identifier_aliases: {alice: ORG.ALICE, bob: ORG.BOB}
analysis_runners: {bob: {data_providers: {alice: {data_offerings: []}}}}
"""
DOCUMENTED = [
    "CREATING", "CREATE_FAILED", "CREATE_TIMED_OUT", "INSTALLING", "REPLICATING", "CREATED", "IN_REVIEW",
    "INSTALLATION_FAILED", "INVITED", "JOINING", "JOIN_FAILED", "JOINED", "LEAVING", "LEAVE_FAILED", "LEFT",
    "LOCAL_DROP_PENDING", "DROPPING", "DROPPED", "DROP_FAILED",
]  # fmt: skip


class Account:
    """A Snowflake account: what GET_STATUS says after each call, one status each time it is asked; the last stays."""

    def __init__(self, now: str, *, me: str = "ORG-BOB", **after: str) -> None:
        self.connection = Connection(Target("c", "snowflake", (Setting("account", me, "test"),), "test"), None)  # type: ignore[arg-type]
        self.connection.call = self._call  # type: ignore[method-assign]
        self.calls: list[str] = []
        self.failing: dict[str, str] = {}
        self.requests: list[dict[str, Any]] = []
        self.sent: list[dict[str, Any]] = []
        self.details = ""
        self.me = me.replace("-", ".")
        self._told = now.split()
        self._after = {name: texts.split(";") for name, texts in after.items()}

    def _call(self, procedure: str, *arguments: object) -> list[dict[str, Any]]:
        name = procedure.rpartition(".")[2]
        if name == "GET_STATUS":
            status = self._told.pop(0) if len(self._told) > 1 else self._told[0]
            if status == "GONE":
                raise ServerError("CollaborationNotFoundException: collaboration 'look' does not exist")
            if status == "NOBODY":
                return []
            row = {
                "collaborator_name": "x",
                "collaborator_account": self.me,
                "roles": "DATA_PROVIDER",
                "status": status,
            }
            return [{**row, "details": self.details, "updated_on": None}]
        if name == "VIEW_COLLABORATIONS" and self._told[0] == "GONE":
            return []
        if name == "VIEW_COLLABORATIONS":
            row = {"source_name": "LOOK", "collaboration_name": "look", "owner_account": "ORG.ALICE"}
            return [{**row, "updated_on": None, "collaboration_spec": SPEC}]
        if name == "VIEW_UPDATE_REQUESTS":
            return self.requests
        self.calls.append(name)
        if name in self.failing:
            raise ServerError(self.failing.pop(name))
        self.requests += self.sent
        if self._after.get(name):
            self._told = self._after[name].pop(0).split()
        return []


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.sleep", lambda seconds: None)


def leave(account: Account) -> leaving.Ended:
    return leaving.leave(account.connection, "look")


def join(account: Account) -> collaborations.Joined:
    return collaborations.join(account.connection, "look", owner_account="ORG.ALICE")


@pytest.mark.parametrize(
    ("now", "first", "second", "calls"),
    [
        ("JOINED", "LEAVING LEAVING LOCAL_DROP_PENDING", "LEFT", 2),
        ("JOINED", "JOINED JOINED LEAVING LOCAL_DROP_PENDING", "LOCAL_DROP_PENDING LEFT", 2),
        ("JOINED", "LOCAL_DROP_PENDING", "GONE", 2),
        ("LEAVE_FAILED", "LOCAL_DROP_PENDING", "LEFT", 2),
        ("LOCAL_DROP_PENDING", "LEFT", "", 1),
        ("LEAVING LOCAL_DROP_PENDING", "LEFT", "", 1),
        ("LEFT", "", "", 0),
    ],
)
def test_leaving_goes_on_from_wherever_it_is(now: str, first: str, second: str, calls: int) -> None:
    account = Account(now, LEAVE=";".join(filter(None, (first, second))))
    assert leave(account) == leaving.Ended("look", "LEFT", calls > 0)
    assert account.calls == ["LEAVE"] * calls


@pytest.mark.parametrize("after", ["NOBODY", "LOCAL_DROP_PENDING;NOBODY"])
def test_nobody_has_left_because_a_target_says_nothing(after: str) -> None:
    with pytest.raises(ServerError, match="does not tell where this account is"):
        leave(Account("JOINED", LEAVE=after))


@pytest.mark.parametrize(
    ("now", "step", "said", "calls"),
    [
        ("INVITED INVITED IN_REVIEW", "REVIEW", "CollaborationAlreadyReviewed: look is reviewed", ["REVIEW", "JOIN"]),
        ("INVITED INVITED IN_REVIEW", "REVIEW", "Current status: IN_REVIEW.", ["REVIEW", "JOIN"]),
        ("IN_REVIEW IN_REVIEW JOINING JOINED", "JOIN", "Current status: JOINING.", ["JOIN"]),
        ("IN_REVIEW JOINED", "JOIN", "Current status: JOINED.", ["JOIN"]),
        ("JOIN_FAILED JOIN_FAILED JOINED", "JOIN", "Current status: JOINING.", ["JOIN"]),
    ],
)
def test_a_step_that_was_taken_before_is_gone_on_from(now: str, step: str, said: str, calls: list[str]) -> None:
    """Its answer never came, or its status is told late: the refusals are those of service-behaviour, "Errors"."""
    account = Account(now, JOIN="JOINED")
    account.failing[step] = (
        said if said.startswith("Coll") else f"InvalidCollaborationStatusError: This action requires … {said}"
    )
    assert join(account).status == "JOINED"
    assert account.calls == calls


@pytest.mark.parametrize("said", ["Current status: LEAVING.", "Current status: IN_REVIEW.", "nothing of it"])
def test_a_step_that_is_refused_for_another_status_is_refused(said: str) -> None:
    account = Account("IN_REVIEW")
    account.failing["JOIN"] = f"InvalidCollaborationStatusError: This action requires … {said}"
    with pytest.raises(ServerError, match="InvalidCollaborationStatusError"):
        join(account)


def test_an_owner_tears_down_and_nobody_else() -> None:
    account = Account("JOINED", me="ORG-ALICE", TEARDOWN="DROPPING LOCAL_DROP_PENDING;DROPPED")
    assert leaving.teardown(account.connection, "look") == leaving.Ended("look", "DROPPED", True)
    assert account.calls == ["TEARDOWN", "TEARDOWN"]
    owner, other = Account("JOINED", me="ORG-ALICE"), Account("JOINED")
    with pytest.raises(UsageError, match="owner cannot leave") as caught:
        leave(owner)
    assert "collaboration teardown look" in str(caught.value.fix)
    with pytest.raises(WrongPartyError):
        leaving.teardown(other.connection, "look")
    assert owner.calls == other.calls == []


def test_what_ends_otherwise_says_what_helps() -> None:
    account = Account("JOINED", LEAVE="LEAVING LEAVE_FAILED")
    account.details = "the warehouse is suspended"
    with pytest.raises(ServerError, match="look is LEAVE_FAILED") as caught:
        leave(account)
    assert caught.value.why == "the warehouse is suspended"
    assert caught.value.fix == "cleanroom-ml collaboration leave look --yes"


def test_a_time_out_names_the_state_and_the_command_that_goes_on() -> None:
    account = Account("JOINED", LEAVE="LEAVING")
    with pytest.raises(WaitTimeoutError, match="still LEAVING") as caught:
        leaving.leave(account.connection, "look", timeout_seconds=0)
    assert "collaboration status look" in str(caught.value.fix)
    assert "collaboration leave look --yes" in str(caught.value.fix)


@pytest.mark.parametrize(
    ("now", "after", "calls"),
    [
        ("IN_REVIEW", {"JOIN": "JOINING JOINED"}, "JOIN"),
        ("INVITED", {"REVIEW": "INSTALLING IN_REVIEW", "JOIN": "JOINED"}, "REVIEW JOIN"),
        ("INVITED", {"REVIEW": "REPLICATING REPLICATING INVITED;IN_REVIEW", "JOIN": "JOINED"}, "REVIEW REVIEW JOIN"),
        ("INSTALLATION_FAILED", {"REVIEW": "IN_REVIEW", "JOIN": "JOINED"}, "REVIEW JOIN"),
        ("JOIN_FAILED", {"JOIN": "JOINING JOINED"}, "JOIN"),
        ("JOINING JOINED", {}, ""),
        ("JOINED", {}, ""),
    ],
)
def test_joining_calls_what_each_status_asks_for(now: str, after: dict[str, str], calls: str) -> None:
    account = Account(now, **after)
    assert join(account).status == "JOINED"
    assert account.calls == calls.split()


def test_an_owner_joins_by_hand_where_the_auto_join_failed() -> None:
    account = Account("CREATED", me="ORG-ALICE", JOIN="INSTALLING IN_REVIEW JOINING JOINED")
    assert collaborations.create(account.connection, parse_as(Collaboration, SPEC)).status == "JOINED"
    assert account.calls == ["JOIN"]


def test_a_collaboration_of_another_spec_is_not_there_already() -> None:
    """It said so, and that it was JOINED; nothing of the file's change was anywhere."""
    account = Account("JOINED", me="ORG-ALICE")
    assert not collaborations.create(account.connection, parse_as(Collaboration, SPEC)).changed
    other = SPEC.replace("bob: ORG.BOB", "bob: ORG.BOB, eve: ORG.EVE")
    with pytest.raises(ConflictError) as caught:
        collaborations.create(account.connection, parse_as(Collaboration, other))
    assert (caught.value.differences, account.calls) == (("the collaborator eve is in the file only",), [])
    assert caught.value.fix == "cleanroom-ml collaboration edit"


def test_a_listing_that_is_not_there_yet_is_reviewed_again() -> None:
    account = Account("INVITED", REVIEW="IN_REVIEW", JOIN="JOINED")
    account.failing["REVIEW"] = "CollaborationListingReplicationPending: still being prepared"
    assert join(account).status == "JOINED"
    assert account.calls == ["REVIEW", "REVIEW", "JOIN"]


def test_reviewing_is_told_to_the_server_each_time_and_done_once() -> None:
    """An edit may have changed what was seen; the service has a name for what was reviewed before."""
    account = Account("IN_REVIEW")
    account.failing["REVIEW"] = "CollaborationAlreadyReviewed: look"
    assert collaborations.review(account.connection, "look").name == "look"
    assert collaborations.review(account.connection, "look").name == "look"
    assert account.calls == ["REVIEW", "REVIEW"]
    account.failing["REVIEW"] = "PermissionDeniedException: no"
    with pytest.raises(ServerError):
        collaborations.review(account.connection, "look")
    owner = Account("CREATED", me="ORG-ALICE")
    collaborations.review(owner.connection, "look")
    assert owner.calls == []


@pytest.mark.parametrize(
    ("status", "again"),
    [("JOIN_FAILED", True), ("IN_REVIEW", True), ("LOCAL_DROP_PENDING", False), ("INSTALLATION_FAILED", False)],
)
@pytest.mark.parametrize(
    "said",
    [
        "CollaborationInvitationNotFound: Pending invitation for collaboration: look not found",
        "InvalidCollaborationStatusError: one of the following: INVITED. Current status: X.",
    ],
)
def test_what_was_reviewed_and_not_joined_is_no_invitation_any_more(status: str, again: bool, said: str) -> None:
    """service-behaviour, "What is asynchronous": after JOIN_FAILED "JOIN again"; REVIEW of a half-done LEAVE."""
    account = Account(status)
    account.failing["REVIEW"] = said
    if again:
        assert collaborations.review(account.connection, "look").name == "look"
        return
    with pytest.raises(ServerError, match=r"look not found|INVITED"):
        collaborations.review(account.connection, "look")


def test_a_second_failure_is_told_with_its_details() -> None:
    account = Account("IN_REVIEW", JOIN="JOIN_FAILED")
    account.details = json.dumps({"auto_join": {"enabled": False, "failure_summary": "no grant", "phase": "failed"}})
    with pytest.raises(ServerError, match="look is JOIN_FAILED") as caught:
        join(account)
    assert caught.value.why == "no grant"


@pytest.mark.parametrize("status", DOCUMENTED)
def test_every_documented_status_is_read_and_ends_in_words(status: str) -> None:
    (found,) = memberships.members(Account(status.lower()).connection, "look")
    assert found.status == status
    if status in memberships.UNDER_WAY or status == "JOINED":
        return
    with pytest.raises(ServerError, match=status) as caught:
        memberships.expect(found, {"JOINED"}, "look")
    assert caught.value.fix


@pytest.mark.parametrize(
    ("told", "roles"),
    [
        (["owner", "data_provider"], ("owner", "data_provider")),
        ('["OWNER", "ANALYSIS_RUNNER"]', ("owner", "analysis_runner")),
        ("OWNER, DATA_PROVIDER", ("owner", "data_provider")),
        ("analysis runner", ("analysis_runner",)),
        ("[]", ()),
        (None, ()),
    ],
)
def test_roles_come_as_an_array_or_as_text(told: object, roles: tuple[str, ...]) -> None:
    assert memberships.roles_of(told) == roles


def edit_row(status: str, details: object) -> dict[str, Any]:
    row = {"id": "r1", "type": "Edit Collaboration", "status": status, "spec": SPEC, "updated_on": None}
    return {**row, "details": details}


def test_an_edit_tells_what_became_of_each_operation() -> None:
    account = Account("JOINED", me="ORG-ALICE")
    failed = {"operation_type": "ADD_TEMPLATE", "template_id": "t_v1", "status": "FAILED", "failure_reason": "gone"}
    account.sent = [edit_row("FAILED", json.dumps({"operations": [failed, "odd"], "requested_by": "alice"}))]
    done = editing.edit(account.connection, parse_as(Collaboration, SPEC))
    assert (done.request_id, done.status, done.changed) == ("r1", "FAILED", True)
    assert done.operations == (editing.OperationOutcome("ADD_TEMPLATE", "template_id: t_v1", "FAILED", "gone"),)


def test_the_same_spec_again_changes_nothing() -> None:
    account = Account("JOINED", me="ORG-ALICE")
    account.failing["EDIT"] = "SpecValidationError: the submitted specification is identical to the current one"
    assert not editing.edit(account.connection, parse_as(Collaboration, SPEC)).changed
    without = SPEC.replace(", bob: ORG.BOB", "").replace("{bob:", "{alice:")
    assert editing.removed_by(account.connection, parse_as(Collaboration, without)) == (
        "the collaborator bob, for good",
        "alice as a data provider of bob",
    )
    assert editing.removed_by(account.connection, parse_as(Collaboration, SPEC)) == ()


def test_local_offerings_are_known_and_unlinked_as_such() -> None:
    rows = [{"data_offering_id": "mine_v1", "template_view_name": "LOCAL.mine_v1.t", "shared_with": '["LOCAL"]'}]
    account = Account("JOINED")
    call = account.connection.call
    account.connection.call = lambda name, *more: (  # type: ignore[method-assign]
        (rows if not account.calls else []) if name.endswith("VIEW_DATA_OFFERINGS") else call(name, *more)
    )
    assert offerings.is_local(rows[0])
    assert offerings.unlink(account.connection, "look", "mine_v1") == ("LOCAL",)
    assert account.calls == ["UNLINK_LOCAL_DATA_OFFERING"]


def test_a_registry_is_made_once_and_for_one_type() -> None:
    account = Account("JOINED")
    rows = [{"registry_name": "SALES", "registry_type": "TEMPLATE"}]
    call = account.connection.call
    account.connection.call = lambda name, *more: (  # type: ignore[method-assign]
        rows if name.endswith("VIEW_REGISTRIES") else call(name, *more)
    )
    assert not registries.create_registry(account.connection, "sales", "template").new
    assert registries.create_registry(account.connection, "other", "data-offering").type == "DATA OFFERING"
    assert account.calls == ["CREATE_REGISTRY"]
    with pytest.raises(UsageError, match="holds TEMPLATE"):
        registries.create_registry(account.connection, "sales", "data offering")
    with pytest.raises(UsageError, match="one type"):
        registries.create_registry(account.connection, "x", "code")


def test_the_owners_join_is_called_again_once_the_listing_has_arrived() -> None:
    """Release notes of 30 July 2026, version 17.2: JOIN says so for the owner, GET_STATUS goes back to CREATED."""
    account = Account("CREATED", me="ORG-ALICE", JOIN="JOINING JOINED")
    account.failing = {"JOIN": "CollaborationListingReplicationPending: it is still replicating to your region."}
    done = collaborations.create(account.connection, parse_as(Collaboration, SPEC))
    assert (done.status, account.calls) == ("JOINED", ["JOIN", "JOIN"])


def test_whom_an_edit_has_added_joins_from_its_review(monkeypatch: pytest.MonkeyPatch) -> None:
    """collaboration-api-reference, EDIT: INVITED, REVIEWING, JOINING, JOINED."""
    monkeypatch.setattr(memberships, "_SEEN_SECONDS", 0.0)
    account = Account("INVITED", REVIEW="REVIEWING", JOIN="JOINING JOINED")
    assert join(account).status == "JOINED"
    assert account.calls == ["REVIEW", "JOIN"]


def test_a_failed_installation_says_the_statement_and_the_command_that_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """service-behaviour, "Session": 090655 in DETAILS of an INSTALLATION_FAILED."""
    monkeypatch.setattr(memberships, "_SEEN_SECONDS", 0.0)
    account = Account("INSTALLATION_FAILED", REVIEW="INSTALLATION_FAILED")
    account.details = "090655 (P0002): Please add your first/last name and email to your user profile in the UI."
    with pytest.raises(ServerError) as caught:
        join(account)
    assert str(caught.value.fix).startswith("ALTER USER <user> SET FIRST_NAME")
    assert str(caught.value.fix).endswith("cleanroom-ml collaboration join look")


@pytest.mark.parametrize("status", ["CREATE_FAILED", "CREATE_TIMED_OUT"])
def test_what_could_not_be_created_is_created_under_another_name(status: str) -> None:
    account = Account(status, me="ORG-ALICE")
    with pytest.raises(ServerError, match=status) as caught:
        collaborations.create(account.connection, parse_as(Collaboration, SPEC))
    assert "another name" in str(caught.value.fix)
    assert str(caught.value.fix).endswith("cleanroom-ml collaboration create")
    assert account.calls == []
