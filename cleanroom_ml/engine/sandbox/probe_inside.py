"""Runs inside a sandbox and tries what must not work; prints one JSON object. Standard library only, bound as one file.

`python -I -S probe_inside.py HOST_PATH...`: paths that exist on the host and must not exist here.
"""

from __future__ import annotations

import ctypes
import json
import os
import platform
import socket
import sys
from pathlib import Path

_ARM = platform.machine() in ("aarch64", "arm64")
# ptrace first: after a successful unshare it would be refused for another reason.
_CALLS = {
    "ptrace": (117 if _ARM else 101, 0),
    "unshare": (97 if _ARM else 272, 0x10000000),
    "keyctl": (219 if _ARM else 250, 0),
}


def _refused(action: object) -> str:
    """The name of the error that `action` ends with; "" when it works."""
    try:
        action()  # type: ignore[operator]
    except OSError as error:
        return type(error).__name__ + f" {error.errno}"
    return ""


def _system_call(name: str) -> str:
    number, argument = _CALLS[name]
    library = ctypes.CDLL(None, use_errno=True)
    if library.syscall(ctypes.c_long(number), ctypes.c_ulong(argument), 0, 0, 0) != -1:
        return ""
    return f"errno {ctypes.get_errno()}"


def _status() -> dict[str, str]:
    lines = Path("/proc/self/status").read_text().splitlines()
    return {key: value.strip() for key, _, value in (line.partition(":") for line in lines)}


def main(host_paths: list[str]) -> None:
    status = _status()
    interfaces = sorted(name for _, name in socket.if_nameindex())
    vsock = _refused(lambda: socket.socket(40, socket.SOCK_STREAM).close())
    outside = _refused(lambda: socket.create_connection(("1.1.1.1", 53), timeout=1).close())
    capabilities = [key for key in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb") if int(status[key], 16)]
    pids = sorted(int(name) for name in os.listdir("/proc") if name.isdigit())
    visible = [path for path in host_paths if os.path.lexists(path)]
    sysctl = _refused(lambda: open("/proc/sys/kernel/core_pattern", "r+").close())
    root = _refused(lambda: open("/written", "w").close())
    usr = _refused(lambda: open("/usr/written", "w").close())
    checks = {
        "no network": (interfaces == ["lo"] and bool(outside), f"interfaces {interfaces}, connecting: {outside}"),
        "no VSOCK": (bool(vsock), vsock),
        "host files invisible": (not visible, f"visible: {visible}"),
        "not root": (os.getuid() != 0 and os.geteuid() != 0, f"uid {os.getuid()}"),
        "no capabilities": (not capabilities, f"left: {capabilities}"),
        "no new privileges": (status["NoNewPrivs"] == "1", status["NoNewPrivs"]),
        "system calls filtered": (status["Seccomp"] == "2", f"mode {status['Seccomp']}"),
        "other processes invisible": (len(pids) <= 3, f"{len(pids)} processes"),
        "kernel settings read-only": (bool(sysctl), sysctl),
        "system read-only": (bool(root) and bool(usr), f"/: {root}, /usr: {usr}"),
    }
    for name in _CALLS:
        answer = _system_call(name)
        checks[f"{name} denied"] = (answer == "errno 1", answer or "it worked")
    sys.stdout.write(json.dumps({name: [ok, detail] for name, (ok, detail) in checks.items()}))


if __name__ == "__main__":
    main(sys.argv[1:])
