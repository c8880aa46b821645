"""What an untrusted process may see and use, as values. Everything that is not named here does not exist for it.

Two things are not options: there is no network (an own, empty network namespace), and the host uid is never 0.
"""

from __future__ import annotations

import posixpath
import re
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal

MIB: Final = 1 << 20
GIB: Final = 1 << 30

UID_RANGE: Final = range(61000, 65001)
"""Host uids that sandboxes are dropped to when the engine runs as root; no account of a system is there by default."""

WORKER_WEIGHT: Final = 60
"""`Limits.cpu_weight` of what computes for one statement: the front goes before it, and it before a job."""

START_WEIGHT: Final = 300
"""The same of a worker that starts, until it is ready: it runs nothing but our own, and somebody may wait for it."""
LONG_WEIGHT: Final = 6
"""The same of a statement that has run for `LONG_SECONDS`: who waits for a short one does not wait for it."""
LONG_SECONDS: Final = 1.0

SCRATCH: Final = "/scratch"
"""The directory that the untrusted process may write, besides /tmp and /dev/shm."""

RUN: Final = "/run/sandbox"
"""Where our own programs and files lie inside a sandbox."""

_WHOLE: Final = ("/", "/usr", "/etc", "/run", "/tmp", SCRATCH)
_RESERVED: Final = ("/proc", "/dev", "/sys", "/bin", "/sbin", "/lib", "/lib64")
_ENV_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,31}\Z")
# Never a block device, never memory, never a bus: a GPU's own nodes, and those that all GPUs of a driver share.
_DEVICE: Final = re.compile(
    r"/dev/(nvidia[0-9]{1,4}|nvidiactl|nvidia-uvm|nvidia-uvm-tools|nvidia-caps/nvidia-cap[0-9]{1,4})\Z"
)

Reason = Literal["exited", "out_of_memory", "timed_out", "killed", "log_limit", "disk_limit", "not_started"]
MemoryEnforcement = Literal["cgroup_v2", "systemd_scope", "cgroup_v1", "watchdog", "none"]


@dataclass(frozen=True, slots=True)
class Mount:
    """A file, directory or Unix socket of the host, read-only unless said otherwise.

    `target` is absolute and normal. The source's host path is visible inside through /proc/self/mountinfo: use
    neutral directory names (docs/measured-facts.md, "Isolation").
    """

    source: Path
    target: str
    writable: bool = False

    def __post_init__(self) -> None:
        check_target(self.target)
        if not self.source.is_absolute():
            raise ValueError(f"the source of a mount must be an absolute path, not {str(self.source)!r}")


@dataclass(frozen=True, slots=True)
class Limits:
    """Upper bounds for one sandbox, all of its processes together.

    Args:
        memory_bytes: memory of all processes, tmpfs included where a cgroup enforces it.
        cpus: CPU time per second of wall time (enforced by a cgroup; without one, by nothing: see Outcome).
        cpu_weight: its share of busy processors beside others' (100 is an ordinary process's, as in cgroup v2).
        processes: processes and threads.
        wall_seconds: after so long everything is killed; None for no bound.
        scratch_bytes: what may lie in /scratch.
        tmp_bytes: the same for /tmp, and again for /dev/shm.
        file_bytes: size of one file (RLIMIT_FSIZE).
        log_bytes: how much of the output is kept.
        log_flood_bytes: how much output may be written before everything is killed.
        open_files: descriptors of one process (the caller's own hard limit, where that is lower).
    """

    memory_bytes: int = GIB
    cpus: float = 1.0
    processes: int = 256
    wall_seconds: float | None = None
    scratch_bytes: int = 512 * MIB
    tmp_bytes: int = 256 * MIB
    file_bytes: int = GIB
    log_bytes: int = 16 * MIB
    log_flood_bytes: int = GIB
    open_files: int = 65536
    cpu_weight: int = 100

    def __post_init__(self) -> None:
        for name in ("memory_bytes", "processes", "scratch_bytes", "tmp_bytes", "file_bytes", "open_files", "cpus"):
            if getattr(self, name) <= 0:
                raise ValueError(f"{name} must be positive")
        if not 1 <= self.cpu_weight <= 10_000:
            raise ValueError("cpu_weight must be from 1 to 10000")
        if self.wall_seconds is not None and self.wall_seconds <= 0:
            raise ValueError("wall_seconds must be positive, or None")


