"""Capabilities: unguessable texts that allow one thing to whoever holds them, until they expire.

`base64url(expiry | claims) "." base64url(HMAC-SHA256(key, purpose | expiry | claims))`. They name what they allow, so
nothing has
to be remembered and they stay good over a restart; the key never leaves the engine's home.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json

_MAX_LENGTH = 8192


class CapabilityRefusedError(Exception):
    """Not one of ours, not for this purpose, altered, or expired."""


class CapabilityExpiredError(CapabilityRefusedError):
    """One of ours, for this purpose, whose time is over."""


class Capabilities:
    """Issues and checks capabilities. `key`: at least 32 secret bytes."""

    def __init__(self, key: bytes) -> None:
        if len(key) < 32:
            raise ValueError("the key of the capabilities is too short")
        self._key = key

    def issue(self, purpose: str, claims: dict[str, object], *, expires: float) -> str:
        """A text that allows `claims` for `purpose` until `expires` (seconds since the epoch)."""
        body = json.dumps([int(expires), claims], separators=(",", ":"), sort_keys=True).encode()
        return f"{_encode(body)}.{_encode(self._mac(purpose, body))}"

    def check(self, purpose: str, capability: str, *, now: float) -> dict[str, object]:
        """The claims of a capability.

        Raises:
            CapabilityExpiredError: it did allow something.
            CapabilityRefusedError: it allows nothing (one message for every cause).
        """
        if len(capability) > _MAX_LENGTH:
            raise CapabilityRefusedError
        body_text, _, mac_text = capability.partition(".")
        body, mac = _decode(body_text), _decode(mac_text)
        if not hmac.compare_digest(mac, self._mac(purpose, body)):
            raise CapabilityRefusedError
        expires, claims = json.loads(body)
        if now >= expires:
            raise CapabilityExpiredError
        result: dict[str, object] = claims
        return result

    def _mac(self, purpose: str, body: bytes) -> bytes:
        return hmac.digest(self._key, purpose.encode() + b"\0" + body, hashlib.sha256)


def _encode(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode("ascii").rstrip("=")


def _decode(text: str) -> bytes:
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError) as error:
        raise CapabilityRefusedError from error
