"""Which `Host` a request may name.

A page whose name was pointed at the loopback address (DNS rebinding) names another.
"""

from __future__ import annotations

_LOOPBACK = ("127.0.0.1", "localhost", "[::1]")


def allowed_hosts(host: str, port: int) -> frozenset[str]:
    """The values of `Host` that an engine listening on `host`:`port` answers to; lower case, each with its port."""
    names = {bracketed(host), *_LOOPBACK} if is_loopback(host) else {bracketed(host)}
    return frozenset(f"{name.lower()}:{port}" for name in names)


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach the host."""
    return bracketed(host).lower() in _LOOPBACK


def bracketed(host: str) -> str:
    """The host as it stands in a URL."""
    return f"[{host}]" if ":" in host and not host.startswith("[") else host
