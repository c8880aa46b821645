"""How much an untrusted process has put into a directory of the host, counted without trusting it.

Looked at again and again while it runs. No quota of a file system is relied on: one that an ordinary user could set for
a directory does not exist, and as root only some file systems have one, mounted for it.
"""

from __future__ import annotations

import contextlib
import os
import stat
import time
from pathlib import Path
from typing import Final

from cleanroom_ml.engine.sandbox.held_files import held_files
from cleanroom_ml.engine.sandbox.processes import tree, written_bytes

_MOST_ENTRIES: Final = 200_000
_DEEPEST: Final = 64
_BLOCK: Final = 512
_HIDDEN_LOOKS: Final = 4
_IN_FLIGHT_SECONDS: Final = 10.0
_SHORTEST_PAUSE: Final = 0.25
_LONGEST_PAUSE: Final = 2.0


class DiskWatch:
    """Watches a sandbox's scratch directory, and the files that its processes keep without a name.

    What cannot be counted (descriptors in flight in a socket, a process that hides) is taken to be all that the sandbox
    wrote and the file system has grown by, if it is there at four looks; descriptors that stay in flight for ten
    seconds are over any limit.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._sizes: dict[int, int] = {}
        self._hidden_looks = 0
        self._in_flight_since: dict[int, float] = {}
        self._full_at_first = _full(root)
        self.pause = _SHORTEST_PAUSE
        """How long to wait until the next look: the longer a look takes, the more seldom."""

    def over(self, limit: int, pid: int | None) -> str:
        """What is over `limit` bytes, in words; empty where nothing is. `pid` is the sandbox's first process."""
        began = time.monotonic()
        try:
            return self._look(limit, pid)
        finally:
            self.pause = min(_LONGEST_PAUSE, max(_SHORTEST_PAUSE, 10 * (time.monotonic() - began)))

    def _look(self, limit: int, pid: int | None) -> str:
        sizes: dict[int, int] = {}
        named = disk_use(self._root, sizes)
        if named is None:
            return "too many or too deeply nested entries"
        if pid is None:
            return "" if named <= limit else f"{named:,} bytes"
        held = held_files(pid, sizes=self._sizes)
        self._sizes = {**sizes, **{inode: size for inode, size in held.on_disk.items() if inode not in sizes}}
        used = named + sum(size for inode, size in held.on_disk.items() if inode not in sizes)
        if used > limit:
            return f"{used:,} bytes"
        self._hidden_looks = self._hidden_looks + 1 if held.hidden else 0
        if self._hidden_looks >= _HIDDEN_LOOKS and self._may_hide(pid) > limit:
            return "files that are hidden in a socket's queue, or by a process"
        now = time.monotonic()
        self._in_flight_since = {socket: self._in_flight_since.get(socket, now) for socket in held.in_flight}
        if any(now - since > _IN_FLIGHT_SECONDS for since in self._in_flight_since.values()):
            return "descriptors that are kept in a socket's queue"
        return ""

    def _may_hide(self, pid: int) -> int:
        return min(_full(self._root) - self._full_at_first, sum(map(written_bytes, tree(pid))))


def disk_use(root: Path, sizes: dict[int, int] | None = None) -> int | None:
    """Bytes on disk under `root`, links not followed; `sizes` takes those of every file by its inode.

    None when there are too many or too deeply nested entries to count: treat it as over any limit.
    """
    try:
        top = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return 0
    try:
        return _walk(top, _DEEPEST, [_MOST_ENTRIES], {} if sizes is None else sizes)
    finally:
        os.close(top)


def _full(root: Path) -> int:
    try:
        system = os.statvfs(root)
    except OSError:
        return 0
    return (system.f_blocks - system.f_bfree) * system.f_frsize


def _walk(directory: int, depth: int, budget: list[int], sizes: dict[int, int]) -> int | None:
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
            if not stat.S_ISDIR(status.st_mode):
                if status.st_ino not in sizes:  # a file of several names is there once
                    total += status.st_blocks * _BLOCK
                    sizes[status.st_ino] = status.st_blocks * _BLOCK
                continue
            total += status.st_blocks * _BLOCK
            if depth == 0:
                return None
            try:
                flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
                below = os.open(entry.name, flags, dir_fd=directory)
            except OSError:
                continue
            try:
                inside = _walk(below, depth - 1, budget, sizes)
            finally:
                os.close(below)
            if inside is None:
                return None
            total += inside
    return total
