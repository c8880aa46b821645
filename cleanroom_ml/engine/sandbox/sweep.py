"""Taking away what a killed engine or supervisor left: empty cgroups, and sandboxes that never got to start."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from cleanroom_ml.engine.sandbox.bubblewrap import GATE_NAME
from cleanroom_ml.engine.sandbox.cgroups import remove_stale_groups
from cleanroom_ml.engine.sandbox.processes import kill_exactly, start_time


@dataclass(frozen=True, slots=True)
class Swept:
    cgroups: tuple[Path, ...]
    processes: tuple[int, ...]


def sweep() -> Swept:
    """Remove what belongs to nobody any more; call it when an engine starts. Never touches a living sandbox."""
    return Swept(tuple(remove_stale_groups()), tuple(kill_orphans()))


def kill_orphans() -> list[int]:
    """Kill bubblewrap's first processes that lost their bubblewrap. Returns their pids.

    Killed between reporting its child and letting it go on, bubblewrap leaves that child waiting for ever: before any
    untrusted program runs, but not yet bound to a parent's death. A living one always has bubblewrap as its parent.
    """
    killed = []
    for entry in os.scandir("/proc"):
        if not entry.name.isdigit():
            continue
        pid = int(entry.name)
        started = start_time(pid)
        if started is not None and _is_orphan(pid) and kill_exactly(pid, started):
            killed.append(pid)
    return killed


def _is_orphan(pid: int) -> bool:
    words = _command(pid)
    if not _is_bubblewrap(words) or GATE_NAME.encode() not in words:
        return False
    status = _status(pid)
    first_inside = status.get("NSpid", "").split()[1:] == ["1"]
    ours = status.get("Uid", "").split()[:1] == [str(os.geteuid())]
    parent = status.get("PPid", "0")
    # Parent 0 is outside of our own pid namespace: not ours to judge.
    return first_inside and ours and parent != "0" and not _is_bubblewrap(_command(int(parent)))


def _is_bubblewrap(words: list[bytes]) -> bool:
    return os.path.basename(words[0]) == b"bwrap"  # noqa: PTH119 - bytes


def _command(pid: int) -> list[bytes]:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return [b""]


def _status(pid: int) -> dict[str, str]:
    try:
        lines = Path(f"/proc/{pid}/status").read_text(errors="replace").splitlines()
    except OSError:
        return {}
    return {key: value.strip() for key, _, value in (line.partition(":") for line in lines)}
