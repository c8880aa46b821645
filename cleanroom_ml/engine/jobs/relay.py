"""Carries a job's connections from its socket to the front's, waiting for a front that is being restarted.

The supervisor runs it. It understands nothing of what it carries: which job a request belongs to is said by the socket
that it arrives on at the front, and by the token in it.
"""

from __future__ import annotations

import asyncio
import contextlib
import select
import socket
import threading
from pathlib import Path

from cleanroom_ml.engine.jobs.files import short_path

_CHUNK = 1 << 16
_RETRY_SECONDS = 0.1


class Relay:
    """Listens on `listen` and joins each connection with a new one to `front`, in a thread of its own.

    A connection that breaks is closed at both ends: the client in the job repeats its request, on a new connection,
    which waits until the front is back.

    Args:
        listen: path of the job's socket; made with mode 0666, because the sandbox has another uid (its directory is
        private).
        front: path of the front's socket for this job, which comes and goes.
        patience_seconds: how long one connection waits for the front.
        connections: how many are carried at once; further ones are closed at once.
    """

    def __init__(self, listen: Path, front: Path, *, patience_seconds: float = 600.0, connections: int = 256) -> None:
        self._listen = listen
        self._front = front
        self._patience = patience_seconds
        self._limit = connections
        self._open: set[asyncio.Task[None]] = set()
        self._loop = asyncio.new_event_loop()
        self._server: asyncio.Server | None = None
        self._thread = threading.Thread(target=self._loop.run_forever, name="relay", daemon=True)

    def start(self) -> None:
        """Listen. Whatever lies at the path of the socket is replaced."""
        self._listen.unlink(missing_ok=True)
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        with short_path(self._listen) as path:
            listener.bind(path)
        self._listen.chmod(0o666)
        listener.listen(128)
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._serve(listener), self._loop).result()

    def stop(self) -> None:
        """Close everything. Does nothing the second time."""
        if not self._thread.is_alive():
            return
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
        self._listen.unlink(missing_ok=True)

    async def _serve(self, listener: socket.socket) -> None:
        self._server = await asyncio.start_unix_server(self._accept, sock=listener)

    async def _close(self) -> None:
        if self._server is not None:
            self._server.close()
        for task in self._open:
            task.cancel()
        await asyncio.gather(*self._open, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is None or len(self._open) >= self._limit:
            writer.close()
            return
        self._open.add(task)
        try:
            await self._carry(reader, writer)
        finally:
            self._open.discard(task)
            writer.close()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(self._patience):
                front_reader, front_writer = await self._reach_front(writer.get_extra_info("socket").fileno())
        except (TimeoutError, _ClientGone):
            return
        try:
            requests = asyncio.create_task(_pump(reader, front_writer))
            try:
                # The front's side decides: when it ends, so does the exchange.
                await _pump(front_reader, writer)
            finally:
                requests.cancel()
                await asyncio.gather(requests, return_exceptions=True)
        finally:
            front_writer.close()

    async def _reach_front(self, client: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        while True:
            try:
                with short_path(self._front) as path:
                    return await asyncio.open_unix_connection(path)
            except (FileNotFoundError, ConnectionRefusedError, BlockingIOError):
                await asyncio.sleep(_RETRY_SECONDS)
            if _has_left(client):
                # It has asked again on another connection; this request must not arrive as well, much later.
                raise _ClientGone


class _ClientGone(Exception):
    """The client ended its side before there was anybody to answer it."""


def _has_left(client: int) -> bool:
    poller = select.poll()
    poller.register(client, getattr(select, "POLLRDHUP", select.POLLHUP))  # macOS has the latter only
    return bool(poller.poll(0))


async def _pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    with contextlib.suppress(ConnectionError, OSError):
        while data := await source.read(_CHUNK):
            sink.write(data)
            await sink.drain()
        sink.write_eof()
