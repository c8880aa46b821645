from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from cleanroom_ml.engine.storage import commits
from cleanroom_ml.engine.storage.changes import (
    AlterColumns,
    Append,
    Change,
    CreateTable,
    DropTable,
    RenameTable,
    Replace,
    RequestRecord,
)
from cleanroom_ml.engine.storage.errors import (
    AlreadyExists,
    IllegalState,
    InvalidName,
    NotFound,
    ObjectMissing,
    SnapshotConflict,
)
from cleanroom_ml.engine.storage.keys import Column, Key, Table, TableObject
from cleanroom_ml.engine.storage.sessions import Session
from cleanroom_ml.engine.storage.storage import Storage

Columns = tuple[Column, ...]
Put = Callable[[str], TableObject]


def existing(storage: Storage, key: Key, session_id: str | None = None) -> Table:
    table = storage.tables.get(key, session_id)
    assert table is not None
    return table


@pytest.fixture
def table(storage: Storage, key: Key, columns: Columns, stored: Put) -> Table:
    storage.tables.commit([CreateTable(key, columns, objects=(stored("first"),))])
    return existing(storage, key)


def race(storage: Storage, changes: list[Change]) -> list[Exception | None]:
    """Commits each change in a thread of its own, all let go at once; what became of each."""
    barrier = threading.Barrier(len(changes))
    outcomes: list[Exception | None] = []

    def run(change: Change) -> None:
        barrier.wait()
        try:
            storage.tables.commit([change])
        except SnapshotConflict as conflict:
            outcomes.append(conflict)
        else:
            outcomes.append(None)

    threads = [threading.Thread(target=run, args=(change,)) for change in changes]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return outcomes


def test_life_of_a_table(storage: Storage, table: Table, key: Key, columns: Columns, stored: Put) -> None:
    assert (table.columns, table.rows, table.kind, table.session_id) == (columns, 5, "TABLE", None)
    second = stored("second")
    storage.tables.commit([Append(key, objects=(second,))])
    after = existing(storage, key)
    assert after.objects == (*table.objects, second)
    assert (after.rows, after.bytes) == (11, 11)
    storage.tables.commit([Replace(key, after.snapshot, (second,))])
    replaced = existing(storage, key)
    assert replaced.objects == (second,)
    operations = storage.tables.snapshots(key)
    assert [step.operation for step in operations] == ["create", "append", "replace"]
    assert [step.id for step in operations] == [table.snapshot, after.snapshot, replaced.snapshot]
    assert [step.rows for step in operations] == [5, 11, 6]


@pytest.mark.parametrize("round", range(5))
def test_of_two_replaces_exactly_one_wins(storage: Storage, table: Table, key: Key, stored: Put, round: int) -> None:
    changes = [Replace(key, table.snapshot, (stored(f"{n}"),)) for n in range(6)]
    outcomes = race(storage, list(changes))
    assert outcomes.count(None) == 1
    assert sum(isinstance(outcome, SnapshotConflict) for outcome in outcomes) == 5
    assert len(existing(storage, key).objects) == 1


def test_of_two_appends_on_one_base_exactly_one_wins(storage: Storage, table: Table, key: Key, stored: Put) -> None:
    outcomes = race(storage, [Append(key, table.snapshot, (stored(f"{n}"),)) for n in range(2)])
    assert outcomes.count(None) == 1
    assert len(existing(storage, key).objects) == 2


def test_appends_without_base_all_win(storage: Storage, table: Table, key: Key, stored: Put) -> None:
    outcomes = race(storage, [Append(key, None, (stored(f"{n}"),)) for n in range(8)])
    assert outcomes == [None] * 8
    assert len(existing(storage, key).objects) == 9


def test_retry_on_a_new_base_succeeds(storage: Storage, table: Table, key: Key, stored: Put) -> None:
    storage.tables.commit([Append(key, objects=(stored("x"),))])
    with pytest.raises(SnapshotConflict):
        storage.tables.commit([Replace(key, table.snapshot, ())])
    storage.tables.commit([Replace(key, existing(storage, key).snapshot, ())])
    assert existing(storage, key).rows == 0


def test_table_made_anew_is_not_the_one_that_was_read(
    storage: Storage, table: Table, key: Key, columns: Columns, stored: Put
) -> None:
    storage.tables.commit([DropTable(key), CreateTable(key, columns)])
    with pytest.raises(SnapshotConflict):
        storage.tables.commit([Append(key, table.snapshot, (stored("x"),))])


