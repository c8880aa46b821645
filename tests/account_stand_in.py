"""Something that listens where an account would, and answers as it is told: the other side's part.

The forms are the connector's own expectations (`auth/_auth.py`, `network.py`): what it reads of a login's answer, which
numbers it knows, what an HTTP status does. Nothing of the embedded engine is in here.
"""

from __future__ import annotations

import gzip
import json
import re
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Answer = dict[str, Any]


def accepted(**data: object) -> Answer:
    """A login that went well."""
    session = {"databaseName": None, "schemaName": None, "warehouseName": None, "roleName": "PUBLIC"}
    told = {"token": "t", "masterToken": "m", "parameters": [], "sessionId": 1, "sessionInfo": session, **data}
    return {"success": True, "code": None, "message": None, "data": told}


def refused(code: str, message: str) -> Answer:
    """A login, or a statement, that was refused."""
    return {"success": False, "code": code, "message": message, "data": {"sqlState": "42501", "queryId": "01-q"}}


def rows(names: list[str], *values: list[str | None]) -> Answer:
    """A statement's rows, as JSON."""
    columns = [
        {
            "name": name,
            "type": "text",
            "nullable": True,
            "length": 100,
            "byteLength": 400,
            "scale": None,
            "precision": None,
        }
        for name in names
    ]
    data = {"rowtype": columns, "rowset": list(values), "total": len(values), "returned": len(values),
            "queryId": "01-q", "queryResultFormat": "json", "parameters": [], "statementTypeId": 4096}  # fmt: skip
    return {"success": True, "code": None, "message": None, "data": data}


@dataclass
class Account:
    """What it answers, and what it was sent."""

    login: Answer = field(default_factory=accepted)
    statement: Callable[[str], Answer] = lambda sql: rows(["status"], ["Statement executed successfully."])
    http_status: int = 200
    port: int = 0
    logins: list[dict[str, Any]] = field(default_factory=list)
    addresses: list[str] = field(default_factory=list)
    statements: list[str] = field(default_factory=list)

    @property
    def settings(self) -> dict[str, object]:
        return {"account": "org-acc", "host": "127.0.0.1", "port": self.port, "protocol": "http", "login_timeout": 2}


@dataclass(frozen=True)
class Sent:
    """A request: where to, with which session's token, and what stood in it."""

    path: str
    token: str
    body: Answer


@contextmanager
def answering(reply: Callable[[Sent], Answer | None], status: Callable[[], int] = lambda: 200) -> Iterator[int]:
    """Somebody answers on a port of its own; None: the connection breaks instead."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True  # head and body go out one by one: 40 ms of each answer

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            if self.headers.get("Content-Encoding") == "gzip":
                body = gzip.decompress(body)
            self._tell(json.loads(body or b"{}"))

        def do_GET(self) -> None:
            self._tell({})

        def _tell(self, body: Answer) -> None:
            token = re.search(r'Token="([^"]+)"', self.headers.get("Authorization") or "")
            answer = reply(Sent(self.path, token[1] if token else "", body))
            if answer is None:
                self.close_connection = True
                self.connection.shutdown(socket.SHUT_RDWR)
                return
            content = json.dumps(answer).encode()
            self.send_response(status())
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def listening(account: Account) -> Iterator[Account]:
    """The account listens on a port of its own."""
    with answering(lambda sent: _answered(account, sent.path, sent.body), lambda: account.http_status) as port:
        account.port = port
        yield account


def _answered(account: Account, path: str, body: dict[str, Any]) -> Answer:
    if "login-request" in path:
        account.logins.append(body["data"])
        account.addresses.append(path)
        return account.login
    if "query-request" in path:
        account.statements.append(body["sqlText"])
        return account.statement(body["sqlText"])
    return {"success": True, "data": {}}
