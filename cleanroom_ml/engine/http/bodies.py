"""The bodies of requests in memory: how much of them one owner may have here at once."""

from __future__ import annotations

from typing import Final

from starlette.requests import Request

from cleanroom_ml.engine.http.allowances import Allowances
from cleanroom_ml.engine.http.transfers import InThread, read_body
from cleanroom_ml.engine.load.owners import Owner
from cleanroom_ml.engine.protocol.bodies import unpack, unpacked_size

SMALL_BODY: Final = 256 << 10
QUERY_BODY: Final = 64 << 20
BODIES_OF_ONE: Final = 96 << 20
"""Bytes of large bodies, unpacked, that one account or job may have here at once: arriving, and until they ran."""
_LARGE: Final = 64 << 10


class Bodies:
    """Reads the bodies. What a large one holds of its owner's share is given back with `give`."""

    def __init__(self, in_thread: InThread, *, patience: float) -> None:
        self._in_thread = in_thread
        self._held = Allowances(each=BODIES_OF_ONE, what="bytes of request bodies", patience=patience)

    def give(self, owner: Owner, amount: int) -> None:
        """Give back what `large` took, once the statement ran that is bound to it."""
        self._held.give(owner, amount)

    async def small(self, request: Request) -> bytes:
        """The body of a request that is never large."""
        return unpack(await read_body(request, SMALL_BODY), _encoding(request), SMALL_BODY)

    async def large(self, request: Request, owner: Owner) -> tuple[bytes, int]:
        """The body of a query request, unpacked, and how much of the owner's share it holds: 0 where it is small.

        What a large one takes is asked for before it is read, and again before it is unpacked: so bodies that do not
        arrive, or grow, are their owner's affair.
        """
        declared = _declared(request)
        arriving = 0 if declared <= _LARGE else min(declared, QUERY_BODY)
        if arriving:
            await self._held.take(owner, arriving)
        try:
            raw = await read_body(request, QUERY_BODY)
        finally:
            if arriving:
                self._held.give(owner, arriving)
        size = unpacked_size(raw, _encoding(request), QUERY_BODY)
        if size <= _LARGE:
            return unpack(raw, _encoding(request), _LARGE), 0
        await self._held.take(owner, size)
        try:
            return await self._in_thread(unpack, raw, _encoding(request), size), size
        except BaseException:
            self._held.give(owner, size)
            raise


def _encoding(request: Request) -> str:
    return request.headers.get("content-encoding", "")


def _declared(request: Request) -> int:
    """How large a body says that it is; as large as can be where it does not say."""
    declared = request.headers.get("content-length", "")
    return int(declared) if declared.isascii() and declared.isdigit() and len(declared) < 20 else QUERY_BODY
