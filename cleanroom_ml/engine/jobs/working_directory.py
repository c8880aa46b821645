"""A job's working directory: its own to write, with the pinned files of its code in it, which stay what they are.

Each file is a read-only mount at its place in a writable directory: what the script writes beside itself is there, and
no file of the code can be changed, replaced or removed. Its directories are mounts as well, or one of them could be
moved away, files and all, and another be put in its place. (An overlay would do the same, but bubblewrap makes one only
since 0.11, and an ordinary user may not mount one on every kernel.)
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import Final

from cleanroom_ml.engine.sandbox.policy import Mount

NAME: Final = ".job"
"""Below the scratch directory: what the script leaves in its working directory counts like everything else there."""

MOST_MOUNTS: Final = 150
"""So many files and directories are mounted one by one (0.1 s); where there are more, the directories at the top are
mounted as a whole, and can only be read."""


def make(scratch: Path, paths: Sequence[str]) -> None:
    """Make the directory below `scratch`, with a place for every mount of `places`. Idempotent."""
    root = scratch / NAME
    _directory(root)
    wanted = places(paths)
    for path in directories(wanted):
        _directory(root / path)
    for path in wanted:
        if path in paths:
            (root / path).touch(0o444)
        else:
            _directory(root / path)


def mounts(scratch: Path, code: Path, paths: Sequence[str], target: str) -> tuple[Mount, ...]:
    """The directory at `target`, its directories, and what of `code` is mounted in them."""
    root = Mount(scratch / NAME, target, writable=True)
    held = (Mount(scratch / NAME / path, f"{target}/{path}", writable=True) for path in directories(places(paths)))
    inside = (Mount(code / path, f"{target}/{path}") for path in places(paths))
    return (root, *held, *inside)


def places(paths: Sequence[str]) -> tuple[str, ...]:
    """What is mounted: every file; of very many, those at the top, and the directories there as a whole."""
    if len(paths) + len(directories(paths)) <= MOST_MOUNTS:
        return tuple(paths)
    return tuple(dict.fromkeys(PurePosixPath(path).parts[0] for path in paths))


def directories(paths: Sequence[str]) -> tuple[str, ...]:
    """The directories that these paths lie in, outer ones first. A mount's place cannot be renamed or removed."""
    above = {str(parent) for path in paths for parent in PurePosixPath(path).parents}
    return tuple(sorted(above - {"."}))


def _directory(path: Path) -> None:
    # The sandbox's user is another one where the engine is root; only that sandbox sees the directory.
    path.mkdir(exist_ok=True)
    path.chmod(0o777)
