"""What an untrusted process leaves behind can always be removed, whatever its shape and its names."""

from __future__ import annotations

import contextlib
import os
import resource
import socket
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from cleanroom_ml.engine.sandbox.remove_tree import Interrupted, remove_tree

DEEP = 1_500  # beyond the interpreter's stack, and beyond the 4,096 bytes of a path


def nest(directory: Path, depth: int, name: str = "directory", mode: int = 0o700) -> None:
    """`depth` directories inside of each other: no path leads to the last of them."""
    place = os.open(directory, os.O_RDONLY)
    for _ in range(depth):
        os.mkdir(name, 0o700, dir_fd=place)
        below = os.open(name, os.O_RDONLY, dir_fd=place)
        os.fchmod(place, mode)
        os.close(place)
        place = below
    os.close(os.open("bottom", os.O_CREAT, dir_fd=place))
    os.close(place)


def held_below(directory: Path) -> list[str]:
    """What this process has open in there; other threads of it open and close files of their own meanwhile."""
    found = []
    for number in os.listdir("/proc/self/fd"):
        with contextlib.suppress(FileNotFoundError):
            found.append(str(Path(f"/proc/self/fd/{number}").readlink()))
    return [link for link in found if link.startswith(str(directory))]


@pytest.mark.attack
@pytest.mark.parametrize("mode", [0o700, 0o000])
def test_a_tree_deeper_than_stack_and_paths(tmp_path: Path, mode: int) -> None:
    deep = tmp_path / "deep"
    deep.mkdir()
    nest(deep, DEEP, mode=mode)
    remove_tree(deep)
    assert os.listdir(tmp_path) == []
    assert held_below(tmp_path) == []


def test_few_descriptors_are_enough(tmp_path: Path) -> None:
    deep = tmp_path / "deep"
    deep.mkdir()
    nest(deep, 300)
    for number in range(300):
        (deep / f"wide-{number}" / "below").mkdir(parents=True)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(map(int, os.listdir("/proc/self/fd"))) + 8, hard))
    try:
        remove_tree(deep)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert not deep.exists()


@pytest.mark.attack
def test_hostile_names_types_and_links(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    (outside / "kept").mkdir(parents=True)
    tree = tmp_path / "tree"
    (tree / "a" / "b").mkdir(parents=True)
    top = os.fsencode(tree)
    for name in (b"\xff\xfe", b"a\nb", b"--help", b" ", b"*", "‮".encode(), b"x" * 255):
        os.mkdir(os.path.join(top, name))  # noqa: PTH102 - bytes
        os.close(os.open(os.path.join(top, b"a", name), os.O_CREAT))
    (tree / "link").symlink_to(outside)
    (tree / "a" / "b" / "up").symlink_to("../../../outside")
    (tree / "loop").symlink_to("loop")
    os.mkfifo(tree / "a" / "pipe")
    os.link(tree / "a" / "pipe", tree / "another name of the pipe")
    with socket.socket(socket.AF_UNIX) as listener:
        os.chdir(tree)
        try:
            listener.bind("socket")
        finally:
            os.chdir("/")
    # The names that the removal itself uses are not above being taken.
    (tree / ".removing-1" / "full").mkdir(parents=True)
    (tree / ".removing-2").write_text("a file")
    (tree / ".removing-99999999999999999999" / "full").mkdir(parents=True)
    (tree / "a").chmod(0)
    remove_tree(tree)
    assert os.listdir(tmp_path) == ["outside"]
    assert (outside / "kept").is_dir()


def test_it_can_be_interrupted_and_gone_on_with(tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    tree.mkdir()
    nest(tree, 50)
    looked = iter(range(30))
    with pytest.raises(Interrupted):
        remove_tree(tree, stop=lambda: next(looked, None) is None)
    assert tree.exists()
    remove_tree(tree)
    remove_tree(tree)
    assert not tree.exists()


def test_a_link_in_its_place_is_removed_and_not_followed(tmp_path: Path) -> None:
    (tmp_path / "kept").mkdir()
    (tmp_path / "link").symlink_to("kept")
    remove_tree(tmp_path / "link")
    assert os.listdir(tmp_path) == ["kept"]


@pytest.mark.root_only
def test_what_cannot_be_removed_is_said(tmp_path: Path) -> None:
    (tmp_path / "tree" / "mine").mkdir(parents=True)
    tmp_path.chmod(0o755)
    (tmp_path / "tree").chmod(0o755)
    program = (
        "import os; from cleanroom_ml.engine.sandbox.remove_tree import remove_tree; from pathlib import Path\n"
        "os.setresuid(61000, 61000, 61000)\n"
        f"remove_tree(Path({str(tmp_path / 'tree')!r}))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd="/")
    assert "PermissionError" in done.stderr
    assert stat.S_ISDIR((tmp_path / "tree").stat().st_mode)
