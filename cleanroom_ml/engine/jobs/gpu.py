"""Whether this machine has an NVIDIA GPU that a process could open; nothing is loaded, no tool is run."""

from __future__ import annotations

from pathlib import Path


def devices(root: Path = Path("/")) -> tuple[str, ...]:
    """The device nodes of NVIDIA GPUs below `root`, by name; empty where there is no GPU or its driver is not loaded.

    A device node alone proves nothing (it can be left in an image): the loaded driver shows itself under /proc.
    """
    if not (root / "proc/driver/nvidia/version").exists():
        return ()
    found = (root / "dev").glob("nvidia[0-9]*")
    return tuple(sorted(f"/dev/{path.name}" for path in found))
