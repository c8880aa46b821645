"""Roles and grants as the catalog keeps them: in catalogs of before too, and never for longer than what they are on."""

from __future__ import annotations

from pathlib import Path

import pytest

from cleanroom_ml.engine.storage import future_grants, grants, roles, routines, storage
from cleanroom_ml.engine.storage.errors import AlreadyExists, NotFound
from cleanroom_ml.engine.storage.grants import Thing
from cleanroom_ml.engine.storage.rights import Rights
from cleanroom_ml.engine.storage.storage import Storage


def test_a_catalog_of_before_has_its_administrators(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    younger = (roles.SCHEMA, grants.SCHEMA, future_grants.SCHEMA, routines.SCHEMA)
    before = tuple(each for each in storage.SCHEMAS if each not in younger)
    monkeypatch.setattr(storage, "SCHEMAS", before)
    old = Storage.open(tmp_path)
    old.accounts.create("ALPHA", "ANN", password="a long enough password")
    old.warehouses.drop("ALPHA", "APP_WH")
    session, _ = old.sessions.create("ALPHA", "ANN")
    old.close()
    monkeypatch.undo()
    opened = Storage.open(tmp_path)
    assert opened.roles.direct("ALPHA", "ANN") == ["ACCOUNTADMIN", "PUBLIC"]
    assert Rights.of_session(opened, session).everything
    assert [each.name for each in opened.warehouses.list("ALPHA")] == ["APP_WH", "COMPUTE_WH"]
    opened.close()


def test_what_is_in_a_dropped_database_goes_with_its_grants(tmp_path: Path) -> None:
    opened = Storage.open(tmp_path)
    opened.accounts.create("ALPHA", "ANN", password="a long enough password")
    opened.roles.create("ALPHA", "READER", owner="ACCOUNTADMIN")
    for name in ("ONE", "TWO"):
        opened.namespaces.create_database("ALPHA", name)
        for thing in (Thing("DATABASE", name), Thing("SCHEMA", name, "PUBLIC"), Thing("TABLE", name, "PUBLIC", "T")):
            opened.grants.grant("ALPHA", thing, ("USAGE",), "READER", by="ACCOUNTADMIN")
            opened.grants.own("ALPHA", thing, "READER")
    opened.grants.forget("ALPHA", Thing("TABLE", "ONE", "PUBLIC", "T"), keep_owner=True)
    left = [each.privilege for each in opened.grants.list("ALPHA", thing=Thing("TABLE", "ONE", "PUBLIC", "T"))]
    assert left == ["OWNERSHIP"]
    opened.grants.forget("ALPHA", Thing("SCHEMA", "ONE", "PUBLIC"))
    assert opened.grants.list("ALPHA", thing=Thing("SCHEMA", "ONE", "PUBLIC")) == []
    opened.namespaces.drop_database("ALPHA", "ONE")
    assert {each.thing.database for each in opened.grants.list("ALPHA")} == {"TWO"}
    opened.grants.inherit("ALPHA", "READER", "ACCOUNTADMIN")
    opened.roles.drop("ALPHA", "READER", heir="ACCOUNTADMIN")
    assert opened.grants.list("ALPHA") == []
    opened.close()


def test_a_role_is_made_given_and_taken_as_it_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """sql-reference/sql/create-role, grant-role, revoke-role."""
    opened = Storage.open(tmp_path)
    opened.accounts.create("ALPHA", "ANN", password="a long enough password")
    made = opened.roles
    assert made.create("ALPHA", "ONE", owner="ACCOUNTADMIN")
    assert not made.create("ALPHA", "ONE", owner="ACCOUNTADMIN", if_exists="ignore")
    with pytest.raises(AlreadyExists):
        made.create("ALPHA", "ONE", owner="ACCOUNTADMIN")
    assert made.create("ALPHA", "TWO", owner="ACCOUNTADMIN")
    monkeypatch.setattr(roles, "MOST_ROLES", 2)
    with pytest.raises(AlreadyExists, match="the most that an account may have"):
        made.create("ALPHA", "THREE", owner="ACCOUNTADMIN")
    for role, kind, member in (("NONE", "USER", "ANN"), ("ONE", "ROLE", "NONE"), ("ONE", "USER", "NOBODY")):
        with pytest.raises(NotFound):
            made.grant("ALPHA", role, kind, member, by="ACCOUNTADMIN")  # type: ignore[arg-type]
    made.grant("ALPHA", "ONE", "ROLE", "TWO", by="ACCOUNTADMIN")
    with pytest.raises(ValueError, match="inherits it"):
        made.grant("ALPHA", "TWO", "ROLE", "ONE", by="ACCOUNTADMIN")
    with pytest.raises(ValueError, match="only user who has ACCOUNTADMIN"):
        made.revoke("ALPHA", "ACCOUNTADMIN", "USER", "ANN")
    opened.users.create("ALPHA", "BOB", owner="ACCOUNTADMIN")
    made.grant("ALPHA", "ACCOUNTADMIN", "USER", "BOB", by="ACCOUNTADMIN")
    assert made.revoke("ALPHA", "ACCOUNTADMIN", "USER", "ANN")
    assert not made.revoke("ALPHA", "ACCOUNTADMIN", "USER", "ANN")
    for name in ("ACCOUNTADMIN", "NONE"):
        with pytest.raises(NotFound):
            made.drop("ALPHA", name, heir="ACCOUNTADMIN")
    opened.close()
