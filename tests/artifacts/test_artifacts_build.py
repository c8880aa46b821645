"""Manifests of real directories: what is refused, what is left out, what is noticed."""

from __future__ import annotations

import hashlib
import os
import socket
from pathlib import Path

import pytest

from cleanroom_ml.artifacts.build import build_manifest
from cleanroom_ml.artifacts.compare import compare
from cleanroom_ml.artifacts.ignore import IgnoreRules
from cleanroom_ml.artifacts.manifest import InvalidManifestError, Manifest
from cleanroom_ml.artifacts.paths import UnsafePathError
from cleanroom_ml.artifacts.scan import (
    FileChangedError,
    LimitExceededError,
    Limits,
    NotAFileError,
    open_inside,
    scan,
)
from cleanroom_ml.errors import UsageError


class Recorder:
    """Notes what it is told, and can act at the first block of a file."""

    def __init__(self) -> None:
        self.started: tuple[int, int] | None = None
        self.done: dict[str, int] = {}
        self.finished = 0
        self.at_first_block: dict[str, object] = {}

    def start(self, total_files: int, total_bytes: int) -> None:
        self.started = (total_files, total_bytes)

    def advance(self, path: str, bytes: int) -> None:
        if path not in self.done and callable(act := self.at_first_block.get(path)):
            act()
        self.done[path] = self.done.get(path, 0) + bytes

    def finish(self) -> None:
        self.finished += 1


def write(root: Path, *names: str, content: bytes = b"x") -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(content)


def paths(manifest: Manifest) -> list[str]:
    return [entry.path for entry in manifest.files]


@pytest.mark.parametrize("workers", [None, 1, 4])
def test_hashes_sizes_and_progress(tmp_path: Path, workers: int | None) -> None:
    contents = {"empty": b"", "a/b.py": b"print()\n", "big.bin": os.urandom(3 * 1024**2 + 7)}
    for name, content in contents.items():
        write(tmp_path, name, content=content)
    seen = Recorder()
    manifest = build_manifest(tmp_path, observer=seen, workers=workers)
    found = {entry.path: (entry.size, entry.sha256) for entry in manifest.files}
    assert found == {name: (len(data), hashlib.sha256(data).hexdigest()) for name, data in contents.items()}
    assert seen.started == (3, manifest.total_size)
    assert seen.done == {name: len(data) for name, data in contents.items() if data}
    assert seen.finished == 1
    assert scan(tmp_path) == [(entry.path, entry.size) for entry in manifest.files]


@pytest.mark.parametrize("kind", ["link", "directory link", "fifo", "socket", "dangling"])
def test_what_is_no_file_is_refused_and_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    write(tmp_path, "ok.py")
    odd = tmp_path / "odd"
    if kind == "link":
        odd.symlink_to("/etc/passwd")
    elif kind == "directory link":
        odd.symlink_to(tmp_path.parent)
    elif kind == "dangling":
        odd.symlink_to("nowhere")
    elif kind == "fifo":
        os.mkfifo(odd)
    else:
        with socket.socket(socket.AF_UNIX) as server:
            monkeypatch.chdir(tmp_path)
            server.bind("odd")
    with pytest.raises(NotAFileError, match="'odd' is a"):
        build_manifest(tmp_path)
    (tmp_path / ".cleanroomignore").write_text("odd\n")
    assert paths(build_manifest(tmp_path)) == ["ok.py"]


@pytest.mark.parametrize("name", [b"a\nb", b"a\\b", b"\xff.py", b"a\x1b[2J", "a\u202eb.py".encode()])
def test_names_with_tricks_are_refused(tmp_path: Path, name: bytes) -> None:
    descriptor = os.open(os.fsencode(tmp_path) + b"/" + name, os.O_CREAT | os.O_WRONLY)
    os.close(descriptor)
    with pytest.raises(UnsafePathError) as caught:
        scan(tmp_path)
    assert str(caught.value).isprintable()


def test_names_that_differ_in_case_only_are_refused(tmp_path: Path) -> None:
    write(tmp_path, "a.py", "A.py")
    with pytest.raises(InvalidManifestError, match=r"'A\.py' and 'a\.py'"):
        build_manifest(tmp_path)


def test_hard_links_are_files(tmp_path: Path) -> None:
    write(tmp_path, "a")
    (tmp_path / "b").hardlink_to(tmp_path / "a")
    assert paths(build_manifest(tmp_path)) == ["a", "b"]


def test_the_directory_itself_may_be_a_link_but_must_exist(tmp_path: Path) -> None:
    write(tmp_path, "real/a")
    (tmp_path / "link").symlink_to("real")
    assert paths(build_manifest(tmp_path / "link")) == ["a"]
    for missing in (tmp_path / "none", tmp_path / "real/a"):
        with pytest.raises(UsageError, match="cannot read"):
            build_manifest(missing)