@dataclass(frozen=True, slots=True)
class SandboxSpec:
    """One untrusted program and all that it may have.

    Args:
        argv: the program, by its path inside. Visible to every user of the host: no secrets.
        name: short label (lower case letters, digits, dashes) for cgroups and messages.
        env: its whole environment, over PATH, HOME, LANG, TMPDIR and USER. No secrets.
        workdir: where it starts.
        mounts: what it sees of the host besides the system's /usr.
        files: small files by target, readable inside only; the way to hand a job its own secrets.
        scratch: host directory that becomes /scratch and outlives the sandbox (given to the sandbox's uid when we are
            root); None for a tmpfs that vanishes with it.
        pass_fds: descriptors that the program keeps, at the very numbers they have in the caller.
        limits: see Limits.
        uid: host uid to drop to when we are root (61000 to 65000); None picks one that nobody uses.
        stateless: deny System V IPC, message queues and changes of file modes, which outlive their process.
        masked: paths of this machine that its output does not show, and what it shows instead.
        devices: device nodes of NVIDIA GPUs that it may open, at the same paths (see `check_device`).
    """

    argv: tuple[str, ...]
    name: str = "job"
    env: Mapping[str, str] = field(default_factory=dict)
    workdir: str = "/"
    mounts: tuple[Mount, ...] = ()
    files: Mapping[str, bytes] = field(default_factory=dict)
    scratch: Path | None = None
    pass_fds: tuple[int, ...] = ()
    limits: Limits = field(default_factory=Limits)
    uid: int | None = None
    stateless: bool = False
    devices: tuple[Path, ...] = ()
    masked: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.argv:
            raise ValueError("argv is empty")
        if not _NAME.match(self.name):
            raise ValueError(f"{self.name!r} is not a sandbox name: lower case letters, digits and dashes, up to 32")
        texts = [*self.argv, *self.env.values(), self.workdir, *(str(mount.source) for mount in self.mounts)]
        if any("\0" in text for text in texts):
            raise ValueError("a NUL character in argv, env, workdir or a mount")
        for variable in self.env:
            if not _ENV_NAME.match(variable):
                raise ValueError(f"{variable!r} is not the name of an environment variable")
        if not self.workdir.startswith("/"):
            raise ValueError("workdir must be absolute")
        targets = [mount.target for mount in self.mounts] + list(self.files)
        for target in self.files:
            check_target(target)
        if len(set(targets)) != len(targets):
            raise ValueError("two mounts or files with the same target")
        if self.uid is not None and self.uid not in UID_RANGE:
            raise ValueError(f"uid {self.uid} is outside of {UID_RANGE.start} to {UID_RANGE.stop - 1}")
        if any(fd < 3 for fd in self.pass_fds):
            raise ValueError("descriptors 0, 1 and 2 cannot be passed")
        for device in self.devices:
            check_device(device)


def check_target(target: str) -> None:
    """Raise ValueError unless `target` is an absolute, normal path that hides nothing of the sandbox's own."""
    if "\0" in target or not target.startswith("/") or posixpath.normpath(target) != target or target.startswith("//"):
        raise ValueError(f"{target!r} is not an absolute, normal path")
    if target in _WHOLE or any(target == top or target.startswith(f"{top}/") for top in _RESERVED):
        raise ValueError(f"nothing can be mounted on {target!r}")


def check_device(path: Path) -> None:
    """Raise ValueError unless `path` is the character device of an NVIDIA GPU, by its name and itself, not by a link.

    Only root makes nodes in /dev, so what has such a name is the driver's.
    """
    if not _DEVICE.match(str(path)):
        raise ValueError(f"{str(path)!r} is not a device that a sandbox may have: only NVIDIA's nodes in /dev are")
    try:
        mode = path.lstat().st_mode
    except OSError as error:
        raise ValueError(f"the device {str(path)!r} is not there: {error.strerror}") from error
    if not stat.S_ISCHR(mode):
        raise ValueError(f"{str(path)!r} is not a character device")


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a sandbox ended.

    `exit_code` is what the untrusted program chose (128 + signal when a signal ended it, as bubblewrap reports it, then
    `signal` is set too): only ever a status, never evidence. None when it never ran or we killed everything.
    `out_of_memory` is only said of a program that ended with a non-zero status.
    """

    exit_code: int | None
    signal: int | None
    reason: Reason
    driver: str
    memory_enforced_by: MemoryEnforcement
    cpu_enforced: bool
    peak_memory_bytes: int | None
    wall_seconds: float
    log_total_bytes: int
    log_truncated: bool
    oom_kills: int = 0
    detail: str = ""

    @property
    def ok(self) -> bool:
        return self.reason == "exited" and self.exit_code == 0
