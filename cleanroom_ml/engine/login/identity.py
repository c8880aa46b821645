"""The engine's own key: it proves to a client, before any credential is sent, that it is this home's engine.

The signature covers the address that the client dialled. An impostor at another address who passes the question on
gets no signature: the engine signs for the one address that it listens at, and the client compares. Another name of
this machine will not do: as `localhost` the client may reach whoever listens at `[::1]`, and we are at `127.0.0.1`.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from cleanroom_ml.engine.home.paths import Home
from cleanroom_ml.engine.home.private_files import read_private, write_private
from cleanroom_ml.engine.protocol.errors import bad_request

CONTEXT: Final = b"cleanroom-ml engine identity v1\0"
_NONCE = re.compile(r"[A-Za-z0-9_-]{32,128}\Z")


class EngineIdentity:
    """The Ed25519 key pair of one home; the private half never leaves `engine.key`."""

    def __init__(self, home: Home) -> None:
        """Reads the key, or makes it the first time. `listens_at` is to be set before anybody asks."""
        self.listens_at: str | None = None
        try:
            key = load_pem_private_key(read_private(home.identity_key), password=None)
            if not isinstance(key, Ed25519PrivateKey):
                raise ValueError("engine.key is not an Ed25519 key")
        except FileNotFoundError:
            key = Ed25519PrivateKey.generate()
            pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
            write_private(home.identity_key, pem)
        self._key = key
        raw = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        self.public_key = base64.b64encode(raw).decode("ascii")
        self.home_id = hashlib.sha256(raw).hexdigest()[:32]

    def answer(self, nonce: str, address: str) -> dict[str, object]:
        """The proof for a client that dialled `address` (`host:port`) and sent `nonce`.

        Raises:
            WireError: the nonce is not 32 to 128 characters of base64url; we do not listen at that address.
        """
        if address != self.listens_at:
            raise bad_request("This engine does not vouch for that address.", status=421)
        if not _NONCE.match(nonce):
            raise bad_request("The nonce is not 32 to 128 characters of base64url.")
        signature = self._key.sign(signed_message(self.home_id, address, nonce))
        return {
            "home_id": self.home_id,
            "address": address,
            "nonce": nonce,
            "signature": base64.b64encode(signature).decode("ascii"),
        }


def signed_message(home_id: str, address: str, nonce: str) -> bytes:
    """The bytes that are signed (`connection/engine_identity.py` builds the same)."""
    return CONTEXT + json.dumps([home_id, address, nonce]).encode("ascii")
