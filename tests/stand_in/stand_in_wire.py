"""Just enough of the connector's protocol (its `network.py`, `auth/`, `file_transfer_agent.py`): login, statements as
JSON, answers that come later, one request applied once however often it is sent, files brought to a stage.
"""

from __future__ import annotations

import gzip
import json
import re
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import stand_in_admin
import stand_in_registry
import stand_in_requests
import stand_in_rooms
import stand_in_running
import stand_in_sql
from stand_in_values import DATABASE, Answer, Refused, Rows, arguments, status, unknown_function
from stand_in_world import Session, World

PROCEDURES = {
    **stand_in_registry.PROCEDURES,
    **stand_in_rooms.PROCEDURES,
    **stand_in_requests.PROCEDURES,
    **stand_in_running.PROCEDURES,
    **stand_in_admin.PROCEDURES,
}
_CALL = re.compile(rf"\s*CALL\s+{DATABASE}\.(\w+\.\w+)\((.*)\)\s*\Z", re.IGNORECASE | re.DOTALL)
_ANY_CALL = re.compile(r"\s*CALL\s+([\w.]+)", re.IGNORECASE)


@dataclass
class Address:
    """A world that listens."""

    world: World
    scratch: Path
    port: int = 0
    sessions: dict[str, Session] = field(default_factory=dict)
    answers: dict[str, Answer] = field(default_factory=dict)
    dropped: set[str] = field(default_factory=set)
    waiting: dict[str, Answer] = field(default_factory=dict)
    aborted: list[str] = field(default_factory=list)
    lock: Any = field(default_factory=threading.Lock)

    def login(self, body: Answer, query: dict[str, list[str]]) -> Answer:
        told = body["data"]
        account = self.world.account(str(told["ACCOUNT_NAME"]))
        session = Session(account, str(told.get("LOGIN_NAME") or "ADA").upper())
        session.role = query.get("roleName", [session.role])[0].upper()
        session.warehouse = query.get("warehouse", [session.warehouse])[0].upper()
        token = self.world.number("token_")
        self.sessions[token] = session
        info = {"databaseName": None, "schemaName": None, "warehouseName": None, "roleName": session.role}
        data = {"token": token, "masterToken": "m", "parameters": [], "sessionId": 1, "sessionInfo": info}
        return {"success": True, "code": None, "message": None, "data": data}

    def query(self, session: Session, sql: str) -> Answer:
        self.world.statements.append((session.account.name, sql))
        query_id = self.world.number("01b2-query-")
        stand_in_sql.arrived(session, self.scratch)
        try:
            if sql.startswith("PUT "):
                data = stand_in_sql.put(self.world, session, sql, self.scratch)
                answer: Answer = {"success": True, "code": None, "message": None, "data": {**data, "queryId": query_id}}
            else:
                answer = self.world.said(sql, self._rows(session, sql)).wire(query_id)
        except Refused as refused:
            self.world.refused.append((sql, refused))
            data = {"sqlState": refused.sqlstate, "queryId": query_id}
            answer = {"success": False, "code": f"{refused.code:06d}", "message": refused.message, "data": data}
        if self.world.shape.asynchronous and "COLLABORATION.RUN(" in sql:
            self.waiting[query_id] = answer
            data = {"getResultUrl": f"/queries/{query_id}/result", "queryId": query_id}
            return {"success": True, "code": "333333", "message": "Query execution in progress.", "data": data}
        return answer

    def _rows(self, session: Session, sql: str) -> Rows:
        if (called := _ANY_CALL.match(sql)) is None:
            return stand_in_sql.answered(self.world, session, sql)
        match = _CALL.match(sql)
        procedure = PROCEDURES.get(match[1].upper()) if match else None
        if match is None or procedure is None:
            raise unknown_function(called[1].upper())
        try:
            return self.world.shape.rows(procedure(self.world, session, arguments(match[2])))
        except (ValueError, TypeError) as error:  # the number or the types of the arguments
            raise unknown_function(f"{called[1].upper()} ({error})") from error

    def drops(self, request: str, sql: str) -> bool:
        """Whether the answer is never to be sent."""
        for drop in list(self.world.drops):
            if drop.word in sql:
                self.world.drops.remove(drop)
                if drop.again:
                    self.dropped.add(request)
                return True
        return request in self.dropped


@contextmanager
def listening(world: World, scratch: Path) -> Iterator[Address]:
    """The world listens on a port of its own."""
    address = Address(world, scratch)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True  # head and body go out one by one: 40 ms of each answer

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            if self.headers.get("Content-Encoding") == "gzip":
                body = gzip.decompress(body)
            with address.lock:
                self._post(json.loads(body or b"{}"))

        def _post(self, body: Answer) -> None:
            path = urlsplit(self.path).path
            if path.endswith("/login-request"):
                return self._tell(address.login(body, parse_qs(urlsplit(self.path).query)))
            if path.endswith("/abort-request"):
                address.aborted.append(str(body.get("requestId")))
            if not path.endswith("/query-request"):
                return self._tell({"success": True, "data": {"sessionToken": "t", "masterToken": "m"}})
            token = re.search(r'Token="([^"]+)"', self.headers.get("Authorization") or "")
            session = address.sessions.get(token[1]) if token else None
            if session is None:
                return self._tell({"success": False, "code": "390104", "message": "Session gone.", "data": {}})
            request = parse_qs(urlsplit(self.path).query)["requestId"][0]
            if request not in address.answers:
                address.answers[request] = address.query(session, body["sqlText"])
            if address.drops(request, body["sqlText"]):
                self.close_connection = True
                self.connection.shutdown(socket.SHUT_RDWR)
                return None
            return self._tell(address.answers[request])

        def do_GET(self) -> None:
            found = re.match(r"/queries/([^/]+)/result", self.path)
            with address.lock:
                self._tell(address.waiting[found[1]] if found else status("ok").wire("q"))

        def _tell(self, answer: Answer) -> None:
            content = json.dumps(answer).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    address.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield address
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
