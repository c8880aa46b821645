"""Limits through a transient scope of the user's own systemd (systemd.scope(5)): needs neither root nor delegation."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
from pathlib import Path
from typing import Final

from cleanroom_ml.engine.sandbox.policy import Limits, MemoryEnforcement

_PATIENCE_SECONDS: Final = 5.0


def user_manager_is_there() -> bool:
    """Whether `systemd-run --user --scope` can work: a user manager listens, and the hierarchy is unified."""
    runtime = os.environ.get("XDG_RUNTIME_DIR", f"/run/user/{os.geteuid()}")
    return (
        shutil.which("systemd-run") is not None
        and Path(runtime, "systemd/private").exists()
        and Path("/sys/fs/cgroup/cgroup.controllers").exists()
    )


def _oom_kills(events: str) -> int:
    return next((int(line.split()[1]) for line in events.splitlines() if line.startswith("oom_kill ")), 0)


class SystemdScope:
    """The command is started through `systemd-run --user --scope`, which becomes that command inside of the scope.

    The scope vanishes with its last process, so the peak is the last one that was sampled, and whether memory ran out
    is asked of systemd afterwards.
    """

    enforced_by: MemoryEnforcement = "systemd_scope"
    cpu_enforced = True
    directories: tuple[Path, ...] = ()

    def __init__(self, label: str, limits: Limits) -> None:
        self._unit = f"{label}.scope"
        self._directory: Path | None = None
        self._peak: int | None = None
        self._oom_kills = 0
        self._removed = False
        self.prefix: tuple[str, ...] = (
            "systemd-run",
            "--user",
            "--scope",
            "--quiet",
            f"--unit={self._unit}",
            f"--property=MemoryMax={limits.memory_bytes}",
            "--property=MemorySwapMax=0",
            f"--property=TasksMax={limits.processes + 2}",  # bubblewrap's own two
            f"--property=CPUQuota={max(1, round(limits.cpus * 100))}%",
            f"--property=CPUWeight={limits.cpu_weight}",
            "--",
        )

    def add(self, pid: int) -> None:
        for line in Path(f"/proc/{pid}/cgroup").read_text().splitlines():
            if line.startswith("0::"):
                self._directory = Path("/sys/fs/cgroup") / line[3:].lstrip("/")

    def weigh(self, cpu_weight: int) -> None:
        """It keeps the weight that it was started with: asking the user's manager takes longer than most statements."""

    def sample(self) -> bool:
        if self._directory is not None:
            with contextlib.suppress(OSError, ValueError):
                self._oom_kills = _oom_kills((self._directory / "memory.events").read_text())
                self._peak = int((self._directory / "memory.peak").read_text())
        return False

    def oom_kills(self) -> int:
        if self._systemctl("show", "--property=Result", "--value") == "oom-kill":
            return max(1, self._oom_kills)
        return self._oom_kills

    def peak_bytes(self) -> int | None:
        return self._peak

    def accounts(self) -> tuple[Path, ...]:
        return (self._directory,) if self._directory is not None else ()

    def remove(self) -> None:
        if not self._removed:
            self._systemctl("kill", "--signal=KILL")
            self._systemctl("reset-failed")
            self._removed = True

    def _systemctl(self, verb: str, *options: str) -> str:
        command = ["systemctl", "--user", verb, *options, self._unit]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=_PATIENCE_SECONDS, check=False)
        except (OSError, subprocess.TimeoutExpired):
            return ""
        return done.stdout.strip()
