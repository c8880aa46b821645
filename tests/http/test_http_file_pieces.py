"""Answers that are parts of files: every byte, however it is taken, and little of it in the front's memory."""

from __future__ import annotations

import asyncio
import os
import socket
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h11
import pytest
import uvicorn
from starlette.types import Receive, Scope, Send
from uvicorn.server import ServerState

from cleanroom_ml.engine.http import connections, file_pieces
from cleanroom_ml.engine.http.connections import MAX_HEAD_BYTES, Connection, Connections
from cleanroom_ml.engine.http.file_pieces import PIECE, FileAnswer, Framing, PieceTransport

SIZE = 9 * PIECE + 77
BEGIN = 1000


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("pieces") / "file"
    path.write_bytes(os.urandom(BEGIN + SIZE + 5))
    return path


async def directly(work: Callable[..., Any], *given: Any) -> Any:
    return work(*given)


def served(answer: Callable[[], FileAnswer], client: Callable[[socket.socket], bytes], buffer: int = 0) -> bytes:
    """What a client gets of a real connection on which every request is answered so."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await answer()(scope, receive, send)

    async def serve() -> bytes:
        config = uvicorn.Config(
            app, lifespan="off", log_config=None, access_log=False, h11_max_incomplete_event_size=MAX_HEAD_BYTES
        )
        config.load()
        table, state = Connections(strangers=8, each=8), ServerState()
        loop = asyncio.get_running_loop()
        server = await loop.create_server(
            lambda: Connection(config, state, {}, table=table), "127.0.0.1", 0, family=socket.AF_INET
        )
        async with server:
            address = server.sockets[0].getsockname()

            def ask() -> bytes:
                with socket.socket() as ours:
                    if buffer:
                        ours.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
                    ours.settimeout(30)
                    ours.connect(address)
                    return client(ours)

            found = await asyncio.to_thread(ask)
            for each in list(state.connections):
                each.drop()  # type: ignore[union-attr]
        return found

    return asyncio.run(serve())


def whole(ours: socket.socket, times: int = 1) -> bytes:
    """The bodies of so many answers on one connection, each as long as it says."""
    bodies = b""
    for _ in range(times):
        ours.sendall(b"GET /x HTTP/1.1\r\nHost: a\r\n\r\n")
        data = b""
        while b"\r\n\r\n" not in data:
            data += ours.recv(1 << 16)
        head, _, body = data.partition(b"\r\n\r\n")
        length = int(dict(line.split(b": ") for line in head.split(b"\r\n")[1:])[b"content-length"])
        while len(body) < length:
            body += ours.recv(1 << 16)
        assert len(body) == length
        bodies += body
    return bodies


@pytest.mark.parametrize("way", ["by the kernel", "taken slowly", "the kernel cannot", "not in memory"])
def test_every_byte_arrives_once_and_in_order(file: Path, monkeypatch: pytest.MonkeyPatch, way: str) -> None:
    sent: list[int] = []
    real = PieceTransport._by_kernel
    if way == "the kernel cannot":
        monkeypatch.setattr(PieceTransport, "_by_kernel", lambda *_: 0)
    else:
        monkeypatch.setattr(PieceTransport, "_by_kernel", lambda *a: (sent.append(real(*a)), sent[-1])[1])
    if way == "not in memory":
        monkeypatch.setattr(file_pieces, "_is_in_memory", lambda *_: False)
    body = served(
        lambda: FileAnswer(file, BEGIN, SIZE, directly),
        lambda ours: whole(ours, times=2),
        buffer=4096 if way == "taken slowly" else 0,
    )
    assert body == file.read_bytes()[BEGIN : BEGIN + SIZE] * 2
    assert (sum(sent) > 0) == (way != "the kernel cannot")


def test_an_answers_head_goes_out_with_the_beginning_of_its_body() -> None:
    """RFC 9112, 6: what is sent is the same; whoever carries or reads it is woken once."""
    framing = Framing(MAX_HEAD_BYTES)
    for _ in range(2):
        framing.receive_data(b"GET /x HTTP/1.1\r\nHost: a\r\n\r\n")
        while not isinstance(framing.next_event(), h11.EndOfMessage):
            pass
        head = h11.Response(status_code=200, headers=[("content-length", "3")], reason="OK")
        assert framing.send(head) == b""
        assert framing.send(h11.Data(data=b"abc")) == b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nabc"
        assert framing.send(h11.EndOfMessage()) == b""
        framing.start_next_cycle()
    framing.receive_data(b"GET /x HTTP/1.1\r\nHost: a\r\n\r\n")
    while not isinstance(framing.next_event(), h11.EndOfMessage):
        pass
    assert framing.send(h11.Response(status_code=204, headers=[], reason="No Content")) == b""
    assert framing.send(h11.EndOfMessage()).startswith(b"HTTP/1.1 204 No Content\r\n")


def test_a_descriptor_is_closed_and_a_part_of_nothing_is_nothing(file: Path) -> None:
    given = [os.open(file, os.O_RDONLY), os.open(file, os.O_RDONLY)]
    descriptors = iter(given)
    assert served(lambda: FileAnswer(next(descriptors), 0, 0, directly), lambda ours: whole(ours, times=2)) == b""
    for descriptor in given:
        with pytest.raises(OSError, match="Bad file descriptor"):
            os.fstat(descriptor)


@pytest.mark.attack
@pytest.mark.parametrize("limited", [True, False])
def test_a_client_that_reads_nothing_holds_a_piece_and_is_gone_in_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limited: bool
) -> None:
    """Of a file however long; and without the limit it would stay for as long as it likes."""
    path = tmp_path / "long"
    path.touch()
    os.truncate(path, 64 << 20)
    waiting: list[int] = []
    ended = threading.Event()
    write, lost = PieceTransport.write, Connection.connection_lost

    def noted(self: PieceTransport, data: Any) -> None:
        write(self, data)
        waiting.append(self.get_write_buffer_size())

    monkeypatch.setattr(PieceTransport, "write", noted)
    monkeypatch.setattr(Connection, "connection_lost", lambda self, error: (ended.set(), lost(self, error))[1])
    monkeypatch.setattr(connections, "STALL_SECONDS", 0.2 if limited else 60.0)

    def stalls(ours: socket.socket) -> bytes:
        ours.sendall(b"GET /x HTTP/1.1\r\nHost: a\r\n\r\n")
        assert ended.wait(30 if limited else 0.6) is limited
        return b""

    served(lambda: FileAnswer(path, 0, 64 << 20, directly), stalls, buffer=4096)
    assert 0 < max(waiting) <= PIECE


def test_a_file_that_became_shorter_breaks_the_answer_off(tmp_path: Path) -> None:
    path = tmp_path / "short"
    path.write_bytes(b"x" * 10)

    def cut(ours: socket.socket) -> bytes:
        ours.sendall(b"GET /x HTTP/1.1\r\nHost: a\r\n\r\n")
        data = b""
        try:
            while piece := ours.recv(1 << 16):
                data += piece
        except ConnectionResetError:
            return data
        return data

    body = served(lambda: FileAnswer(path, 0, PIECE, directly), cut).partition(b"\r\n\r\n")[2]
    assert len(body) <= 10
