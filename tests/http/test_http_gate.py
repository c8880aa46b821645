"""The gate: who gets in where, and that nothing is open that is not listed."""

from __future__ import annotations

import asyncio
import http.client
import json
import socket
from collections.abc import Iterator
from contextlib import suppress
from types import SimpleNamespace
from typing import Any

import pytest

from cleanroom_ml.engine.home.paths import Home
from cleanroom_ml.engine.http.gate import OPEN, Access, Gate, access_of
from cleanroom_ml.engine.http.handlers import Handlers
from cleanroom_ml.engine.load.owners import ENGINE, Owner
from cleanroom_ml.engine.protocol.capabilities import Capabilities
from cleanroom_ml.engine.protocol.errors import SESSION_GONE, SESSION_TOKEN_EXPIRED
from cleanroom_ml.engine.storage.errors import SessionGone, TokenExpired
from cleanroom_ml.local.engine import EngineStatus

pytestmark = pytest.mark.sandbox


class _NoEngine:
    """Routes are listed without an engine: no handler is called."""

    storage = in_thread = None


def every_route() -> Iterator[tuple[str, str]]:
    for route in Handlers(_NoEngine(), lambda: None).routes():  # type: ignore[arg-type]
        for method in sorted(route.methods or ()):
            if method != "HEAD":
                yield method, route.path


def send(
    engine: EngineStatus, method: str, path: str, body: bytes | None = None, **headers: str
) -> tuple[int, dict[str, Any]]:
    assert engine.host is not None
    connection = http.client.HTTPConnection(engine.host, engine.port, timeout=10)
    connection.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
    response = connection.getresponse()
    raw = response.read()
    connection.close()
    return response.status, json.loads(raw) if raw.startswith(b"{") else {}


def test_only_three_endpoints_are_open() -> None:
    opened = {(method, path) for method, path in every_route() if access_of(method, path) is Access.OPEN}
    assert (
        opened
        == OPEN
        == {
            ("POST", "/session/v1/login-request"),
            ("GET", "/cleanroom/identity"),
            ("GET", "/cleanroom/health"),
        }
    )


@pytest.mark.parametrize(
    "path", ["/", "/anything", "/queries/v2/x", "/cleanroom/identity/", "/session/v1/login-request/"]
)
def test_a_path_that_nobody_thought_of_needs_a_session(path: str) -> None:
    assert access_of("GET", path) is Access.SESSION


@pytest.mark.attack
@pytest.mark.parametrize(("method", "path"), sorted(set(every_route()) - OPEN))
@pytest.mark.parametrize(
    "authorization", ["", 'Snowflake Token="AAAA"', "Bearer AAAA", 'Snowflake Token="', "Basic YTpi"]
)
def test_every_other_endpoint_refuses_who_brings_nothing_that_counts(
    engine: EngineStatus, method: str, path: str, authorization: str
) -> None:
    concrete = (
        path.replace("{index:int}", "0")
        .replace("{query_id}", "0" * 8)
        .replace("{capability}", "AA.AA")
        .replace("{name}", "n")
    )
    headers = {"Authorization": authorization} if authorization else {}
    status, answer = send(engine, method, concrete, b"{}", **headers)
    assert answer["success"] is False
    assert answer["data"]["errorCode"] in {"390104", "390111", "390113", "390400"}
    assert status in (200, 401, 404)


@pytest.mark.attack
@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:{port}", "127.0.0.1", "127.0.0.1:1", "127.0.0.1:8099", ""]
)
def test_a_name_that_was_pointed_at_us_is_refused(engine: EngineStatus, host: str) -> None:
    """DNS rebinding: also the open endpoints answer to our own names only."""
    status, answer = send(engine, "GET", "/cleanroom/health", Host=host.format(port=engine.port))
    assert (status, answer["success"]) == (421, False)


