"""Something that listens where an account would, and answers as it is told: the other side's part.

The forms are the connector's own expectations (`auth/_auth.py`, `network.py`): what it reads of a login's answer, which
numbers it knows, what an HTTP status does. Nothing of the embedded engine is in here.
"""

from __future__ import annotations

import gzip
import json
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


@contextmanager
def listening(account: Account) -> Iterator[Account]:
    """The account listens on a port of its own."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.headers.get("Content-Encoding") == "gzip":
                body = gzip.decompress(body)
            self._tell(_answered(account, self.path, json.loads(body or b"{}")))

        def do_GET(self) -> None:
            self._tell({"success": True, "data": {}})

        def _tell(self, answer: Answer) -> None:
            content = json.dumps(answer).encode()
            self.send_response(account.http_status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    account.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield account
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _answered(account: Account, path: str, body: dict[str, Any]) -> Answer:
    if "login-request" in path:
        account.logins.append(body["data"])
        account.addresses.append(path)
        return account.login
    if "query-request" in path:
        account.statements.append(body["sqlText"])
        return account.statement(body["sqlText"])
    return {"success": True, "data": {}}
