"""One party's load is its own: what it runs, however much and however long, leaves others their part."""

from __future__ import annotations

import socket
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import pytest
from guarantees_front import Front
from guarantees_load import BLOCK, FOREVER, Client, client, until
from guarantees_wire import Wire
from guarantees_world import World, login

from cleanroom_ml.connection.session import Connection
from cleanroom_ml.engine.home.paths import Home
from cleanroom_ml.engine.http import handlers, large_answers
from cleanroom_ml.engine.load import big_texts
from cleanroom_ml.engine.load.big_texts import BIG_TEXTS
from cleanroom_ml.engine.load.owners import Owner, owner

pytestmark = pytest.mark.sandbox

SOON = 1.0
HELD_SECONDS = 2.0


@contextmanager
def sessions(front: Front, account: str, count: int) -> Iterator[list[Client]]:
    opened: list[Connection] = [login(front.home, account) for _ in range(count)]
    try:
        yield [client(front, each) for each in opened]
    finally:
        for each in opened:
            each.close()


def fastest(honest: Client, statement: str, times: int = 3) -> float:
    """Of a few: a machine that runs other tests as well is slow now and then, one that is taken is slow always."""
    took = []
    for _ in range(times):
        began = time.monotonic()
        assert honest.send(statement, asynchronous=False)["success"]
        took.append(time.monotonic() - began)
    return min(took)


@pytest.mark.attack
def test_endless_statements_of_one_leave_another_a_worker(front: Front, world_here: World) -> None:
    """Two take every worker that there is at first, more wait for one, and blocks want one again and again."""
    with sessions(front, "brand", 5) as attackers, sessions(front, "shop", 1) as (honest,):
        running = [each.begin(text) for each in attackers[:3] for text in (FOREVER, FOREVER)]
        running += [each.begin(BLOCK) for each in attackers[3:]]
        until(lambda: all(attackers[0].status(query_id) == "RUNNING" for query_id in running))
        assert fastest(honest, "SELECT 1") < SOON
        assert fastest(honest, "SELECT COUNT(*) AS N FROM SHOP_DB.PUBLIC.VISITS") < SOON


@pytest.mark.slow
@pytest.mark.attack
def test_a_job_and_its_account_are_apart(front: Front, world_here: World) -> None:
    """The account's own people have taken the workers; its approved job gets one all the same."""
    source = (
        "from snowflake.snowpark.context import get_active_session\n"
        "__return__ = get_active_session().table('shop.offer_v1.visits').count()"
    )
    with sessions(front, "brand", 3) as attackers:
        for each in attackers:
            each.begin(FOREVER)
        assert world_here.job(source) == 3


@pytest.mark.attack
def test_the_fronts_own_threads_are_shared(front: Front, world_here: World) -> None:
    """An account has work on every one of them, and much more that waits: its own requests wait, others' do not."""
    over = threading.Event()
    threads = front.engine._threads
    with sessions(front, "brand", 1) as (attacker,), sessions(front, "shop", 1) as (honest,):
        blocked = [threads.submit(Owner("BRAND"), over.wait) for _ in range(120)]
        own = threading.Thread(target=lambda: attacker.json("POST", "/session/heartbeat", {}))
        try:
            assert fastest(honest, "SELECT 1") < SOON
            own.start()
            own.join(0.5)
            assert own.is_alive(), "whose request it is was not told to the threads"
        finally:
            over.set()
        own.join(20)
        for each in blocked:
            each.result(20)


@pytest.mark.attack
def test_big_texts_of_one_leave_another_its_own(front: Front, world_here: World) -> None:
    """What is made of a big text fills the front: an account has two in it at most, whatever it sends."""
    big = f"{FOREVER} /* {'x' * big_texts.SMALL} */"
    with sessions(front, "brand", 4) as attackers, sessions(front, "shop", 1) as (honest,):
        running = [(each, each.begin(big)) for each in attackers]
        until(lambda: BIG_TEXTS._places.taken == 2)
        until(lambda: sum(len(waiting) for waiting in BIG_TEXTS._places._waiting.values()) == 2)
        assert honest.send("SELECT " + "111," * 1900 + "1", asynchronous=False)["success"]
        assert BIG_TEXTS._places.taken == 2
        for each, query_id in running:
            assert each.cancel(query_id)
        until(lambda: BIG_TEXTS._places.taken == 0)