@pytest.mark.attack
def test_web_pages_are_refused_and_nothing_allows_them(engine: EngineStatus) -> None:
    status, _ = send(engine, "GET", "/cleanroom/health", Origin="http://127.0.0.1")
    assert status == 403
    assert engine.host is not None
    connection = http.client.HTTPConnection(engine.host, engine.port, timeout=10)
    connection.request("GET", "/cleanroom/health")
    headers = {name.lower() for name, _ in connection.getresponse().getheaders()}
    connection.close()
    assert not {name for name in headers if name.startswith("access-control")}
    assert "server" not in headers


def raw(engine: EngineStatus, request: bytes) -> bytes:
    assert engine.host is not None
    with socket.create_connection((engine.host, engine.port or 0), timeout=10) as connection:
        answer = b""
        with suppress(OSError):  # it may have refused and closed before all was sent
            connection.sendall(request)
            connection.shutdown(socket.SHUT_WR)
        with suppress(ConnectionResetError):
            while piece := connection.recv(65536):
                answer += piece
    return answer


@pytest.mark.attack
def test_headers_are_bounded(engine: EngineStatus) -> None:
    head = f"GET /cleanroom/health HTTP/1.1\r\nHost: 127.0.0.1:{engine.port}\r\n".encode()
    assert b" 200 " in raw(engine, head + b"Connection: close\r\n\r\n").split(b"\r\n")[0]
    assert b" 200 " not in raw(engine, head + b"X: " + b"a" * (1 << 20) + b"\r\nConnection: close\r\n\r\n")
    many = b"".join(b"X-%d: 1\r\n" % number for number in range(100))
    assert b" 431 " in raw(engine, head + many + b"Connection: close\r\n\r\n").split(b"\r\n")[0]


@pytest.mark.attack
def test_two_hosts_or_authorizations_are_refused(engine: EngineStatus) -> None:
    head = f"GET /cleanroom/health HTTP/1.1\r\nHost: 127.0.0.1:{engine.port}\r\n".encode()
    for extra in (b"Host: evil.example\r\n", b"Authorization: a\r\nAuthorization: b\r\n"):
        assert b" 400 " in raw(engine, head + extra + b"Connection: close\r\n\r\n").split(b"\r\n")[0]


@pytest.mark.attack
def test_bodies_before_a_login_are_small(engine: EngineStatus) -> None:
    import gzip

    path = "/session/v1/login-request?requestId=x"
    assert send(engine, "POST", path, b"x" * (1 << 20))[0] == 413
    bomb = gzip.compress(b'{"data":"' + b"0" * (100 << 20) + b'"}')
    assert len(bomb) < 256 << 10
    assert send(engine, "POST", path, bomb, Content_Encoding="gzip")[0] == 413


def test_the_operators_secret_opens_the_admin_endpoints(engine: EngineStatus, engine_home: Home) -> None:
    secret = engine_home.operator_secret.read_text().strip()
    status, answer = send(engine, "GET", "/cleanroom/admin/accounts", Authorization=f"Bearer {secret}")
    assert status == 200
    assert isinstance(answer["accounts"], list)
    assert send(engine, "GET", "/cleanroom/admin/accounts", Authorization=f"Bearer {secret[:-1]}")[0] == 401


def test_an_endpoint_that_there_is_not_says_so_to_who_is_logged_in(engine: EngineStatus, make_account: Any) -> None:
    import snowflake.connector

    with snowflake.connector.connect(**make_account("gate_nobody")) as connection:
        token = connection.rest.token
        status, _ = send(engine, "GET", "/no/such", Authorization=f'Snowflake Token="{token}"')
    assert status == 404


