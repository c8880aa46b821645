"""The host's side of one sandboxed worker: its sandbox, its control socket, and one call at a time."""

from __future__ import annotations

import array
import contextlib
import fcntl
import json
import os
import socket
import struct
import termios
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cleanroom_ml.engine.contracts.kept import Kept
from cleanroom_ml.engine.sandbox.drivers import Driver
from cleanroom_ml.engine.sandbox.errors import (
    WorkerCancelled,
    WorkerCrashed,
    WorkerError,
    WorkerFailed,
    WorkerTimeout,
)
from cleanroom_ml.engine.sandbox.policy import LONG_SECONDS, LONG_WEIGHT, RUN, START_WEIGHT, Limits, Mount, SandboxSpec
from cleanroom_ml.engine.sandbox.process import SandboxProcess
from cleanroom_ml.engine.sandbox.processes import kill_pidfd, open_pidfd
from cleanroom_ml.engine.sandbox.python_runtime import LIBRARY, python_runtime
from cleanroom_ml.engine.sandbox.worker_frames import FRAME_BYTES, exactly, frame, readable, send_with

_FDS_A_MESSAGE: Final = 200  # the kernel takes 253 (SCM_MAX_FD)
_START_SECONDS: Final = 60.0
_NEXT_CHILD_SECONDS: Final = 10.0
_TIDY_SECONDS: Final = 5.0
"""What may pass until the next child is there: what one request left behind is not to hold up the next one's owner."""
_LOOK_SECONDS: Final = 0.1


@dataclass(frozen=True, slots=True)
class WorkerConfig:
    """What every worker of a pool is. See SandboxedWorkers."""

    name: str
    handler: str
    preload: tuple[str, ...]
    limits: Limits
    libraries: tuple[Path, ...]
    reply_bytes: int
    driver: Driver
    log_fd: int | None


