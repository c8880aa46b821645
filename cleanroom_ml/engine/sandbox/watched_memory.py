"""The memory of a sandbox where no cgroup counts it: of its processes, of its tmpfs, and of files in memory.

Source of the fields: proc(5), `smaps_rollup` and `mountinfo`. Shared memory of System V is not counted, it cannot be
made then (seccomp.build_filter).
"""

from __future__ import annotations

import contextlib
import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cleanroom_ml.engine.sandbox.held_files import Held, held_files
from cleanroom_ml.engine.sandbox.policy import SCRATCH
from cleanroom_ml.engine.sandbox.processes import proportional_memory, resident_memory, tree

_PLACES: Final = ("/tmp", "/dev/shm", SCRATCH)
_SHORTEST_PAUSE: Final = 0.3
_IN_FLIGHT_SECONDS: Final = 3.0
_WALK_SECONDS: Final = 1.0
_GROWN: Final = 1.1


@dataclass(frozen=True, slots=True)
class WatchedMemory:
    """`total` bytes are in use; `hidden` says that there may be more, in descriptors that stay in a socket's queue."""

    total: int
    hidden: bool


class MemoryWatch:
    """Looks at the sandbox whose first process is `pid`, which may use `limit` bytes.

    What costs much is looked at more seldom: descriptors, and the pages that processes share (every second; at once
    where the limit may be passed or more is used).
    """

    def __init__(self, pid: int, limit: int) -> None:
        self._pid = pid
        self._limit = limit
        self._total = 0
        self._walked_at = 0
        self._next_walk = 0.0
        self._held = Held()
        self._next = 0.0
        self._in_flight_since: dict[int, float] = {}

    def look(self) -> WatchedMemory:
        """What is in use now; an older value while an upper bound is under the limit and has not grown since."""
        processes = tree(self._pid)
        self._look_at_descriptors()
        files = _file_systems(self._pid) + sum(self._held.in_memory.values())
        now = time.monotonic()
        bound = sum(map(resident_memory, processes)) + files
        if now >= self._next_walk or bound > min(self._limit, _GROWN * self._walked_at):
            self._total = _in_use(processes, files)
            self._walked_at = bound
            self._next_walk = now + _WALK_SECONDS
        stays = any(now - since > _IN_FLIGHT_SECONDS for since in self._in_flight_since.values())
        return WatchedMemory(self._total, stays)

    def _look_at_descriptors(self) -> None:
        began = time.monotonic()
        if began < self._next:
            return
        self._held = held_files(self._pid)
        now = time.monotonic()
        self._in_flight_since = {socket: self._in_flight_since.get(socket, now) for socket in self._held.in_flight}
        self._next = now + max(_SHORTEST_PAUSE, 10 * (now - began))


def _in_use(processes: list[int], files: int) -> int:
    """Bytes of the processes themselves and of `files` bytes in memory, which they map or not.

    Pages of files count once: by what lies in the files, or by what is mapped where that is more.
    """
    memories = [proportional_memory(process) for process in processes]
    shared = sum(memory.shared for memory in memories)
    return sum(max(0, memory.total - memory.shared) for memory in memories) + max(shared, files)


def _file_systems(pid: int) -> int:
    """Bytes in use of the tmpfs that the sandbox can write."""
    used = 0
    try:
        lines = Path(f"/proc/{pid}/mountinfo").read_text(errors="replace").splitlines()
    except OSError:
        return used
    mounts = {(fields := line.split())[4]: fields[fields.index("-") + 1] for line in lines}
    if SCRATCH not in mounts:
        return used  # bubblewrap has not changed its root yet: these are the host's
    for place in _PLACES:
        if mounts.get(place) == "tmpfs":
            with contextlib.suppress(OSError):
                system = os.statvfs(f"/proc/{pid}/root{place}")
                used += (system.f_blocks - system.f_bfree) * system.f_frsize
    return used
