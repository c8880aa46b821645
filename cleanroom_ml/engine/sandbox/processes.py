"""Finding and ending processes by identity, not by a number that somebody else may have by now."""

from __future__ import annotations

import contextlib
import os
import signal
from dataclasses import dataclass
from pathlib import Path


def start_time(pid: int) -> int | None:
    """The kernel's start time of a process in ticks since boot (field 22 of proc(5) stat); None when it is gone."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(errors="replace")
    except OSError:
        return None
    # The name, field 2, may hold spaces and brackets: count from the last bracket.
    return int(stat.rpartition(")")[2].split()[19])


def boot_id() -> str:
    """Names this boot of this machine: pids and start times mean nothing in another one."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return ""


def open_pidfd(pid: int, started: int | None = None) -> int | None:
    """A descriptor of exactly that process; None when it is gone, or (with `started`) is another one."""
    try:
        fd = os.pidfd_open(pid)
    except ProcessLookupError:
        return None
    # The descriptor is opened first: from here on the pid cannot come to mean another process unnoticed.
    if started is not None and start_time(pid) != started:
        os.close(fd)
        return None
    return fd


def kill_pidfd(fd: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        signal.pidfd_send_signal(fd, signal.SIGKILL)


def kill_exactly(pid: int, started: int) -> bool:
    """SIGKILL the process with that pid and start time. False when it is gone already."""
    fd = open_pidfd(pid, started)
    if fd is None:
        return False
    try:
        kill_pidfd(fd)
    finally:
        os.close(fd)
    return True


def tree(pid: int) -> list[int]:
    """A process and its descendants, as far as they can be seen right now."""
    found: list[int] = []
    waiting = [pid]
    while waiting:
        current = waiting.pop()
        found.append(current)
        try:
            tasks = os.listdir(f"/proc/{current}/task")
        except OSError:
            continue
        for task in tasks:
            with contextlib.suppress(OSError):
                waiting += map(int, Path(f"/proc/{current}/task/{task}/children").read_text().split())
    return found


@dataclass(frozen=True, slots=True)
class Memory:
    """Bytes of a process by its share of each page (PSS); `shared`, of them, are of files in memory (tmpfs, memfd)."""

    total: int
    shared: int


def proportional_memory(pid: int) -> Memory:
    """What a process uses, its RSS where the kernel does not tell; zero when it is gone.

    The kernel walks every page of the process for it: milliseconds where the process is large.
    """
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return Memory(resident_memory(pid), 0)
    kibibytes = {name: int(value.split()[0]) for name, _, value in (line.partition(":") for line in lines[1:])}
    return Memory(kibibytes.get("Pss", 0) * 1024, kibibytes.get("Pss_Shmem", 0) * 1024)


def resident_memory(pid: int) -> int:
    """RSS of a process in bytes, never less than its PSS, and known without a walk; 0 when it is gone."""
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return 0


def written_bytes(pid: int) -> int:
    """What a process, and those of its children that were waited for, sent to a disk (proc(5) io); 0 when gone."""
    try:
        text = Path(f"/proc/{pid}/io").read_text()
        counts = {name: int(value) for name, _, value in (line.partition(":") for line in text.splitlines())}
        return max(0, counts["write_bytes"] - counts["cancelled_write_bytes"])
    except (OSError, ValueError, KeyError):
        return 0


def cpu_seconds(pid: int) -> float:
    """CPU time of a process and of those of its children that have ended and were waited for; 0 when gone."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(errors="replace")
    except OSError:
        return 0.0
    # utime, stime, cutime, cstime: fields 14 to 17 of proc(5) stat.
    return sum(map(int, stat.rpartition(")")[2].split()[11:15])) / os.sysconf("SC_CLK_TCK")
