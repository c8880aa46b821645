"""Which user of this machine is at the other end of a connection.

On a loopback address all parties look the same, but the kernel knows whose socket it is. Who comes through an SSH
tunnel is the user that the tunnel was opened as. Source: `sock_diag(7)`, `linux/inet_diag.h`.
"""

from __future__ import annotations

import ipaddress
import socket
import struct
from typing import Final

_SOCK_DIAG_BY_FAMILY: Final = 20
_NETLINK_SOCK_DIAG: Final = 4
_REQUEST: Final = 1
_ALL_STATES: Final = 0xFFFFFFFF
_NO_COOKIE: Final = 0xFFFFFFFF
_HEADER: Final = struct.Struct("=IHHII")
_ASKED: Final = struct.Struct("=BBBBI")
_UID_AT: Final = 16 + 4 + 48 + 12  # the netlink header, four bytes of state, the socket's id, three numbers

Address = tuple[str, int]


def peer_uid(peer: Address | None, ours: Address | None) -> int | None:
    """The uid that has the socket `peer` of a loopback connection to `ours`; None where the kernel does not tell."""
    if peer is None or ours is None or not hasattr(socket, "AF_NETLINK"):
        return None
    try:
        with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, _NETLINK_SOCK_DIAG) as asking:
            asking.settimeout(1)
            asking.sendto(_question(peer, ours), (0, 0))
            answer = asking.recv(4096)
    except (OSError, ValueError):
        return None
    if len(answer) < _UID_AT + 8 or _HEADER.unpack_from(answer)[1] != _SOCK_DIAG_BY_FAMILY:
        return None
    uid, inode = struct.unpack_from("=II", answer, _UID_AT)
    return int(uid) if inode else None  # a socket that its process closed already is nobody's


def _question(peer: Address, ours: Address) -> bytes:
    addresses = [ipaddress.ip_address(host.partition("%")[0]) for host, _ in (peer, ours)]
    family = socket.AF_INET if addresses[0].version == 4 else socket.AF_INET6
    ends = b"".join(address.packed.ljust(16, b"\0") for address in addresses)
    identity = struct.pack("!HH", peer[1], ours[1]) + ends + struct.pack("=III", 0, _NO_COOKIE, _NO_COOKIE)
    body = _ASKED.pack(family, socket.IPPROTO_TCP, 0, 0, _ALL_STATES) + identity
    return _HEADER.pack(_HEADER.size + len(body), _SOCK_DIAG_BY_FAMILY, _REQUEST, 1, 0) + body
