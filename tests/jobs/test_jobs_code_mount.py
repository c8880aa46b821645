from __future__ import annotations

import os

import pytest

from cleanroom_ml.engine.contracts.job import JobFile
from cleanroom_ml.engine.jobs.code_mount import lay_out
from cleanroom_ml.engine.jobs.errors import CodeMismatch
from cleanroom_ml.engine.storage.objects import ObjectStore


@pytest.fixture
def store(tmp_path):
    return ObjectStore(tmp_path / "objects")


def pinned(store, path, data):
    return JobFile(path, len(data), store.put_bytes(data))


def test_the_bytes_lie_where_the_manifest_says_read_only_for_everybody(store, tmp_path):
    before = os.umask(0o077)
    try:
        lay_out(
            [pinned(store, "a/b/c.py", b"1"), pinned(store, "d.bin", b"\0" * 3_000_000)], store.open, tmp_path / "code"
        )
    finally:
        os.umask(before)
    assert (tmp_path / "code/a/b/c.py").read_bytes() == b"1"
    assert (tmp_path / "code/d.bin").stat().st_size == 3_000_000
    assert (tmp_path / "code/a/b/c.py").stat().st_mode & 0o777 == 0o444
    assert {
        path.stat().st_mode & 0o777 for path in (tmp_path / "code", tmp_path / "code/a", tmp_path / "code/a/b")
    } == {0o755}


def test_a_second_call_replaces_what_an_interrupted_one_left(store, tmp_path):
    (tmp_path / "code.part").mkdir()
    (tmp_path / "code.part/half").touch()
    (tmp_path / "code").mkdir()
    (tmp_path / "code/old.py").touch()
    lay_out([pinned(store, "new.py", b"x")], store.open, tmp_path / "code")
    assert [path.name for path in (tmp_path / "code").iterdir()] == ["new.py"]


@pytest.mark.attack
@pytest.mark.parametrize(
    ("tampered", "message"),
    [
        (b"evil", "not the file that was pinned"),
        (b"longer!", "longer than the 4 bytes"),
        (b"s", "has 1 bytes; 4 were pinned"),
    ],
)
def test_bytes_that_changed_in_the_store_are_refused_by_name(store, tmp_path, tampered, message):
    file = pinned(store, "sub/train.py", b"good")
    path = store.path(file.sha256)
    path.chmod(0o600)
    path.write_bytes(tampered)
    with pytest.raises(CodeMismatch, match=message) as caught:
        lay_out([file], store.open, tmp_path / "code")
    assert "'sub/train.py'" in caught.value.what
    assert not (tmp_path / "code").exists()


def test_a_missing_object_is_refused_by_name(store, tmp_path):
    with pytest.raises(CodeMismatch, match=r"'gone.py'"):
        lay_out([JobFile("gone.py", 1, "a" * 64)], store.open, tmp_path / "code")


@pytest.mark.attack
@pytest.mark.parametrize("path", ["../x", "/etc/x", "a/../../x", "a//b", ".", "", "a/./b", "a\\b", "a\0b", "~/../x/.."])
def test_a_path_cannot_leave_the_directory(store, tmp_path, path):
    with pytest.raises(CodeMismatch):
        lay_out([pinned(store, path, b"x")], store.open, tmp_path / "code")
    assert not (tmp_path / "x").exists()


@pytest.mark.attack
def test_one_file_cannot_be_the_directory_of_another_or_come_twice(store, tmp_path):
    for paths in (("a", "a/b"), ("a/b", "a"), ("a", "a")):
        with pytest.raises(CodeMismatch):
            lay_out([pinned(store, path, b"x") for path in paths], store.open, tmp_path / "code")
