"""A job's socket: its own token and nothing else opens it, its token opens nothing else, and it dies with the job."""

from __future__ import annotations

import asyncio
import hashlib
import http.client
import json
import os
import socket
import threading
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cleanroom_ml.engine.assembly.engine import Engine
from cleanroom_ml.engine.contracts.job import JobFile, JobRequest
from cleanroom_ml.engine.home.paths import Home
from cleanroom_ml.engine.http.job_sockets import SOCKET_NAME, JobSocketServer
from cleanroom_ml.engine.http.server import serve
from cleanroom_ml.engine.login import logins
from cleanroom_ml.engine.protocol.results import CHUNK_HEADER
from cleanroom_ml.evidence.pinned_job import PinnedJob
from cleanroom_ml.local import engine as local_engine
from cleanroom_ml.local import operator

pytestmark = pytest.mark.sandbox

TOKENS = {"JOB_A": "a" * 43, "JOB_B": "b" * 43}


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: Path) -> None:
        super().__init__("127.0.0.1:8099", timeout=30)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(30)
        self.sock.connect(str(self._path))


class Front:
    """A whole front in this process, on its own thread, so that jobs' sockets can be opened without running jobs."""

    def __init__(self, home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
        self.home = home
        self.engine: Engine | None = None
        ready = threading.Event()
        start = Engine.start

        def remember(engine: Engine, sockets: Any) -> None:
            start(engine, sockets)
            self.engine = engine
            ready.set()

        monkeypatch.setattr(Engine, "start", remember)
        loop = asyncio.unix_events._UnixSelectorEventLoop  # type: ignore[attr-defined]
        monkeypatch.setattr(loop, "add_signal_handler", lambda *_: None)
        self.thread = threading.Thread(
            target=serve, args=(home,), kwargs={"host": "127.0.0.1", "port": None, "isolated": True}
        )
        self.thread.start()
        assert ready.wait(30)

    def add_job(self, job_id: str, account: str) -> None:
        assert self.engine is not None
        request = JobRequest(
            account=account, user="ANN", collaboration="C", runner="R", application="SFDCR_C", template_id="t",
            code_spec_id="c", job=PinnedJob("j", "main.py", allow_monitoring=True),
            files=(JobFile("main.py", 1, "0" * 64),),
            args_json="{}",
            pool="NO_SUCH_POOL", nodes=1, warehouse="COMPUTE_WH",
            approval_digest="", result_limit_bytes=1, scope={},
        )  # fmt: skip
        self.engine.jobs._store.add(job_id, request)
        (self.home.jobs / job_id).mkdir(parents=True, exist_ok=True)
        self.engine._sockets.open_job_socket(job_id, hashlib.sha256(TOKENS[job_id].encode()).hexdigest())

    def ask(
        self,
        at: str | None,
        method: str,
        path: str,
        body: dict[str, Any] | None = None,
        *,
        token: str = "",
        host: str = "",
        chunk: str = "",
    ) -> dict[str, Any]:
        """`at`: a job's id; None for the engine's address."""
        if at is None:
            name, port = operator.address(self.home)
            connection: http.client.HTTPConnection = http.client.HTTPConnection(name, port, timeout=30)
        else:
            connection = UnixConnection(self.home.jobs / at / "front.sock")
        headers = {"Content-Type": "application/json"} | ({"Host": host} if host else {})
        if chunk:
            headers[CHUNK_HEADER] = chunk
        if token:
            headers["Authorization"] = f'Snowflake Token="{token}"'
        connection.request(method, path, None if body is None else json.dumps(body), headers)
        raw = connection.getresponse().read()
        connection.close()
        answer: dict[str, Any] = json.loads(raw)
        return answer

    def login(
        self, at: str | None, account: str, secret: str, authenticator: str = "OAUTH", user: str = "ANN"
    ) -> dict[str, Any]:
        key = "PASSWORD" if authenticator == "SNOWFLAKE" else "TOKEN"
        data = {"ACCOUNT_NAME": account, "LOGIN_NAME": user, "AUTHENTICATOR": authenticator, key: secret}
        return self.ask(at, "POST", "/session/v1/login-request", {"data": data})


@pytest.fixture
def front(fresh_home: Home, monkeypatch: pytest.MonkeyPatch) -> Iterator[Front]:
    running = Front(fresh_home, monkeypatch)
    for account in ("ALPHA", "BETA"):
        operator.call(
            fresh_home,
            "POST",
            "/cleanroom/admin/accounts",
            {"name": account, "user": "ANN", "password": "correct horse"},
        )
    running.add_job("JOB_A", "ALPHA")
    running.add_job("JOB_B", "BETA")
    yield running
    local_engine.stop(fresh_home)
    running.thread.join(30)


@pytest.mark.attack
def test_a_token_opens_its_own_socket_only(front: Front, monkeypatch: pytest.MonkeyPatch) -> None:
    assert front.login("JOB_A", "ALPHA", TOKENS["JOB_A"])["success"] is True
    assert front.login("JOB_B", "BETA", TOKENS["JOB_B"])["success"] is True
    refused = [
        front.login(None, "ALPHA", TOKENS["JOB_A"]),
        front.login("JOB_B", "ALPHA", TOKENS["JOB_A"]),
        front.login("JOB_B", "BETA", TOKENS["JOB_A"]),
        front.login("JOB_A", "BETA", TOKENS["JOB_A"]),
        front.login("JOB_A", "ALPHA", TOKENS["JOB_A"], user="BOB"),
        front.login("JOB_A", "ALPHA", "x" * 43),
        front.login("JOB_A", "ALPHA", "correct horse", "SNOWFLAKE"),
    ]
    assert [answer["success"] for answer in refused] == [False] * len(refused)
    assert front.login(None, "ALPHA", "correct horse", "SNOWFLAKE")["success"] is True
    monkeypatch.setattr(logins, "MAX_SESSIONS_OF_A_JOB", 3)
    more = [front.login("JOB_A", "ALPHA", TOKENS["JOB_A"]) for _ in range(4)]
    assert [answer["success"] for answer in more] == [True, True, False, False], "a job's sessions are bounded"
    assert "at most 3 sessions" in more[-1]["message"]
    assert front.login("JOB_B", "BETA", TOKENS["JOB_B"])["success"] is True


@pytest.mark.attack
def test_sessions_do_not_change_sockets(front: Front) -> None:
    job = front.login("JOB_A", "ALPHA", TOKENS["JOB_A"])["data"]
    person = front.login(None, "ALPHA", "correct horse", "SNOWFLAKE")["data"]
    for at, token in ((None, job["token"]), ("JOB_B", job["token"]), ("JOB_A", person["token"])):
        answer = front.ask(at, "POST", "/session/heartbeat", {}, token=token)
        assert (answer["success"], answer["code"]) == (False, "390111")
    assert front.ask("JOB_A", "POST", "/session/heartbeat", {}, token=job["token"])["success"] is True
    body = {"oldSessionToken": "x", "requestType": "RENEW"}
    assert front.ask(None, "POST", "/session/token-request", body, token=job["masterToken"])["success"] is False


@pytest.mark.attack
def test_a_job_does_not_reach_what_is_not_for_jobs(front: Front) -> None:
    secret = front.home.operator_secret.read_text().strip()
    nonce = "n" * 43
    assert front.ask("JOB_A", "GET", f"/cleanroom/identity?nonce={nonce}")["success"] is False
    assert front.ask("JOB_A", "GET", "/cleanroom/health")["success"] is False
    connection = UnixConnection(front.home.jobs / "JOB_A" / "front.sock")
    connection.request("POST", "/cleanroom/admin/stop", "{}", {"Authorization": f"Bearer {secret}"})
    assert connection.getresponse().status == 401
    connection.close()
    _, port = operator.address(front.home)
    for host in ("evil.example", f"127.0.0.1:{port}"):
        assert front.ask("JOB_A", "POST", "/session/v1/login-request", {}, host=host)["success"] is False


@pytest.mark.attack
def test_results_stay_behind_their_socket(front: Front) -> None:
    """The same account, the same user: still what a person asked is not for a job, nor the other way round."""
    person = front.login(None, "ALPHA", "correct horse", "SNOWFLAKE")["data"]["token"]
    job = front.login("JOB_A", "ALPHA", TOKENS["JOB_A"])["data"]["token"]
    sql = {"sqlText": "select 4711"}
    asked = front.ask(None, "POST", f"/queries/v1/query-request?requestId={uuid.uuid4()}", sql, token=person)
    query_id = asked["data"]["queryId"]
    assert asked["success"] is True
    assert front.ask(None, "GET", f"/queries/{query_id}/result", token=person)["success"] is True
    assert front.ask("JOB_A", "GET", f"/queries/{query_id}/result", token=job)["success"] is False
    assert front.ask("JOB_A", "GET", f"/monitoring/queries/{query_id}", token=job)["data"]["queries"] == []
    assert front.engine is not None
    claims = {"query": query_id, "object": "0" * 64, "size": 1, "ticket": "t", "name": "n", "gzip": False}
    for audience, sockets in (("JOB_A", [None, "JOB_B"]), ("", ["JOB_A", "JOB_B"])):
        for purpose, method, path in (
            ("chunk", "GET", f"/chunks/{query_id}/0"),
            ("upload", "PUT", "/stage/upload/{}/n"),
            ("download", "GET", "/stage/download/{}/n"),
        ):
            capability = front.engine.capabilities.issue(purpose, claims | {"audience": audience}, expires=9e9)
            for at in sockets:
                answer = front.ask(at, method, path.format(capability), chunk=capability)
                assert answer["message"] == "Not found.", "a capability is good at its own socket only"
            if purpose != "chunk":  # at its own it is looked at: there is no such ticket or file
                own = front.ask(audience or None, method, path.format(capability))
                assert own["message"] != "Not found."


def test_the_socket_closes_with_the_job_and_opens_again(front: Front) -> None:
    job = front.login("JOB_A", "ALPHA", TOKENS["JOB_A"])["data"]["token"]
    assert front.engine is not None
    connected = UnixConnection(front.home.jobs / "JOB_A" / "front.sock")
    connected.request("POST", "/session/heartbeat", "{}", {"Content-Type": "application/json"})
    connected.getresponse().read()
    front.engine._sockets.close_job_socket("JOB_A")
    assert connected.sock.recv(1) == b"", "what is connected is broken with it"
    connected.close()
    front.engine._sockets.close_job_socket("JOB_A")
    with pytest.raises((FileNotFoundError, ConnectionRefusedError)):
        front.login("JOB_A", "ALPHA", TOKENS["JOB_A"])
    front.engine._sockets.open_job_socket("JOB_A", hashlib.sha256(TOKENS["JOB_A"].encode()).hexdigest())
    assert front.ask("JOB_A", "POST", "/session/heartbeat", {}, token=job)["success"] is False
    assert front.login("JOB_A", "ALPHA", TOKENS["JOB_A"])["success"] is True
    assert (front.home.jobs / "JOB_A" / "front.sock").stat().st_mode & 0o777 == 0o600
    with pytest.raises(ValueError, match="not the id"):
        front.engine._sockets.open_job_socket("../x", "0" * 64)


def test_a_socket_is_opened_once_and_nothing_is_left_where_it_cannot_be(tmp_path: Path) -> None:
    async def tried() -> None:
        sockets = JobSocketServer(tmp_path, None, asyncio.get_running_loop())  # type: ignore[arg-type]
        (tmp_path / "JOB_A").mkdir()
        await sockets._open("JOB_A")
        first = (tmp_path / "JOB_A" / SOCKET_NAME).stat().st_ino
        await sockets._open("JOB_A")
        assert (tmp_path / "JOB_A" / SOCKET_NAME).stat().st_ino == first
        (tmp_path / "JOB_B" / SOCKET_NAME / "something").mkdir(parents=True)
        before = len(os.listdir("/proc/self/fd"))
        with pytest.raises(OSError):
            await sockets._open("JOB_B")
        assert len(os.listdir("/proc/self/fd")) == before
        await sockets.close_all()
        await sockets._close("JOB_A")  # closed already

    asyncio.run(tried())
    with pytest.raises(ValueError, match="not the id of a job"):
        JobSocketServer(tmp_path, None, None).open("../JOB_A")  # type: ignore[arg-type]
