"""Files that have no name any more and are kept by the processes of a sandbox: on a disk, or in memory (memfd_create).

A descriptor keeps one, a mapping does, and so does a message of a Unix socket that nobody has read (SCM_RIGHTS). The
first two are looked at through /proc; of the third the kernel tells how many there are, not which.
"""

from __future__ import annotations

import contextlib
import os
import re
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Final

from cleanroom_ml.engine.sandbox.processes import tree

_BLOCK: Final = 512

# address range, rights, offset, device, inode, name: proc(5), /proc/pid/maps
_MAPPING: Final = re.compile(
    rb"([0-9a-f]+)-([0-9a-f]+) \S+ ([0-9a-f]+) ([0-9a-f]+):([0-9a-f]+) ([0-9]+) .*\(deleted\)\n"
)
_IN_FLIGHT: Final = re.compile(rb"scm_fds:\s*([1-9][0-9]*)")
_KEPT_BY_NOBODY: Final = ("Z", "X")

_File = tuple[int, int]


@dataclass(slots=True)
class Held:
    """`on_disk` and `in_memory` are bytes by inode. `in_flight`: sockets with descriptors that nobody has taken.

    `hidden` says that there is more than can be counted: descriptors in flight, a process that cannot be looked at, a
    mapping of a file whose size is not known.
    """

    on_disk: dict[int, int] = field(default_factory=dict)
    in_memory: dict[int, int] = field(default_factory=dict)
    in_flight: set[int] = field(default_factory=set)
    hidden: bool = False


@cache
def memory_device() -> int:
    """The device of files in memory, those of memfd_create and of System V alike."""
    fd = os.memfd_create("device")
    try:
        return os.fstat(fd).st_dev
    finally:
        os.close(fd)


def held_files(pid: int, *, sizes: Mapping[int, int] | None = None) -> Held:
    """What the processes below `pid` keep.

    Args:
        sizes: bytes on disk by inode, as they were when the file could still be looked at: an ordinary user cannot
            follow a mapping to its file, and then counts by these, else by what is mapped.

    What lies in a tmpfs of the sandbox is not told: its file system knows (watched_memory.py).
    """
    held = Held()
    tmpfs = _tmpfs(pid)
    mapped: dict[_File, int] = {}
    for process in tree(pid):
        _descriptors(process, held, tmpfs)
        _mappings(process, mapped, tmpfs)
    for (device, inode), most in mapped.items():
        place = held.in_memory if device == memory_device() else held.on_disk
        if inode in place:
            continue
        if most < 0 and device == memory_device():
            continue  # what of it is mapped counts with the processes that map it
        known = None if most >= 0 else (sizes or {}).get(inode)
        held.hidden |= most < 0 and known is None
        place[inode] = abs(most) if known is None else max(known, abs(most))
    held.hidden |= bool(held.in_flight)
    return held


def _tmpfs(pid: int) -> frozenset[int]:
    try:
        lines = Path(f"/proc/{pid}/mountinfo").read_text(errors="replace").splitlines()
    except OSError:
        return frozenset()
    numbers = [line.split()[2].split(":") for line in lines if " - tmpfs " in line]
    return frozenset(os.makedev(int(major), int(minor)) for major, minor in numbers)


def _descriptors(process: int, held: Held, tmpfs: frozenset[int]) -> None:
    try:
        numbers = os.listdir(f"/proc/{process}/fd")
    except PermissionError:
        held.hidden |= _state(process) not in _KEPT_BY_NOBODY
        return
    except OSError:
        return  # gone
    for number in numbers:
        with contextlib.suppress(OSError):
            status = os.stat(f"/proc/{process}/fd/{number}")  # noqa: PTH116 - the link itself is not a path
            if stat.S_ISSOCK(status.st_mode):
                if _IN_FLIGHT.search(Path(f"/proc/{process}/fdinfo/{number}").read_bytes()):
                    held.in_flight.add(status.st_ino)
            elif status.st_nlink == 0 and status.st_dev not in tmpfs and not stat.S_ISCHR(status.st_mode):
                place = held.in_memory if status.st_dev == memory_device() else held.on_disk
                place[status.st_ino] = status.st_blocks * _BLOCK


def _mappings(process: int, mapped: dict[_File, int], tmpfs: frozenset[int]) -> None:
    """Bytes of the file behind each mapping without a name; negative where only the mapping itself could be measured.

    A mapping keeps a file after its descriptor was closed.
    """
    try:
        text = Path(f"/proc/{process}/maps").read_bytes()
    except OSError:
        return
    if b"(deleted)" not in text:
        return
    for match in _MAPPING.finditer(text):
        first, end, offset = (int(match[index], 16) for index in (1, 2, 3))
        device, inode = os.makedev(int(match[4], 16), int(match[5], 16)), int(match[6])
        if device in tmpfs or mapped.get((device, inode), -1) >= 0:
            continue
        try:
            status = os.stat(f"/proc/{process}/map_files/{first:x}-{end:x}")  # noqa: PTH116
        except OSError:  # the right to follow it is root's (proc(5), CAP_CHECKPOINT_RESTORE)
            mapped[device, inode] = min(mapped.get((device, inode), 0), -(offset + end - first))
        else:
            if status.st_nlink == 0:
                mapped[device, inode] = status.st_blocks * _BLOCK


def _state(process: int) -> str:
    try:
        return Path(f"/proc/{process}/stat").read_text(errors="replace").rpartition(")")[2].split()[0]
    except OSError:
        return "X"
