"""One sandbox from its start to its end: limits, log, clock, and how it ended."""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cleanroom_ml.engine.load import cancellation
from cleanroom_ml.engine.sandbox.cgroups import Group, create_group
from cleanroom_ml.engine.sandbox.choosing import driver_for
from cleanroom_ml.engine.sandbox.disk_use import DiskWatch
from cleanroom_ml.engine.sandbox.drivers import Command, Driver
from cleanroom_ml.engine.sandbox.errors import SandboxStartError
from cleanroom_ml.engine.sandbox.limits import make_way, set_limits
from cleanroom_ml.engine.sandbox.log import Log
from cleanroom_ml.engine.sandbox.no_limits import NoLimits
from cleanroom_ml.engine.sandbox.policy import Outcome, Reason, SandboxSpec
from cleanroom_ml.engine.sandbox.processes import boot_id, kill_pidfd, open_pidfd, start_time
from cleanroom_ml.engine.sandbox.record import SandboxRecord
from cleanroom_ml.engine.sandbox.spawner import spawn
from cleanroom_ml.engine.sandbox.usage import Usage, read_usage

_START_SECONDS: Final = 20.0
_SAMPLE_SECONDS: Final = 0.1
_DISK_SAMPLE_SECONDS: Final = 1.0
_REST_SECONDS: Final = 1.0
"""Between two looks at the memory of a sandbox at rest; ten times as many cost a processor 2 % for each sandbox."""