def test_changes_of_one_commit_share_the_base(storage: Storage, table: Table, key: Key, stored: Put) -> None:
    storage.tables.commit([Append(key, table.snapshot, (stored("a"),)), Append(key, table.snapshot, (stored("b"),))])
    assert len(existing(storage, key).objects) == 3


def test_commit_is_all_or_nothing(storage: Storage, table: Table, key: Key, columns: Columns, stored: Put) -> None:
    other = Key("ACME", "DB", "PUBLIC", "OTHER")
    with pytest.raises(SnapshotConflict):
        storage.tables.commit(
            [CreateTable(other, columns), Append(key, objects=(stored("x"),)), Replace(key, table.snapshot - 1, ())]
        )
    assert storage.tables.get(other) is None
    assert existing(storage, key) == table


def test_append_written_for_other_columns_conflicts(storage: Storage, table: Table, key: Key, stored: Put) -> None:
    wider = (*table.columns, Column("NEW", "DATE"))
    storage.tables.commit([AlterColumns(key, table.snapshot, wider)])
    with pytest.raises(SnapshotConflict):
        storage.tables.commit([Append(key, objects=(stored("x"),), columns=table.columns)])
    storage.tables.commit([Append(key, objects=(stored("x"),), columns=wider)])
    assert existing(storage, key).columns == wider


def test_object_that_is_not_stored_cannot_be_pointed_at(storage: Storage, table: Table, key: Key) -> None:
    with pytest.raises(ObjectMissing):
        storage.tables.commit([Append(key, objects=(TableObject("0" * 64, 1, 1),))])
    assert existing(storage, key) == table


def test_if_exists(storage: Storage, table: Table, key: Key, columns: Columns) -> None:
    with pytest.raises(AlreadyExists):
        storage.tables.commit([CreateTable(key, columns)])
    assert storage.tables.commit([CreateTable(key, columns, if_exists="ignore")]) == (False,)
    assert existing(storage, key) == table
    assert storage.tables.commit([CreateTable(key, columns[:1], kind="TRANSIENT", if_exists="replace")]) == (True,)
    assert (existing(storage, key).kind, existing(storage, key).rows) == ("TRANSIENT", 0)
    assert storage.tables.commit([DropTable(key), DropTable(key, if_exists=True)]) == (True, False)
    with pytest.raises(NotFound):
        storage.tables.commit([DropTable(key)])


def test_rename(storage: Storage, table: Table, key: Key, columns: Columns) -> None:
    new, taken = Key("ACME", "DB", "PUBLIC", "NEW"), Key("ACME", "DB", "PUBLIC", "TAKEN")
    storage.tables.commit([CreateTable(taken, columns)])
    for name, error in [(taken, AlreadyExists), (Key("OTHER", "DB", "PUBLIC", "X"), InvalidName)]:
        with pytest.raises(error):
            storage.tables.commit([RenameTable(key, name)])
    storage.tables.commit([RenameTable(key, new)])
    assert storage.tables.get(key) is None
    assert existing(storage, new).snapshot == table.snapshot


def test_names_that_cannot_be(storage: Storage, columns: Columns) -> None:
    for key in [
        Key("ACME", "NODB", "PUBLIC", "T"),
        Key("ACME", "DB", "NOSCHEMA", "T"),
        Key("NOBODY", "DB", "PUBLIC", "T"),
    ]:
        with pytest.raises(NotFound):
            storage.tables.commit([CreateTable(key, columns)])
    for name in ["", "a\x00b", "a\nb", "x" * 256, "\ud800"]:
        with pytest.raises(InvalidName):
            storage.tables.commit([CreateTable(Key("ACME", "DB", "PUBLIC", name), columns)])
    with pytest.raises(InvalidName):
        storage.tables.commit([CreateTable(Key("ACME", "", "~", "T"), columns)])
    with pytest.raises(InvalidName, match="same name"):
        storage.tables.commit([CreateTable(Key("ACME", "DB", "PUBLIC", "T"), (columns[0], columns[0]))])


def test_temporary_table_shadows_for_its_session_only(
    storage: Storage, table: Table, key: Key, columns: Columns, session: Session, other_session: Session, stored: Put
) -> None:
    storage.tables.commit([CreateTable(key, columns[:1], "TEMPORARY", session.id)])
    assert existing(storage, key, session.id).kind == "TEMPORARY"
    assert existing(storage, key, other_session.id) == existing(storage, key) == table
    assert [entry.kind for entry in storage.tables.list("ACME", "DB", None, session.id)] == ["TEMPORARY"]
    assert [entry.kind for entry in storage.tables.list("ACME", session_id=other_session.id)] == ["TABLE"]

    storage.tables.commit([Append(key, objects=(stored("mine"),), session_id=session.id)])
    assert existing(storage, key) == table
    storage.tables.commit([DropTable(key, session_id=session.id)])
    assert existing(storage, key, session.id) == table


