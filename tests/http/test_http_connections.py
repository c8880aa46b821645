"""Connections: a stranger's are few and short, an account's are its own, and nobody's keep anybody else out."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from typing import Any

import pytest
import snowflake.connector
import uvicorn
from starlette.requests import Request
from starlette.responses import PlainTextResponse

from cleanroom_ml.engine.http import connections, server, transfers
from cleanroom_ml.engine.http.connections import Connection, Connections
from cleanroom_ml.engine.http.transfers import read_body
from cleanroom_ml.engine.load.owners import Owner
from cleanroom_ml.engine.protocol.errors import WireError
from cleanroom_ml.local.engine import EngineStatus

MakeAccount = Callable[[str], dict[str, Any]]
STRANGERS, EACH = 4, 2


async def app(scope: Any, receive: Any, send: Any) -> None:
    """`/known/NAME` proves an owner; `/slow` waits; anything else reads its body."""
    request = Request(scope, receive)
    parts = scope["path"].split("/")
    try:
        if parts[1] == "known":
            scope["state"]["connection"].belongs_to(Owner(parts[2]))
            if parts[-1] == "slow":
                await asyncio.sleep(2)
        text = str(len(await read_body(request, 1 << 20)))
        status = 200
    except WireError as error:
        text, status = error.message, error.status
    await PlainTextResponse(text, status)(scope, receive, send)


@pytest.fixture
def port(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """A server of these connections, with short times."""
    monkeypatch.setattr(connections, "HEAD_SECONDS", 0.4)
    monkeypatch.setattr(connections, "STRANGER_IDLE_SECONDS", 0.4)
    monkeypatch.setattr(connections, "LINGER_SECONDS", 0.4)
    monkeypatch.setattr(transfers, "PATIENCE_SECONDS", 0.4)
    table = Connections(strangers=STRANGERS, each=EACH)
    config = uvicorn.Config(
        app, http=partial(Connection, table=table), ws="none", lifespan="off", log_config=None, timeout_keep_alive=30
    )
    running = uvicorn.Server(config)
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(64)
        thread = threading.Thread(target=running.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            running.should_exit = running.force_exit = True
            thread.join(10)


def opened(stack: ExitStack, port: int, text: str = "") -> socket.socket:
    connection = stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=10))
    connection.sendall(text.encode())
    return connection


def head(path: str, extra: str = "") -> str:
    return f"POST {path} HTTP/1.1\r\nHost: x\r\n{extra}\r\n"


def closed(connection: socket.socket, within: float = 8.0) -> bool:
    """Whether the server ends the connection, whatever it says before."""
    connection.settimeout(within)
    try:
        while connection.recv(4096):
            pass
    except TimeoutError:
        return False
    except OSError:
        return True
    return True


def status(connection: socket.socket) -> int:
    answer = http.client.HTTPResponse(connection)
    answer.begin()
    answer.read()
    return answer.status


@pytest.mark.attack
@pytest.mark.parametrize(
    "sent", ["", "POST /", head("/a", "Content-Length: 5\r\n"), head("/a", "Content-Length: 5\r\n") + "ab"]
)
def test_who_sends_nothing_or_half_of_it_is_dropped(port: int, sent: str) -> None:
    with ExitStack() as stack:
        assert closed(opened(stack, port, sent))


@pytest.mark.attack
def test_a_trickle_is_no_progress(port: int) -> None:
    """A byte now and then does not start the time again: neither in the head nor in the body."""
    for start in ("POST /", head("/a", "Content-Length: 1000000\r\n")):
        with ExitStack() as stack:
            connection = opened(stack, port, start)
            before = time.monotonic()
            with contextlib.suppress(OSError):
                while time.monotonic() - before < 10:
                    connection.sendall(b"x")
                    time.sleep(0.1)
                    connection.settimeout(0.001)
                    with contextlib.suppress(TimeoutError):
                        if not connection.recv(4096):
                            break
                    connection.settimeout(10)
            assert time.monotonic() - before < 8


@pytest.mark.attack
def test_an_idle_stranger_goes_and_who_is_known_stays(port: int) -> None:
    with ExitStack() as stack:
        stranger = opened(stack, port, head("/a", "Content-Length: 0\r\n"))
        known = opened(stack, port, head("/known/ANN", "Content-Length: 0\r\n"))
        assert (status(stranger), status(known)) == (200, 200)
        assert closed(stranger)
        known.sendall(head("/known/ANN", "Content-Length: 0\r\n").encode())
        assert status(known) == 200


@pytest.mark.attack
def test_a_newcomer_takes_the_place_of_who_shows_less(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "HEAD_SECONDS", 60.0)
    with ExitStack() as stack:
        idle = [opened(stack, port) for _ in range(STRANGERS)]
        time.sleep(0.2)
        for _ in range(3 * STRANGERS):
            newcomer = opened(stack, port, head("/a", "Content-Length: 0\r\n"))
            assert status(newcomer) == 200
        assert all(closed(connection) for connection in idle)


@pytest.mark.attack
def test_an_account_that_uses_all_it_has_keeps_nobody_else_out(port: int) -> None:
    with ExitStack() as stack:
        busy = [opened(stack, port, head("/known/EVE/slow", "Content-Length: 0\r\n")) for _ in range(EACH)]
        time.sleep(0.2)
        over = opened(stack, port, head("/known/EVE", "Content-Length: 0\r\n"))
        assert status(over) == 503
        other = opened(stack, port, head("/known/ANN", "Content-Length: 0\r\n"))
        assert status(other) == 200
        assert [status(connection) for connection in busy] == [200] * EACH
        again = opened(stack, port, head("/known/EVE", "Content-Length: 0\r\n"))
        assert status(again) == 200, "of its own, an idle one goes"


def test_a_refused_body_is_not_read_for_ever(port: int) -> None:
    with ExitStack() as stack:
        connection = opened(stack, port, head("/a", "Content-Length: 999999999\r\n"))
        assert closed(connection)


@pytest.mark.sandbox
@pytest.mark.attack
def test_idle_sockets_and_half_bodies_keep_nobody_out_of_the_engine(
    engine: EngineStatus, make_account: MakeAccount
) -> None:
    """The wiring: with strangers' sockets and another party's half-sent bodies, a login and a statement work."""
    assert engine.host is not None
    wanted, hostile = make_account("honest"), make_account("hostile")
    with snowflake.connector.connect(**hostile) as eve, ExitStack() as stack:
        token = eve.rest.token
        for _ in range(server.MAX_STRANGERS + 50):
            opened(stack, int(engine.port or 0))
        half = head(
            "/queries/v1/query-request?requestId=00000000-0000-4000-8000-000000000000",
            f'Authorization: Snowflake Token="{token}"\r\nContent-Length: {60 << 20}\r\n',
        ).replace("Host: x", f"Host: {engine.host}:{engine.port}")
        for _ in range(40):
            opened(stack, int(engine.port or 0), half + json.dumps({"sqlText": "select 1"})[:-3])
        before = time.monotonic()
        with snowflake.connector.connect(**wanted) as connection:
            assert connection.cursor().execute("select 1").fetchall() == [(1,)]
        assert time.monotonic() - before < 20
