"""What a table held before, what it numbered, and what it was loaded from: kept with the table, and for no longer.

user-guide/data-time-travel (AT, BEFORE); sql-reference/sql/create-table (AUTOINCREMENT);
user-guide/data-load-considerations-load (load metadata).
"""

from __future__ import annotations

from collections.abc import Callable

import pytest
from storage_clock import MovingClock

from cleanroom_ml.engine.storage.changes import AlterColumns, Append, CreateTable, Replace, RequestRecord
from cleanroom_ml.engine.storage.errors import NotFound, SnapshotConflict
from cleanroom_ml.engine.storage.history import Moment, OtherColumns
from cleanroom_ml.engine.storage.identities import Numbered
from cleanroom_ml.engine.storage.keys import Column, Constraint, Key, Table, TableObject, to_micros
from cleanroom_ml.engine.storage.loads import LoadedFile
from cleanroom_ml.engine.storage.retention import INHERITED
from cleanroom_ml.engine.storage.sessions import Session
from cleanroom_ml.engine.storage.storage import Storage

COLUMNS = (Column("ID", "NUMBER(38,0)", start=1), Column("V", "VARCHAR"))
FILE = LoadedFile("DB.PUBLIC.S/a.csv", "a" * 64)


class Kept:
    """A table whose rows are kept for a day."""

    def __init__(self, storage: Storage, key: Key, session: Session, clock: MovingClock) -> None:
        self.storage, self.key, self.session, self.clock = storage, key, session, clock
        storage.tables.commit([CreateTable(key, COLUMNS, retention=1)])

    @property
    def now(self) -> Table:
        found = self.storage.tables.get(self.key)
        assert found is not None
        return found

    def replace(self, *objects: TableObject, query_id: str | None = None) -> int:
        """Another content; the moment just after it."""
        self.clock.advance(seconds=10)
        request = None
        if query_id is not None:
            self.storage.queries.start(query_id, self.session.id, None, "h")
            request = RequestRecord(query_id, "{}")
        self.storage.tables.commit([Replace(self.key, self.now.snapshot, objects)], request=request)
        return to_micros(self.clock())

    def at(
        self, micros: int = 0, query_id: str | None = None, *, before: bool = False
    ) -> tuple[TableObject, ...] | None:
        return self.storage.tables.at(self.key, Moment(micros, query_id, before))


@pytest.fixture
def kept(storage: Storage, key: Key, session: Session, clock: MovingClock) -> Kept:
    return Kept(storage, key, session, clock)


def test_a_moment_has_what_the_table_held_then(kept: Kept, stored: Callable[[str], TableObject]) -> None:
    one, two, three = stored("one"), stored("two"), stored("three")
    first = kept.replace(one)
    second = kept.replace(two, query_id="q2")
    kept.storage.tables.commit([Append(kept.key, objects=(three,))])
    assert (kept.at(first), kept.at(second)) == ((one,), (two,))
    assert kept.at(to_micros(kept.clock())) == (two, three)
    assert (kept.at(query_id="q2"), kept.at(query_id="q2", before=True)) == ((two,), (one,))
    assert kept.at(first - 60_000_000) is None, "it was not there yet"
    assert kept.at(first, "another statement") == (one,), "one that changed nothing here: by its time"
    snapshots = kept.storage.tables.snapshots(kept.key)
    assert [each.operation for each in snapshots] == ["create", "replace", "replace", "append"]
    assert kept.storage.tables.altered("ACME", "DB") == {kept.now.snapshot: snapshots[-1].created_on}


def test_what_was_removed_longer_ago_than_its_days_is_not_read_as_fewer_rows(
    kept: Kept, stored: Callable[[str], TableObject]
) -> None:
    first = kept.replace(stored("one"))
    kept.replace(stored("two"))
    kept.clock.advance(days=2)
    assert kept.at(first) is None
    kept.replace(stored("three"))
    assert kept.at(first) is None, "its row is gone too"


