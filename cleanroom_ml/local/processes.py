"""The process of a home's engine, found by its command line: for when the home cannot say any more who runs in it."""

from __future__ import annotations

import os
import signal
import time
from contextlib import suppress
from pathlib import Path

# By its module: where it is, and where it was in the version before, whose engines may still run.
SERVERS = frozenset(f"cleanroom_ml.engine.{module}" for module in ("http.server", "server"))
_PROC = Path("/proc")


def engine_process(home: Path) -> int | None:
    """The process id of this user's engine of `home`, whether the home is still there or not; None: there is none.

    Only where the system tells of processes in /proc.
    """
    found = (int(entry.name) for entry in _PROC.iterdir() if entry.name.isdecimal()) if _PROC.is_dir() else ()
    return next((pid for pid in found if pid != os.getpid() and _is_engine(pid, home)), None)


def terminate(pid: int, home: Path, *, timeout: float) -> bool:
    """Ask the engine of `home` with this process id to end, and wait until it has; whether it has."""
    try:
        # A descriptor stands for this very process: its number may be given to another one meanwhile.
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        if not _is_engine(pid, home):
            return True
        with suppress(ProcessLookupError):
            signal.pidfd_send_signal(descriptor, signal.SIGTERM)
    finally:
        os.close(descriptor)
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        if not _is_engine(pid, home):
            return True
        time.sleep(0.05)
    return False


def _is_engine(pid: int, home: Path) -> bool:
    """A process that has ended and that nobody has asked about has no command line."""
    try:
        if (_PROC / str(pid)).stat().st_uid != os.geteuid():
            return False
        words = (_PROC / str(pid) / "cmdline").read_bytes().decode(errors="surrogateescape").split("\0")
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return False
    return not SERVERS.isdisjoint(words) and any(
        words[at] == "--home" and at + 1 < len(words) and words[at + 1] == str(home) for at in range(len(words))
    )
