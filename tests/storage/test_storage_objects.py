from __future__ import annotations

import hashlib
import io
import os
import threading
from pathlib import Path

import pytest

from cleanroom_ml.engine.storage import objects as objects_module
from cleanroom_ml.engine.storage.errors import InvalidHash, ObjectMissing
from cleanroom_ml.engine.storage.objects import ObjectStore


def sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def read(store: ObjectStore, name: str) -> bytes:
    with os.fdopen(store.open(name), "rb") as file:
        return file.read()


@pytest.fixture
def store(tmp_path: Path) -> ObjectStore:
    return ObjectStore(tmp_path / "objects")


def test_bytes_streams_and_descriptors_are_stored_alike(store: ObjectStore, tmp_path: Path) -> None:
    data = os.urandom(3 << 20)
    (tmp_path / "file").write_bytes(data)
    fd = os.open(tmp_path / "file", os.O_RDONLY)
    assert store.put_bytes(data) == store.put_stream(io.BytesIO(data)) == store.put_stream(fd) == sha(data)
    os.close(fd)
    assert read(store, sha(data)) == data
    assert store.size(sha(data)) == len(data)
    assert list(store.stored()) == [sha(data)]
    assert list(store.scratch().iterdir()) == []


def test_modes(store: ObjectStore) -> None:
    name = store.put_bytes(b"x")
    assert store.path(name).stat().st_mode & 0o777 == 0o444
    assert store.path(name).parent.stat().st_mode & 0o777 == 0o700
    assert store.root.stat().st_mode & 0o777 == 0o700
    fd, path = store.create_output()
    assert path.stat().st_mode & 0o777 == 0o666
    assert not os.get_inheritable(fd)
    os.close(fd)


def test_output_is_adopted_by_moving_it(store: ObjectStore) -> None:
    fd, path = store.create_output()
    os.write(fd, b"rows")
    inode = os.fstat(fd).st_ino
    os.close(fd)
    name = store.adopt(path)
    assert name == sha(b"rows")
    assert store.path(name).stat().st_ino == inode
    assert store.path(name).stat().st_mode & 0o777 == 0o444
    assert not path.exists()


def write_after_adoption(store: ObjectStore) -> str:
    fd, path = store.create_output()
    os.write(fd, b"approved bytes")
    name = store.adopt(path)
    os.pwrite(fd, b"EVIL", 0)
    os.close(fd)
    return name


@pytest.mark.attack
def test_worker_that_keeps_its_descriptor_cannot_change_an_object(
    store: ObjectStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = write_after_adoption(store)
    assert read(store, name) == b"approved bytes"
    assert store.verify(name)

    monkeypatch.setattr(objects_module, "_unwritten", lambda fd: True)
    assert read(store, write_after_adoption(store)) == b"EVILoved bytes"
    assert not store.verify(name)


@pytest.mark.attack
def test_link_is_not_adopted(store: ObjectStore, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("s")
    link = store.scratch() / "link"
    link.symlink_to(tmp_path / "secret")
    with pytest.raises(OSError):
        store.adopt(link)
    assert list(store.stored()) == []


def test_changed_bytes_are_noticed_and_healed_by_storing_again(store: ObjectStore) -> None:
    name = store.put_bytes(b"right")
    store.path(name).chmod(0o600)
    store.path(name).write_bytes(b"wrong")
    assert not store.verify(name)
    store.put_bytes(b"right")
    assert store.verify(name)
    assert not store.verify(sha(b"never stored"))


@pytest.mark.attack
@pytest.mark.parametrize(
    "name", ["", "..", "../../etc/passwd", "A" * 64, "a" * 63, "a" * 65, "a" * 63 + "\n", "/" * 64, "ab/" + "a" * 61]
)
def test_what_is_no_hash_is_refused(store: ObjectStore, name: str) -> None:
    for method in (store.open, store.path, store.size, store.exists, store.verify):
        with pytest.raises(InvalidHash):
            method(name)


@pytest.mark.attack
def test_link_in_place_of_an_object_is_not_followed(store: ObjectStore, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("s")
    name = sha(b"x")
    store.path(name).parent.mkdir()
    store.path(name).symlink_to(tmp_path / "secret")
    assert not store.exists(name)
    assert not store.verify(name)
    with pytest.raises(OSError):
        store.open(name)


def test_missing_objects(store: ObjectStore) -> None:
    name = sha(b"x")
    for method in (store.open, store.size):
        with pytest.raises(ObjectMissing):
            method(name)
    with pytest.raises(ObjectMissing):
        store.require([name])
    assert not store.exists(name)


def test_storing_the_same_bytes_at_once(store: ObjectStore) -> None:
    names: list[str] = []
    threads = [threading.Thread(target=lambda: names.append(store.put_bytes(b"same"))) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert names == [sha(b"same")] * 16
    assert read(store, names[0]) == b"same"


def test_object_stored_again_is_not_removed(store: ObjectStore) -> None:
    name = store.put_bytes(b"x")
    old = store.path(name).stat().st_mtime - 100
    os.utime(store.path(name), (old, old))
    store.put_bytes(b"x")
    assert store.remove(name, untouched_since=old + 50) is None
    assert store.exists(name)
    assert store.remove(name, untouched_since=old + 1000) == 1
    assert not store.exists(name)
