"""Key-pair logins: the JWT that snowflake-connector-python signs (`auth/keypair.py`), verified."""

from __future__ import annotations

import base64
import hashlib
from typing import Final

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key

MAX_LIFETIME_SECONDS: Final = 3600
_LEEWAY_SECONDS: Final = 60
_MIN_KEY_BITS: Final = 2048
_MAX_TOKEN = 8192


class JwtRefusedError(Exception):
    """The token proves nothing. The message is for the log; a client hears only that the token is invalid."""


def load_public_key(pem: str) -> RSAPublicKey:
    """The RSA public key of a PEM text.

    Raises:
        ValueError: it is not an RSA public key of at least 2048 bits.
    """
    try:
        key = load_pem_public_key(pem.encode("ascii"))
    except Exception as error:  # cryptography raises several unrelated kinds for malformed input
        raise ValueError("not a public key in PEM format") from error
    if not isinstance(key, RSAPublicKey):
        raise ValueError("not an RSA public key")
    if key.key_size < _MIN_KEY_BITS:
        raise ValueError(f"an RSA key of {key.key_size} bits is too short; at least {_MIN_KEY_BITS} are needed")
    return key


def fingerprint(key: RSAPublicKey) -> str:
    """`SHA256:<base64>` of the key's DER form, as Snowflake writes it."""
    der = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return "SHA256:" + base64.b64encode(hashlib.sha256(der).digest()).decode("ascii")


def verify(token: str, *, account: str, user: str, public_key_pem: str, now: float) -> None:
    """Accept a token that the holder of this user's private key signed for this account and user, now.

    Args:
        account, user: folded names, as the login request names them.
        now: seconds since the epoch.

    Raises:
        JwtRefusedError: anything is wrong with it.
    """
    if len(token) > _MAX_TOKEN:
        raise JwtRefusedError("too long")
    try:
        key = load_public_key(public_key_pem)
    except ValueError as error:
        raise JwtRefusedError("the enrolled key is unusable") from error
    try:
        claims = jwt.decode(
            token,
            key=key,
            algorithms=["RS256"],
            options={
                "require": ["iss", "sub", "iat", "exp"],
                "verify_exp": False,
                "verify_iat": False,
                "verify_nbf": False,
                "verify_aud": False,
            },
        )
    except jwt.PyJWTError as error:
        raise JwtRefusedError(type(error).__name__) from error
    issued, expires = claims["iat"], claims["exp"]
    if not isinstance(issued, int | float) or not isinstance(expires, int | float):
        raise JwtRefusedError("its times are not numbers")
    if not now - _LEEWAY_SECONDS < expires <= issued + MAX_LIFETIME_SECONDS:
        raise JwtRefusedError("expired, or valid for longer than an hour")
    if issued > now + _LEEWAY_SECONDS:
        raise JwtRefusedError("issued in the future")
    if claims["sub"] != f"{account}.{user}":
        raise JwtRefusedError("for somebody else")
    if claims["iss"] != f"{account}.{user}.{fingerprint(key)}":
        raise JwtRefusedError("issued by somebody else")
