"""How much an untrusted process has put into a directory of the host, counted without trusting it."""

from __future__ import annotations

import contextlib
import os
import stat
from pathlib import Path
from typing import Final

from cleanroom_ml.engine.sandbox.processes import tree

_MOST_ENTRIES: Final = 200_000
_DEEPEST: Final = 64
_BLOCK: Final = 512


def disk_use(root: Path, pid: int | None = None) -> int | None:
    """Bytes on disk under `root`, links not followed, plus deleted files there that `pid`'s tree still holds open.

    None when there are too many or too deeply nested entries to count: treat it as over any limit.
    """
    try:
        top = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return 0
    budget = [_MOST_ENTRIES]
    try:
        device = os.fstat(top).st_dev
        used = _walk(top, _DEEPEST, budget)
    finally:
        os.close(top)
    if used is None or pid is None:
        return used
    return used + _deleted_but_open(pid, device)


def _walk(directory: int, depth: int, budget: list[int]) -> int | None:
    total = 0
    with contextlib.suppress(FileNotFoundError), os.scandir(directory) as entries:
        for entry in entries:
            budget[0] -= 1
            if budget[0] < 0:
                return None
            try:
                status = entry.stat(follow_symlinks=False)
            except OSError:
                continue
            total += status.st_blocks * _BLOCK
            if not stat.S_ISDIR(status.st_mode):
                continue
            if depth == 0:
                return None
            try:
                flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
                below = os.open(entry.name, flags, dir_fd=directory)
            except OSError:
                continue
            try:
                inside = _walk(below, depth - 1, budget)
            finally:
                os.close(below)
            if inside is None:
                return None
            total += inside
    return total


def _deleted_but_open(pid: int, device: int) -> int:
    seen: dict[int, int] = {}
    for process in tree(pid):
        try:
            numbers = os.listdir(f"/proc/{process}/fd")
        except OSError:
            continue
        for number in numbers:
            with contextlib.suppress(OSError):
                status = os.stat(f"/proc/{process}/fd/{number}")  # noqa: PTH116 - the link itself is not a path
                if status.st_nlink == 0 and status.st_dev == device and stat.S_ISREG(status.st_mode):
                    seen[status.st_ino] = status.st_blocks * _BLOCK
    return sum(seen.values())
