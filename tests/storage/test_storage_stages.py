from __future__ import annotations

import pytest
from storage_clock import MovingClock

from cleanroom_ml.engine.storage.errors import AlreadyExists, InvalidPath, NotFound, ObjectMissing
from cleanroom_ml.engine.storage.keys import Key
from cleanroom_ml.engine.storage.sessions import Session
from cleanroom_ml.engine.storage.storage import Storage

STAGE = Key("ACME", "DB", "PUBLIC", "CODE")


@pytest.fixture
def stage(storage: Storage) -> Key:
    storage.stages.create(STAGE, directory=True)
    return STAGE


def put(storage: Storage, path: str, text: str = "x", key: Key = STAGE, session_id: str | None = None) -> str:
    sha256 = storage.objects.put_bytes(text.encode())
    storage.stages.put_file(key, path, sha256, len(text), "md5", session_id=session_id)
    return sha256


def paths(storage: Storage, prefix: str = "", key: Key = STAGE) -> list[str]:
    return [file.path for file in storage.stages.list_files(key, prefix)]


def test_files(storage: Storage, stage: Key) -> None:
    for path in ("b/c.py", "a.py", "b/d.py", "b%.py"):
        put(storage, path)
    assert paths(storage) == ["a.py", "b%.py", "b/c.py", "b/d.py"]
    assert paths(storage, "b/") == ["b/c.py", "b/d.py"]
    assert paths(storage, "b%") == ["b%.py"]
    new = put(storage, "a.py", "new")
    file = storage.stages.list_files(stage, "a.py")[0]
    assert (file.sha256, file.size) == (new, 3)
    assert storage.stages.remove(stage, "a.py")
    assert not storage.stages.remove(stage, "a.py")
    with pytest.raises(ObjectMissing):
        storage.stages.put_file(stage, "x", "0" * 64, 1, "md5")


@pytest.mark.attack
@pytest.mark.parametrize(
    "path",
    [
        "",
        "/etc/passwd",
        "../x",
        "a/../../x",
        "a/./b",
        "a//b",
        "a/",
        ".",
        "..",
        "a\\..\\b",
        "a\x00b",
        "a\nb",
        "a\x7fb",
        "train\u202eyp.exe",
        "zero\u200bwidth",
        "\ud800",
        "line\u2028end",
        "x" * 256,
        "/".join(["abcdefgh"] * 120),
    ],
)
def test_hostile_paths(storage: Storage, stage: Key, session: Session, path: str) -> None:
    sha256 = storage.objects.put_bytes(b"x")
    with pytest.raises(InvalidPath):
        storage.stages.put_file(stage, path, sha256, 1, "md5")
    upload = storage.stages.begin_upload(stage, "safe", session.id)
    with pytest.raises(InvalidPath):
        storage.stages.put_uploaded(upload.ticket, path, sha256, 1, "md5")
    assert paths(storage) == []


@pytest.mark.parametrize("path", ["Füße/数据.py", ".hidden", "a b/c'd\".py", "...", "x" * 255])
def test_unusual_but_harmless_paths(storage: Storage, stage: Key, path: str) -> None:
    put(storage, path)
    assert paths(storage) == [path]


@pytest.mark.attack
def test_file_is_not_a_directory_too(storage: Storage, stage: Key) -> None:
    put(storage, "a/b")
    put(storage, "a.py")
    put(storage, "a0")
    for path in ("a", "a/b/c", "a/b/c/d", "a.py/x"):
        with pytest.raises(InvalidPath):
            put(storage, path)
    assert paths(storage) == ["a.py", "a/b", "a0"]


def test_directory_table_changes_only_when_refreshed(storage: Storage, stage: Key) -> None:
    first = put(storage, "train.py", "first")
    assert storage.stages.directory_files(stage) == []
    assert storage.stages.refresh(stage).added == ("train.py",)
    put(storage, "train.py", "second")
    put(storage, "new.py")
    assert [file.sha256 for file in storage.stages.directory_files(stage)] == [first]
    refresh = storage.stages.refresh(stage)
    assert (refresh.added, refresh.updated, refresh.removed) == (("new.py",), ("train.py",), ())
    storage.stages.remove(stage, "new.py")
    assert storage.stages.refresh(stage).removed == ("new.py",)
    storage.stages.set_directory(stage, False)
    for ask in (storage.stages.refresh, storage.stages.directory_files):
        with pytest.raises(NotFound):
            ask(stage)


