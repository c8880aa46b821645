"""A database or schema that is renamed keeps what is in it, the grants on that, and who is there (alter-database)."""

from __future__ import annotations

import pytest

from cleanroom_ml.engine.storage.changes import CreateTable
from cleanroom_ml.engine.storage.errors import AlreadyExists, InvalidName, NotFound
from cleanroom_ml.engine.storage.grants import Thing
from cleanroom_ml.engine.storage.keys import Column, Key
from cleanroom_ml.engine.storage.storage import Storage

T = Key("ACME", "DB", "PUBLIC", "T")


@pytest.fixture
def filled(storage: Storage, columns: tuple[Column, ...]) -> Storage:
    storage.tables.commit([CreateTable(T, columns)])
    storage.views.create(Key("ACME", "DB", "PUBLIC", "V"), columns, "select 1")
    storage.roles.create("ACME", "READER", owner="ACCOUNTADMIN")
    storage.grants.grant("ACME", Thing.of("TABLE", T), ("SELECT",), "READER", by="ACCOUNTADMIN")
    storage.future_grants.grant(
        "ACME", Thing("SCHEMA", "DB", "PUBLIC"), "TABLE", ("SELECT",), "READER", by="ACCOUNTADMIN", option=False
    )
    return storage


@pytest.mark.parametrize(
    ("schema", "new", "place"),
    [
        (None, ("NEW",), ("NEW", "PUBLIC")),
        ("PUBLIC", ("DB", "NEW"), ("DB", "NEW")),
        ("PUBLIC", ("OTHER", "NEW"), ("OTHER", "NEW")),
    ],
)
def test_what_is_in_it_goes_along(
    filled: Storage, schema: str | None, new: tuple[str, ...], place: tuple[str, str]
) -> None:
    filled.namespaces.create_database("ACME", "OTHER")
    session, _ = filled.sessions.create("ACME", "ALICE", database="DB", schema="PUBLIC")
    filled.namespaces.rename("ACME", "DB", schema, new)
    moved = Key("ACME", *place, "T")
    assert filled.tables.get(T) is None
    assert filled.tables.get(moved) is not None
    assert filled.views.get(Key("ACME", *place, "V")) is not None
    assert [each.grantee for each in filled.grants.list("ACME", thing=Thing.of("TABLE", moved))] == ["READER"]
    later = filled.future_grants.on("ACME", Thing("TABLE", *place, "LATER"))
    assert [(each.place, each.grantee) for each in later] == [(Thing("SCHEMA", *place), "READER")]
    there = filled.sessions.get(session.id)
    assert there is not None
    assert (there.database, there.schema) == place
    with filled.database.read() as connection:
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []


@pytest.mark.parametrize(
    ("database", "schema", "new", "error"),
    [
        ("NONE", None, ("NEW",), NotFound),
        ("DB", None, ("OTHER",), AlreadyExists),
        ("DB", "NONE", ("DB", "NEW"), NotFound),
        ("DB", "PUBLIC", ("NONE", "NEW"), NotFound),
        ("DB", "PUBLIC", ("OTHER", "PUBLIC"), AlreadyExists),
        ("DB", None, ("x" * 300,), InvalidName),
    ],
)
def test_a_name_that_cannot_be_had_changes_nothing(
    filled: Storage, database: str, schema: str | None, new: tuple[str, ...], error: type[Exception]
) -> None:
    filled.namespaces.create_database("ACME", "OTHER")
    with pytest.raises(error):
        filled.namespaces.rename("ACME", database, schema, new)
    assert filled.tables.get(T) is not None


def test_later_things_have_what_their_schema_says_and_only_else_what_their_database_says(filled: Storage) -> None:
    """sql-reference/sql/grant-privilege, "Future grants": a schema's take precedence over its database's."""
    database, schema = Thing("DATABASE", "DB"), Thing("SCHEMA", "DB", "PUBLIC")
    later, elsewhere = Thing("TABLE", "DB", "PUBLIC", "LATER"), Thing("TABLE", "DB", "OTHER", "LATER")
    filled.future_grants.grant("ACME", database, "TABLE", ("INSERT",), "READER", by="ACCOUNTADMIN", option=True)

    def on(thing: Thing) -> list[tuple[str, bool]]:
        return [(each.privilege, each.grant_option) for each in filled.future_grants.on("ACME", thing)]

    assert (on(later), on(elsewhere)) == ([("SELECT", False)], [("INSERT", True)])
    filled.future_grants.revoke("ACME", schema, "TABLE", ("SELECT",), "READER")
    assert on(later) == [("INSERT", True)]
    assert on(Thing("VIEW", "DB", "PUBLIC", "LATER")) == []


def test_databases_and_schemas_are_made_left_or_replaced(filled: Storage) -> None:
    names = filled.namespaces
    assert not names.create_database("ACME", "DB", if_exists="ignore")
    with pytest.raises(AlreadyExists):
        names.create_database("ACME", "DB")
    with pytest.raises(AlreadyExists):
        names.create_database("ACME", "DB", "application", if_exists="replace")
    with pytest.raises(NotFound):
        names.create_database("NOBODY", "DB")
    assert not names.create_schema("ACME", "DB", "PUBLIC", if_exists="ignore")
    with pytest.raises(AlreadyExists):
        names.create_schema("ACME", "DB", "PUBLIC")
    with pytest.raises(NotFound):
        names.create_schema("ACME", "NONE", "S")
    assert filled.tables.get(T) is not None
    assert names.create_schema("ACME", "DB", "PUBLIC", if_exists="replace")
    assert filled.tables.get(T) is None
    names.alter("ACME", "DB", comment="what for", retention=3)
    assert names.retention("ACME", "DB") == 3
    names.alter("ACME", "DB", retention=-1)
    assert names.retention("ACME", "DB") == 1, "DATA_RETENTION_TIME_IN_DAYS of an account is 1"
    for place in (("NONE",), ("DB", "NONE")):
        with pytest.raises(NotFound):
            names.alter("ACME", *place, comment="x")
    for drop in (lambda: names.drop_schema("ACME", "DB", "NONE"), lambda: names.drop_database("ACME", "NONE")):
        with pytest.raises(NotFound):
            drop()
    assert not names.drop_schema("ACME", "DB", "NONE", if_exists=True)
    assert not names.drop_database("ACME", "NONE", if_exists=True)
