from __future__ import annotations

import sqlite3
import threading
from pathlib import Path

import pytest

from cleanroom_ml.engine.load import cancellation
from cleanroom_ml.engine.load.cancellation import Cancellation
from cleanroom_ml.engine.storage.database import Database, Schema
from cleanroom_ml.engine.storage.errors import SchemaError

NOTES = Schema("notes", 1, ("CREATE TABLE notes (text TEXT NOT NULL) STRICT",))


def texts(database: Database) -> list[str]:
    with database.read() as connection:
        return [row["text"] for row in connection.execute("SELECT text FROM notes ORDER BY rowid")]


def add(database: Database, text: str) -> None:
    with database.transaction() as connection:
        connection.execute("INSERT INTO notes VALUES (?)", (text,))


@pytest.fixture
def database(tmp_path: Path) -> Database:
    return Database.open(tmp_path / "c.sqlite", [NOTES])


def test_files_are_private_and_writes_wait_for_the_disk(tmp_path: Path, database: Database) -> None:
    add(database, "a")
    files = sorted(tmp_path.iterdir())
    assert len(files) == 3  # the database, its -wal, its -shm
    assert {file.stat().st_mode & 0o777 for file in files} == {0o600}
    with database.read() as connection:
        pragmas = {name: connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("journal_mode", "synchronous")}
        assert pragmas == {"journal_mode": "wal", "synchronous": 2}
        assert connection.execute("PRAGMA foreign_keys").fetchone()[0] == 1


def test_what_need_not_wait_for_the_disk_does_not_and_what_follows_does(database: Database) -> None:
    def waits(*, durable: bool) -> bool:
        with database.transaction(durable=durable) as connection:
            synchronous: int = connection.execute("PRAGMA synchronous").fetchone()[0]
            with database.transaction():  # a part of it: it is on disk when the whole is
                assert connection.execute("PRAGMA synchronous").fetchone()[0] == synchronous
        return synchronous == 2

    assert [waits(durable=each) for each in (True, False, False, True, False)] == [True, False, False, True, False]
    with database.transaction_if_free() as free:
        assert free is not None
        assert free.execute("PRAGMA synchronous").fetchone()[0] == 2


def test_changes_are_counted_before_and_after_they_are_there(database: Database) -> None:
    def reads() -> int:
        return database.changes

    before = reads()
    with database.transaction(durable=False, counted=False) as connection:
        connection.execute("INSERT INTO notes VALUES ('own')")
    assert reads() == before, "it is nobody's business"
    with pytest.raises(ZeroDivisionError):
        add_and_fail(database, "lost")
    assert reads() == before
    seen: list[int] = []
    with database.transaction() as connection:
        connection.execute("INSERT INTO notes VALUES ('new')")
        # It is looked at while it commits.
        connection.set_trace_callback(lambda sql: seen.append(reads()) if sql == "COMMIT" else None)
    connection.set_trace_callback(None)
    assert seen == [before + 1]
    assert reads() == before + 2


def add_and_fail(database: Database, text: str) -> None:
    with database.transaction():
        add(database, text)
        raise ZeroDivisionError


def test_transaction_that_raises_leaves_nothing(database: Database) -> None:
    with pytest.raises(ZeroDivisionError):
        add_and_fail(database, "lost")
    assert texts(database) == []
    add(database, "kept")
    assert texts(database) == ["kept"]


def test_inner_transaction_is_undone_alone(database: Database) -> None:
    with database.transaction():
        add(database, "outer")
        with pytest.raises(ZeroDivisionError):
            add_and_fail(database, "inner")
        add(database, "later")
    assert texts(database) == ["outer", "later"]


def test_read_is_of_one_moment_while_others_write(database: Database) -> None:
    add(database, "before")
    with database.read() as connection:
        first = connection.execute("SELECT count(*) FROM notes").fetchone()[0]
        thread = threading.Thread(target=add, args=(database, "meanwhile"))
        thread.start()
        thread.join()
        assert connection.execute("SELECT count(*) FROM notes").fetchone()[0] == first == 1
    assert texts(database) == ["before", "meanwhile"]


def test_transaction_inside_read_is_refused(database: Database) -> None:
    with database.read(), pytest.raises(RuntimeError), database.transaction():
        pass


def test_many_threads_write_without_losing_or_failing(database: Database) -> None:
    threads = [threading.Thread(target=lambda n=n: [add(database, f"{n}.{i}") for i in range(10)]) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(texts(database))) == 80


def test_schema_is_installed_once_and_upgraded(tmp_path: Path, database: Database) -> None:
    add(database, "old")
    database.close()
    newer = Schema("notes", 2, (), {2: ("ALTER TABLE notes ADD COLUMN author TEXT",)})
    for _ in range(2):
        database = Database.open(tmp_path / "c.sqlite", [newer])
        with database.read() as connection:
            assert connection.execute("SELECT text, author FROM notes").fetchall()[0]["author"] is None
        database.close()
    with pytest.raises(SchemaError, match="has version 2, this program knows 1"):
        Database.open(tmp_path / "c.sqlite", [NOTES])
    with pytest.raises(SchemaError, match="no way to version 3"):
        Database.open(tmp_path / "c.sqlite", [Schema("notes", 3, ())])


def test_failed_upgrade_leaves_the_old_version(tmp_path: Path, database: Database) -> None:
    database.close()
    broken = Schema("notes", 2, (), {2: ("ALTER TABLE notes ADD COLUMN author TEXT", "SELECT no_such_function()")})
    with pytest.raises(sqlite3.OperationalError):
        Database.open(tmp_path / "c.sqlite", [broken])
    again = Database.open(tmp_path / "c.sqlite", [NOTES])
    with again.read() as connection:
        assert [row["name"] for row in connection.execute("PRAGMA table_info(notes)")] == ["text"]


def test_catalog_that_is_a_link_is_refused(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").touch()
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OSError):
        Database(tmp_path / "link")


def test_what_can_wait_is_written_only_where_nobody_writes(database: Database) -> None:
    """By another process, by another thread of this one: it is told at once, and waits for neither."""
    other = sqlite3.connect(database.path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with database.transaction_if_free() as connection:
        assert connection is None
    other.execute("ROLLBACK")
    other.close()
    with database.transaction():
        seen: list[object] = []

        def attempt() -> None:
            with database.transaction_if_free() as connection:
                seen.append(connection)

        thread = threading.Thread(target=attempt)
        thread.start()
        thread.join(10)
        assert seen == [None]
    with database.transaction_if_free() as connection:
        assert connection is not None
        connection.execute("INSERT INTO notes VALUES ('kept')")
    with pytest.raises(sqlite3.IntegrityError), database.transaction_if_free() as connection:  # noqa: PT012
        assert connection is not None
        connection.executemany("INSERT INTO notes VALUES (?)", [("undone",), (None,)])
    assert texts(database) == ["kept"]
    with database.read() as connection:
        assert connection.execute("PRAGMA busy_timeout").fetchone()[0] == 60_000, "the next writer waits its turn"


@pytest.mark.attack
def test_work_that_was_ended_changes_nothing_any_more(database: Database) -> None:
    """Whoever ended it was told so. What has to be put in order afterwards still is."""
    token = Cancellation()
    with token.entered():
        add(database, "before")
        token.cancel(InterruptedError())
        with pytest.raises(InterruptedError):
            add(database, "after")
        with cancellation.tidying():
            add(database, "tidied")
        with pytest.raises(InterruptedError):
            add(database, "after")
    add(database, "somebody else's")
    assert texts(database) == ["before", "tidied", "somebody else's"]
