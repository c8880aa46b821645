"""Is it really this home's engine that listens there? Asked before a single credential is sent.

Any user of this machine can listen on a port while the engine is down. The engine's public key is in `engine.json`
inside the
home, which only its owner can write; whoever answers must sign a fresh nonce and the address that was dialled with
its key.
"""

from __future__ import annotations

import http.client
import json
import secrets
from pathlib import Path

from cleanroom_ml.errors import ConnectError

PATH = "/cleanroom/identity"
CONTEXT = b"cleanroom-ml engine identity v1\0"
_MAX_ANSWER = 16384


def verify_engine(home: Path, *, host: str, port: int, timeout: float = 10.0) -> None:
    """Return only if the engine of `home` itself answers at `host`:`port`.

    Raises:
        ConnectError: nobody answers, or whoever answers is not this home's engine.
    """
    home_id, public_key = known_identity(home)
    address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    nonce = secrets.token_urlsafe(32)
    answer = _ask(host, port, nonce, timeout)
    if not _proves(answer, home_id=home_id, public_key=public_key, address=address.lower(), nonce=nonce):
        raise ConnectError(
            f"what listens at {address} is not the engine of {home}",
            why="it did not prove that it holds the engine's key; no credentials were sent",
            fix="find out who listens there (ss -ltnp), then: cleanroom-ml engine start",
        )


def known_identity(home: Path) -> tuple[str, str]:
    """The home's id and the public key (base64) of its engine, as `engine.json` has them.

    Raises:
        ConnectError: no engine ever ran in this home, or the file is not what an engine writes.
    """
    try:
        values = json.loads((home / "engine.json").read_text(encoding="utf-8"))
        return str(values["home_id"]), str(values["public_key"])
    except FileNotFoundError as error:
        raise ConnectError(
            f"no engine has run in {home}", why="there is no engine.json", fix="cleanroom-ml engine start"
        ) from error
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ConnectError(
            f"{home / 'engine.json'} is not what an engine writes", fix="cleanroom-ml engine start"
        ) from error


def _ask(host: str, port: int, nonce: str, timeout: float) -> dict[str, object]:
    connection = http.client.HTTPConnection(host, port, timeout=timeout)
    try:
        connection.request("GET", f"{PATH}?nonce={nonce}")
        raw = connection.getresponse().read(_MAX_ANSWER)
        answer = json.loads(raw)
    except (OSError, http.client.HTTPException) as error:
        raise ConnectError(
            f"nobody answers at {host}:{port}", why=str(error) or type(error).__name__, fix="cleanroom-ml engine start"
        ) from error
    except ValueError:
        return {}
    finally:
        connection.close()
    return answer if isinstance(answer, dict) else {}


def _proves(answer: dict[str, object], *, home_id: str, public_key: str, address: str, nonce: str) -> bool:
    """Whether the answer is a signature over exactly what was asked.

    Its own copy of the question is not even looked at.
    """
    import base64

    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        key = Ed25519PublicKey.from_public_bytes(base64.b64decode(public_key, validate=True))
        signature = base64.b64decode(str(answer.get("signature", "")), validate=True)
        key.verify(signature, CONTEXT + json.dumps([home_id, address, nonce]).encode("ascii"))
    except (InvalidSignature, ValueError):
        return False
    return True
