from __future__ import annotations

import base64
import hashlib
import hmac
import json
from typing import Any

import jwt as pyjwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from cleanroom_ml.engine.contracts.public_key import PublicKey
from cleanroom_ml.engine.protocol.jwt import JwtRefusedError, verify

NOW = 1_700_000_000
KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
OTHER = rsa.generate_private_key(public_exponent=65537, key_size=2048)
PEM = KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def token(key: Any = KEY, algorithm: str = "RS256", **changes: Any) -> str:
    mark = PublicKey.read(PEM).fingerprint
    claims = {"iss": f"ALPHA.ANN.{mark}", "sub": "ALPHA.ANN", "iat": NOW, "exp": NOW + 60} | changes
    return pyjwt.encode({name: value for name, value in claims.items() if value is not None}, key, algorithm=algorithm)


def check(text: str, *, account: str = "ALPHA", user: str = "ANN", now: float = NOW) -> None:
    verify(text, account=account, user=user, public_key_pem=PEM, now=now)


def test_the_holder_of_the_key_gets_in() -> None:
    check(token())


def test_the_real_connector_signs_what_is_accepted() -> None:
    from snowflake.connector.auth import AuthByKeyPair

    der = KEY.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    import time

    check(AuthByKeyPair(der).prepare(account="alpha", user="ann"), now=time.time())


@pytest.mark.attack
@pytest.mark.parametrize(
    "changes",
    [
        {"exp": NOW - 61},
        {"exp": NOW + 3601},
        {"iat": NOW + 120, "exp": NOW + 180},
        {"iat": None},
        {"exp": None},
        {"exp": "tomorrow"},
        {"sub": "ALPHA.BOB"},
        {"sub": "BETA.ANN"},
        {"iss": "ALPHA.ANN.SHA256:AAAA"},
        {"iss": "ALPHA.ANN"},
    ],
)
def test_a_token_with_wrong_claims_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(JwtRefusedError):
        check(token(**changes))


@pytest.mark.attack
def test_another_key_or_user_is_refused() -> None:
    for attempt in (
        lambda: check(token(OTHER)),
        lambda: check(token(), user="BOB"),
        lambda: check(token(), account="BETA"),
        lambda: check(token()[:-4] + "AAAA"),
        lambda: check(""),
        lambda: check("a.b.c"),
        lambda: check("x" * 9000),
    ):
        with pytest.raises(JwtRefusedError):
            attempt()


@pytest.mark.attack
def test_unsigned_and_symmetric_tokens_are_refused() -> None:
    """`none`, and HS256 with the public key as its secret: the classic confusions."""
    head, body, _ = token().split(".")
    claims = json.loads(base64.urlsafe_b64decode(body + "=="))
    unsigned = pyjwt.encode(claims, None, algorithm="none")
    header = base64.urlsafe_b64encode(b'{"alg":"HS256","typ":"JWT"}').decode().rstrip("=")
    mac = hmac.digest(PEM.encode(), f"{header}.{body}".encode(), hashlib.sha256)
    confused = f"{header}.{body}.{base64.urlsafe_b64encode(mac).decode().rstrip('=')}"
    for forged in (unsigned, confused, f"{head}.{body}."):
        with pytest.raises(JwtRefusedError):
            check(forged)


def test_only_rsa_keys_of_a_decent_size_can_be_enrolled() -> None:
    small = rsa.generate_private_key(public_exponent=65537, key_size=1024)
    pem = small.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    for text in (pem, "", "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----", "é"):
        with pytest.raises(ValueError):
            PublicKey.read(text)
