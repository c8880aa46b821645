"""Large answers: bounded for each owner while they are made and sent, whoever does not read them."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from cleanroom_ml.engine.contracts.table import Rows
from cleanroom_ml.engine.http import large_answers
from cleanroom_ml.engine.http.large_answers import LargeAnswers
from cleanroom_ml.engine.load.owners import Owner
from cleanroom_ml.engine.protocol.errors import WireError
from cleanroom_ml.engine.queries import answers as outcomes
from cleanroom_ml.engine.queries.answers import Answers
from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.statements.results import VARCHAR

EVIL, HONEST = Owner("EVIL"), Owner("HONEST")
SIZE = 20 << 20


class Clients:
    """Clients that ask for the same answer. One that does not read takes the head, and nothing of the body."""

    def __init__(self) -> None:
        self.answers = LargeAnswers(patience=0.2)
        self.alive = self.making = self.most_making = 0
        self.reads = asyncio.Event()
        self.taken: list[int] = []

    async def make(self) -> bytes:
        self.making += 1
        self.most_making = max(self.making, self.most_making)
        await asyncio.sleep(0.01)
        self.making -= 1
        self.alive += 1
        return b"x" * 3_000_000

    async def ask(self, owner: Owner, size: int, *, reads: bool) -> None:
        response = await self.answers.respond(owner, size, self.make)
        body = 0

        async def send(message: dict[str, Any]) -> None:
            nonlocal body
            if message["type"] == "http.response.body":
                if not reads:
                    await self.reads.wait()
                body += len(message["body"])

        try:
            await response({"type": "http"}, None, send)  # type: ignore[arg-type]
        finally:
            self.alive -= 1
        self.taken.append(body)


@pytest.mark.attack
def test_answers_that_nobody_reads_are_bounded_for_each_owner(monkeypatch: pytest.MonkeyPatch) -> None:
    """Before, forty connections that asked for one result of 16 MB took 2.6 GiB."""
    monkeypatch.setattr(large_answers, "ANSWERS_OF_ONE", 3 * SIZE)

    async def attack() -> None:
        clients = Clients()
        asked = [asyncio.create_task(clients.ask(EVIL, SIZE, reads=False)) for _ in range(40)]
        done, under_way = await asyncio.wait(asked, timeout=2, return_when=asyncio.ALL_COMPLETED)
        refused = [task.exception() for task in done]
        assert len(under_way) == clients.alive == 3
        assert {type(error) for error in refused} == {WireError}
        assert {getattr(error, "status", None) for error in refused} == {503}
        assert clients.most_making == 1
        await clients.ask(HONEST, SIZE, reads=True)  # nobody else's affair
        await clients.ask(EVIL, 1000, reads=True)  # what is small waits for nothing
        for task in list(under_way)[:2]:
            task.cancel()  # they hang up
        await asyncio.wait(under_way, timeout=0.05)
        await clients.ask(EVIL, 2 * SIZE, reads=True)
        clients.reads.set()
        await asyncio.wait(under_way, timeout=5)
        await clients.ask(EVIL, 100 * SIZE, reads=True)  # as much as anybody may have, and alone
        assert clients.taken == [3_000_000] * 5
        assert clients.answers._held._owners == clients.answers._making._owners == {}

    asyncio.run(attack())


@pytest.mark.attack
def test_without_the_bound_all_of_them_are_there_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(large_answers, "ANSWERS_OF_ONE", 100 * SIZE)

    async def attack() -> None:
        clients = Clients()
        clients.answers = LargeAnswers(patience=30)
        asked = [asyncio.create_task(clients.ask(EVIL, SIZE, reads=False)) for _ in range(20)]
        await asyncio.wait(asked, timeout=1)
        assert clients.alive == 20
        clients.reads.set()
        await asyncio.gather(*asked)

    asyncio.run(attack())


def test_what_could_not_be_made_holds_nothing() -> None:
    async def fail() -> bytes:
        raise WireError(709, "not yours")

    async def ask() -> None:
        answers = LargeAnswers(patience=0.2)
        for _ in range(5):
            with pytest.raises(WireError, match="not yours"):
                await answers.respond(EVIL, SIZE, fail)
        assert answers._held._owners == answers._making._owners == {}

    asyncio.run(ask())


@pytest.mark.parametrize(
    ("length", "response", "size"),
    [
        (0, None, 0),
        (5000, '{"json": {}}', 5000),
        (9 << 20, None, 9 << 20),
        (100, '{"arrow": {"batches": [[0, 3000, 1], [3000, 3000, 1]]}}', 4100),
        (100, '{"arrow": {"batches": []}}', 100),
        (100, f'{{"arrow": {{"batches": [[0, {outcomes.MAX_INLINE_BYTES + 1}, 1]]}}}}', 100),
    ],
)
def test_how_large_an_answer_will_be(length: int, response: str | None, size: int) -> None:
    assert Answers.size(None, length, response) == size  # type: ignore[arg-type]


@pytest.mark.attack
def test_rows_of_the_front_are_bounded_before_they_are_written_down(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outcomes, "MAX_ROWS_CHARACTERS", 100)
    outcomes._require_bounded(Rows((("A", VARCHAR),), [("x" * 50,), ("y" * 50,), (None,)]))
    with pytest.raises(SqlError, match="The answer has"):
        outcomes._require_bounded(Rows((("A", VARCHAR),), [("x" * 50,), ("y" * 51,)]))
