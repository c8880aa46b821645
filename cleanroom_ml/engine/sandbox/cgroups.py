"""Limits on memory, CPU and processes of one sandbox as a whole, by the best means that this machine offers.

In this order (docs/measured-facts.md, "Isolation"): a delegated cgroup v2, a scope of the user's systemd, cgroup v1
(root), a watchdog that samples. Which one it was is part of every Outcome.

A group's directory is called `cleanroom-<pid namespace>-<creator's pid>-<its start time>-<name>-<random>`: one that a
killed engine left behind is recognised by its dead creator, and `remove_stale_groups` takes it away. Engines in
several containers may share a parent cgroup: groups from another pid namespace are not ours to judge.
"""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Protocol

from cleanroom_ml.engine.sandbox.errors import SandboxStartError
from cleanroom_ml.engine.sandbox.policy import Limits, MemoryEnforcement
from cleanroom_ml.engine.sandbox.processes import kill_exactly, start_time
from cleanroom_ml.engine.sandbox.watched_memory import MemoryWatch

CGROUP_ROOT: Final = Path("/sys/fs/cgroup")
_OURS: Final = re.compile(r"cleanroom-(\d+)-(\d+)-(\d+)-[a-z0-9-]+-[0-9a-f]{8}\Z")
_PERIOD_MICROSECONDS: Final = 100_000


class Group(Protocol):
    """What enforces one sandbox's limits."""

    @property
    def enforced_by(self) -> MemoryEnforcement: ...

    @property
    def cpu_enforced(self) -> bool: ...

    @property
    def directories(self) -> tuple[Path, ...]:
        """The cgroups that have to be removed afterwards."""

    @property
    def prefix(self) -> tuple[str, ...]:
        """Words to put before the command that is started, for a group that is entered by starting in it."""

    def add(self, pid: int) -> None:
        """Put a process, and what it will start, under the limits."""

    def weigh(self, cpu_weight: int) -> None:
        """Change its share of busy processors (`Limits.cpu_weight`), where this kind of group has one to change."""

    def sample(self) -> bool:
        """Look at the memory in use; True when it is over the limit and the caller must kill."""

    def oom_kills(self) -> int:
        """How often the kernel killed for want of memory."""

    def peak_bytes(self) -> int | None:
        """The most memory seen in use."""

    def accounts(self) -> tuple[Path, ...]:
        """The cgroups that count what is used (usage.py reads them); none where only the processes tell."""

    def remove(self) -> None:
        """Kill what is left and leave nothing behind. Idempotent."""


def create_group(name: str, limits: Limits) -> Group:
    """The best group that can be made here. Only one that is asked for and then refused by the kernel raises."""
    label = f"cleanroom-{_pid_namespace()}-{os.getpid()}-{start_time(os.getpid()) or 0}-{name}-{secrets.token_hex(4)}"
    base = _delegated_v2()
    if base is not None:
        return CgroupV2.create(base / label, limits)
    from cleanroom_ml.engine.sandbox.systemd_scope import SystemdScope, user_manager_is_there

    if os.geteuid() != 0 and user_manager_is_there():
        return SystemdScope(label, limits)
    controllers = _v1_controllers()
    if os.geteuid() == 0 and "memory" in controllers and os.access(controllers["memory"], os.W_OK):
        return CgroupV1.create({key: base / label for key, base in controllers.items()}, limits)
    return Watchdog(limits)


def _pid_namespace() -> int:
    return Path("/proc/self/ns/pid").stat().st_ino


def _own_cgroups() -> dict[str, str]:
    """Controller to own path; the key "" is the unified hierarchy (cgroups(7), /proc/[pid]/cgroup)."""
    own = {}
    for line in Path("/proc/self/cgroup").read_text().splitlines():
        _, controllers, path = line.split(":", 2)
        for controller in controllers.split(","):
            own[controller] = path
    return own


def _cgroup_mounts() -> tuple[Path | None, dict[str, Path]]:
    unified: Path | None = None
    v1: dict[str, Path] = {}
    for line in Path("/proc/self/mounts").read_text().splitlines():
        _, where, kind, options, *_ = line.split()
        if kind == "cgroup2" and unified is None:
            unified = Path(where)
        elif kind == "cgroup":
            for option in options.split(","):
                v1.setdefault(option, Path(where))
    return unified, v1


