"""A user's public key, as it is enrolled and as logins are held against it."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from typing import Final

MIN_BITS: Final = 2048


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A user's RSA key; `fingerprint` is `SHA256:` and the base64 of the SHA-256 of its DER form, as JWTs name it."""

    pem: str
    fingerprint: str

    @classmethod
    def read(cls, text: str) -> PublicKey:
        """The RSA public key that a PEM text (or its bare base64, as ALTER USER takes it) holds.

        Raises:
            ValueError: it is no RSA public key, or one of fewer than 2048 bits.
        """
        from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
        from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key

        if "-----BEGIN" not in text:
            text = f"-----BEGIN PUBLIC KEY-----\n{''.join(text.split())}\n-----END PUBLIC KEY-----\n"
        try:
            key = load_pem_public_key(text.encode())
        except Exception as error:  # the library's errors on hostile input are of many types; none is ours to pass on
            raise ValueError("not a public key in PEM form") from error
        if not isinstance(key, RSAPublicKey) or key.key_size < MIN_BITS:
            raise ValueError(f"the public key has to be RSA, of {MIN_BITS} bits or more")
        der = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        return cls(
            pem=key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode(),
            fingerprint="SHA256:" + base64.b64encode(hashlib.sha256(der).digest()).decode(),
        )
