"""Runs inside a worker's sandbox: loads what is needed once, then forks one child after the other, a request each.

`python -I -S zygote.py CONTROL_FD HANDLER MODULES SWEEP`, with SANDBOX_PATH for sys.path. Standard library only, no
import of ours before the handler.

Nothing of one request reaches the next, but for those that the host sends to the same child: the child that served it
is killed with everything that it started, and what it left in writable directories is removed before the next child
exists. If that cannot be done, the zygote ends, and the whole sandbox with it. The zygote itself is not dumpable, so
that its children cannot write into its memory; the control socket is closed in a child before it reads the first byte
of a request.

Control frames, zygote to host: one byte and a 64-bit number. R pid: a child waits for a request. E status: it ended
(waitpid status). X length, then text: a module or the handler cannot be loaded. Host to zygote: C and the number of the
child that is to serve the call, with the descriptor of the call's own socket. A call whose child was killed before it
took the message lies there still; the next child throws it away.
On the call's socket: `!QQ` (body length, number of descriptors), with the first 200 descriptors; the others in messages
of up to 200, each asked for by a byte; then the body (JSON). The answer: `!BQ` (0 result, 1 error), then JSON.
A child whose handler says so (`again`) waits for another request on the same socket: whose it may be, decides the host.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import importlib
import json
import os
import resource
import shutil
import signal
import socket
import struct
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path

_PR_SET_DUMPABLE = 4
_WRITABLE = ("/scratch", "/tmp", "/dev/shm")
_MOST_LEFTOVERS = 1000
_NO_MORE_REQUESTS = 77
_PATIENCE_SECONDS = 5.0
_HEAD_BYTES = 16
_FDS_A_MESSAGE = 200

_Handler = Callable[[dict[str, object], list[int]], dict[str, object]]


def _receive(connection: socket.socket, size: int) -> bytes:
    parts = []
    while size:
        part = connection.recv(min(size, 1 << 20))
        if not part:
            raise EOFError
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


def _frame(kind: bytes, number: int) -> bytes:
    return kind + struct.pack("!Q", number)


def _set_dumpable(value: int) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, value, 0, 0, 0)


def _serve_one(control: socket.socket, handler: _Handler) -> None:
    mine = _frame(b"C", os.getpid())
    while True:
        data, fds, _, _ = socket.recv_fds(control, len(mine), 1)
        if not data or not fds:
            os._exit(_NO_MORE_REQUESTS)
        if data == mine:
            break
        os.close(fds[0])  # of a child that is no more
    control.close()
    call = socket.socket(fileno=fds[0])
    again = getattr(handler, "again", None)
    _answer_one(call, handler, *_receive_head(call))
    while again is not None and again():
        try:
            head, files = _receive_head(call)
        except EOFError:
            return  # the host has no more for it
        _answer_one(call, handler, head, files)


def _receive_head(call: socket.socket) -> tuple[bytes, list[int]]:
    """What a request begins with, and the descriptors that came with it."""
    head, files = b"", list[int]()
    while len(head) < _HEAD_BYTES:
        part, more, flags, _ = socket.recv_fds(call, _HEAD_BYTES - len(head), _FDS_A_MESSAGE)
        if not part:
            raise EOFError
        _require_all(flags)
        head += part
        files += more
    return head, files


def _require_all(flags: int) -> None:
    if flags & socket.MSG_CTRUNC:
        raise OSError("there are more descriptors than this process may hold")


def _answer_one(call: socket.socket, handler: _Handler, head: bytes, files: list[int]) -> None:
    length, count = struct.unpack("!QQ", head)
    while len(files) < count:
        call.sendall(b"A")
        data, more, flags, _ = socket.recv_fds(call, 1, _FDS_A_MESSAGE)
        _require_all(flags)
        if not data or not more:
            raise EOFError
        files += more
    for fd in files:
        os.set_inheritable(fd, False)
    request = json.loads(_receive(call, length))
    try:
        kind, answer = 0, json.dumps(handler(request, files)).encode()
    except Exception as error:  # noqa: BLE001 - whatever the handler raises is an answer to who called
        kind, answer = 1, json.dumps({"kind": type(error).__name__, "message": str(error)}).encode()
    for fd in files:
        with contextlib.suppress(OSError):  # the handler closed it
            os.close(fd)
    call.sendall(struct.pack("!BQ", kind, len(answer)) + answer)


def _child(control: socket.socket, handler: _Handler, isolated: bool) -> None:
    status = 1
    try:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        if isolated:
            _set_dumpable(1)  # else its own /proc/self would be root's
            with open("/proc/self/oom_score_adj", "w") as file:
                file.write("1000")  # memory runs out: this process goes, not the zygote
        else:
            os.setpgid(0, 0)
        control.sendall(_frame(b"R", os.getpid()))
        prepare = getattr(handler, "prepare", None)
        if prepare is not None:  # what only the child itself can make ready, while no request has come yet
            prepare()
        _serve_one(control, handler)
        status = 0
    except BaseException:  # noqa: BLE001 - the child ends here, whatever it was
        traceback.print_exc()
    finally:
        os._exit(status)


def _end_everything_else() -> None:
    os.kill(-1, signal.SIGKILL)
    while True:
        try:
            os.waitpid(-1, 0)
        except ChildProcessError:
            return


def _until_alone() -> None:
    """A killed process is gone only once bubblewrap's first process has reaped it, which is whose child it became."""
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while not _alone_in_a_pid_namespace():
        if time.monotonic() > deadline:
            raise OSError("a process that was killed is still there")
        time.sleep(0.001)