def _delegated_v2() -> Path | None:
    """The nearest cgroup, from our own upwards, that hands the memory controller to children that we may make."""
    mount, _ = _cgroup_mounts()
    if mount is None:
        return None
    base = mount / _own_cgroups().get("", "/").lstrip("/")
    for candidate in (base, *base.parents):
        if not candidate.is_relative_to(mount):
            return None
        # Moving a process needs write access to the common ancestor's cgroup.procs: this candidate's (cgroups(7)).
        if os.access(candidate, os.W_OK) and os.access(candidate / "cgroup.procs", os.W_OK):
            with contextlib.suppress(OSError):
                if "memory" in (candidate / "cgroup.subtree_control").read_text().split():
                    return candidate
    return None


def _v1_controllers() -> dict[str, Path]:
    own = _own_cgroups()
    _, mounts = _cgroup_mounts()
    wanted = ("memory", "pids", "cpu", "cpuacct")
    found = {key: mounts[key] / own[key].lstrip("/") for key in wanted if key in mounts and key in own}
    if "cpuacct" in found and not os.access(found["cpuacct"], os.W_OK):
        del found["cpuacct"]  # it limits nothing: where it cannot be had, the processes tell
    return found


def _write(path: Path, value: object) -> None:
    path.write_text(str(value))