@pytest.mark.parametrize("days", [0, 2])
def test_a_table_that_says_nothing_itself_goes_by_its_schema(
    kept: Kept, stored: Callable[[str], TableObject], days: int
) -> None:
    kept.storage.tables.set_retention(kept.key, INHERITED)
    kept.storage.namespaces.alter("ACME", "DB", "PUBLIC", retention=days)
    assert kept.storage.namespaces.retention("ACME", "DB", "PUBLIC") == days
    first = kept.replace(stored("one"))
    kept.replace(stored("two"))
    kept.clock.advance(days=1, hours=1)
    assert kept.at(first) == ((stored("one"),) if days else None)


def test_of_other_columns_nothing_is_read(kept: Kept, stored: Callable[[str], TableObject]) -> None:
    first = kept.replace(stored("one"))
    commented = (COLUMNS[0], Column("V", "VARCHAR", comment="what it is"))
    kept.storage.tables.commit([AlterColumns(kept.key, kept.now.snapshot, commented)])
    assert kept.at(first) == (stored("one"),), "a comment is no other column"
    kept.storage.tables.commit([AlterColumns(kept.key, kept.now.snapshot, commented[:1])])
    with pytest.raises(OtherColumns):
        kept.at(first)


def test_a_number_is_given_once(kept: Kept, stored: Callable[[str], TableObject]) -> None:
    def numbered(first: int, count: int) -> Append:
        return Append(kept.key, objects=(stored(str(first)),), numbered=(Numbered("ID", first, first + count),))

    assert kept.now.numbers == {"ID": 1}
    kept.storage.tables.commit([numbered(1, 10)])
    assert kept.now.numbers == {"ID": 11}
    with pytest.raises(SnapshotConflict):
        kept.storage.tables.commit([numbered(1, 10)])
    replaced = Replace(kept.key, kept.now.snapshot, (), numbered=(Numbered("ID", 11, 13),))
    kept.storage.tables.commit([replaced])
    assert kept.now.numbers == {"ID": 13}


def test_a_file_is_loaded_once_until_it_changes_or_the_table_forgets(
    kept: Kept, stored: Callable[[str], TableObject]
) -> None:
    tables, item = kept.storage.tables, stored("rows")
    tables.commit([Append(kept.key, objects=(item,), loaded=(FILE,))])
    assert tables.loaded(kept.key) == {FILE.file: FILE.sha256}
    assert [name for name, _ in tables.load_times(kept.key)] == [FILE.file]
    with pytest.raises(SnapshotConflict):
        tables.commit([Append(kept.key, objects=(item,), loaded=(FILE,))])
    tables.commit([Append(kept.key, objects=(item,), loaded=(FILE,), again=True)])
    changed = LoadedFile(FILE.file, "b" * 64)
    tables.commit([Append(kept.key, objects=(item,), loaded=(changed,))])
    assert tables.loaded(kept.key) == {FILE.file: "b" * 64}
    tables.commit([Replace(kept.key, kept.now.snapshot, (), forgets_loads=True)])
    assert tables.loaded(kept.key) == {}
    tables.commit([Append(kept.key, objects=(item,), loaded=(changed,))])


def test_keys_of_a_table_are_told_as_they_were_said(kept: Kept) -> None:
    keys = (
        Constraint("PRIMARY KEY", ("ID",), "PK"),
        Constraint("FOREIGN KEY", ("V",), "FK", ("DB", "PUBLIC", "U"), ("W",), "why"),
    )
    kept.storage.tables.constrain(kept.key, keys)
    assert kept.now.constraints == keys


def test_of_a_table_that_is_not_there_nothing_is_known(storage: Storage, key: Key) -> None:
    tables = storage.tables
    assert (tables.loaded(key), tables.load_times(key)) == ({}, ())
    for refused in (
        lambda: tables.at(key, Moment(0)),
        lambda: tables.set_retention(key, 1),
        lambda: tables.constrain(key, ()),
        lambda: tables.comment(key, "x"),
        lambda: tables.snapshots(key),
    ):
        with pytest.raises(NotFound):
            refused()
