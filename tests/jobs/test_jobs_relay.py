from __future__ import annotations

import socket
import threading
import time

import pytest

from cleanroom_ml.engine.jobs.files import short_path
from cleanroom_ml.engine.jobs.relay import Relay


class Echo:
    """A front that answers with what it gets, until it is killed."""

    def __init__(self, path):
        self.path = path
        path.unlink(missing_ok=True)
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(path))
        self.listener.listen(64)
        self.accepted = []
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            self.accepted.append(connection)
            threading.Thread(target=self.echo, args=(connection,), daemon=True).start()

    def echo(self, connection):
        try:
            while data := connection.recv(65536):
                connection.sendall(data)
            connection.sendall(b"<end>")
            connection.shutdown(socket.SHUT_WR)
        except OSError:
            return

    def kill(self):
        # The socket's file stays, as after kill -9.
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for connection in self.accepted:
            connection.shutdown(socket.SHUT_RDWR)
            connection.close()


@pytest.fixture
def relay(home):
    relay = Relay(home / "job.sock", home / "front.sock", patience_seconds=3, connections=4)
    relay.start()
    yield relay
    relay.stop()


@pytest.fixture
def connect(home, relay):
    opened = []

    def connect():
        client = socket.socket(socket.AF_UNIX)
        client.settimeout(10)
        client.connect(str(home / "job.sock"))
        opened.append(client)
        return client

    yield connect
    for client in opened:
        client.close()


def read_all(client):
    data = b""
    while part := client.recv(65536):
        data += part
    return data


def test_carries_both_ways_and_half_closed(home, connect):
    front = Echo(home / "front.sock")
    client = connect()
    sent = bytes(range(256)) * 8192
    threading.Thread(target=lambda: (client.sendall(sent), client.shutdown(socket.SHUT_WR))).start()
    assert read_all(client) == sent + b"<end>"
    front.kill()


@pytest.mark.parametrize("stale", [False, True], ids=["no socket", "socket of a dead front"])
def test_waits_for_a_front_that_comes_back(home, connect, stale):
    if stale:
        Echo(home / "front.sock").kill()
    client = connect()
    client.sendall(b"early")
    time.sleep(0.5)
    front = Echo(home / "front.sock")
    assert client.recv(5) == b"early"
    client.sendall(b"late")
    client.shutdown(socket.SHUT_WR)
    assert read_all(client) == b"late<end>"
    front.kill()


def test_a_request_whose_client_has_left_meanwhile_never_arrives(home, connect):
    gone, waiting = connect(), connect()
    gone.sendall(b"insert")
    gone.shutdown(socket.SHUT_WR)
    waiting.sendall(b"insert again")
    time.sleep(0.5)
    front = Echo(home / "front.sock")
    assert waiting.recv(12) == b"insert again"
    assert len(front.accepted) == 1
    front.kill()


def test_gives_up_after_its_patience(home, connect):
    client = connect()
    client.sendall(b"x")
    began = time.monotonic()
    assert read_all(client) == b""
    assert 2.5 < time.monotonic() - began < 6


def test_a_dead_front_closes_the_job_side(home, connect):
    front = Echo(home / "front.sock")
    client = connect()
    client.sendall(b"x")
    assert client.recv(10) == b"x"
    front.kill()
    assert read_all(client) == b""


@pytest.mark.attack
def test_a_job_cannot_open_any_number_of_connections(home, connect):
    front = Echo(home / "front.sock")
    held = [connect() for _ in range(4)]
    for client in held:
        client.sendall(b"x")
        assert client.recv(1) == b"x"
    assert read_all(connect()) == b""
    held[0].close()
    time.sleep(0.3)
    again = connect()
    again.sendall(b"y")
    assert again.recv(1) == b"y"
    front.kill()


def test_a_path_longer_than_a_socket_address_works(home):
    deep = home / ("d" * 100) / ("e" * 100)
    deep.mkdir(parents=True)
    relay = Relay(deep / "job.sock", deep / "front.sock", patience_seconds=1)
    relay.start()
    with socket.socket(socket.AF_UNIX) as listener:
        with short_path(deep / "front.sock") as path:
            listener.bind(path)
        listener.listen()
        with socket.socket(socket.AF_UNIX) as client:
            with short_path(deep / "job.sock") as path:
                client.connect(path)
            client.sendall(b"hello")
            connection, _ = listener.accept()
            with connection:
                assert connection.recv(5) == b"hello"
    relay.stop()
    assert not (deep / "job.sock").exists()
    relay.stop()