def _mounted() -> dict[str, frozenset[str]]:
    """What lies in the writable directories before any request: mounts, and read-only directories on the way there."""
    return {directory: frozenset(os.listdir(directory)) for directory in _WRITABLE}


def _remove_leftovers(mounted: dict[str, frozenset[str]]) -> None:
    for directory in _WRITABLE:
        names = set(os.listdir(directory)) - mounted[directory]
        if len(names) > _MOST_LEFTOVERS:
            raise OSError(f"too much was left in {directory}")
        for name in names:
            path = Path(directory, name)
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink()


def _alone_in_a_pid_namespace() -> bool:
    """True only where the sweep can hit nobody else: the only processes are bubblewrap's first one and this one."""
    pids = {int(name) for name in os.listdir("/proc") if name.isdigit()}
    return os.getpid() != 1 and pids == {1, os.getpid()} and os.getuid() != 0


def _load(handler: str, modules: str) -> _Handler:
    sys.path += os.environ.get("SANDBOX_PATH", "").split(os.pathsep)
    for module in filter(None, modules.split(",")):
        importlib.import_module(module)
    module, _, name = handler.partition(":")
    found: _Handler = getattr(importlib.import_module(module), name)
    before = _threads()
    open_once = getattr(found, "open_once", None)
    if open_once is not None:  # what every request needs and none can change: each child has a copy of it
        open_once()
    if _threads() > before:
        raise RuntimeError("the handler started threads: they, and the locks they hold, would be lost in every child")
    gc.collect()
    gc.freeze()  # a child that looks for garbage among what was loaded gets a copy of every page that it touches
    return found


def _threads() -> int:
    """Of this process; 0 where the kernel does not tell."""
    try:
        return len(os.listdir("/proc/self/task"))
    except OSError:
        return 0


def main(arguments: list[str]) -> None:
    control_fd, handler_name, modules, sweep = int(arguments[0]), arguments[1], arguments[2], arguments[3] == "sweep"
    os.closerange(3, control_fd)
    os.closerange(control_fd + 1, resource.getrlimit(resource.RLIMIT_NOFILE)[0])
    os.set_inheritable(control_fd, False)
    control = socket.socket(fileno=control_fd)
    if sweep and not _alone_in_a_pid_namespace():
        raise SystemExit("zygote: not in a sandbox of its own")
    try:
        handler = _load(handler_name, modules)
    except Exception:  # noqa: BLE001 - reported to the host, with where it happened
        text = traceback.format_exc()[-8000:].encode()
        control.sendall(_frame(b"X", len(text)) + text)
        return
    _set_dumpable(0)
    mounted = _mounted() if sweep else {}
    while True:
        child = os.fork()
        if child == 0:
            _child(control, handler, sweep)
        _, status = os.waitpid(child, 0)
        if sweep:
            with contextlib.suppress(ProcessLookupError):
                _end_everything_else()
            _until_alone()
            _remove_leftovers(mounted)
        else:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(child, signal.SIGKILL)
        if os.WIFEXITED(status) and os.WEXITSTATUS(status) == _NO_MORE_REQUESTS:
            return
        try:
            control.sendall(_frame(b"E", status))
        except BrokenPipeError:
            return


if __name__ == "__main__":
    main(sys.argv[1:])
