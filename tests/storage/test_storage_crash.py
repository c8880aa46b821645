"""kill -9 at any point: what was acknowledged is there, what is referenced is whole, and the rest is garbage."""

from __future__ import annotations

import hashlib
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from cleanroom_ml.engine.storage.changes import CreateTable
from cleanroom_ml.engine.storage.keys import Column, Key
from cleanroom_ml.engine.storage.storage import Storage

VICTIM = Path(__file__).with_name("storage_victim.py")


@pytest.fixture
def table(storage: Storage, key: Key) -> Key:
    storage.tables.commit([CreateTable(key, (Column("A", "VARCHAR"),))])
    return key


def run_and_kill(home: Path, mode: str, number: int, seconds: float) -> list[int]:
    """Runs the victim until it kills itself, or for `seconds` from its first commit; the numbers it acknowledged."""
    process = subprocess.Popen([sys.executable, VICTIM, home, mode, f"{number}"], stdout=subprocess.PIPE)
    assert process.stdout is not None
    try:
        first = process.stdout.readline()
        if mode == "any":
            time.sleep(seconds)
    finally:
        process.kill()
    rest = process.stdout.read().splitlines()
    process.stdout.close()
    assert process.wait(timeout=30) == -9
    return [int(line) for line in (first, *rest) if line.strip()]


def check(home: Path, key: Key, acknowledged: list[int], *, uncertain: int | None) -> None:
    """Opens the home as the next process does, and compares it with what the victims were told."""
    storage = Storage.open(home)
    with storage.database.read() as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
        succeeded = {
            int(row["query_id"][1:])
            for row in connection.execute("SELECT query_id FROM queries WHERE state = 'SUCCESS'")
        }
    table = storage.tables.get(key)
    assert table is not None
    names = {hashlib.sha256(f"{number}".encode()).hexdigest(): number for number in range(1, 100_000)}
    committed = {names[item.sha256] for item in table.objects}
    assert set(acknowledged) <= committed
    assert committed - set(acknowledged) <= {uncertain}
    assert succeeded == committed
    assert table.rows == len(table.objects) == len(committed)

    storage.collect_garbage(grace_seconds=0)
    assert set(storage.objects.stored()) == {item.sha256 for item in table.objects}
    assert all(storage.objects.verify(item.sha256) for item in table.objects)
    assert list(storage.objects.scratch().iterdir()) == []
    storage.close()


@pytest.mark.parametrize("mode", ["before-commit", "mid-commit", "after-commit"])
def test_killed_at_a_chosen_point(storage: Storage, home: Path, table: Key, mode: str) -> None:
    acknowledged: list[int] = []
    for number in range(3):
        acknowledged += run_and_kill(home, mode, number, 0)
        check(home, table, acknowledged, uncertain=None)
    assert acknowledged == ([1, 2, 3] if mode == "after-commit" else [])


def test_what_did_not_wait_for_the_disk_outlives_the_process(storage: Storage, home: Path, table: Key) -> None:
    acknowledged = [number for start in range(3) for number in run_and_kill(home, "read", start, 0)]
    opened = Storage.open(home)
    assert acknowledged == [1, 2, 3]
    for number in acknowledged:
        record = opened.queries.get(f"q{number}")
        assert record is not None
        assert (record.state, record.response) == ("SUCCESS", "{}")
    opened.close()


def test_killed_at_any_point(storage: Storage, home: Path, table: Key) -> None:
    chance = random.Random(7)
    acknowledged: list[int] = []
    for _ in range(6):
        last = max(acknowledged, default=0) + 1
        acknowledged += run_and_kill(home, "any", last, chance.uniform(0, 0.15))
        uncertain = max(acknowledged) + 1
        check(home, table, acknowledged, uncertain=uncertain)
        # Committed, but killed before it could say so: from here on it counts as told.
        current = storage.tables.get(table)
        assert current is not None
        if len(current.objects) > len(acknowledged):
            acknowledged.append(uncertain)
    assert len(acknowledged) >= 6
