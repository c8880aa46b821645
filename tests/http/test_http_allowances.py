"""What one owner holds is nobody else's to wait for."""

from __future__ import annotations

import asyncio

import pytest

from cleanroom_ml.engine.http.allowances import Allowances
from cleanroom_ml.engine.load.owners import Owner
from cleanroom_ml.engine.protocol.errors import WireError

EVE, ANN = Owner("EVE"), Owner("ANN")


@pytest.mark.attack
def test_an_owner_waits_for_itself_and_nobody_else_does() -> None:
    async def work() -> None:
        held = Allowances(each=10, what="bytes", patience=30)
        await held.take(EVE, 10)
        waiting = asyncio.create_task(held.take(EVE, 1))
        await asyncio.wait_for(held.take(ANN, 10), 5)
        assert not waiting.done()
        held.give(EVE, 10)
        await asyncio.wait_for(waiting, 5)
        held.give(EVE, 1)
        held.give(ANN, 10)
        assert held._owners == {}

    asyncio.run(work())


def test_requests_have_their_turn_in_order_however_small() -> None:
    async def work() -> None:
        held = Allowances(each=10, what="bytes", patience=30)
        await held.take(EVE, 6)
        large = asyncio.create_task(held.take(EVE, 10))
        await asyncio.sleep(0)
        small = asyncio.create_task(held.take(EVE, 1))
        await asyncio.sleep(0)
        assert (large.done(), small.done()) == (False, False)
        held.give(EVE, 6)
        await asyncio.wait_for(large, 5)
        assert not small.done()
        held.give(EVE, 10)
        await asyncio.wait_for(small, 5)

    asyncio.run(work())


def test_who_gives_up_gives_up_its_place() -> None:
    async def work() -> None:
        held = Allowances(each=10, what="bytes", patience=0.05)
        await held.take(EVE, 6)
        with pytest.raises(WireError) as refused:
            await held.take(EVE, 10)
        assert refused.value.status == 503, "the connector asks again"
        cancelled = asyncio.create_task(held.take(EVE, 10))
        await asyncio.sleep(0)
        cancelled.cancel()
        await asyncio.gather(cancelled, return_exceptions=True)
        await asyncio.wait_for(held.take(EVE, 4), 5)
        with pytest.raises(WireError) as refused:
            await held.take(EVE, 11)
        assert refused.value.status == 413

    asyncio.run(work())
