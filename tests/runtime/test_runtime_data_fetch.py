"""Chunks over HTTP: asked for again where nobody answers or the answer breaks off, given up where they are gone."""

from __future__ import annotations

import gzip
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from cleanroom_ml.runtime.data import fetch, http_get
from cleanroom_ml.runtime.data.fetch import ChunkUnavailableError

BODY = bytes(range(256)) * 5000


class Handler(BaseHTTPRequestHandler):
    """`/fail/…`: the first three requests of each path are a broken connection, half an answer, and HTTP 503."""

    protocol_version = "HTTP/1.1"
    asked: dict[str, int]

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        number = self.asked[self.path] = self.asked.get(self.path, 0) + 1
        if self.path == "/gone" or self.headers.get("X-Open") != "sesame":
            self.answer(410, b"gone")
        elif not self.path.startswith("/fail") or number > 3:
            self.answer(200, gzip.compress(BODY) if self.path == "/zip" else BODY)
        elif number == 3:
            self.answer(503, b"busy")
        else:
            self.answer(200, BODY, BODY[: number * 1000 - 1000])

    def answer(self, status: int, body: bytes, sent: bytes | None = None) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body if sent is None else sent)
        self.close_connection = sent is not None


@pytest.fixture
def server() -> Iterator[str]:
    Handler.asked = {}
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        thread = threading.Thread(target=running.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{running.server_port}"
        running.shutdown()
        thread.join()


OPEN = {"X-Open": "sesame"}


@pytest.mark.parametrize("path", ["/plain", "/zip", "/fail"])
def test_a_body_arrives_whole(server: str, path: str) -> None:
    for _ in range(2):
        assert fetch.fetch(f"{server}{path}", OPEN).to_pybytes() == BODY
    assert Handler.asked[path] == (5 if path == "/fail" else 2)


def test_what_is_gone_is_not_asked_for_again(server: str) -> None:
    for path, headers in (("/gone", OPEN), ("/plain", {})):
        with pytest.raises(ChunkUnavailableError, match=r"HTTP 410"):
            fetch.fetch(f"{server}{path}", headers)
        assert Handler.asked[path] == 1
    assert fetch.fetch(f"{server}/plain", OPEN).to_pybytes() == BODY


def test_patience_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_get, "_PATIENCE_SECONDS", 0.3)
    with pytest.raises(ChunkUnavailableError, match=r"did not arrive: .*refused"):
        fetch.fetch("http://127.0.0.1:9/x", {})