class CallHandle:
    """One running call, as another thread may end it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kill: Callable[[], None] | None = None
        self.cancelled = False

    def cancel(self) -> None:
        """Kill the process that serves this call, and nothing else. Idempotent; after the end it does nothing."""
        with self._lock:
            self.cancelled = True
            if self._kill is not None:
                self._kill()

    def _bind(self, kill: Callable[[], None] | None) -> None:
        with self._lock:
            self._kill = kill
            if kill is not None and self.cancelled:
                kill()


class Worker:
    """A started worker. Not thread-safe: the pool gives it to one call at a time."""

    def __init__(self, config: WorkerConfig) -> None:
        self.config = config
        self.idle_since = time.monotonic()
        runtime = python_runtime(with_package=True)
        libraries = tuple(Mount(path, f"{RUN}/path/{index}") for index, path in enumerate(config.libraries))
        self._control, theirs = socket.socketpair()
        if config.driver.isolated:
            self._control.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        with theirs:
            spec = SandboxSpec(
                name=config.name,
                argv=(
                    *(runtime.executable, "-I", "-S", f"{RUN}/zygote.py", str(theirs.fileno())),
                    *(config.handler, ",".join(config.preload), "sweep" if config.driver.isolated else "-"),
                ),
                env={
                    "SANDBOX_PATH": ":".join([*(m.target for m in libraries), LIBRARY, *runtime.site_packages]),
                    # A library's threads, started by importing it, would not exist in the forked children.
                    "OPENBLAS_NUM_THREADS": "1",
                    "SANDBOX_MEMORY_BYTES": str(config.limits.memory_bytes),
                    "SANDBOX_CPUS": str(max(1, int(config.limits.cpus))),
                    "SANDBOX_ISOLATED": "1" if config.driver.isolated else "",
                },
                mounts=(
                    *runtime.mounts,
                    *libraries,
                    Mount(Path(__file__).with_name("zygote.py").resolve(), f"{RUN}/zygote.py"),
                ),
                pass_fds=(theirs.fileno(),),
                limits=config.limits,
                stateless=True,
            )
            if not config.driver.isolated:  # LIBRARY itself is no mount: say where the package's parent is
                package_parent = next(m.source.parent for m in runtime.mounts if m.target == f"{LIBRARY}/cleanroom_ml")
                paths = [*(str(m.source) for m in libraries), str(package_parent), *runtime.site_packages]
                spec = _replace_env(spec, {**spec.env, "SANDBOX_PATH": ":".join(paths)})
            try:
                self.process = SandboxProcess.start(spec, driver=config.driver, output=config.log_fd)
            except BaseException:
                self._control.close()
                raise
        self._ready_by = time.monotonic() + _START_SECONDS
        """Until when the next child has to be there; counted from the end of the call before it, not from the next one,
        whose caller would wait for what another's code has stopped.
        """
        self._child: int | None = None
        self._line: socket.socket | None = None
        self.kept: Kept | None = None
        """Whose requests the child goes on with: it has served one of theirs, and is nobody else's any more."""
        self._number = 0
        self._frames_due = 1
        """What the zygote says until the next child waits: that the last one ended (E), and that there is one (R)."""
        self._oom_kills = 0
        self._weight = START_WEIGHT
        self.process.weigh(START_WEIGHT)
        self.process.at_rest = self.is_at_rest

    @property
    def alive(self) -> bool:
        return self.process.outcome() is None

    def is_ready(self) -> bool:
        """Whether a call need not wait for it; a guess, which `wait_ready` verifies."""
        return self._child is not None or self._readable(0.0)

    def is_at_rest(self) -> bool:
        """Whether its child waits for a request and has had none, and nothing else is left inside. Of any thread."""
        if self.kept is not None:
            return False
        if self._child is not None:
            return True
        unread = array.array("i", [0])
        try:
            fcntl.ioctl(self._control.fileno(), termios.FIONREAD, unread)
        except (OSError, ValueError):  # closed
            return False
        return unread[0] >= self._frames_due * FRAME_BYTES

    def wait_ready(self, deadline: float, cancelled: Callable[[], bool] = lambda: False) -> None:
        """Wait for a child that waits for a request.

        Raises WorkerTimeout; WorkerCancelled once `cancelled`, of which the worker knows nothing; or WorkerCrashed: the
        worker is over.
        """
        if self.kept is not None and (self._readable(0.0) or self._has_ended()):
            self.let_go()  # the child has ended meanwhile: the next one will say so
        patience = self._ready_by
        while self._child is None:
            until = min(deadline, patience)
            try:
                while not self._readable(min(_LOOK_SECONDS, until - time.monotonic())):
                    if cancelled():
                        raise WorkerCancelled("the call was cancelled before a worker was ready")
                    if time.monotonic() >= until:
                        raise TimeoutError
                kind, number, pid = frame(self._control, until)
            except TimeoutError as error:
                if deadline < patience:
                    raise WorkerTimeout("no worker was ready in time") from error
                self.close()
                raise WorkerCrashed("a worker does not get ready; it was killed") from error
            except (EOFError, OSError) as error:
                raise self._over() from error
            if kind == b"X":
                text = exactly(self._control, min(number, 8000), until).decode(errors="replace")
                self.close()
                raise WorkerCrashed(f"the worker {self.config.name} cannot load its handler", why=text)
            if kind == b"R":
                self._child = self._identify(number, pid)
                self._number = number
                self._frames_due = 2
                self._weigh(self.config.limits.cpu_weight)

    def call(
        self,
        request: dict[str, object],
        fds: Sequence[int],
        deadline: float,
        handle: CallHandle,
        keep: Kept | None = None,
    ) -> dict[str, object]:
        """Send a request to the waiting child and return its answer; `wait_ready` came before.

        With `keep` the child may stay for more of the same, if its handler can go on: `kept` says so afterwards. One
        that was kept for somebody else was let go before.
        """
        child, line = self._child, self._line
        assert child is not None
        assert self.kept in (None, keep)
        self._child = self._line = self.kept = None
        theirs: socket.socket | None = None
        if line is None:
            self._oom_kills = self.process.oom_kills()
            line, theirs = socket.socketpair()
        ours = line

        def kill() -> None:
            self._kill_child(child)
            with contextlib.suppress(OSError):  # closed already, or it was never connected
                ours.shutdown(socket.SHUT_RDWR)  # whoever else still has the other end: nobody waits for it

        handle._bind(kill)
        stays = False
        try:
            if theirs is not None:
                with theirs:
                    ours.settimeout(max(0.001, deadline - time.monotonic()))
                    socket.send_fds(self._control, [struct.pack("!cQ", b"C", self._number)], [theirs.fileno()])
            given = request if keep is None else {**request, "keep": True}
            answer = self._answer(*self._exchange(ours, given, fds, deadline))
            stays = answer.pop("again", None) is True and keep is not None
            return answer
        except TimeoutError as error:
            if handle.cancelled:
                raise WorkerCancelled("the call was cancelled") from error
            raise WorkerTimeout("the call did not answer in time and was killed") from error
        except (EOFError, OSError) as error:
            if handle.cancelled:
                raise WorkerCancelled("the call was cancelled") from error
            self._kill_child(child)
            raise self._crash() from error
        finally:
            handle._bind(None)
            self._child, self._line = child, ours
            if stays and not handle.cancelled:
                self.kept = keep
            else:
                self.let_go()
            self._weigh(self.config.limits.cpu_weight)

    def let_go(self) -> None:
        """End the child that has served a request; another one follows, which has not. Idempotent, and never waits."""
        child, line = self._child, self._line
        if line is None or child is None:
            return
        self._child = self._line = self.kept = None
        self._ready_by = time.monotonic() + _TIDY_SECONDS
        line.close()
        self._kill_child(child)
        if self.config.driver.isolated:
            os.close(child)

    def close(self) -> None:
        """Kill the worker and wait until nothing is left of it. Idempotent."""
        self.process.kill()
        self.process.wait(_NEXT_CHILD_SECONDS)
        self._control.close()
        self.let_go()
        if self._child is not None and self.config.driver.isolated:
            os.close(self._child)
        self._child = None

    def _exchange(
        self, ours: socket.socket, request: dict[str, object], fds: Sequence[int], deadline: float
    ) -> tuple[int, bytes]:
        body = json.dumps(request).encode()
        head = struct.pack("!QQ", len(body), len(fds))
        ours.settimeout(max(0.001, deadline - time.monotonic()))
        if len(fds) <= _FDS_A_MESSAGE:  # in one message: whoever reads it is woken once
            send_with(ours, head + body, fds)
        else:
            send_with(ours, head, fds[:_FDS_A_MESSAGE])
            for start in range(_FDS_A_MESSAGE, len(fds), _FDS_A_MESSAGE):
                exactly(ours, 1, deadline)  # keeps those in flight below an ordinary user's RLIMIT_NOFILE
                send_with(ours, b"F", fds[start : start + _FDS_A_MESSAGE])
            ours.sendall(body)
        if not readable(ours, min(LONG_SECONDS, deadline - time.monotonic())):
            self._weigh(min(LONG_WEIGHT, self.config.limits.cpu_weight))
        kind, length = struct.unpack("!BQ", exactly(ours, 9, deadline))
        if length > self.config.reply_bytes:
            raise OSError(f"an answer of {length} bytes, more than {self.config.reply_bytes}")
        return kind, exactly(ours, length, deadline)

    def _answer(self, kind: int, body: bytes) -> dict[str, object]:
        try:
            answer = json.loads(body)
        except (ValueError, RecursionError) as error:
            raise WorkerCrashed("the worker's answer is not JSON") from error
        if not isinstance(answer, dict):
            raise WorkerCrashed("the worker's answer is not an object")
        if kind != 0:
            raise WorkerFailed(str(answer.get("kind")), str(answer.get("message")))
        return answer

    def _crash(self) -> WorkerError:
        """Why a child went away without an answer: its status comes from the zygote, if that still lives."""
        with contextlib.suppress(TimeoutError, EOFError, OSError):
            kind, status, _ = frame(self._control, time.monotonic() + 5.0)
            if kind == b"E":
                self._frames_due = 1
                killed = os.WIFSIGNALED(status)
                how = f"signal {os.WTERMSIG(status)}" if killed else f"status {os.waitstatus_to_exitcode(status)}"
                if killed and self.process.oom_kills() > self._oom_kills:
                    return WorkerCrashed("the call used more memory than it may", out_of_memory=True, why=how)
                return WorkerCrashed("the process that served the call died", why=how)
        return self._over()

    def _over(self) -> WorkerCrashed:
        outcome = self.process.wait(2.0)
        self.close()
        outcome = outcome or self.process.outcome()
        if outcome is None:
            return WorkerCrashed("the worker does not answer any more")
        if outcome.oom_kills > self._oom_kills:
            return WorkerCrashed("the call used more memory than it may", out_of_memory=True)
        return WorkerCrashed(f"the worker ended ({outcome.reason})", why=outcome.detail or None)

    def _weigh(self, cpu_weight: int) -> None:
        if self._weight != cpu_weight:
            self._weight = cpu_weight
            self.process.weigh(cpu_weight)

    def _kill_child(self, child: int) -> None:
        if self.config.driver.isolated:
            kill_pidfd(child)
        else:
            _kill_plain(child)

    def _identify(self, number: int, credentials: int | None) -> int:
        """The child as a pidfd (the kernel tells its pid, not the child itself); a plain pid without isolation."""
        if not self.config.driver.isolated:
            return number
        pidfd = open_pidfd(credentials) if credentials else None
        if pidfd is None:
            self.close()
            raise WorkerCrashed("the worker's process went away")
        return pidfd

    def _has_ended(self) -> bool:
        """Whether a child that waits for its next request is gone. It says nothing unasked: to be read is its end only.

        Its parent tells later, if it was killed from outside; nothing was sent to it, so that another can serve.
        """
        return self._line is not None and readable(self._line, 0.0)

    def _readable(self, seconds: float) -> bool:
        if self._control.fileno() < 0:
            return True  # closed: reading will say so
        return readable(self._control, seconds)


def _kill_plain(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, 9)


def _replace_env(spec: SandboxSpec, env: dict[str, str]) -> SandboxSpec:
    from dataclasses import replace

    return replace(spec, env=env)
