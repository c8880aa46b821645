"""What a driver is: it turns a SandboxSpec into a command that can be started."""

from __future__ import annotations

import os
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Protocol

from cleanroom_ml.engine.sandbox.policy import SandboxSpec


@dataclass(frozen=True, slots=True)
class Command:
    """A command ready to start.

    Args:
        argv: what to execute on the host.
        pass_fds: descriptors that it inherits, at these numbers.
        env: its environment (that of the untrusted program where there is no isolation, of bubblewrap otherwise).
        workdir: where it starts; None leaves it to the command.
        status_fd: read end on which bubblewrap reports its child's pid and exit code; None without isolation.
        go_fd: write end; bubblewrap goes on once it is written to or closed: limits are set before. None: at once.
        gate_fd: write end; the program starts once a line is written, and never if we die before. None: at once.
        stdin_fd: what it gets as its standard input (the gate's other end); None for nothing.
        marks_readiness: bubblewrap's first process inside shows a seccomp filter once it is bound to our life.
    """

    argv: tuple[str, ...]
    pass_fds: tuple[int, ...]
    env: dict[str, str]
    workdir: str | None = None
    status_fd: int | None = None
    go_fd: int | None = None
    gate_fd: int | None = None
    stdin_fd: int | None = None
    marks_readiness: bool = False


class Driver(Protocol):
    """Bubblewrap, or (only where a caller says so, with a reason) nothing."""

    @property
    def name(self) -> str:
        """How it is called in records: part of what a receipt says."""

    @property
    def isolated(self) -> bool:
        """Whether the process is kept from this machine at all."""

    @property
    def enforces_limits(self) -> bool:
        """Whether memory, processes and CPU time are limited."""

    def prepare(self, spec: SandboxSpec, for_child: ExitStack, for_us: ExitStack, *, segments: bool = True) -> Command:
        """Everything that is needed to start. `for_child` is closed once it has started, `for_us` when it has ended.

        Without `segments`, shared memory of System V cannot be made.
        """


def minimal_environment() -> dict[str, str]:
    """What our own helpers (bubblewrap, systemd-run) need of the environment, and nothing else of it."""
    wanted = ("PATH", "XDG_RUNTIME_DIR", "DBUS_SESSION_BUS_ADDRESS")
    return {"PATH": "/usr/bin:/bin", **{key: os.environ[key] for key in wanted if key in os.environ}}