def test_the_number_of_files_is_limited(tmp_path: Path) -> None:
    write(tmp_path, *[f"f{number}" for number in range(500)])
    assert len(build_manifest(tmp_path).files) == 500
    write(tmp_path, "largest", content=b"x" * 99)
    with pytest.raises(LimitExceededError, match=r"501 files \(at most 500\)") as caught:
        build_manifest(tmp_path)
    assert caught.value.why is not None
    assert "largest (99 bytes)" in caught.value.why
    assert len(build_manifest(tmp_path, limits=Limits(None, None)).files) == 501


def test_the_size_is_limited_before_anything_is_read(tmp_path: Path) -> None:
    for name, size in (("huge", 2 * 1024**3), ("small", 1)):
        with (tmp_path / name).open("wb") as file:
            file.truncate(size)
    seen = Recorder()
    with pytest.raises(LimitExceededError, match=r"2,147,483,649 bytes \(at most 2,147,483,648\)") as caught:
        build_manifest(tmp_path, observer=seen)
    assert caught.value.why is not None
    assert caught.value.why.startswith("the largest are huge (2,147,483,648 bytes), small")
    assert seen.started is None
    (tmp_path / "huge").unlink()
    assert build_manifest(tmp_path, limits=Limits(1, 1)).total_size == 1


@pytest.mark.attack
@pytest.mark.parametrize("change", ["grow", "shrink", "rewrite", "append for ever"])
def test_a_file_that_changes_while_it_is_read_is_noticed(tmp_path: Path, change: str) -> None:
    target = tmp_path / "moving"
    write(tmp_path, "moving", content=b"x" * (3 * 1024**2))

    def act() -> None:
        with target.open("r+b") as file:
            if change == "grow":
                file.seek(0, 2)
                file.write(b"more")
            elif change == "shrink":
                file.truncate(1024**2)
            elif change == "rewrite":
                file.seek(2 * 1024**2)
                file.write(b"y")
            else:
                file.truncate(64 * 1024**2)

    seen = Recorder()
    seen.at_first_block = {"moving": act}
    with pytest.raises(FileChangedError, match="'moving' changed"):
        build_manifest(tmp_path, observer=seen)
    assert seen.finished == 1
    assert seen.done["moving"] <= 5 * 1024**2


@pytest.mark.attack
def test_nothing_is_opened_through_a_link(tmp_path: Path) -> None:
    write(tmp_path, "secret/key", "code/sub/key")
    (tmp_path / "code/file").symlink_to("../secret/key")
    (tmp_path / "code/dir").symlink_to("../secret")
    for path in ("file", "dir/key"):
        with pytest.raises(NotAFileError), open_inside(tmp_path / "code", path):
            pass
        assert (tmp_path / "code" / path).read_bytes() == b"x", "an ordinary open follows the link"
    for path in ("../secret/key", "/etc/passwd"):
        with pytest.raises(UnsafePathError), open_inside(tmp_path / "code", path):
            pass
    with open_inside(tmp_path / "code", "sub/key") as descriptor:
        assert os.read(descriptor, 9) == b"x"
    os.mkfifo(tmp_path / "code/fifo")
    with pytest.raises(NotAFileError), open_inside(tmp_path / "code", "fifo"):
        pass
    with pytest.raises(FileChangedError), open_inside(tmp_path / "code", "gone"):
        pass


def test_verify_names_what_differs(tmp_path: Path) -> None:
    write(tmp_path, "same", "changed", "removed")
    manifest = build_manifest(tmp_path)
    assert compare(manifest, build_manifest(tmp_path)).same
    write(tmp_path, "changed", content=b"y")
    write(tmp_path, "added")
    (tmp_path / "removed").unlink()
    difference = compare(manifest, build_manifest(tmp_path))
    assert (difference.added, difference.removed, difference.changed) == (("added",), ("removed",), ("changed",))


@pytest.mark.attack
def test_an_ignore_file_hides_nothing_from_verification(tmp_path: Path) -> None:
    write(tmp_path, "train.py", "__pycache__/train.cpython-311.pyc")
    everything = build_manifest(tmp_path, ignore=IgnoreRules.none())
    assert paths(everything) == ["__pycache__/train.cpython-311.pyc", "train.py"]
    assert compare(everything, build_manifest(tmp_path)).removed == ("__pycache__/train.cpython-311.pyc",)
    (tmp_path / ".cleanroomignore").write_text("train.py\n")
    assert "train.py" in compare(everything, build_manifest(tmp_path)).removed
    assert compare(everything, build_manifest(tmp_path, ignore=IgnoreRules.none())).added == (".cleanroomignore",)


def test_no_descriptor_is_left_open(tmp_path: Path) -> None:
    write(tmp_path, *[f"d{number}/f" for number in range(50)])
    before = len(os.listdir("/proc/self/fd"))
    build_manifest(tmp_path)
    assert len(os.listdir("/proc/self/fd")) == before
