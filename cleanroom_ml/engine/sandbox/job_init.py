"""Starting a job's program through init.py: loopback HTTP to the job's own socket, and a home."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from cleanroom_ml.engine.sandbox.policy import RUN, Mount

_PROGRAM: Final = f"{RUN}/init.py"


def init_mount() -> Mount:
    """The single file init.py, as it lies inside."""
    return Mount(Path(__file__).with_name("init.py").resolve(), _PROGRAM)


def init_argv(
    python: str,
    program: Sequence[str],
    *,
    relay: tuple[int, str] | None = None,
    processes: int | None = None,
    keep_fds: Sequence[int] = (),
) -> tuple[str, ...]:
    """argv for a SandboxSpec that has `init_mount`. `relay` is (loopback port, path of the Unix socket inside)."""
    argv = [python, "-I", "-S", _PROGRAM]
    if relay is not None:
        argv += ["--relay", str(relay[0]), relay[1]]
    if processes is not None:
        argv += ["--processes", str(processes)]
    if keep_fds:
        argv += ["--keep", ",".join(map(str, keep_fds))]
    return (*argv, "--", *program)