@pytest.mark.parametrize(
    ("method", "path", "owner"),
    [
        ("POST", "/session/heartbeat", Owner("ACME")),
        ("GET", "/stage/download/{}/n", Owner("BETA")),
        ("GET", "/cleanroom/admin/accounts", ENGINE),
        ("POST", "/session/v1/login-request", None),
        ("POST", "/session/token-request", None),
    ],
)
def test_a_connection_becomes_whose_request_proved_it(method: str, path: str, owner: Owner | None) -> None:
    """The wiring of connections.py: until then it is a stranger's, and may go at any time."""
    capabilities = Capabilities(b"k" * 32)
    claimed: list[Owner] = []
    session = SimpleNamespace(account="ACME", job_id=None)

    async def app(scope: Any, receive: Any, send: Any) -> None:
        assert scope["state"]["caller"].owner == (owner or ENGINE)

    async def in_thread(work: Any, *arguments: Any) -> Any:
        return work(*arguments)

    gate = Gate(
        app, hosts=frozenset({"h:1"}), session_of=lambda token: session, known=lambda token: None, in_thread=in_thread,  # type: ignore[arg-type,return-value]
        capabilities=capabilities, operator_secret="ab",
    )  # fmt: skip
    claims = {"audience": "", "owner": "BETA", "object": "o", "size": 1}
    authorization = b"Bearer ab" if "admin" in path else b'Snowflake Token="t"'
    scope = {
        "type": "http", "method": method, "headers": [(b"host", b"h:1"), (b"authorization", authorization)],
        "path": path.format(capabilities.issue("download", claims, expires=9e9)),
        "state": {"connection": SimpleNamespace(belongs_to=claimed.append)},
    }  # fmt: skip
    asyncio.run(gate(scope, None, None))  # type: ignore[arg-type]
    assert claimed == ([] if owner is None else [owner])


def test_what_is_no_request_reaches_nothing() -> None:
    """Of what a server may tell an application, `lifespan` alone passes; a WebSocket has no handler and gets none."""
    reached: list[str] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        reached.append(scope["type"])

    gate = Gate(
        app, hosts=frozenset(), session_of=None, known=None, in_thread=None,  # type: ignore[arg-type]
        capabilities=Capabilities(b"k" * 32), operator_secret="ab",
    )  # fmt: skip
    for kind in ("lifespan", "websocket", "no such kind"):
        asyncio.run(gate({"type": kind}, None, None))  # type: ignore[arg-type]
    assert reached == ["lifespan"]


@pytest.mark.parametrize(
    ("method", "path", "raised", "code"),
    [
        ("POST", "/queries/v1/query-request", TokenExpired("s"), SESSION_TOKEN_EXPIRED),
        ("POST", "/queries/v1/query-request", SessionGone("s"), SESSION_GONE),
        ("GET", "/stage/download/{old}", None, None),
        ("GET", "/stage/download/{other}", None, None),
        ("GET", "/stage/download/{forged}", None, None),
    ],
)
def test_what_has_expired_or_is_for_another_opens_nothing(
    method: str, path: str, raised: Exception | None, code: int | None
) -> None:
    capabilities = Capabilities(b"k" * 32)
    claims = {"audience": "", "owner": "BETA", "object": "o", "size": 1}
    path = path.format(
        old=capabilities.issue("download", claims, expires=1),
        other=capabilities.issue("download", {**claims, "audience": "JOB_A"}, expires=9e9),
        forged=Capabilities(b"f" * 32).issue("download", claims, expires=9e9),
    )
    sent: list[dict[str, Any]] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        raise AssertionError("it was let in")

    def session_of(token: str) -> Any:
        assert raised is not None
        raise raised

    async def in_thread(work: Any, *arguments: Any) -> Any:
        return work(*arguments)

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    gate = Gate(
        app, hosts=frozenset({"h:1"}), session_of=session_of, known=lambda token: None, in_thread=in_thread,  # type: ignore[arg-type,return-value]
        capabilities=capabilities, operator_secret="ab",
    )  # fmt: skip
    headers = [(b"host", b"h:1"), (b"authorization", b'Snowflake Token="t"')]
    asyncio.run(gate({"type": "http", "method": method, "headers": headers, "path": path}, None, send))  # type: ignore[arg-type]
    answer = json.loads(sent[-1]["body"])
    assert answer["success"] is False
    assert sent[0]["status"] in (200, 400, 404)
    if code is not None:
        assert int(answer["code"]) == code
