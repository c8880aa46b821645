"""SIGTERM ends an engine within ten seconds, whatever it is doing, and nothing of it is left running."""

from __future__ import annotations

import os
import signal
import socket
import sqlite3
import threading
import time
from contextlib import closing, suppress
from pathlib import Path

import pytest
from guarantees_load import BLOCK, FOREVER, Client, until
from guarantees_world import login

from cleanroom_ml.engine.home.paths import Home
from cleanroom_ml.engine.sandbox.processes import tree
from cleanroom_ml.local import accounts
from cleanroom_ml.local import engine as local_engine

pytestmark = pytest.mark.sandbox

PROMISED_SECONDS = 10


@pytest.fixture
def engine_pid(fresh_home: Home) -> int:
    for account in ("alpha", "beta"):
        accounts.create(account, home=fresh_home)
    pid = local_engine.status(fresh_home).pid
    assert pid is not None
    return pid


def gone(pid: int) -> bool:
    """Whether the process is no more, or waits only for its parent to look."""
    try:
        return ") Z " in Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return True


def stop_and_see(pid: int) -> None:
    everything = [each for each in tree(pid) if each != pid]
    began = time.monotonic()
    os.kill(pid, signal.SIGTERM)
    until(lambda: gone(pid), PROMISED_SECONDS + 5)
    took = time.monotonic() - began
    print(f"stopped in {took:.1f} s")
    assert took < PROMISED_SECONDS
    until(lambda: all(gone(each) for each in everything), 5)


@pytest.mark.slow
@pytest.mark.parametrize("hang", ["nothing", "a sandbox", "the catalog"])
def test_a_busy_engine(fresh_home: Home, engine_pid: int, hang: str) -> None:
    """Endless statements and blocks of two accounts, more that wait for their turn, half a body; and then something
    that does not end when it is told to.
    """
    sessions = [login(fresh_home, account) for account in ("alpha", "beta") for _ in range(8)]
    clients = [Client(fresh_home, each) for each in sessions]
    threads = []
    for number, client in enumerate(clients):
        client.begin(FOREVER if number % 2 else BLOCK)
        client.begin("SELECT 1")
        threads.append(threading.Thread(target=lambda each=client: _ask(each), daemon=True))
        threads[-1].start()
    half = socket.create_connection((clients[0].host, clients[0].port))
    half.sendall(
        b"POST /queries/v1/query-request?requestId=4dc4e6b7-0e5c-4b3c-9d5e-6a4f2c1d0b9a HTTP/1.1\r\n"
        + f"Host: {clients[0].host}:{clients[0].port}\r\n".encode()
        + f'Authorization: Snowflake Token="{clients[0].token}"\r\nContent-Length: 100000\r\n\r\n{{'.encode()
    )
    time.sleep(1)
    if hang == "a sandbox":
        _stop_one(engine_pid)
    with half, closing(sqlite3.connect(fresh_home.path / "catalog.sqlite", isolation_level=None, timeout=20)) as other:
        if hang == "the catalog":
            other.execute("BEGIN IMMEDIATE")
        stop_and_see(engine_pid)
    for session in sessions:
        with suppress(Exception):
            session._connection._rest = None  # nobody is there to log out from


def _ask(client: Client) -> None:
    with suppress(OSError, ValueError):
        client.send(FOREVER, asynchronous=False)


def _stop_one(pid: int) -> None:
    """Stop one of the engine's processes, as one that hangs in the kernel would be."""
    child = next(each for each in tree(pid) if each != pid)
    os.kill(child, signal.SIGSTOP)
