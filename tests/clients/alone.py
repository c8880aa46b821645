"""Run a command where there is no network but a loopback of its own, on which one port leads to the engine.

`python alone.py PORT SOCKET COMMAND…`, within `unshare --net`: 127.0.0.1:PORT is relayed to the Unix socket. How often
anything else was tried, the kernel counts: as packets without a route. It is the last line on stderr.
"""

from __future__ import annotations

import fcntl
import socket
import struct
import subprocess
import sys
import threading
from pathlib import Path

SIOCSIFFLAGS = 0x8914
IFF_UP = 1


def main() -> int:
    port, path, command = int(sys.argv[1]), sys.argv[2], sys.argv[3:]
    with socket.socket() as control:
        fcntl.ioctl(control, SIOCSIFFLAGS, struct.pack("16sH14x", b"lo", IFF_UP))
    listener = socket.create_server(("127.0.0.1", port))
    threading.Thread(target=serve, args=(listener, path), daemon=True).start()
    done = subprocess.run(command, check=False)
    sys.stderr.write(f"\nwithout a route: {without_a_route()}\n")
    return done.returncode


def serve(listener: socket.socket, path: str) -> None:
    while True:
        near, _ = listener.accept()
        far = socket.socket(socket.AF_UNIX)
        far.connect(path)
        for one, other in ((near, far), (far, near)):
            threading.Thread(target=relay, args=(one, other), daemon=True).start()


def relay(one: socket.socket, other: socket.socket) -> None:
    try:
        while piece := one.recv(65536):
            other.sendall(piece)
        other.shutdown(socket.SHUT_WR)
    except OSError:
        for end in (one, other):
            end.close()


def without_a_route() -> int:
    names, values = (line.split() for line in Path("/proc/net/snmp").read_text().splitlines() if line.startswith("Ip:"))
    six = dict(line.split() for line in Path("/proc/net/snmp6").read_text().splitlines())
    return int(values[names.index("OutNoRoutes")]) + int(six.get("Ip6OutNoRoutes", 0))


if __name__ == "__main__":
    raise SystemExit(main())
