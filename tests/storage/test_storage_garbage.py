from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest
from storage_clock import MovingClock

from cleanroom_ml.engine.storage import garbage
from cleanroom_ml.engine.storage.changes import Append, CreateTable, DropTable
from cleanroom_ml.engine.storage.database import Database, Schema
from cleanroom_ml.engine.storage.errors import ObjectMissing, SchemaError
from cleanroom_ml.engine.storage.keys import Column, Key, TableObject
from cleanroom_ml.engine.storage.objects import ObjectStore
from cleanroom_ml.engine.storage.storage import Storage

Put = Callable[[str], TableObject]


def references(connection: sqlite3.Connection) -> Iterable[str]:
    return [row["sha256"] for row in connection.execute("SELECT sha256 FROM pinned_code")]


PART = Schema("part", 1, ("CREATE TABLE pinned_code (sha256 TEXT) STRICT",), references=references)


def test_everything_that_points_keeps(storage: Storage, key: Key, columns: tuple[Column, ...], stored: Put) -> None:
    in_table, in_stage, in_directory, orphan = (stored(text) for text in ("table", "stage", "directory", "orphan"))
    storage.tables.commit([CreateTable(key, columns, objects=(in_table,))])
    storage.stages.create(key, directory=True)
    storage.stages.put_file(key, "f", in_directory.sha256, 1, "md5")
    storage.stages.refresh(key)
    storage.stages.put_file(key, "f", in_stage.sha256, 1, "md5")
    collected = storage.collect_garbage(0)
    assert (collected.removed, collected.bytes, collected.kept) == (1, 6, 0)
    assert set(storage.objects.stored()) == {item.sha256 for item in (in_table, in_stage, in_directory)}
    assert not storage.objects.exists(orphan.sha256)


def test_grace_counts_from_when_nothing_pointed_any_more(
    storage: Storage, clock: MovingClock, key: Key, columns: tuple[Column, ...], stored: Put
) -> None:
    item = stored("old")
    storage.tables.commit([CreateTable(key, columns, objects=(item,))])
    clock.advance(days=30)
    storage.tables.commit([DropTable(key)])
    assert storage.collect_garbage(3600).kept == 1
    clock.advance(minutes=59)
    assert storage.collect_garbage(3600).removed == 0
    clock.advance(minutes=2)
    assert storage.collect_garbage(3600).removed == 1


def test_object_pointed_at_again_starts_anew(
    storage: Storage, clock: MovingClock, key: Key, columns: tuple[Column, ...], stored: Put
) -> None:
    item = stored("again")
    assert storage.collect_garbage(3600).kept == 1
    storage.tables.commit([CreateTable(key, columns, objects=(item,))])
    clock.advance(hours=2)
    assert storage.collect_garbage(3600).removed == 0
    storage.tables.commit([DropTable(key)])
    assert storage.collect_garbage(3600).removed == 0


def test_pinned_objects_stay(storage: Storage, stored: Put) -> None:
    item = stored("held")
    with storage.pin([item.sha256]), storage.pin([item.sha256]):
        with storage.pin([item.sha256]):
            pass
        assert storage.collect_garbage(0).removed == 0
    assert storage.collect_garbage(0).removed == 1


def test_scratch_of_the_dead_is_swept(storage: Storage, clock: MovingClock) -> None:
    fd, path = storage.objects.create_output()
    clock.advance(hours=2)
    assert storage.collect_garbage(3600).scratch == 0
    os.close(fd)
    assert storage.collect_garbage(3 * 3600).scratch == 0
    assert storage.collect_garbage(3600).scratch == 1
    assert not path.exists()


def test_other_parts_are_asked_and_never_forgotten(storage: Storage, home: Path) -> None:
    storage.close()
    with_part = Storage.open(home, [PART])
    sha256 = with_part.objects.put_bytes(b"pinned code")
    with with_part.database.transaction() as connection:
        connection.execute("INSERT INTO pinned_code VALUES (?)", (sha256,))
    assert with_part.collect_garbage(0).removed == 0
    with_part.close()
    without = Storage.open(home)
    with pytest.raises(SchemaError, match="part"):
        without.collect_garbage(0)
    assert without.objects.verify(sha256)


