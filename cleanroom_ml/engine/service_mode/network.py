"""What happens to a request on its way: refused for a moment, the connection dropped, the session's token expired.

Statements, logins, and the parts of a result that are fetched apart; a token expires between statements.

ASGI middleware before the gate, at the address of people's clients; the sockets of jobs are not touched. Each is done
to a request once, so that a client which asks again gets through, and one that asks blindly shows it.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from typing import Final
from urllib.parse import parse_qs

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from cleanroom_ml.engine.protocol.errors import SESSION_TOKEN_EXPIRED, failure

STATEMENTS: Final = "/queries/v1/query-request"
LOGIN: Final = "/session/v1/login-request"
_FETCHED: Final = re.compile(r"/chunks/|/queries/[^/]+/result\Z")
EXPIRES_EACH: Final = 3
_REMEMBERED: Final = 10_000


class Network:
    """Passes requests on to `app`, when it does."""

    def __init__(self, app: ASGIApp, deviations: frozenset[str]) -> None:
        self._app = app
        self._transient = "transient" in deviations
        self._expiring = "session-expiry" in deviations
        self._seen: OrderedDict[str, int] = OrderedDict()
        self._failed = 0
        self._statements = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request. On the event loop's thread alone."""
        request = _request(scope)
        if request is None:
            await self._app(scope, receive, send)
            return
        tries = self._seen.pop(request, 0)
        self._seen[request] = tries + 1
        while len(self._seen) > _REMEMBERED:
            self._seen.popitem(last=False)
        if self._transient and tries == 0:
            self._failed += 1
            await self._fail(scope, receive, send)
            return
        if self._expiring and scope["path"] == STATEMENTS and tries == int(self._transient):
            self._statements += 1
            if self._statements % EXPIRES_EACH == 0:
                await _read(receive)
                answer = failure(SESSION_TOKEN_EXPIRED, "The session's token has expired. Renew it.", "08001")
                await JSONResponse(answer)(scope, receive, send)
                return
        await self._app(scope, receive, send)

    async def _fail(self, scope: Scope, receive: Receive, send: Send) -> None:
        """503, dropped before it was done, dropped after it was done: in turn."""
        match self._failed % 3:
            case 1:
                await _read(receive)
                await JSONResponse({"success": False, "message": "Service Unavailable"}, 503)(scope, receive, send)
            case 2:
                _drop(scope)
            case _:
                await self._app(scope, receive, _unheard)
                _drop(scope)


def _request(scope: Scope) -> str | None:
    """What is the same for every try of one request; None: it passes as it is."""
    if scope["type"] != "http":
        return None
    if _FETCHED.match(scope["path"]):
        return str(scope["path"])
    if scope["path"] not in (STATEMENTS, LOGIN):
        return None
    return next(iter(parse_qs(scope["query_string"].decode("ascii", "replace")).get("requestId", ())), None)


def _drop(scope: Scope) -> None:
    """Close the connection without an answer."""
    scope["state"]["connection"].transport.abort()


async def _read(receive: Receive) -> None:
    """The request to its end, and nothing of it is kept: an answer before that would break the connection."""
    while (await receive()).get("more_body"):
        pass


async def _unheard(message: Message) -> None:
    """Nobody is told."""