def _shares(cpu_weight: int) -> int:
    """A weight as cgroup v1 counts it."""
    return max(2, cpu_weight * 1024 // 100)


def _counter(path: Path, key: str) -> int:
    with contextlib.suppress(OSError):
        for line in path.read_text().splitlines():
            name, _, value = line.partition(" ")
            if name == key:
                return int(value)
    return 0


def _number(path: Path) -> int | None:
    try:
        return int(path.read_text())
    except (OSError, ValueError):
        return None


@dataclass(slots=True)
class CgroupV2:
    directories: tuple[Path, ...]
    cpu_enforced: bool = True
    enforced_by: MemoryEnforcement = "cgroup_v2"
    prefix: tuple[str, ...] = ()

    @classmethod
    def create(cls, directory: Path, limits: Limits) -> CgroupV2:
        directory.mkdir()
        group = cls((directory,))
        try:
            _write(directory / "memory.max", limits.memory_bytes)
            for optional, value in (("memory.swap.max", 0), ("memory.oom.group", 0), ("pids.max", limits.processes)):
                with contextlib.suppress(OSError):
                    _write(directory / optional, value)
            try:
                quota = int(limits.cpus * _PERIOD_MICROSECONDS)
                _write(directory / "cpu.max", f"{quota} {_PERIOD_MICROSECONDS}")
                _write(directory / "cpu.weight", limits.cpu_weight)
            except OSError:
                group.cpu_enforced = False
        except OSError as error:
            group.remove()
            raise SandboxStartError("a memory limit cannot be set", why=f"{directory}: {error.strerror}") from error
        return group

    def add(self, pid: int) -> None:
        _write(self.directories[0] / "cgroup.procs", pid)

    def weigh(self, cpu_weight: int) -> None:
        with contextlib.suppress(OSError):  # the controller is not ours, or the group is gone
            _write(self.directories[0] / "cpu.weight", cpu_weight)

    def sample(self) -> bool:
        return False

    def oom_kills(self) -> int:
        return _counter(self.directories[0] / "memory.events", "oom_kill")

    def peak_bytes(self) -> int | None:
        return _number(self.directories[0] / "memory.peak")

    def accounts(self) -> tuple[Path, ...]:
        return self.directories

    def remove(self) -> None:
        remove_directories(self.directories)


@dataclass(slots=True)
class CgroupV1:
    by_controller: dict[str, Path]
    directories: tuple[Path, ...]
    cpu_enforced: bool
    enforced_by: MemoryEnforcement = "cgroup_v1"
    prefix: tuple[str, ...] = ()

    @classmethod
    def create(cls, by_controller: dict[str, Path], limits: Limits) -> CgroupV1:
        # cpu and cpuacct are usually one hierarchy with two names.
        group = cls(by_controller, tuple(dict.fromkeys(by_controller.values())), "cpu" in by_controller)
        try:
            for directory in group.directories:
                directory.mkdir()
            memory = by_controller["memory"]
            _write(memory / "memory.limit_in_bytes", limits.memory_bytes)
            with contextlib.suppress(OSError):  # a kernel that does not account for swap
                _write(memory / "memory.memsw.limit_in_bytes", limits.memory_bytes)
            if "pids" in by_controller:
                _write(by_controller["pids"] / "pids.max", limits.processes)
            if "cpu" in by_controller:
                _write(by_controller["cpu"] / "cpu.cfs_period_us", _PERIOD_MICROSECONDS)
                _write(by_controller["cpu"] / "cpu.cfs_quota_us", int(limits.cpus * _PERIOD_MICROSECONDS))
                _write(by_controller["cpu"] / "cpu.shares", _shares(limits.cpu_weight))
        except OSError as error:
            group.remove()
            raise SandboxStartError("a limit cannot be set", why=f"{error.filename}: {error.strerror}") from error
        return group

    def add(self, pid: int) -> None:
        for directory in self.directories:
            _write(directory / "cgroup.procs", pid)

    def weigh(self, cpu_weight: int) -> None:
        if "cpu" in self.by_controller:
            with contextlib.suppress(OSError):  # the group is gone
                _write(self.by_controller["cpu"] / "cpu.shares", _shares(cpu_weight))

    def sample(self) -> bool:
        return False

    def oom_kills(self) -> int:
        return _counter(self.by_controller["memory"] / "memory.oom_control", "oom_kill")

    def peak_bytes(self) -> int | None:
        return _number(self.by_controller["memory"] / "memory.max_usage_in_bytes")

    def accounts(self) -> tuple[Path, ...]:
        return self.directories

    def remove(self) -> None:
        remove_directories(self.directories)


@dataclass(slots=True)
class Watchdog:
    """No cgroup: the memory of the process tree is sampled ten times a second, so it overshoots (measured: 10 to 40 %).

    Files in memory count, mapped or not (watched_memory.py). CPU time is not limited.
    """

    limits: Limits
    enforced_by: MemoryEnforcement = "watchdog"
    cpu_enforced: bool = False
    directories: tuple[Path, ...] = ()
    prefix: tuple[str, ...] = ()
    _watch: MemoryWatch | None = None
    _peak: int = field(default=0)
    _kills: int = 0

    def add(self, pid: int) -> None:
        self._watch = MemoryWatch(pid, self.limits.memory_bytes)

    def weigh(self, cpu_weight: int) -> None:
        """There is nothing to change."""

    def sample(self) -> bool:
        if self._watch is None:
            return False
        used = self._watch.look()
        self._peak = max(self._peak, used.total)
        over = used.total > self.limits.memory_bytes or used.hidden
        self._kills += over
        return over

    def oom_kills(self) -> int:
        return self._kills

    def peak_bytes(self) -> int | None:
        return self._peak or None

    def accounts(self) -> tuple[Path, ...]:
        return ()

    def remove(self) -> None:
        self._watch = None


def members(directories: Iterable[Path]) -> set[int]:
    """The processes in these cgroups."""
    found: set[int] = set()
    for directory in directories:
        with contextlib.suppress(OSError):
            found |= set(map(int, (directory / "cgroup.procs").read_text().split()))
    return found


def remove_directories(directories: Sequence[Path], *, patience_seconds: float = 5.0) -> None:
    """Kill everything in the cgroups and remove them; what is not one of ours is refused, what is gone is fine."""
    for directory in directories:
        if not _OURS.match(directory.name) or not directory.is_relative_to(CGROUP_ROOT) or ".." in directory.parts:
            raise ValueError(f"{directory} is not a cgroup of ours")
    deadline = time.monotonic() + patience_seconds
    left = [directory for directory in directories if directory.is_dir()]
    while left:
        for pid in members(left):
            started = start_time(pid)
            if started is not None and pid in members(left):
                kill_exactly(pid, started)
        for directory in list(left):
            try:
                directory.rmdir()
            except FileNotFoundError:
                left.remove(directory)
            except OSError:
                continue
            else:
                left.remove(directory)
        if left:
            if time.monotonic() > deadline:
                raise SandboxStartError("a cgroup cannot be removed", why=", ".join(map(str, left)))
            time.sleep(0.01)


def remove_stale_groups() -> list[Path]:
    """Remove the groups whose creator is dead (killed engines and supervisors). Returns what was removed."""
    bases = set(_v1_controllers().values())
    delegated = _delegated_v2()
    if delegated is not None:
        bases.add(delegated)
    removed = []
    for base in bases:
        try:
            entries = list(base.iterdir())
        except OSError:
            continue
        for entry in entries:
            match = _OURS.match(entry.name)
            if match is None or int(match[1]) != _pid_namespace() or not os.access(entry, os.W_OK):
                continue
            if start_time(int(match[2])) != int(match[3]):
                remove_directories([entry])
                removed.append(entry)
    return removed
