"""What fails on its way, once, and by which part of a request a second try is known (the connector's `network.py`:
`requestId` stays, `request_guid` changes; a part of a result has its own address)."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from cleanroom_ml.engine.service_mode.network import Network


class Client:
    """Sends requests; `reached` is what came through to the engine."""

    def __init__(self, *deviations: str) -> None:
        self.reached: list[str] = []
        self.network = Network(self._engine, frozenset(deviations))

    async def _engine(self, scope: Any, receive: Any, send: Any) -> None:
        self.reached.append(scope["path"])
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"{}"})

    def sends(self, path: str, query: str = "") -> int | None:
        """The status, or None: the connection was dropped."""
        told: list[Any] = []
        dropped: list[bool] = []

        async def receive() -> Any:
            return {"type": "http.request", "body": b"", "more_body": False}

        async def send(message: Any) -> None:
            told.append(message)

        connection = SimpleNamespace(transport=SimpleNamespace(abort=lambda: dropped.append(True)))
        scope = {"type": "http", "path": path, "query_string": query.encode(), "state": {"connection": connection}}
        asyncio.run(self.network(scope, receive, send))
        return None if dropped else int(told[0]["status"])


@pytest.mark.parametrize(
    ("path", "first", "again"),
    [
        ("/queries/v1/query-request", "requestId=a&request_guid=1", "requestId=a&request_guid=2"),
        ("/session/v1/login-request", "requestId=a&request_guid=1", "requestId=a&request_guid=2"),
        ("/queries/01-a/result", "request_guid=1", "request_guid=2"),
        ("/chunks/01-a/3", "", ""),
    ],
)
def test_the_first_try_fails_and_the_second_gets_through(path: str, first: str, again: str) -> None:
    client = Client("transient", "session-expiry")
    assert client.sends(path, first) == 503
    assert client.reached == []
    assert client.sends(path, again) == 200
    assert client.reached == [path]


def test_requests_fail_in_three_ways_in_turn() -> None:
    client = Client("transient")
    assert [client.sends(f"/chunks/q/{number}") for number in range(3)] == [503, None, None]
    assert client.reached == ["/chunks/q/2"], "the last was done, and its answer never came"


@pytest.mark.parametrize("path", ["/session/token-request", "/session/heartbeat", "/queries/v1/abort-request"])
def test_the_rest_passes(path: str) -> None:
    assert Client("transient", "session-expiry").sends(path, "requestId=a") == 200
