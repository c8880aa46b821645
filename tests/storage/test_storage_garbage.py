from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest
from storage_clock import MovingClock

from cleanroom_ml.engine.storage.changes import Append, CreateTable, DropTable
from cleanroom_ml.engine.storage.database import Schema
from cleanroom_ml.engine.storage.errors import ObjectMissing, SchemaError
from cleanroom_ml.engine.storage.keys import Column, Key, TableObject
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


def test_home_is_private(storage: Storage, home: Path) -> None:
    assert home.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o077 for path in home.iterdir()} == {0}
