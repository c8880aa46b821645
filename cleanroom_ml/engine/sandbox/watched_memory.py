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
from cleanroom_ml.engine.sandbox.processes import proportional_memory, shared_memory, tree

_PLACES: Final = ("/tmp", "/dev/shm", SCRATCH)
_SHORTEST_PAUSE: Final = 0.3
_IN_FLIGHT_SECONDS: Final = 3.0


@dataclass(frozen=True, slots=True)
class WatchedMemory:
    """`total` bytes are in use; `hidden` says that there may be more, in descriptors that stay in a socket's queue."""

    total: int
    hidden: bool


class MemoryWatch:
    """Looks at the sandbox whose first process is `pid`. Descriptors are looked at more seldom than the rest."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._held = Held()
        self._next = 0.0
        self._in_flight_since: dict[int, float] = {}

    def look(self) -> WatchedMemory:
        """What is in use now."""
        processes = tree(self._pid)
        self._look_at_descriptors()
        own = shared = 0
        for process in processes:
            pages = shared_memory(process)
            shared += pages
            own += max(0, proportional_memory(process) - pages)
        # Pages of files in memory are mapped or not: what lies in the files, or what is mapped where that is more.
        files = _file_systems(self._pid) + sum(self._held.in_memory.values())
        now = time.monotonic()
        stays = any(now - since > _IN_FLIGHT_SECONDS for since in self._in_flight_since.values())
        return WatchedMemory(own + max(shared, files), stays)

    def _look_at_descriptors(self) -> None:
        began = time.monotonic()
        if began < self._next:
            return
        self._held = held_files(self._pid)
        now = time.monotonic()
        self._in_flight_since = {socket: self._in_flight_since.get(socket, now) for socket in self._held.in_flight}
        self._next = now + max(_SHORTEST_PAUSE, 10 * (now - began))


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