def test_commits_and_collections_at_once(storage: Storage, key: Key, columns: tuple[Column, ...]) -> None:
    """A commit either has its objects or is told that they are gone: no row ever points at nothing."""
    storage.tables.commit([CreateTable(key, columns)])
    stop = threading.Event()

    def collect() -> None:
        while not stop.is_set():
            storage.collect_garbage(0)

    collector = threading.Thread(target=collect)
    collector.start()
    refused = 0
    try:
        for number in range(150):
            item = TableObject(storage.objects.put_bytes(f"{number}".encode()), 1, 1)
            try:
                storage.tables.commit([Append(key, objects=(item,))])
            except ObjectMissing:
                refused += 1
    finally:
        stop.set()
        collector.join()
    table = storage.tables.get(key)
    assert table is not None
    assert len(table.objects) == 150 - refused
    assert all(storage.objects.verify(item.sha256) for item in table.objects)


@pytest.fixture
def rubbish(storage: Storage, stored: Put) -> list[str]:
    """Ten objects that nothing points at, in collections of three at once."""
    return [stored(f"rubbish {number}").sha256 for number in range(10)]


def test_the_writer_is_free_while_files_are_deleted(
    storage: Storage, rubbish: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Deleting a large file takes its time; whoever commits meanwhile does not wait for it."""
    monkeypatch.setattr(garbage, "AT_ONCE", 3)
    unlink = Path.unlink
    waited: list[bool] = []

    def slow(path: Path, missing_ok: bool = False) -> None:
        def commit() -> None:
            with storage.database.transaction() as connection:
                connection.execute("DELETE FROM condemned WHERE sha256 = 'none'")

        writer = threading.Thread(target=commit, daemon=True)
        writer.start()
        writer.join(5)
        waited.append(writer.is_alive())
        unlink(path, missing_ok=missing_ok)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "unlink", slow)
        assert storage.collect_garbage(0).removed == 10
    assert waited == [False] * 10


def test_a_transaction_takes_only_some(storage: Storage, rubbish: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(garbage, "AT_ONCE", 3)
    taken: list[int] = [0]
    transaction, remove = Database.transaction, ObjectStore.remove

    def counted(self: Database) -> AbstractContextManager[sqlite3.Connection]:
        taken.append(0)
        return transaction(self)

    def removed(self: ObjectStore, sha256: str, **options: float) -> int | None:
        taken[-1] += 1
        return remove(self, sha256, **options)

    monkeypatch.setattr(Database, "transaction", counted)
    monkeypatch.setattr(ObjectStore, "remove", removed)
    assert storage.collect_garbage(0).removed == 10
    assert sum(taken) == 10
    assert max(taken) == 3


def test_what_is_pointed_at_between_looking_and_taking_stays(
    storage: Storage, rubbish: list[str], key: Key, columns: tuple[Column, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody commits after the rows were read and before the object is taken: without a second look it were gone."""
    item = TableObject(rubbish[5], 1, 1)
    committed: list[bool] = []
    condemn = garbage.Garbage._condemn

    def overtaken(self: garbage.Garbage, *given: Any) -> None:
        condemn(self, *given)
        commit = threading.Thread(target=storage.tables.commit, args=([CreateTable(key, columns, objects=(item,))],))
        commit.start()
        commit.join()
        committed.append(True)

    monkeypatch.setattr(garbage.Garbage, "_condemn", overtaken)
    assert storage.collect_garbage(0).removed == 9
    assert committed
    assert storage.objects.verify(item.sha256)
    monkeypatch.setattr(garbage, "_version", lambda _: 0)
    storage.tables.commit([DropTable(key)])
    assert storage.collect_garbage(0).removed == 1, "unseen, it would have been taken"


def test_killed_before_the_trash_is_empty(
    storage: Storage, home: Path, rubbish: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(Path, "unlink", lambda *_, **__: None)  # the process is dead by then
        assert storage.collect_garbage(0).removed == 10
    trash = home / "objects" / "trash"
    assert len(list(trash.iterdir())) == 10
    again = storage.objects.put_bytes(b"rubbish 3")
    assert again == rubbish[3]
    storage.collect_garbage(3600)
    assert list(trash.iterdir()) == []
    assert storage.objects.verify(again)


def test_home_is_private(storage: Storage, home: Path) -> None:
    assert home.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o077 for path in home.iterdir()} == {0}
