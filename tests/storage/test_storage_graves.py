"""What was dropped can be had back for a while, as it was, and by nobody who had no right to it (UNDROP).

user-guide/data-time-travel; sql-reference/sql/undrop-table, undrop-schema, undrop-database.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest
from storage_clock import MovingClock

from cleanroom_ml.engine.storage.changes import CreateTable, DropTable, RenameTable
from cleanroom_ml.engine.storage.errors import AlreadyExists, NotFound
from cleanroom_ml.engine.storage.grants import Thing
from cleanroom_ml.engine.storage.graves import Dead, Grave
from cleanroom_ml.engine.storage.keys import Column, Key, TableObject
from cleanroom_ml.engine.storage.storage import Storage

T = Key("ACME", "DB", "S", "T")
TABLE, SCHEMA, DATABASE = Dead.table(T), Dead.of_schema("ACME", "DB", "S"), Dead.of_database("ACME", "DB")
DROPS: dict[str, Callable[[Storage], object]] = {
    "TABLE": lambda storage: storage.tables.commit([DropTable(T)]),
    "SCHEMA": lambda storage: storage.namespaces.drop_schema("ACME", "DB", "S"),
    "DATABASE": lambda storage: storage.namespaces.drop_database("ACME", "DB"),
}
TAKES: dict[str, Callable[[Storage], object]] = {
    "TABLE": lambda storage: storage.views.create(T, (), "select 1"),
    "SCHEMA": lambda storage: storage.namespaces.create_schema("ACME", "DB", "S"),
    "DATABASE": lambda storage: storage.namespaces.create_database("ACME", "DB"),
}
READS = Thing.of("TABLE", T)


@dataclass
class Kept:
    """A home with one table, kept for a day, and what it was."""

    storage: Storage
    held: tuple[TableObject, ...]
    snapshot: int

    def dropped(self, dead: Dead) -> Grave:
        DROPS[dead.kind](self.storage)
        assert self.storage.tables.get(T) is None
        grave = self.storage.graves.latest(dead)
        assert grave is not None
        return grave

    def grantees(self) -> list[tuple[str, str]]:
        return [(each.privilege, each.grantee) for each in self.storage.grants.list("ACME", thing=READS)]


@pytest.fixture
def kept(storage: Storage, columns: tuple[Column, ...], stored: Callable[[str], TableObject]) -> Kept:
    storage.namespaces.create_schema("ACME", "DB", "S")
    held = (stored("rows"),)
    storage.tables.commit([CreateTable(T, columns, objects=held, retention=1, comment="mine")])
    for role in ("READER", "OWNER"):
        storage.roles.create("ACME", role, owner="ACCOUNTADMIN")
    storage.grants.grant("ACME", READS, ("SELECT",), "READER", by="ACCOUNTADMIN")
    storage.grants.own("ACME", READS, "OWNER")
    table = storage.tables.get(T)
    assert table is not None
    return Kept(storage, held, table.snapshot)


@pytest.mark.parametrize("dead", [TABLE, SCHEMA, DATABASE], ids=lambda dead: dead.kind)
def test_it_is_the_same_thing_again(kept: Kept, dead: Dead) -> None:
    grave = kept.dropped(dead)
    assert grave.owner == ("OWNER" if dead.kind == "TABLE" else "")
    assert [each.id for each in kept.storage.graves.list("ACME", dead.kind)] == [grave.id]
    assert kept.storage.graves.list("BETA", dead.kind) == []
    kept.storage.collect_garbage(0)
    kept.storage.graves.restore(grave, "ACCOUNTADMIN")
    table = kept.storage.tables.get(T)
    assert table is not None
    assert (table.objects, table.snapshot, table.comment) == (kept.held, kept.snapshot, "mine")
    assert kept.storage.objects.verify(kept.held[0].sha256), "its bytes were kept for it"
    assert kept.grantees() == [("OWNERSHIP", "OWNER"), ("SELECT", "READER")]
    assert kept.storage.graves.latest(dead) is None
    with pytest.raises(NotFound):
        kept.storage.graves.restore(grave, "ACCOUNTADMIN")


@pytest.mark.parametrize("dead", [TABLE, SCHEMA, DATABASE], ids=lambda dead: dead.kind)
def test_a_name_that_is_taken_is_not_given_twice(kept: Kept, dead: Dead) -> None:
    grave = kept.dropped(dead)
    TAKES[dead.kind](kept.storage)
    with pytest.raises(AlreadyExists):
        kept.storage.graves.restore(grave, "ACCOUNTADMIN")


def test_what_it_was_in_has_to_be_there(kept: Kept) -> None:
    table, schema = kept.dropped(TABLE), kept.dropped(SCHEMA)
    with pytest.raises(NotFound, match="schema 'S'"):
        kept.storage.graves.restore(table, "ACCOUNTADMIN")
    database = kept.dropped(DATABASE)
    for grave in (table, schema):
        with pytest.raises(NotFound, match="database 'DB'"):
            kept.storage.graves.restore(grave, "ACCOUNTADMIN")
    for grave in (database, schema, table):
        kept.storage.graves.restore(grave, "ACCOUNTADMIN")
    assert kept.storage.tables.get(T) is not None


def test_of_two_of_one_name_the_last_is_had_back_and_then_the_one_before(
    kept: Kept, columns: tuple[Column, ...]
) -> None:
    """sql-reference/sql/undrop-table: the one dropped last, which is then renamed to reach the one before."""
    first = kept.dropped(TABLE)
    kept.storage.tables.commit([CreateTable(T, columns, retention=1, comment="later")])
    second = kept.dropped(TABLE)
    assert second.id != first.id
    kept.storage.graves.restore(second, "ACCOUNTADMIN")
    kept.storage.tables.commit([RenameTable(T, Key("ACME", "DB", "S", "U"))])
    assert kept.storage.graves.latest(TABLE) == first
    kept.storage.graves.restore(first, "ACCOUNTADMIN")
    table = kept.storage.tables.get(T)
    assert table is not None
    assert table.comment == "mine"


def test_after_its_days_it_is_gone(kept: Kept, clock: MovingClock) -> None:
    grave = kept.dropped(TABLE)
    clock.advance(days=1, seconds=1)
    assert kept.storage.graves.latest(TABLE) is None
    with pytest.raises(NotFound):
        kept.storage.graves.restore(grave, "ACCOUNTADMIN")


def test_what_is_kept_for_no_days_is_not_kept(kept: Kept) -> None:
    kept.storage.namespaces.alter("ACME", "DB", retention=0)
    kept.storage.namespaces.drop_schema("ACME", "DB", "S")
    assert kept.storage.graves.latest(SCHEMA) is None


@pytest.mark.attack
def test_whoever_has_a_dropped_roles_name_later_has_none_of_its_grants(kept: Kept, clock: MovingClock) -> None:
    grave = kept.dropped(TABLE)
    clock.advance(seconds=1)
    for role in ("READER", "OWNER"):
        kept.storage.roles.drop("ACME", role, heir="ACCOUNTADMIN")
        kept.storage.roles.create("ACME", role, owner="ACCOUNTADMIN")
    again = kept.storage.graves.latest(TABLE)
    assert again is not None
    assert again.owner == ""
    kept.storage.graves.restore(grave, "HEIR")
    assert kept.grantees() == [("OWNERSHIP", "HEIR")]