def test_temporary_stage_shadows_and_ends(storage: Storage, stage: Key, session: Session) -> None:
    put(storage, "permanent")
    storage.stages.create(stage, session_id=session.id)
    put(storage, "temporary", session_id=session.id)
    assert [file.path for file in storage.stages.list_files(stage, session_id=session.id)] == ["temporary"]
    assert paths(storage) == ["permanent"]
    assert [entry.session_id for entry in storage.stages.list("ACME", "DB", session_id=session.id)] == [session.id]
    storage.sessions.close(session.id)
    assert [entry.session_id for entry in storage.stages.list("ACME", "DB", session_id=session.id)] == [None]


def test_create_and_drop(storage: Storage, stage: Key) -> None:
    with pytest.raises(AlreadyExists):
        storage.stages.create(stage)
    assert not storage.stages.create(stage, if_exists="ignore")
    put(storage, "a")
    assert storage.stages.create(stage, if_exists="replace")
    assert paths(storage) == []
    assert storage.stages.drop(stage)
    assert not storage.stages.drop(stage, if_exists=True)
    with pytest.raises(NotFound):
        storage.stages.list_files(stage)


def test_user_stages_are_apart_and_hidden(storage: Storage) -> None:
    key = storage.stages.user_stage("ACME", "ALICE")
    put(storage, "mine", key=key)
    assert storage.stages.user_stage("ACME", "ALICE") == key
    assert paths(storage, key=key) == ["mine"]
    assert storage.stages.list("ACME") == []
    assert "" not in [database.name for database in storage.namespaces.databases("ACME")]
    with pytest.raises(NotFound):
        storage.stages.user_stage("ACME", "BOB")


def test_uploads(storage: Storage, stage: Key, session: Session, clock: MovingClock) -> None:
    upload = storage.stages.begin_upload(stage, "dir/", session.id, seconds=60)
    sha256 = storage.objects.put_bytes(b"x")
    assert storage.stages.put_uploaded(upload.ticket, "a.py", sha256, 1, "md5").path == "dir/a.py"
    assert (upload.stage, upload.session_id, upload.directory) == (stage, session.id, "dir")
    late = storage.stages.begin_upload(stage, "dir/", session.id, seconds=60)
    clock.advance(seconds=61)
    for ticket in (upload.ticket, late.ticket):  # used, and too late
        with pytest.raises(NotFound):
            storage.stages.put_uploaded(ticket, "b.py", sha256, 1, "md5")


@pytest.mark.attack
@pytest.mark.parametrize("end", ["stage", "session"])
def test_ticket_dies_with_its_stage_and_session(storage: Storage, stage: Key, session: Session, end: str) -> None:
    upload = storage.stages.begin_upload(stage, "", session.id)
    if end == "stage":
        storage.stages.create(stage, if_exists="replace")
    else:
        storage.sessions.close(session.id)
    with pytest.raises(NotFound):
        storage.stages.put_uploaded(upload.ticket, "a", storage.objects.put_bytes(b"x"), 1, "md5")


def test_file_formats(storage: Storage, session: Session) -> None:
    key = Key("ACME", "DB", "PUBLIC", "F")
    storage.file_formats.create(key, "CSV", {"SKIP_HEADER": 1})
    storage.file_formats.create(key, "PARQUET", {}, session_id=session.id)
    mine, shared = storage.file_formats.get(key, session.id), storage.file_formats.get(key)
    assert mine is not None
    assert shared is not None
    assert (mine.type, shared.type, shared.options) == ("PARQUET", "CSV", {"SKIP_HEADER": 1})
    with pytest.raises(AlreadyExists):
        storage.file_formats.create(key, "CSV", {})
    storage.file_formats.drop(key, session_id=session.id)
    assert [entry.type for entry in storage.file_formats.list("ACME", session_id=session.id)] == ["CSV"]
    assert not storage.file_formats.drop(Key("ACME", "DB", "PUBLIC", "G"), if_exists=True)
