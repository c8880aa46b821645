"""Who sent a request: what the gate found out is handed on, and nobody is taken for somebody."""

from __future__ import annotations

import os
import socket

import pytest
from starlette.requests import Request

from cleanroom_ml.engine.http.callers import caller_of, connection_of, owner_of, sender_of, session_of
from cleanroom_ml.engine.http.gate import Access, Caller
from cleanroom_ml.engine.load.owners import Owner
from cleanroom_ml.engine.storage.sessions import Session

SESSION = Session("1", "ACME", "ANA", "R")


def request(**state: object) -> Request:
    return Request({"type": "http", "headers": [], "state": state})


def test_what_the_gate_found_out_is_what_handlers_go_by() -> None:
    caller = Caller(Access.SESSION, "http://front", "front", "", SESSION)
    given = request(caller=caller, connection=caller)
    assert (caller_of(given), session_of(given), connection_of(given)) == (caller, SESSION, caller)
    assert owner_of(given) == caller.owner == Owner("ACME")
    assert connection_of(request(caller=caller)) is connection_of(Request({"type": "http"})) is None


@pytest.mark.attack
def test_whom_the_gate_does_not_know_has_no_session() -> None:
    with pytest.raises(KeyError):
        caller_of(request())
    with pytest.raises(AssertionError, match="nobody without a session"):
        session_of(request(caller=Caller(Access.OPEN, "http://front", "front", "")))


def test_a_sender_is_known_by_its_socket_alone() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        ours = listener.getsockname()
        with socket.create_connection(ours) as peer:
            assert sender_of({"client": peer.getsockname(), "server": ours}) == str(os.geteuid())
        assert sender_of({"client": ("127.0.0.1", 1), "server": ours}) == ""
    assert sender_of({}) == sender_of({"client": None, "server": ours}) == ""
    assert sender_of({"client": ours, "server": ("/run/job.sock", None)}) == "", "a job's own socket has no port"