@pytest.mark.attack
def test_who_writes_much_waits_for_who_writes_little(front: Front, world_here: World) -> None:
    """A hundred and twenty of one account's threads are about to write: in one queue it takes them 2.4 seconds."""
    writer = front.engine.storage.database._writer

    def write() -> None:
        owner.set(Owner("BRAND"))
        with writer:
            time.sleep(0.02)

    with sessions(front, "shop", 1) as (honest,):
        threads = [threading.Thread(target=write) for _ in range(120)]
        with writer:
            for thread in threads:
                thread.start()
        assert fastest(honest, "SELECT 1", times=1) < SOON
        assert any(thread.is_alive() for thread in threads)
        for thread in threads:
            thread.join(20)


@contextmanager
def the_writer_is_taken(home: Home) -> Iterator[None]:
    """Another process writes to the catalog, for as long as HELD_SECONDS; every session is due a sign of life."""
    with closing(sqlite3.connect(home.path / "catalog.sqlite", isolation_level=None, timeout=20)) as other:
        other.execute("UPDATE sessions SET last_used_on = last_used_on - 120 * 1000000")
        other.execute("BEGIN IMMEDIATE")
        began = time.monotonic()
        yield
        time.sleep(max(0.0, HELD_SECONDS - (time.monotonic() - began)))
        other.execute("ROLLBACK")


@pytest.mark.attack
def test_nobody_who_only_asks_waits_for_who_writes(front: Front, world_here: World) -> None:
    """A statement is begun meanwhile, and one that runs is asked for: what both need is not held while one waits."""
    with sessions(front, "brand", 3) as (writing, waiting, polling):
        query_id = polling.begin(FOREVER)
        ended = polling.begin("SELECT 1")
        answers: list[object] = []
        slow = [
            threading.Thread(target=lambda: answers.append(writing.send("SELECT 2", asynchronous=False)["success"])),
            threading.Thread(target=lambda: waiting.ask("GET", f"/queries/{query_id}/result"), daemon=True),
        ]
        with the_writer_is_taken(front.home):
            for thread in slow:
                thread.start()
            time.sleep(0.3)
            longest = 0.0
            for _ in range(5):
                for ask in (
                    lambda: polling.ask("GET", "/cleanroom/health"),
                    lambda: polling.status(query_id),
                    lambda: polling.ask("GET", f"/monitoring/queries/{ended}"),
                ):
                    began = time.monotonic()
                    ask()
                    longest = max(longest, time.monotonic() - began)
                time.sleep(0.1)
            assert not answers, "the writer was not taken: nothing was tried"
        assert longest < SOON
        slow[0].join(20)
        assert answers == [True]
        assert polling.cancel(query_id)


@pytest.mark.attack
def test_an_answer_that_is_asked_for_on_many_connections_and_not_read(
    front: Front, world_here: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each was made whole, at once, and lay there until it was read."""
    made: list[int] = []
    encoded = handlers.encoded

    def encode(answer: dict[str, Any]) -> bytes:
        content = encoded(answer)
        if len(content) > 1 << 20:
            made.append(len(content))
        return content

    wire = Wire(front.home, world_here.brand)
    query_id = wire.sql("SELECT REPEAT('x', 12000000) AS a")["data"]["queryId"]
    monkeypatch.setattr(handlers, "encoded", encode)
    request = f"GET /queries/{query_id}/result HTTP/1.1\r\nHost: {wire.host}:{wire.port}\r\n"
    sockets = []
    try:
        for _ in range(12):
            opened = socket.socket()
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            opened.connect((wire.host, wire.port))
            opened.sendall(f'{request}Authorization: Snowflake Token="{wire.token}"\r\n\r\n'.encode())
            sockets.append(opened)
        until(lambda: len(made) >= 3)
        time.sleep(1)
        assert sum(made) <= large_answers.ANSWERS_OF_ONE
        assert world_here.shop.execute("SELECT 1 AS a")
    finally:
        for opened in sockets:
            opened.close()
    assert wire.json("GET", f"/queries/{query_id}/result")["success"]
