"""Passwords are kept as scrypt hashes, and checked at the same cost whether or not there is one to check against."""

from __future__ import annotations

import base64
import hashlib
import hmac
import os

MAX_PASSWORD_BYTES = 256

# 32 MiB and some 0.1 s a try (RFC 7914; OWASP's password storage cheat sheet asks for at least N=2^15, r=8 with p=3,
# or N=2^17; the cost is stored with each hash, so that it can be raised).
_COST = (1 << 15, 8, 3)


def hash_password(password: str) -> str:
    """`scrypt$N$r$p$salt$hash` of a password. Raises ValueError: empty, or longer than 256 bytes."""
    secret = password.encode()
    if not 0 < len(secret) <= MAX_PASSWORD_BYTES:
        raise ValueError(f"a password has 1 to {MAX_PASSWORD_BYTES} bytes")
    salt = os.urandom(16)
    return "$".join(["scrypt", *map(str, _COST), _text(salt), _text(_scrypt(secret, salt, _COST))])


def password_matches(stored: str | None, password: str) -> bool:
    """Whether the password is the one `stored` was made from; never where nothing is stored, but not sooner either."""
    secret = password.encode(errors="replace")
    fits = 0 < len(secret) <= MAX_PASSWORD_BYTES
    if stored is None or not fits:
        _scrypt(secret[:MAX_PASSWORD_BYTES] or b"-", bytes(16), _COST)
        return False
    _, n, r, p, salt, digest = stored.split("$")
    made = _scrypt(secret, base64.b64decode(salt), (int(n), int(r), int(p)))
    return hmac.compare_digest(made, base64.b64decode(digest))


def _scrypt(secret: bytes, salt: bytes, cost: tuple[int, int, int]) -> bytes:
    n, r, p = cost
    return hashlib.scrypt(secret, salt=salt, n=n, r=r, p=p, maxmem=256 * n * r, dklen=32)


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()