def test_temporary_tables_end_with_their_session(
    storage: Storage, table: Table, key: Key, columns: Columns, session: Session
) -> None:
    storage.tables.commit([CreateTable(key, columns, "TEMPORARY", session.id)])
    assert storage.sessions.close(session.id)
    assert existing(storage, key, session.id) == table
    with pytest.raises(NotFound):
        storage.tables.commit([CreateTable(key, columns, "TEMPORARY", session.id)])
    with pytest.raises(ValueError):
        storage.tables.commit([CreateTable(key, columns, "TEMPORARY")])


@pytest.mark.attack
def test_session_of_another_account_cannot_leave_tables(storage: Storage, key: Key, columns: Columns) -> None:
    storage.accounts.create("EVIL", "MALLORY", password="m")
    foreign = storage.sessions.create("EVIL", "MALLORY")[0]
    with pytest.raises(NotFound):
        storage.tables.commit([CreateTable(key, columns, "TEMPORARY", foreign.id)])


def test_request_is_recorded_with_the_commit(
    storage: Storage, table: Table, key: Key, session: Session, stored: Put
) -> None:
    storage.queries.start("q1", session.id, "r1", "hash")
    storage.tables.commit([Append(key, objects=(stored("x"),))], request=RequestRecord("q1", '{"rows":1}'))
    record = storage.queries.by_request(session.id, "r1")
    assert record is not None
    assert (record.state, record.response) == ("SUCCESS", '{"rows":1}')


def test_commit_that_fails_records_no_success(storage: Storage, table: Table, key: Key, session: Session) -> None:
    storage.queries.start("q1", session.id, "r1", "hash")
    with pytest.raises(SnapshotConflict):
        storage.tables.commit([Replace(key, table.snapshot - 1, ())], request=RequestRecord("q1", "{}"))
    record = storage.queries.get("q1")
    assert record is not None
    assert record.state == "RUNNING"


def test_aborted_query_cannot_commit(storage: Storage, table: Table, key: Key, session: Session, stored: Put) -> None:
    storage.queries.start("q1", session.id, "r1", "hash")
    storage.queries.abort("q1")
    with pytest.raises(IllegalState):
        storage.tables.commit([Append(key, objects=(stored("x"),))], request=RequestRecord("q1", "{}"))
    assert existing(storage, key) == table


def test_tables_and_views_share_names(storage: Storage, table: Table, key: Key, columns: Columns) -> None:
    with pytest.raises(AlreadyExists, match="table"):
        storage.views.create(key, columns, "select 1", if_exists="replace")
    view = Key("ACME", "DB", "PUBLIC", "V")
    storage.views.create(view, columns, "select 1", secure=True)
    with pytest.raises(AlreadyExists, match="view"):
        storage.tables.commit([CreateTable(view, columns, if_exists="replace")])
    with pytest.raises(AlreadyExists, match="view"):
        storage.tables.commit([RenameTable(key, view)])
    got = storage.views.get(view)
    assert got is not None
    assert (got.secure, got.text, got.columns) == (True, "select 1", columns)
    storage.views.replace(view, columns[:1], "select 2")
    assert [entry.text for entry in storage.views.list("ACME", "DB")] == ["select 2"]
    assert storage.views.drop(view)
    with pytest.raises(NotFound):
        storage.views.drop(view)


def test_dropping_a_database_takes_everything_in_it(storage: Storage, table: Table, key: Key) -> None:
    storage.namespaces.drop_database("ACME", "DB")
    assert storage.tables.get(key) is None
    storage.namespaces.create_database("ACME", "DB")
    assert storage.tables.get(key) is None


def test_a_table_remembers_its_last_snapshots(
    storage: Storage, table: Table, key: Key, stored: Put, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A table that is appended to for years does not grow the catalog with each statement."""
    monkeypatch.setattr(commits, "KEPT_SNAPSHOTS", 3)
    other = Key(key.account, key.database, key.schema, "OTHER")
    storage.tables.commit([CreateTable(other, table.columns)])
    one = stored("one")
    for _ in range(5):
        storage.tables.commit([Append(key, None, (one,))])
    steps = storage.tables.snapshots(key)
    assert [step.operation for step in steps] == ["append"] * 3
    assert steps[-1].id == existing(storage, key).snapshot
    assert len(storage.tables.snapshots(other)) == 1
