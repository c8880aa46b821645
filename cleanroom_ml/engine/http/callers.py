"""Who sent a request, as the gate and the connection know it."""

from __future__ import annotations

from starlette.requests import Request
from starlette.types import Scope

from cleanroom_ml.engine.http.connections import Connection
from cleanroom_ml.engine.http.gate import Caller
from cleanroom_ml.engine.http.peers import peer_uid
from cleanroom_ml.engine.load.owners import Owner
from cleanroom_ml.engine.storage.sessions import Session


def connection_of(request: Request) -> Connection | None:
    """The connection that it came by; None in a test without one."""
    found: Connection | None = request.scope.get("state", {}).get("connection")
    return found


def sender_of(scope: Scope) -> str:
    """Who is at the other end of a connection to the engine's address, as far as the machine knows."""
    peer, ours = scope.get("client"), scope.get("server")
    uid = peer_uid(peer, ours) if peer and ours and ours[1] else None
    return "" if uid is None else str(uid)


def owner_of(request: Request) -> Owner:
    """Whose load a request is."""
    return caller_of(request).owner


def caller_of(request: Request) -> Caller:
    """What the gate found out."""
    caller: Caller = request.scope["state"]["caller"]
    return caller


def session_of(request: Request) -> Session:
    """The session of a request whose path needs one."""
    session = caller_of(request).session
    assert session is not None, "the gate lets nobody without a session here"
    return session