class SandboxProcess:
    """A started sandbox. Made by `start`; every method may be called from any thread, and as often as one likes."""

    def __init__(self, spec: SandboxSpec, driver: Driver, group: Group, for_us: ExitStack) -> None:
        self._spec = spec
        self._driver = driver
        self._group = group
        self._for_us = for_us
        self._done = threading.Event()
        self._lock = threading.Lock()
        self._reason: Reason | None = None
        self._detail = ""
        self._outcome: Outcome | None = None
        self._child_fd: int | None = None
        self._reported = b""
        self._began = time.monotonic()
        self.child_pid: int | None = None
        self.at_rest: Callable[[], bool] = lambda: False
        """Whether all that is inside is ours and does nothing, so that its memory need not be watched closely."""
        self._popen: subprocess.Popen[bytes]
        self._log: Log
        self._command: Command

    @classmethod
    def start(cls, spec: SandboxSpec, *, driver: Driver | None = None, output: int | None = None) -> SandboxProcess:
        """Start the program; stdout and stderr together are copied to the descriptor `output` (None: nowhere).

        Returns once the sandbox exists and its limits hold. The caller keeps `output` and `spec.pass_fds` (it may close
        them after this call). Raises IsolationUnavailable, or SandboxStartError when this one cannot be set up; what
        fails later than that (a mount source that is missing) may also end as an Outcome `not_started`.
        """
        driver = driver if driver is not None else driver_for()
        with ExitStack() as for_child, ExitStack() as for_us:
            group: Group = create_group(spec.name, spec.limits) if driver.enforces_limits else NoLimits()
            for_us.callback(group.remove)
            # What nothing counts cannot be had: a segment of System V is of no process and of no file system.
            command = driver.prepare(spec, for_child, for_us, segments=group.enforced_by != "watchdog")
            for fd in (command.status_fd, command.go_fd, command.gate_fd):
                if fd is not None:
                    for_us.callback(_close_quietly, fd)
            self = cls(spec, driver, group, for_us)
            self._command = command
            log_read, log_write = os.pipe()
            for_child.callback(os.close, log_write)
            for_us.callback(os.close, log_read)
            sink = os.dup(output) if output is not None else os.open(os.devnull, os.O_WRONLY)
            for_us.callback(os.close, sink)
            self._log = Log(log_read, sink, spec.limits, spec.masked)
            try:
                self._popen = spawn(command, group.prefix, log_write)
            except OSError as error:
                raise SandboxStartError(f"{spec.name} cannot be started", why=str(error)) from error
            for_child.close()
            try:
                self._enter_limits()
            except BaseException:
                self._popen.kill()
                self._popen.wait()
                raise
            self._for_us = for_us.pop_all()
        threading.Thread(target=self._watch, name=f"sandbox-{spec.name}", daemon=True).start()
        return self

    @property
    def pid(self) -> int:
        """The driver's process on the host."""
        return self._popen.pid

    @property
    def spec(self) -> SandboxSpec:
        return self._spec

    def record(self) -> SandboxRecord:
        """What `destroy` needs in another process. Write it down before relying on the sandbox to be ended."""
        child = self.child_pid
        return SandboxRecord(
            driver=self._driver.name,
            name=self._spec.name,
            boot=boot_id(),
            pid=self.pid,
            pid_started=start_time(self.pid) or 0,
            child_pid=child,
            child_started=start_time(child) if child is not None else None,
            cgroups=tuple(map(str, self._group.directories)),
        )

    def oom_kills(self) -> int:
        """How often the kernel has killed inside for want of memory, so far."""
        return self._group.oom_kills()

    def weigh(self, cpu_weight: int) -> None:
        """Change the share of busy processors that everything inside has beside others (`Limits.cpu_weight`)."""
        with self._lock:
            if self._popen.returncode is None:
                self._group.weigh(cpu_weight)

    def usage(self) -> Usage | None:
        """What everything inside uses now; None once it is gone."""
        # Under the lock, the groups are not taken away meanwhile.
        with self._lock:
            if self._popen.returncode is not None:
                return None
            return read_usage(self._group.accounts(), self.child_pid)

    def kill(self) -> None:
        """Kill everything inside. Idempotent; returns at once (`wait` tells when it is over)."""
        self._end("killed")

    def wait(self, timeout: float | None = None) -> Outcome | None:
        """The outcome, once nothing is left of the sandbox; None when `timeout` seconds pass before."""
        return self._outcome if self._done.wait(timeout) else None

    def outcome(self) -> Outcome | None:
        """How it ended; None while it runs."""
        return self._outcome

    def __enter__(self) -> SandboxProcess:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()
        self.wait()

    # -- start ---------------------------------------------------------------------------------------------------

    def _enter_limits(self) -> None:
        status_fd, go_fd = self._command.status_fd, self._command.go_fd
        if status_fd is None or go_fd is None:
            self.child_pid = self._popen.pid
            self._child_fd = _pidfd(self._popen.pid)
            make_way(self.child_pid, self._spec.limits)
        else:
            self._read_child_pid(status_fd)
            assert self.child_pid is not None
            self._child_fd = open_pidfd(self.child_pid)
            if self._child_fd is None:
                raise self._start_error()
            try:
                self._group.add(self.child_pid)
                if self._driver.enforces_limits:
                    set_limits(self.child_pid, self._spec.limits)
                make_way(self.child_pid, self._spec.limits)
            except ProcessLookupError:
                raise self._start_error() from None
            except (OSError, ValueError) as error:
                raise SandboxStartError(f"the limits of {self._spec.name} cannot be set", why=str(error)) from error
            self._let_go(go_fd)
        if self._child_fd is not None:
            self._for_us.callback(os.close, self._child_fd)

    def _let_go(self, go_fd: int) -> None:
        gate_fd = self._command.gate_fd
        assert gate_fd is not None
        with contextlib.suppress(BrokenPipeError):  # it failed to set itself up: the watcher will say so
            os.write(go_fd, b"g")
            deadline = time.monotonic() + _START_SECONDS
            while self._command.marks_readiness and not self._is_bound_to_us():
                if time.monotonic() > deadline:
                    raise self._start_error()
                time.sleep(0.0005)
            assert self.child_pid is not None
            make_way(self.child_pid, self._spec.limits)  # again: it has made a session of its own meanwhile
            os.write(gate_fd, b"go\n")

    def _is_bound_to_us(self) -> bool:
        """Its seccomp filter is what bubblewrap's first process sets after PR_SET_PDEATHSIG, before it waits."""
        try:
            status = Path(f"/proc/{self.child_pid}/status").read_text()
        except OSError:
            return True  # gone already: nothing to wait for
        return "\nSeccomp:\t0\n" not in status or "\nState:\tZ" in status

    def _read_child_pid(self, status_fd: int) -> None:
        # bubblewrap writes its report in pieces: a line is complete only with its line break.
        deadline = time.monotonic() + _START_SECONDS
        while b"\n" not in self._reported:
            ready, _, _ = select.select([status_fd], [], [], max(0.0, deadline - time.monotonic()))
            data = os.read(status_fd, 4096) if ready else b""
            if not data:
                raise self._start_error()
            self._reported += data
        line, _, self._reported = self._reported.partition(b"\n")
        self.child_pid = int(json.loads(line)["child-pid"])

    def _start_error(self) -> SandboxStartError:
        self._popen.kill()
        self._popen.wait()
        return SandboxStartError(
            f"the sandbox {self._spec.name} cannot be set up",
            why=self._log.head_at_once() or None,
            fix="cleanroom-ml doctor",
        )

    # -- the watching thread ---------------------------------------------------------------------------------------

    def _watch(self) -> None:
        try:
            self._follow()
        except BaseException as error:
            # Nobody would look at the limits any more, nor empty the pipe of the log.
            self._end("killed", f"it could not be watched: {error!r}")
            raise
        finally:
            self._finish()

    def _follow(self) -> None:
        limits = self._spec.limits
        os.set_blocking(self._log.read, False)
        driver_fd = _pidfd(self._popen.pid)
        poller = select.poll()
        poller.register(self._log.read, select.POLLIN)
        if driver_fd is not None:
            poller.register(driver_fd, select.POLLIN)
        disk = DiskWatch(self._spec.scratch) if self._spec.scratch is not None else None
        next_disk = next_look = self._began
        try:
            while self._popen.poll() is None:
                now = time.monotonic()
                pause = _SAMPLE_SECONDS
                if self._group.enforced_by in ("cgroup_v1", "cgroup_v2") and driver_fd is not None:
                    pause = _DISK_SAMPLE_SECONDS
                if limits.wall_seconds is not None:
                    left = self._began + limits.wall_seconds - now
                    if left <= 0:
                        self._end("timed_out", f"after {limits.wall_seconds:g} s")
                    else:
                        pause = min(pause, left)
                if now >= next_look or not self.at_rest():
                    if self._group.sample():
                        self._end("out_of_memory")
                    next_look = now + _REST_SECONDS
                if disk is not None and (self._driver.enforces_limits or not self._driver.isolated):
                    if now >= next_disk:
                        if over := disk.over(limits.scratch_bytes, self.child_pid):
                            self._end("disk_limit", over)
                        next_disk = time.monotonic() + disk.pause
                    pause = min(pause, max(0.0, next_disk - time.monotonic()))
                for fd, _ in poller.poll(pause * 1000):
                    if fd == self._log.read:
                        if not self._log.pump():
                            poller.unregister(fd)
                        elif self._log.flooded:
                            self._end("log_limit")
        finally:
            if driver_fd is not None:
                os.close(driver_fd)

    def _end(self, reason: Reason, detail: str = "") -> None:
        with self._lock:
            if self._done.is_set() or self._popen.returncode is not None:
                return
            if self._reason is None:
                self._reason, self._detail = reason, detail
            if self._driver.isolated and self._child_fd is not None:
                kill_pidfd(self._child_fd)  # its first process: the kernel then kills its whole pid namespace
            else:
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.killpg(self._popen.pid, signal.SIGKILL)

    def _finish(self) -> None:
        try:
            self._popen.wait()
            if not self._driver.isolated:
                # No kernel ends what the program leaves behind (the relay is one of it): its group is all there is.
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.killpg(self._popen.pid, signal.SIGKILL)
            self._log.drain()
            peak, oom_kills = self._group.peak_bytes(), self._group.oom_kills()
            exit_code = self._exit_code()
        finally:
            with self._lock:
                self._for_us.close()
            if self._driver.isolated and self.child_pid is not None:
                with contextlib.suppress(
                    ChildProcessError
                ):  # ours only if we are a subreaper and bubblewrap was killed
                    os.waitpid(self.child_pid, os.WNOHANG)
        reason = self._reason
        if reason is None:
            if exit_code is None:
                reason, self._detail = "not_started", self._log.head()
            else:
                reason = "out_of_memory" if exit_code != 0 and oom_kills else "exited"
        over = reason in ("exited", "out_of_memory")
        code = exit_code if over else None
        self._outcome = Outcome(
            exit_code=code,
            signal=code - 128 if code is not None and 128 < code <= 128 + signal.NSIG else None,
            reason=reason,
            driver=self._driver.name,
            memory_enforced_by=self._group.enforced_by,
            cpu_enforced=self._group.cpu_enforced,
            peak_memory_bytes=peak,
            wall_seconds=time.monotonic() - self._began,
            log_total_bytes=self._log.total_bytes,
            log_truncated=self._log.truncated,
            oom_kills=oom_kills,
            detail=self._detail,
        )
        self._done.set()

    def _exit_code(self) -> int | None:
        """What bubblewrap reports: it does so only if the program was started. Without it, the process's own status."""
        if self._command.status_fd is None:
            code = self._popen.returncode
            return code if code is None or code >= 0 else 128 - code
        while data := os.read(self._command.status_fd, 4096):
            self._reported += data
        for line in self._reported.splitlines():
            with contextlib.suppress(ValueError):
                return int(json.loads(line).get("exit-code"))
        return None


@dataclass(frozen=True, slots=True)
class Completed:
    outcome: Outcome
    output: bytes


def run(spec: SandboxSpec, *, driver: Driver | None = None) -> Completed:
    """Start, wait for the end, and return the (hostile) output, as much of it as `log_bytes` keeps.

    Killed, and raises why, where the work of this thread is ended (`contracts.cancellation`).
    """
    read_end = os.memfd_create("output") if hasattr(os, "memfd_create") else _temporary_file()
    try:
        with (
            SandboxProcess.start(spec, driver=driver, output=read_end) as process,
            cancellation.current().ending(process.kill),
        ):
            outcome = process.wait()
        cancellation.check()
        assert outcome is not None
        size = os.fstat(read_end).st_size
        return Completed(outcome, os.pread(read_end, size, 0))
    finally:
        os.close(read_end)


def _temporary_file() -> int:
    import tempfile

    with tempfile.TemporaryFile() as file:
        return os.dup(file.fileno())


def _pidfd(pid: int) -> int | None:
    return open_pidfd(pid) if hasattr(os, "pidfd_open") else None


def _close_quietly(fd: int) -> None:
    with contextlib.suppress(OSError):
        os.close(fd)
