"""Handlers that the tests run inside sandboxed workers: some honest, some hostile."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any


def handle(request: dict[str, Any], fds: list[int]) -> dict[str, Any]:
    return globals()[f"do_{request['do']}"](request, fds)


def do_echo(request: dict[str, Any], fds: list[int]) -> dict[str, Any]:
    return {"echo": request.get("value"), "pid": os.getpid(), "uid": os.getuid()}


def do_read_all(request: dict[str, Any], fds: list[int]) -> dict[str, Any]:
    return {"texts": [os.pread(fd, 100, 0).decode() for fd in fds]}


def do_reopen(request: dict[str, Any], fds: list[int]) -> dict[str, Any]:
    fd = os.open(f"/proc/self/fd/{fds[0]}", os.O_RDWR if request["write"] else os.O_RDONLY)
    if request["write"]:
        os.write(fd, b"written inside")
    return {"text": os.pread(fd, 100, 0).decode()}


def do_remember(request: dict[str, Any], fds: list[int]) -> dict[str, Any]:
    """Leave something for the next request in every way there is; say what was there already."""
    found = [name for directory in ("/tmp", "/scratch", "/dev/shm") for name in os.listdir(directory)]
    found += [
        name for name in os.listdir("/proc") if name.isdigit() and int(name) not in (1, os.getpid(), os.getppid())
    ]
    memory = getattr(sys, "_left_behind", None)
    sys._left_behind = "mine"  # type: ignore[attr-defined]
    for directory in ("/tmp", "/scratch", "/dev/shm"):
        Path(directory, "left").mkdir(exist_ok=True)
        Path(directory, "left", "secret").write_text("of the account before")
    subprocess.Popen(["/bin/sleep", "1000"], start_new_session=True)
    return {"found": found, "memory": memory}


def do_attack_zygote(request: dict[str, Any], fds: list[int]) -> dict[str, Any]:
    results = {}
    for name in ("mem", "environ", "fd/3", "maps"):
        try:
            with open(f"/proc/{os.getppid()}/{name}", "rb+" if name == "mem" else "rb") as file:
                file.read(1)
            results[name] = "open"
        except OSError as error:
            results[name] = type(error).__name__
    return {"results": results, "own_fds": sorted(int(n) for n in os.listdir("/proc/self/fd"))}


def do_kill_parent(request: dict[str, Any], fds: list[int]) -> dict[str, Any]:
    os.kill(os.getppid(), 9)
    time.sleep(5)
    return {}


def do_stop_parent(request: dict[str, Any], fds: list[int]) -> dict[str, Any]:
    import signal

    os.kill(os.getppid(), signal.SIGSTOP)
    return {"stopped": True}


def do_sleep(request: dict[str, Any], fds: list[int]) -> dict[str, Any]:
    time.sleep(request["seconds"])
    return {"slept": True}


def do_die(request: dict[str, Any], fds: list[int]) -> dict[str, Any]:
    os._exit(3)


def do_raise(request: dict[str, Any], fds: list[int]) -> dict[str, Any]:
    raise LookupError("no such thing")


def do_eat(request: dict[str, Any], fds: list[int]) -> dict[str, Any]:
    hoard = []
    while True:
        hoard.append(b"x" * (8 << 20))


def do_duckdb(request: dict[str, Any], fds: list[int]) -> dict[str, Any]:
    import duckdb

    connection = duckdb.connect()
    return {"rows": connection.execute(request["sql"].format(*fds)).fetchall()}


def do_big(request: dict[str, Any], fds: list[int]) -> dict[str, Any]:
    return {"text": "x" * request["size"]}


def do_change_mode(request: dict[str, Any], fds: list[int]) -> dict[str, Any]:
    """Make a read-only object writable, and write to it."""
    os.chmod(fds[0], 0o666)  # noqa: PTH101 - of a descriptor
    fd = os.open(f"/proc/self/fd/{fds[0]}", os.O_RDWR)
    os.pwrite(fd, b"forged", 0)
    return {}


def do_memory(request: dict[str, Any], fds: list[int]) -> dict[str, Any]:
    return {"bytes": int(os.environ["SANDBOX_MEMORY_BYTES"])}


def slow_to_begin(request: dict[str, Any], fds: list[int]) -> dict[str, Any]:
    return handle(request, fds)


slow_to_begin.prepare = lambda: time.sleep(0.3)  # type: ignore[attr-defined]


_opened: list[str] = []


def opened_once(request: dict[str, Any], fds: list[int]) -> dict[str, Any]:
    """Says what it found of `open_once` and of earlier requests, and leaves its own mark."""
    found = list(_opened)
    _opened.append("a request's")
    return {"found": found}


opened_once.open_once = lambda: _opened.append("once")  # type: ignore[attr-defined]


def opened_with_a_thread(request: dict[str, Any], fds: list[int]) -> dict[str, Any]:
    return {}


def _start_thread() -> None:
    threading.Thread(target=time.sleep, args=(60,), daemon=True).start()


opened_with_a_thread.open_once = _start_thread  # type: ignore[attr-defined]


_served: list[str] = []


def kept(request: dict[str, Any], fds: list[int]) -> dict[str, Any]:
    """Says which process it is and whom it has served, and can go on. It dies after the answer where it is told to."""
    found = list(_served)
    _served.append(request["who"])
    time.sleep(request.get("seconds", 0))
    if request.get("dies"):
        threading.Timer(0.05, lambda: os._exit(3)).start()
    return {"served": found, "pid": os.getpid(), "own_fds": len(os.listdir("/proc/self/fd")), "again": True}


kept.again = lambda: True  # type: ignore[attr-defined]
