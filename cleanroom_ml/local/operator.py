"""Requests to the engine as its operator: only over a verified connection, with the secret that lies in the home."""

from __future__ import annotations

import http.client
import json

from cleanroom_ml.connection.engine_identity import verify_engine
from cleanroom_ml.engine.home.paths import Home
from cleanroom_ml.engine.home.private_files import read_private
from cleanroom_ml.errors import ConnectError, ServerError

_MAX_ANSWER = 16 << 20


def call(
    home: Home, method: str, path: str, body: dict[str, object] | None = None, *, timeout: float = 60.0
) -> dict[str, object]:
    """The engine's JSON answer.

    Raises:
        ConnectError: it does not answer, or is not this home's engine (then it was sent no secret).
        ServerError: it refused; the message is the engine's.
    """
    host, port = address(home)
    verify_engine(home.path, host=host, port=port)
    secret = read_private(home.operator_secret).decode("ascii").strip()
    connection = http.client.HTTPConnection(host, port, timeout=timeout)
    try:
        headers = {"Authorization": f"Bearer {secret}", "Content-Type": "application/json"}
        connection.request(method, path, None if body is None else json.dumps(body), headers)
        response = connection.getresponse()
        answer = json.loads(response.read(_MAX_ANSWER))
    except (OSError, ValueError, http.client.HTTPException) as error:
        raise ConnectError("the engine broke the connection", why=str(error) or type(error).__name__) from error
    finally:
        connection.close()
    if response.status >= 400 or not isinstance(answer, dict):
        message = answer.get("message") if isinstance(answer, dict) else None
        raise ServerError(str(message or f"the engine answered with HTTP status {response.status}"))
    return answer


def address(home: Home) -> tuple[str, int]:
    """Where the engine of this home listens, or did when it ran last.

    Raises:
        ConnectError: none ever ran.
    """
    values = home.description_values()
    try:
        if values is not None:
            return str(values["host"]), int(values["port"])
    except (KeyError, TypeError, ValueError) as error:
        raise ConnectError(
            f"{home.description} is not what an engine writes", fix="cleanroom-ml engine start"
        ) from error
    raise ConnectError(f"no engine has run in {home.path}", fix="cleanroom-ml engine start")
