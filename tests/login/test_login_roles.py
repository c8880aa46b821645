"""With which role a session begins: one that its user was granted, or none at all."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from cleanroom_ml.engine.login.logins import JobTokens, Logins
from cleanroom_ml.engine.protocol.errors import WireError
from cleanroom_ml.engine.protocol.login import PASSWORD, LoginRequest
from cleanroom_ml.engine.storage.grants import Thing
from cleanroom_ml.engine.storage.roles import Roles
from cleanroom_ml.engine.storage.storage import Storage

WORD = "a long enough password"


@pytest.fixture
def storage(tmp_path: Path) -> Iterator[Storage]:
    opened = Storage.open(tmp_path / "home", [])
    opened.accounts.create("ALPHA", "ANN", password=WORD)
    opened.namespaces.create_database("ALPHA", "SECRET")
    opened.roles.create("ALPHA", "READER", owner="ACCOUNTADMIN")
    yield opened
    opened.close()


@pytest.fixture
def logins(storage: Storage) -> Logins:
    def nobody(job_id: str) -> None:
        raise LookupError(job_id)

    return Logins(storage, JobTokens(), nobody)  # type: ignore[arg-type]


def asked(role: str | None) -> LoginRequest:
    return LoginRequest("ALPHA", "ANN", PASSWORD, WORD, database="SECRET", warehouse="APP_WH", role=role)


@pytest.mark.attack
def test_a_role_that_was_not_granted_opens_nothing(
    logins: Logins, storage: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(WireError, match="The role READER does not exist or not authorized"):
        logins.open(asked("READER"), job_id=None)
    with monkeypatch.context() as patch:  # without the control it opens a session of that role
        patch.setattr(Roles, "available", lambda self, account, user: frozenset({"READER"}))
        assert logins.open(asked("READER"), job_id=None)[0].role == "READER"
    storage.roles.grant("ALPHA", "READER", "USER", "ANN", by="ACCOUNTADMIN")
    session, _ = logins.open(asked("READER"), job_id=None)
    # Nor does it start in what is not there for it.
    assert (session.role, session.database, session.schema, session.warehouse) == ("READER", None, None, None)
    storage.grants.grant("ALPHA", Thing("DATABASE", "SECRET"), ("USAGE",), "READER", by="ACCOUNTADMIN")
    session, _ = logins.open(asked("READER"), job_id=None)
    assert (session.database, session.schema) == ("SECRET", None)


def test_the_first_user_of_an_account_is_its_administrator(logins: Logins) -> None:
    session, _ = logins.open(asked(None), job_id=None)
    assert (session.role, session.database, session.schema, session.warehouse) == (
        *("ACCOUNTADMIN", "SECRET", "PUBLIC", "APP_WH"),
    )


def test_a_made_user_logs_in_as_it_was_told_and_not_when_disabled(logins: Logins, storage: Storage) -> None:
    """sql-reference/sql/create-user: PASSWORD, DISABLED, DEFAULT_ROLE, DEFAULT_NAMESPACE, DEFAULT_WAREHOUSE."""
    storage.users.create("ALPHA", "BOB", owner="ACCOUNTADMIN")
    request = LoginRequest("ALPHA", "BOB", PASSWORD, WORD)
    with pytest.raises(WireError, match="Incorrect username or password"):
        logins.open(request, job_id=None)
    storage.users.set_password("ALPHA", "BOB", WORD)
    settings = {"DEFAULT_ROLE": "READER", "DEFAULT_NAMESPACE": "SECRET.PUBLIC", "DEFAULT_WAREHOUSE": "APP_WH"}
    storage.users.set_settings("ALPHA", "BOB", settings)
    session, _ = logins.open(request, job_id=None)
    # What it was not granted is no default of it.
    assert (session.role, session.database, session.warehouse) == ("PUBLIC", None, None)
    storage.roles.grant("ALPHA", "READER", "USER", "BOB", by="ACCOUNTADMIN")
    for thing in (Thing("DATABASE", "SECRET"), Thing("SCHEMA", "SECRET", "PUBLIC"), Thing("WAREHOUSE", name="APP_WH")):
        storage.grants.grant("ALPHA", thing, ("USAGE",), "READER", by="ACCOUNTADMIN")
    session, _ = logins.open(request, job_id=None)
    assert (session.role, session.database, session.schema, session.warehouse) == (
        *("READER", "SECRET", "PUBLIC", "APP_WH"),
    )
    storage.users.set_disabled("ALPHA", "BOB", True)
    with pytest.raises(WireError, match="Incorrect username or password"):
        logins.open(request, job_id=None)
    storage.users.drop("ALPHA", "BOB")
    assert storage.sessions.get(session.id) is None
    storage.users.create("ALPHA", "BOB", owner="ACCOUNTADMIN")
    assert list(storage.roles.direct("ALPHA", "BOB")) == ["PUBLIC"], "whoever has the name later is another one"
