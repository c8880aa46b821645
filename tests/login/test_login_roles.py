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
