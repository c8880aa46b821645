"""First program of a job's sandbox: brings loopback HTTP to the job's socket, sets what is set inside, then execs.

Run as `python -I -S init.py [--relay PORT SOCKET] [--processes N] [--keep FD,FD] -- PROGRAM ARGS...`. Standard library
only, and nothing of ours: it is bound into the sandbox as a single file. It runs with the job's own rights, so nothing
that it does is a control against the job; the relay only spares job code from having to speak HTTP over a Unix socket.
"""

from __future__ import annotations

import contextlib
import os
import resource
import socket
import sys
import threading
from pathlib import Path


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(1 << 16):
            sink.sendall(data)
    with contextlib.suppress(OSError):
        sink.shutdown(socket.SHUT_WR)


def _join(client: socket.socket, path: str) -> None:
    with client, socket.socket(socket.AF_UNIX) as engine:
        try:
            engine.connect(path)
        except OSError:
            return
        back = threading.Thread(target=_pump, args=(engine, client), daemon=True)
        back.start()
        _pump(client, engine)
        back.join()


def _relay(listener: socket.socket, path: str) -> None:
    while True:
        client, _ = listener.accept()
        threading.Thread(target=_join, args=(client, path), daemon=True).start()


def _listening(port: int) -> socket.socket:
    listener = socket.create_server(("127.0.0.1", port), backlog=128)
    # Accepted sockets inherit it. Without it the second part of an answer waits 40 ms for the first to be acknowledged.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


def _start_relay(port: int, path: str) -> None:
    # Listening starts before the fork: the job can connect from its first instruction on.
    listener = _listening(port)
    if os.fork() == 0:
        for standard in (0, 1, 2):  # the job's output ends when the job does, not when the relay does
            os.dup2(os.open(os.devnull, os.O_RDWR), standard)
        _relay(listener, path)
    listener.close()


def _close_others(keep: set[int]) -> None:
    low = 3
    for fd in sorted(keep):
        os.closerange(low, fd)
        low = fd + 1
    # Where there is no limit (macOS may say so), the number for that is larger than any descriptor can be.
    os.closerange(low, min(resource.getrlimit(resource.RLIMIT_NOFILE)[0], 1 << 20))


def main(arguments: list[str]) -> None:
    split = arguments.index("--")
    options, command = arguments[:split], arguments[split + 1 :]
    relay: tuple[int, str] | None = None
    keep: set[int] = set()
    while options:
        option = options.pop(0)
        if option == "--relay":
            relay = (int(options.pop(0)), options.pop(0))
        elif option == "--processes":
            limit = int(options.pop(0))
            resource.setrlimit(resource.RLIMIT_NPROC, (limit, limit))
        elif option == "--keep":
            keep = {int(fd) for fd in options.pop(0).split(",")}
        else:
            raise SystemExit(f"init: unknown option {option!r}")
    _close_others(keep)
    Path(os.environ.get("HOME", "/scratch/home")).mkdir(mode=0o700, parents=True, exist_ok=True)
    if relay is not None:
        _start_relay(*relay)
    os.execvp(command[0], command)


if __name__ == "__main__":
    main(sys.argv[1:])
