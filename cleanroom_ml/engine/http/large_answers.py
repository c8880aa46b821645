"""Answers that are large: so much for each owner at once, made one after the other, sent as fast as they are read.

An answer is made in the front's memory, and the same one can be asked for on every connection that an account has. So
it counts from before it is made until its last byte was taken.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from cleanroom_ml.engine.http.allowances import Allowances
from cleanroom_ml.engine.load.owners import Owner

ANSWERS_OF_ONE: Final = 64 << 20
"""Bytes of large answers that are being made or sent, for one account or job."""
LARGE: Final = 256 << 10
_PIECE: Final = 1 << 20


class LargeAnswers:
    """Used on the event loop only. `patience`: seconds that a request waits for its turn."""

    def __init__(self, patience: float) -> None:
        self._held = Allowances(each=ANSWERS_OF_ONE, what="bytes of answers", patience=patience)
        self._making = Allowances(each=1, what="large answer made at once", patience=patience)

    async def respond(self, owner: Owner, size: int, make: Callable[[], Awaitable[bytes]]) -> Response:
        """The JSON that `make` makes, whose answer has about `size` bytes.

        Raises:
            WireError: the owner has too much under way (503: the client retries).
        """
        if size <= LARGE:
            return Response(await make(), media_type="application/json")
        amount = min(size, ANSWERS_OF_ONE)
        await self._held.take(owner, amount)
        try:
            await self._making.take(owner, 1)
            try:
                content = await make()
            finally:
                self._making.give(owner, 1)
            return _Sent(content, lambda: self._held.give(owner, amount))
        except BaseException:
            self._held.give(owner, amount)
            raise


class _Sent(Response):
    """A body that goes out in pieces, each when the client has taken the one before. `over` is called at the end."""

    media_type = "application/json"

    def __init__(self, content: bytes, over: Callable[[], None]) -> None:
        super().__init__()
        self._content = content
        self._over = over
        self.headers["content-length"] = str(len(content))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            start: dict[str, object] = {"type": "http.response.start", "status": self.status_code}
            await send({**start, "headers": self.raw_headers})
            for at in range(0, len(self._content), _PIECE):
                piece = self._content[at : at + _PIECE]
                await send({"type": "http.response.body", "body": piece, "more_body": True})
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        finally:
            self._content = b""
            self._over()
