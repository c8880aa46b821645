"""A person's RSA key pairs.

One for each user of each engine, in the person's own directory, never in the engine's home.
"""

from __future__ import annotations

from pathlib import Path

from cleanroom_ml.engine.home.private_files import read_private, write_private
from cleanroom_ml.local.home import ensure_config

_BITS = 3072


def key_file(home_id: str, account: str, user: str) -> Path:
    """Where the private key of this user lies, or will."""
    return ensure_config() / "keys" / home_id / f"{account}.{user}.p8"


def ensure_key(path: Path) -> str:
    """The public key (PEM) that belongs to the private key at `path`; a new pair (0600) where there is none."""
    from cryptography.hazmat.primitives.asymmetric import rsa
    from cryptography.hazmat.primitives.serialization import (
        Encoding,
        NoEncryption,
        PrivateFormat,
        PublicFormat,
        load_pem_private_key,
    )

    try:
        private = load_pem_private_key(read_private(path), password=None)
    except FileNotFoundError:
        private = rsa.generate_private_key(public_exponent=65537, key_size=_BITS)
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.parent.chmod(0o700)
        write_private(path, private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode("ascii")
