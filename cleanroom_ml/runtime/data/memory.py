"""How much memory this job may use, how much of it is free, and the error that says so before the kernel does.

A job over its limit is killed without a word of why. Whoever is about to load something whose size is known calls
`require` first, and the script fails with a traceback and with advice instead.

The limit is the smallest of: the cgroup's (v2, v1) where the sandbox shows it, the job file's `memory_bytes`, and this
machine's memory. In use counts what cannot be given back: anonymous memory of all processes of the job, and what lies
in the file systems that live in memory. Pages of files on disk are not counted: the kernel drops them when it must.
"""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from .. import job_file
from ..job_file import this_job

_LIMIT_FILES: Final = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")
_IN_MEMORY: Final = ("/tmp", "/dev/shm")
_RESERVE: Final = 48 << 20
"""Left alone: the interpreter goes on allocating while a table is loaded."""

_SMALL: Final = 4 << 20
"""Not worth asking the kernel."""


class NotEnoughMemoryError(MemoryError):
    """What was asked for does not fit. `needed` and `available` are bytes; the text says what helps."""

    def __init__(self, message: str, needed: int = 0, available: int = 0) -> None:
        super().__init__(message)
        self.needed = needed
        self.available = available

    def __reduce__(self) -> tuple[type[NotEnoughMemoryError], tuple[str, int, int]]:
        return type(self), (str(self), self.needed, self.available)


def limit_bytes() -> int:
    """The most memory that this job may use, all of its processes together, in bytes."""
    return min(each for each in (_machine("MemTotal"), _job_limit(), *_cgroup_limits()) if each)


def available_bytes() -> int:
    """What may still be allocated before the limit is reached, in bytes; never negative."""
    free = limit_bytes() - _in_use() - _RESERVE
    return max(0, min(free, _machine("MemAvailable")))


def require(needed: int, what: str) -> None:
    """Raise NotEnoughMemoryError unless `needed` bytes for `what` ("to_pandas() of …") fit into what is free."""
    if needed <= _SMALL:
        return
    available = available_bytes()
    if needed > available:
        # Allocators keep what they were given back, and here it counts as in use.
        gc.collect()
        if "pyarrow" in sys.modules:
            sys.modules["pyarrow"].default_memory_pool().release_unused()
        available = available_bytes()
    if needed <= available:
        return
    raise NotEnoughMemoryError(
        f"{what} needs about {size(needed)} of memory, and {size(available)} are free (the job may use "
        f"{size(limit_bytes())}). Load less, or do not load it whole: select only the columns and rows that are used; "
        "train from the table with XGBEstimator, LightGBMEstimator or PyTorchDistributor, which read it in pieces; "
        "read it in pieces with DataConnector.to_torch_dataset(batch_size=…) or DataFrame.to_pandas_batches(); or run "
        "the job on a compute pool whose INSTANCE_FAMILY has more memory.",
        needed,
        available,
    )


def size(count: int) -> str:
    """Bytes for people: `1.4 GiB`."""
    value = float(count)
    for unit in ("bytes", "KiB", "MiB", "GiB"):
        if value < 1024:
            return f"{value:.0f} {unit}" if unit in ("bytes", "KiB") else f"{value:.1f} {unit}"
        value /= 1024
    return f"{value:.1f} TiB"


def _job_limit() -> int:
    job = this_job()
    return job.memory_bytes if job else 0


def _cgroup_limits() -> list[int]:
    found = []
    for path in _LIMIT_FILES:
        text = _text(Path(path)).strip()
        if text.isdigit():  # v2 says "max" for none
            found.append(int(text))
    return found


def _machine(name: str) -> int:
    """A line of /proc/meminfo in bytes; all that can be addressed where it cannot be read."""
    for line in _text(Path("/proc/meminfo")).splitlines():
        key, _, value = line.partition(":")
        if key == name:
            return int(value.split()[0]) * 1024
    return 1 << 62


def _in_use() -> int:
    files = 0
    if os.environ.get(job_file.VARIABLE) == job_file.IN_SANDBOX:
        for path in _IN_MEMORY:
            try:
                about = os.statvfs(path)
            except OSError:
                continue
            files += (about.f_blocks - about.f_bfree) * about.f_frsize
    return files + sum(_anonymous(pid) for pid in _processes())


def _processes() -> Iterator[int]:
    if os.environ.get(job_file.VARIABLE) == job_file.IN_SANDBOX:
        yield from (int(entry) for entry in os.listdir("/proc") if entry.isdigit())
    else:
        yield os.getpid()


def _anonymous(pid: int) -> int:
    """Proportional: what forked processes share is counted once."""
    for line in _text(Path(f"/proc/{pid}/smaps_rollup")).splitlines():
        if line.startswith("Pss_Anon:"):
            return int(line.split()[1]) * 1024
    pages = _text(Path(f"/proc/{pid}/statm")).split()
    # resident less shared (file-backed and shmem)
    return (int(pages[1]) - int(pages[2])) * os.sysconf("SC_PAGE_SIZE") if len(pages) > 2 else 0


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii", errors="replace")
    except OSError:
        return ""  # another kernel, another system, or a process that has ended meanwhile
