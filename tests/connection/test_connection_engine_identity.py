"""Whoever listens where this home's engine was has to prove to be it, before it is sent anything."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from cleanroom_ml.connection import connect
from cleanroom_ml.connection.engine_identity import CONTEXT, PATH, known_identity, verify_engine
from cleanroom_ml.connection.target import resolve
from cleanroom_ml.errors import ConnectError

KEY = Ed25519PrivateKey.from_private_bytes(bytes(32))
OTHERS = Ed25519PrivateKey.from_private_bytes(bytes(31) + b"1")


def _text(value: bytes) -> str:
    return base64.b64encode(value).decode("ascii")


class Listener(HTTPServer):
    """Answers a question with `body`, where that is given, else with a signature by `key` over what was asked."""

    key = KEY
    signs_for: str | None = None
    body: bytes | None = None
    asked: list[str]

    def answer(self, path: str) -> bytes:
        if self.body is not None:
            return self.body
        nonce = parse_qs(urlsplit(path).query)["nonce"][0]
        address = self.signs_for or f"127.0.0.1:{self.server_port}"
        signed = CONTEXT + json.dumps(["home-1", address, nonce]).encode("ascii")
        return json.dumps({"signature": _text(self.key.sign(signed))}).encode()


class Handler(BaseHTTPRequestHandler):
    server: Listener

    def do_GET(self) -> None:
        self.server.asked.append(f"{self.command} {self.path.partition('?')[0]}")
        self.wfile.write(b"HTTP/1.0 200 OK\r\n\r\n" + self.server.answer(self.path))

    do_POST = do_GET

    def log_message(self, format: str, *args: object) -> None:
        pass


@contextmanager
def _listening() -> Iterator[Listener]:
    server = Listener(("127.0.0.1", 0), Handler)
    server.asked = []
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture(scope="module")
def listener() -> Iterator[Listener]:
    with _listening() as server:
        yield server


@pytest.fixture
def there(listener: Listener) -> Listener:
    """The engine itself, until a test makes somebody else of it."""
    listener.key, listener.signs_for, listener.body = KEY, None, None
    listener.asked.clear()
    return listener


@pytest.fixture
def engine_home(tmp_path: Path) -> Path:
    public_key = _text(KEY.public_key().public_bytes_raw())
    (tmp_path / "engine.json").write_text(json.dumps({"home_id": "home-1", "public_key": public_key}))
    return tmp_path


def test_the_engine_itself_is_believed(there: Listener, engine_home: Path) -> None:
    verify_engine(engine_home, host="127.0.0.1", port=there.server_port)


@pytest.mark.attack
@pytest.mark.parametrize(
    ("key", "signs_for", "body"),
    [
        (OTHERS, None, None),
        (KEY, "127.0.0.1:1", None),
        (KEY, None, b"{}"),
        (KEY, None, b"[]"),
        (KEY, None, b"no JSON"),
        (KEY, None, b'{"signature": "no base64!"}'),
        (KEY, None, b'{"signature": ' + b'"' + b"A" * 20_000 + b'"}'),
        (KEY, None, json.dumps({"signature": _text(KEY.sign(b"a question of somebody's"))}).encode()),
    ],
    ids=["another key", "another address", "nothing", "a list", "no JSON", "no base64", "without end", "no question"],
)
def test_whoever_proves_nothing_is_sent_nothing(
    there: Listener, engine_home: Path, key: Ed25519PrivateKey, signs_for: str | None, body: bytes | None
) -> None:
    there.key, there.signs_for, there.body = key, signs_for, body
    with pytest.raises(ConnectError, match="is not the engine of") as caught:
        verify_engine(engine_home, host="127.0.0.1", port=there.server_port)
    assert "no credentials were sent" in str(caught.value.why)


@pytest.fixture
def account(engine_home: Path, there: Listener, monkeypatch: pytest.MonkeyPatch) -> str:
    """An account of this home's engine, whose key is missing."""
    monkeypatch.setenv("CLEANROOM_ML_HOME", str(engine_home))
    settings = f"account='A'\nuser='U'\nprivate_key_file='/nowhere/key.p8'\nport={there.server_port}\n"
    (engine_home / "connections.toml").write_text(f"[local]\nhost='127.0.0.1'\nprotocol='http'\n{settings}")
    (engine_home / "connections.toml").chmod(0o600)
    return "local"


@pytest.mark.attack
def test_a_login_asks_who_listens_before_it_sends_anything(there: Listener, account: str) -> None:
    there.key = OTHERS
    with pytest.raises(ConnectError, match="is not the engine of"):
        connect(resolve(account))
    assert there.asked == [f"GET {PATH}"]


def test_an_account_whose_key_is_missing_says_where_its_settings_come_from(there: Listener, account: str) -> None:
    with pytest.raises(ConnectError, match="'local' cannot be used") as caught:
        connect(resolve(account))
    assert "/nowhere/key.p8" in str(caught.value.why)
    assert caught.value.fix == "cleanroom-ml connection explain local"
    assert there.asked == [f"GET {PATH}"]


@pytest.mark.attack
def test_an_engine_of_another_home_is_not_this_homes(there: Listener, engine_home: Path) -> None:
    values = json.loads((engine_home / "engine.json").read_text())
    (engine_home / "engine.json").write_text(json.dumps({**values, "home_id": "home-2"}))
    with pytest.raises(ConnectError, match="is not the engine of"):
        verify_engine(engine_home, host="127.0.0.1", port=there.server_port)


def test_nobody_who_answers_is_said_with_what_helps(engine_home: Path) -> None:
    with _listening() as gone:
        port = gone.server_port
    with pytest.raises(ConnectError, match=f"nobody answers at 127.0.0.1:{port}") as caught:
        verify_engine(engine_home, host="127.0.0.1", port=port)
    assert caught.value.fix == "cleanroom-ml engine start"


@pytest.mark.parametrize("text", ["{", "[]", "{}", '{"home_id": "x"}', "\x00"])
def test_a_description_that_no_engine_wrote_is_refused(engine_home: Path, text: str) -> None:
    (engine_home / "engine.json").write_text(text)
    with pytest.raises(ConnectError, match="not what an engine writes"):
        known_identity(engine_home)


def test_a_home_in_which_no_engine_ran_says_how_one_is_started(tmp_path: Path) -> None:
    with pytest.raises(ConnectError, match="no engine has run in") as caught:
        known_identity(tmp_path)
    assert caught.value.fix == "cleanroom-ml engine start"
