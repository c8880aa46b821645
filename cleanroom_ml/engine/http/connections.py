"""Who holds connections to the front, and for how long without a use.

A connection is a stranger's until a request on it proved whose it is. Strangers are few and wait for nobody: a new one
takes the place of the one that has shown least, so that idle sockets keep no login out. What is known belongs to its
account (at a job's socket, to the job), which has a bounded number of its own and takes nobody else's.
"""

from __future__ import annotations

import asyncio
from typing import Final

import h11
from uvicorn import Config
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

from cleanroom_ml.engine.http.file_pieces import Framing, PieceTransport
from cleanroom_ml.engine.load.owners import Owner
from cleanroom_ml.engine.protocol.errors import WireError

MAX_HEAD_BYTES: Final = 32 << 10
HEAD_SECONDS: Final = 10.0
"""A request's head comes within this, from its first byte; the first one from the connection's start."""
STRANGER_IDLE_SECONDS: Final = 10.0
LINGER_SECONDS: Final = 5.0
"""What was refused before its body had come may still send, and what is closed may still be read, for so long."""
STALL_SECONDS: Final = 60.0
"""A client that reads nothing of its answer for so long is gone."""


class Connection(H11Protocol):
    """One connection, with its time limits. `table`: the socket's."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, object],
        _loop: asyncio.AbstractEventLoop | None = None,
        *,
        table: Connections,
    ) -> None:
        super().__init__(config, server_state, app_state | {"connection": self}, _loop)
        self.conn = Framing(config.h11_max_incomplete_event_size or MAX_HEAD_BYTES)
        self.owner: Owner | None = None
        self.held = False
        """What is under way here is an answer that is held back: nobody misses it."""
        self._table = table
        self._stranger_idle = min(STRANGER_IDLE_SECONDS, self.timeout_keep_alive)
        self._known_idle = self.timeout_keep_alive
        self.timeout_keep_alive = self._stranger_idle  # type: ignore[assignment] # seconds, which need not be whole
        self._head: asyncio.TimerHandle | None = None
        self._stall: asyncio.TimerHandle | None = None
        self._linger: asyncio.TimerHandle | None = None

    @property
    def waiting(self) -> bool:
        """There is no request: nothing came yet, or the last one was answered."""
        return self.cycle is None or self.cycle.response_complete

    @property
    def receiving(self) -> bool:
        """There is a request whose body has not come yet."""
        return not self.waiting and self.cycle.more_body

    def belongs_to(self, owner: Owner) -> None:
        """A request proved whose connection this is.

        Raises:
            WireError: they have too many, all in use.
        """
        self._table.claim(self, owner)
        self.timeout_keep_alive = self._known_idle

    def drop(self) -> None:
        """Close it now, whatever it is doing."""
        if self.transport is not None:
            self.transport.abort()

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(PieceTransport(transport))  # type: ignore[arg-type] # it has all that a transport has
        self._head = self.loop.call_later(HEAD_SECONDS, self.drop)
        self._table.opened(self)

    def connection_lost(self, exc: Exception | None) -> None:
        for timer in (self._head, self._stall, self._linger):
            if timer is not None:
                timer.cancel()
        self._table.closed(self)
        super().connection_lost(exc)
        self._unset_keepalive_if_required()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self._linger is not None and self.conn.their_state is not h11.SEND_BODY and not self.transport.is_closing():
            self._linger.cancel()  # the rest of what had been refused came after all
            self._linger = None
        if not self.waiting:
            self._cancel_head()
        elif self._head is None and not self.transport.is_closing() and self.conn.their_state is h11.IDLE:
            self._head = self.loop.call_later(HEAD_SECONDS, self.drop)

    def on_response_complete(self) -> None:
        self._cancel_head()
        self.held = False
        super().on_response_complete()
        if self.transport.is_closing() or (self.waiting and self.conn.their_state is h11.SEND_BODY):
            self._close_soon()

    def timeout_keep_alive_handler(self) -> None:
        super().timeout_keep_alive_handler()
        self._close_soon()

    def send_400_response(self, msg: str) -> None:
        super().send_400_response(msg)
        self._close_soon()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._stall = self._stall or self.loop.call_later(STALL_SECONDS, self.drop)

    def resume_writing(self) -> None:
        super().resume_writing()
        if self._stall is not None:
            self._stall.cancel()
            self._stall = None

    def _cancel_head(self) -> None:
        if self._head is not None:
            self._head.cancel()
            self._head = None

    def _close_soon(self) -> None:
        self._linger = self._linger or self.loop.call_later(LINGER_SECONDS, self.drop)


class Connections:
    """The connections of one socket.

    Args:
        strangers: how many may be open before a request on them proved whose they are.
        each: how many one account or job may have.
    """

    def __init__(self, *, strangers: int, each: int) -> None:
        self._most_strangers = strangers
        self._each = each
        self._strangers: dict[Connection, None] = {}
        self._known: dict[Owner, dict[Connection, None]] = {}

    def opened(self, connection: Connection) -> None:
        """A new connection: where strangers are too many, one that has shown less makes place, or this one goes."""
        self._strangers[connection] = None
        if len(self._strangers) > self._most_strangers:
            least = self._least(self._strangers)
            self._strangers.pop(least)
            least.drop()

    def claim(self, connection: Connection, owner: Owner) -> None:
        """The connection is the owner's from now on.

        Raises:
            WireError: all that the owner may have are in use.
        """
        if connection.owner != owner:
            self.closed(connection)
            connection.owner = owner
            self._known.setdefault(owner, {})[connection] = None
        own = self._known[owner]
        if len(own) <= self._each:
            return
        idle = next((other for other in own if other.waiting), None)
        if idle is None:
            connection.cycle.keep_alive = False
            raise WireError(390400, f"{owner.label} has {self._each} connections in use.", sqlstate="53300", status=503)
        idle.drop()
        own.pop(idle, None)

    def closed(self, connection: Connection) -> None:
        """The connection is gone."""
        self._strangers.pop(connection, None)
        if connection.owner is None:
            return
        own = self._known.get(connection.owner, {})
        own.pop(connection, None)
        if not own:
            self._known.pop(connection.owner, None)

    def _least(self, connections: dict[Connection, None]) -> Connection:
        """The oldest that sent no request, or a guess; else the oldest that sent half of one; else the newest."""
        found = next((each for each in connections if each.waiting or each.held), None)
        found = found or next((each for each in connections if each.receiving), None)
        return found or next(reversed(connections))
