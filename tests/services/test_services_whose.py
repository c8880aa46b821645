"""Whose a request is, against what the one who decides knows for itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from services_requests import PARTIES, spec

from cleanroom_ml.connection import Target
from cleanroom_ml.connection.session import Connection
from cleanroom_ml.connection.setting import Setting
from cleanroom_ml.engine.assembly.procedures import PROCEDURES
from cleanroom_ml.errors import HashMismatchError, WrongPartyError
from cleanroom_ml.evidence.parties import Party, parties_of
from cleanroom_ml.services.whose import BY_OWNER, TELLING, check_request, expected_owner, gives, guard, own_account
from cleanroom_ml.specs.load import load_project
from cleanroom_ml.specs.parse import parse_spec

COLLABORATION = """\
api_version: 2.0.0
spec_type: collaboration
name: lookalike
owner: publisher
collaborator_identifier_aliases: {publisher: LOCAL.PUBLISHER, advertiser: LOCAL.ADVERTISER}
analysis_runners: {advertiser: {data_providers: {publisher: {data_offerings: []}}}}
"""
GIVING = {
    "ADD_TEMPLATE_REQUEST", "APPROVE_UPDATE_REQUEST", "JOIN", "LINK_DATA_OFFERING", "LINK_LOCAL_DATA_OFFERING",
    "PROCESS_ACTIVATION", "RUN", "SET_CONFIGURATION", "ENABLE_TEMPLATE_AUTO_APPROVAL",
    "EDIT", "LEAVE", "TEARDOWN",
}  # fmt: skip


def target(account: str, kind: Any = "engine") -> Target:
    return Target("c", kind, (Setting("account", account, "test"),), "test")


class Server:
    """A connection's server end: a room of the project's name, whoever owns it; and what it was sent."""

    def __init__(self, owner: str) -> None:
        self.sent: list[str] = []
        self.connection = Connection(target("advertiser"), None)  # type: ignore[arg-type]
        self._owner = owner
        self.connection.execute = self._execute  # type: ignore[method-assign]

    def _execute(self, sql: str) -> list[dict[str, Any]]:
        self.sent.append(sql)
        if "VIEW_COLLABORATIONS" in sql:
            return [{"collaboration_name": "LOOKALIKE", "owner_account": self._owner}]
        return []


def project(directory: Path, owner: str = "owner: LOCAL.PUBLISHER\n") -> Any:
    (directory / "cleanroom.yaml").write_text(f"version: 1\ncollaboration: lookalike\n{owner}")
    return load_project(directory)


def test_whatever_is_not_known_to_give_nothing_is_asked_for_its_owner() -> None:
    procedures = PROCEDURES["COLLABORATION"]
    assert {name for name in procedures if gives(f"COLLABORATION.{name}")} >= GIVING
    assert set(procedures) >= TELLING | BY_OWNER, "no longer there"
    assert gives("COLLABORATION.ONE_MORE")
    assert not any(gives(f"{schema}.{name}") for schema in ("REGISTRY", "IMAGES") for name in (*procedures, "MORE"))


@pytest.mark.attack
@pytest.mark.parametrize("procedure", [*sorted(GIVING), "ONE_MORE"])
def test_nothing_is_given_to_another_accounts_room_of_that_name(procedure: str, tmp_path: Path) -> None:
    wrong, right = Server("LOCAL.MALLORY"), Server("local.publisher")
    for name in ("lookalike", "LookAlike", '"LOOKALIKE"'):
        with pytest.raises(WrongPartyError, match=r"not that of LOCAL\.PUBLISHER") as caught:
            guard(wrong.connection, project(tmp_path)).call(f"COLLABORATION.{procedure}", name, "x")
        assert caught.value.exit_code == 11
        assert "LOCAL.MALLORY" in str(caught.value.why)
    assert not [sql for sql in wrong.sent if procedure in sql]
    guarded = guard(right.connection, project(tmp_path))
    for _ in range(2):
        guarded.call(f"COLLABORATION.{procedure}", "lookalike", "x")
    assert len(right.sent) == 3, "the owner is asked for once"
    # Without the control the other account's room gets it.
    wrong.connection.before_call = None
    wrong.connection.call(f"COLLABORATION.{procedure}", "lookalike", "x")
    assert [sql for sql in wrong.sent if procedure in sql]


def test_another_room_than_the_projects_is_not_its_business(tmp_path: Path) -> None:
    for name, owner in (("another", "owner: LOCAL.PUBLISHER\n"), ("lookalike", "")):
        server = Server("LOCAL.MALLORY")
        guard(server.connection, project(tmp_path, owner)).call("COLLABORATION.RUN", name, "x")
        assert len(server.sent) == 1


def test_whose_room_a_project_means(tmp_path: Path) -> None:
    assert expected_owner(None) is None
    assert expected_owner(project(tmp_path, owner="")) is None
    assert expected_owner(project(tmp_path)) == "LOCAL.PUBLISHER"
    (tmp_path / "collaboration.yaml").write_text(COLLABORATION)
    assert expected_owner(project(tmp_path, owner="")) == "LOCAL.PUBLISHER"


@pytest.mark.parametrize(
    ("connection", "account"),
    [
        (target("publisher"), "LOCAL.PUBLISHER"),
        (target("ACME-East", "snowflake"), "ACME.EAST"),
        (target("acme-my-name", "snowflake"), "ACME.MY_NAME"),
    ],
)
def test_ones_own_account_is_known_without_asking(connection: Target, account: str) -> None:
    assert own_account(Connection(connection, None)) == account  # type: ignore[arg-type]


def whose(**changes: Any) -> tuple[tuple[Party, ...], str]:
    """The accounts of a request, and its owner's name for the room."""
    body = spec(**changes)
    return parties_of(body), body["collaboration"]


def test_a_request_of_the_accounts_that_are_meant() -> None:
    known: Any = parse_spec(COLLABORATION)
    check_request(*whose(), account="local.advertiser", owner="LOCAL.PUBLISHER", spec=known)


@pytest.mark.attack
@pytest.mark.parametrize(
    ("number", "account", "said"),
    [
        (1, "LOCAL.MALLORY", "not that of LOCAL.PUBLISHER"),
        (0, "LOCAL.MALLORY", "is not one of LOCAL.ADVERTISER"),
    ],
)
def test_a_request_of_other_accounts_is_refused(number: int, account: str, said: str) -> None:
    parties = [dict(party) for party in PARTIES]
    parties[number]["account"] = account
    with pytest.raises(WrongPartyError, match=said):
        check_request(*whose(parties=parties), account="LOCAL.ADVERTISER", owner="LOCAL.PUBLISHER")


@pytest.mark.attack
def test_an_alias_that_is_another_account_in_ones_own_spec_is_refused() -> None:
    known: Any = parse_spec(COLLABORATION.replace("advertiser: LOCAL.ADVERTISER", "advertiser: LOCAL.REAL"))
    with pytest.raises(WrongPartyError, match=r"another account than in collaboration\.yaml"):
        check_request(*whose(), account="LOCAL.PUBLISHER", owner="LOCAL.PUBLISHER", spec=known)


def test_a_request_that_says_nothing_of_whose_it_is_is_refused() -> None:
    with pytest.raises(HashMismatchError, match="does not say whose it is") as caught:
        parties_of(spec(parties=[]))
    assert "template withdraw" in str(caught.value.fix)
