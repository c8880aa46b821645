"""The sockets that jobs come in by: one for each job that is alive, at `HOME/jobs/<id>/front.sock`.

Connections of a job are counted by themselves, so that one job cannot use up what everybody else connects with.
"""

from __future__ import annotations

import asyncio
import logging
import os
import re
import socket
from collections.abc import Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from uvicorn import Config
from uvicorn.server import ServerState

from cleanroom_ml.engine.http.connections import Connection, Connections

logger = logging.getLogger(__name__)

SOCKET_NAME: Final = "front.sock"
MAX_STRANGERS_OF_A_JOB: Final = 32
MAX_CONNECTIONS_OF_A_JOB: Final = 64
_JOB_ID = re.compile(r"[A-Za-z0-9_-]{1,100}\Z")
_PATIENCE_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class _JobSocket:
    server: asyncio.Server
    state: ServerState
    path: Path


class JobSocketServer:
    """Opens and closes them.

    The coroutines run on the loop of the front; `open` and `close` are called from other threads.
    """

    def __init__(self, jobs: Path, config: Config, loop: asyncio.AbstractEventLoop) -> None:
        self._jobs = jobs
        self._config = config
        self._loop = loop
        self._open_sockets: dict[str, _JobSocket] = {}

    def open(self, job_id: str) -> None:
        """Listen at the job's socket. Harmless where it is open already.

        Raises:
            ValueError: not the id of a job.
            OSError: the job's directory is not there.
        """
        if not _JOB_ID.match(job_id):
            raise ValueError("not the id of a job")
        self._wait(self._open(job_id))

    def close(self, job_id: str) -> None:
        """Stop listening and break what is connected. Harmless where it is closed already."""
        self._wait(self._close(job_id))

    async def close_all(self) -> None:
        """The front stops: supervisors wait until it is back."""
        for job_id in list(self._open_sockets):
            await self._close(job_id)

    def _wait(self, work: Coroutine[object, object, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(_PATIENCE_SECONDS)

    async def _open(self, job_id: str) -> None:
        if job_id in self._open_sockets:
            return
        state = ServerState()
        table = Connections(strangers=MAX_STRANGERS_OF_A_JOB, each=MAX_CONNECTIONS_OF_A_JOB)

        def protocol() -> Connection:
            return Connection(config=self._config, server_state=state, app_state={"job_id": job_id}, table=table)

        path = self._jobs / job_id / SOCKET_NAME
        listener = _listen(path)
        server = await self._loop.create_unix_server(protocol, sock=listener)
        self._open_sockets[job_id] = _JobSocket(server, state, path)
        logger.info("job %s: its socket is open", job_id)

    async def _close(self, job_id: str) -> None:
        open_socket = self._open_sockets.pop(job_id, None)
        if open_socket is None:
            return
        open_socket.server.close()
        for connection in list(open_socket.state.connections):
            connection.shutdown()
        open_socket.path.unlink(missing_ok=True)
        logger.info("job %s: its socket is closed", job_id)


def _listen(path: Path) -> socket.socket:
    """A listening socket at `path` (0600). Its directory is opened first: a socket's address holds 107 bytes only."""
    directory = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        path.unlink(missing_ok=True)
        short = Path(f"/proc/self/fd/{directory}")
        listener.bind(str((short if short.exists() else path.parent) / path.name))
        path.chmod(0o600)
        listener.listen(64)
        listener.setblocking(False)
    except BaseException:
        listener.close()
        raise
    finally:
        os.close(directory)
    return listener
