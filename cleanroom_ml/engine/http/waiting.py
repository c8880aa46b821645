"""Requests that wait for their statement."""

from __future__ import annotations

import asyncio
from concurrent.futures import Future
from typing import Final, Protocol

from starlette.requests import Request

from cleanroom_ml.engine.protocol.results import Reply

# The connector gives up on a silent socket after 60 seconds; it is told "in progress" before that, and asks again.
PATIENCE_SECONDS: Final = 40.0


class Begun(Protocol):
    """A statement that was begun for a request (`queries.running.Running`)."""

    query_id: str
    answer_id: str
    recorded: bool
    done: Future[Reply | None]


async def until_done_or_gone(done: Future[Reply | None], request: Request) -> Reply | None:
    """Wait, for PATIENCE_SECONDS at most, and no longer than the client does; what is sent then, where that was made.

    The statement goes on without its client, as on Snowflake: one whose connection broke repeats its request, and is
    answered by what it had begun. Raises what `done` has for its client.
    """
    ended = asyncio.wrap_future(done)
    gone = asyncio.ensure_future(request.receive())  # the body has been read: what comes now is that it has left
    try:
        await asyncio.wait((ended, gone), timeout=PATIENCE_SECONDS, return_when=asyncio.FIRST_COMPLETED)
    finally:
        gone.cancel()
    return ended.result() if ended.done() else None
