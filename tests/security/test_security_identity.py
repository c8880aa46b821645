"""An impostor at another address of this machine, who passes the client's question on to the real engine."""

from __future__ import annotations

import http.client
import json
import secrets
from typing import Any

import pytest

from cleanroom_ml.connection.engine_identity import PATH, _proves, known_identity
from cleanroom_ml.engine.home.paths import Home
from cleanroom_ml.engine.login.identity import EngineIdentity
from cleanroom_ml.local.engine import EngineStatus


def _relayed(engine: EngineStatus, host: str, nonce: str) -> tuple[int, dict[str, Any]]:
    """What the engine answers to an impostor who was dialled as `host` and asks it in that name."""
    assert engine.host is not None
    connection = http.client.HTTPConnection(engine.host, engine.port, timeout=10)
    connection.request("GET", f"{PATH}?nonce={nonce}", headers={"Host": f"{host}:{engine.port}"})
    response = connection.getresponse()
    answer = json.loads(response.read())
    connection.close()
    return response.status, answer


@pytest.mark.attack
@pytest.mark.sandbox
@pytest.mark.parametrize("host", ["localhost", "[::1]", "LOCALHOST"])
def test_no_signature_for_an_address_that_somebody_else_can_listen_at(
    engine: EngineStatus, engine_home: Home, host: str
) -> None:
    nonce = secrets.token_urlsafe(32)
    status, answer = _relayed(engine, host, nonce)
    assert status == 421
    assert "signature" not in answer


@pytest.mark.sandbox
def test_it_signs_for_its_own_address(engine: EngineStatus, engine_home: Home) -> None:
    nonce = secrets.token_urlsafe(32)
    status, answer = _relayed(engine, "127.0.0.1", nonce)
    home_id, key = known_identity(engine_home.path)
    assert status == 200
    assert _proves(answer, home_id=home_id, public_key=key, address=f"127.0.0.1:{engine.port}", nonce=nonce)


@pytest.mark.attack
def test_the_control_is_what_stops_it(fresh_home: Home) -> None:
    """An engine that vouched for whatever it is asked as would make the client trust whoever listens there."""
    identity = EngineIdentity(fresh_home)
    nonce = secrets.token_urlsafe(32)
    identity.listens_at = "[::1]:20000"
    answer = identity.answer(nonce, "[::1]:20000")
    assert _proves(answer, home_id=identity.home_id, public_key=identity.public_key, address="[::1]:20000", nonce=nonce)
