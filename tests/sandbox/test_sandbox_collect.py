from __future__ import annotations

import hashlib
import os
import socket
from pathlib import Path

import pytest

from cleanroom_ml.engine.sandbox import CollectLimits, collect


@pytest.fixture
def left(tmp_path: Path) -> Path:
    (tmp_path / "left").mkdir()
    return tmp_path / "left"


def test_plain_files_are_taken_under_neutral_names(left: Path, tmp_path: Path) -> None:
    (left / "model").mkdir()
    (left / "model" / "weights.bin").write_bytes(b"w" * 1000)
    got = collect(left, tmp_path / "got")
    [file] = got.files
    assert (file.name, file.size, file.sha256) == ("model/weights.bin", 1000, hashlib.sha256(b"w" * 1000).hexdigest())
    assert file.path == tmp_path / "got" / "00000"
    assert file.path.read_bytes() == b"w" * 1000
    assert not got.refused


@pytest.mark.attack
def test_links_pipes_and_sockets_are_refused(left: Path, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("of the host")
    (left / "symbolic").symlink_to(secret)
    (left / "directory").symlink_to(tmp_path)
    (left / "hard").hardlink_to(secret)
    os.mkfifo(left / "pipe")
    server = socket.socket(socket.AF_UNIX)
    server.bind(str(left / "s"))
    server.close()
    (left / "line\nbreak\x1b[2J").write_text("x")
    with open(os.fsencode(left) + b"/\xff", "w"):
        pass
    got = collect(left, tmp_path / "got")
    assert got.files == ()
    reasons = {refused.name: refused.reason for refused in got.refused}
    assert len(reasons) == 7
    assert reasons["symbolic"] == reasons["directory"] == "a symbolic link"
    assert reasons["hard"] == "has more than one hard link"
    assert all(name.isprintable() for name in reasons)


@pytest.mark.attack
def test_everything_is_bounded(left: Path, tmp_path: Path) -> None:
    for n in range(50):
        (left / f"f{n}").write_bytes(b"x" * 100)
    got = collect(left, tmp_path / "many", CollectLimits(files=10))
    assert len(got.files) == 10
    assert "the rest was not looked at" in got.refused[-1].reason
    got = collect(left, tmp_path / "total", CollectLimits(total_bytes=1050))
    assert len(got.files) == 10
    assert len(got.refused) == 40
    (left / "large").write_bytes(b"x" * 5000)
    got = collect(left, tmp_path / "large", CollectLimits(file_bytes=1000))
    assert [refused.name for refused in got.refused] == ["large"]
    deep = left / "/".join(["d"] * 20)
    deep.mkdir(parents=True)
    (deep / "f").touch()
    got = collect(left, tmp_path / "deep")
    assert "directories deep" in got.refused[-1].reason or any("deep" in r.reason for r in got.refused)


def test_a_link_in_place_of_the_directory_is_refused(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path)
    with pytest.raises(OSError):
        collect(tmp_path / "link", tmp_path / "got")
