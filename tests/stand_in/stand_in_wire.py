"""Just enough of the connector's protocol (its `network.py`, `auth/`, `file_transfer_agent.py`): login, statements as
JSON, answers that come later, one request applied once however often it is sent, files brought to a stage.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import stand_in_admin
import stand_in_registry
import stand_in_requests
import stand_in_rooms
import stand_in_running
import stand_in_sql
from account_stand_in import Sent, accepted, answering
from stand_in_values import DATABASE, Answer, Refused, Rows, arguments, unknown_function
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
        session_info = {"databaseName": None, "schemaName": None, "warehouseName": None, "roleName": session.role}
        return accepted(token=token, sessionInfo=session_info)

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

    def reply(sent: Sent) -> Answer | None:
        with address.lock:
            return _reply(address, sent)

    with answering(reply) as address.port:
        yield address


def _reply(address: Address, sent: Sent) -> Answer | None:
    path, query = urlsplit(sent.path).path, parse_qs(urlsplit(sent.path).query)
    if found := re.match(r"/queries/([^/]+)/result", path):
        return address.waiting[found[1]]
    if path.endswith("/login-request"):
        return address.login(sent.body, query)
    if path.endswith("/abort-request"):
        address.aborted.append(str(sent.body.get("requestId")))
    if not path.endswith("/query-request"):
        return {"success": True, "data": {"sessionToken": "t", "masterToken": "m"}}
    session = address.sessions.get(sent.token)
    if session is None:
        return {"success": False, "code": "390104", "message": "Session gone.", "data": {}}
    request, text = query["requestId"][0], sent.body["sqlText"]
    if request not in address.answers:
        address.answers[request] = address.query(session, text)
    return None if address.drops(request, text) else address.answers[request]
