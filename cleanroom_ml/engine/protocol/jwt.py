"""Key-pair logins: the JWT that snowflake-connector-python signs (`auth/keypair.py`), verified."""

from __future__ import annotations

from typing import Final

import jwt

from cleanroom_ml.engine.contracts.public_key import PublicKey

MAX_LIFETIME_SECONDS: Final = 3600
_LEEWAY_SECONDS: Final = 60
_MAX_TOKEN = 8192


class JwtRefusedError(Exception):
    """The token proves nothing. The message is for the log; a client hears only that the token is invalid."""


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
        key = PublicKey.read(public_key_pem)
    except ValueError as error:
        raise JwtRefusedError("the enrolled key is unusable") from error
    try:
        claims = jwt.decode(
            token,
            key=key.pem,
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
    if claims["iss"] != f"{account}.{user}.{key.fingerprint}":
        raise JwtRefusedError("issued by somebody else")
