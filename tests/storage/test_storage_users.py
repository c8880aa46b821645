"""Users of an account: who has a dropped one's name later is another one, with nothing of the first (create-user)."""

from __future__ import annotations

import pytest

from cleanroom_ml.engine.storage import users
from cleanroom_ml.engine.storage.errors import AlreadyExists, NotFound
from cleanroom_ml.engine.storage.rights import Rights
from cleanroom_ml.engine.storage.storage import Storage


@pytest.fixture
def bob(storage: Storage) -> str:
    storage.users.create("ACME", "BOB", owner="SECURITYADMIN")
    return "BOB"


def test_a_user_is_made_without_any_way_in(storage: Storage, bob: str, pem: str) -> None:
    found = storage.users.get("ACME", bob)
    assert found is not None
    assert (found.owner, found.has_password, found.has_key, found.disabled) == ("SECURITYADMIN", False, False, False)
    assert not storage.accounts.verify_password("ACME", bob, "")
    assert storage.accounts.public_key("ACME", bob) is None
    assert not storage.users.create("ACME", bob, owner="x", if_exists=True)
    with pytest.raises(AlreadyExists):
        storage.users.create("ACME", bob, owner="x")
    storage.users.set_key("ACME", bob, pem)
    assert storage.accounts.public_key("ACME", bob) is not None
    storage.users.set_settings("ACME", bob, {"DEFAULT_ROLE": "READER"})
    assert [(each.name, each.has_key, dict(each.settings)) for each in storage.users.list("ACME")] == [
        ("ALICE", True, {}), ("BOB", True, {"DEFAULT_ROLE": "READER"}),
    ]  # fmt: skip


@pytest.mark.attack
def test_who_is_disabled_or_has_lost_a_key_does_not_get_in(storage: Storage, bob: str, pem: str) -> None:
    storage.users.set_key("ACME", bob, pem)
    storage.users.set_disabled("ACME", bob, True)
    assert storage.accounts.public_key("ACME", bob) is None
    storage.users.set_disabled("ACME", bob, False)
    assert storage.accounts.public_key("ACME", bob) is not None
    storage.users.set_key("ACME", bob, None)
    assert storage.accounts.public_key("ACME", bob) is None
    storage.users.set_password("ACME", bob, None)
    assert not storage.accounts.verify_password("ACME", bob, "None")


@pytest.mark.attack
def test_whoever_has_a_dropped_users_name_later_has_nothing_of_the_first(storage: Storage, bob: str) -> None:
    storage.roles.create("ACME", "READER", owner="ACCOUNTADMIN")
    storage.roles.grant("ACME", "READER", "USER", bob, by="ACCOUNTADMIN")
    session, _ = storage.sessions.create("ACME", bob)
    storage.queries.start("q", session.id, None, "h")
    storage.queries.finish("q", "{}")
    stage = storage.stages.user_stage("ACME", bob)
    sha256 = storage.objects.put_bytes(b"mine")
    storage.stages.put_file(stage, "a", sha256, 4, "md5")
    storage.users.drop("ACME", bob)
    for each in ("drop", "set_disabled"):
        with pytest.raises(NotFound):
            getattr(storage.users, each)("ACME", bob, *([True] if each == "set_disabled" else []))
    with pytest.raises(NotFound):
        storage.stages.user_stage("ACME", bob)
    storage.users.create("ACME", bob, owner="ACCOUNTADMIN")
    assert storage.sessions.get(session.id) is None
    assert storage.queries.get("q") is None
    assert storage.roles.direct("ACME", bob) == ["PUBLIC"]
    assert storage.stages.list_files(storage.stages.user_stage("ACME", bob)) == []


def test_an_account_has_only_so_many_users(storage: Storage, bob: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(users, "MOST_USERS", 2)
    with pytest.raises(AlreadyExists, match="2 users, the most"):
        storage.users.create("ACME", "CAROL", owner="ACCOUNTADMIN")


def test_rights_are_those_of_the_role_and_of_secondary_roles_only_while_they_are_on(storage: Storage, bob: str) -> None:
    """user-guide/security-access-control-overview, "Primary Role and Secondary Roles"."""
    for role in ("ONE", "TWO"):
        storage.roles.create("ACME", role, owner="ACCOUNTADMIN")
        storage.roles.grant("ACME", role, "USER", bob, by="ACCOUNTADMIN")
    session, _ = storage.sessions.create("ACME", bob, role="ONE")
    assert storage.roles.default("ACME", bob) == "ONE"
    assert Rights.of_session(storage, session).roles == {"ONE", "PUBLIC"}
    storage.roles.set_secondary(session.id, "ALL")
    assert Rights.of_session(storage, session).roles == {"ONE", "TWO", "PUBLIC"}
    storage.roles.set_secondary(session.id, "")
    assert storage.roles.secondary(session.id) == ""
    storage.roles.revoke("ACME", "ONE", "USER", bob)
    assert Rights.of_session(storage, session).roles == frozenset(), "a role that it has no longer gives nothing"
    storage.roles.set_secondary(session.id, "ALL")
    assert Rights.of_session(storage, session).roles == {"TWO", "PUBLIC"}
