"""Requests that wait for their statement: for so long, and no longer than their client; the statement goes on."""

from __future__ import annotations

import asyncio
import json
import threading
import uuid
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from starlette.requests import Request

from cleanroom_ml.engine.contracts.table import SELECT, Rows
from cleanroom_ml.engine.http import waiting
from cleanroom_ml.engine.http.gate import Access, Caller
from cleanroom_ml.engine.http.handlers import Handlers
from cleanroom_ml.engine.protocol.capabilities import Capabilities
from cleanroom_ml.engine.protocol.errors import WireError
from cleanroom_ml.engine.queries.answers import Answers
from cleanroom_ml.engine.queries.service import QueryService
from cleanroom_ml.engine.statements.results import VARCHAR, StatementResult
from cleanroom_ml.engine.storage.sessions import Session
from cleanroom_ml.engine.storage.storage import Storage

SECONDS = 20.0


class Front:
    """Handlers over a real catalog and a real service of queries; what a statement does is the test's own."""

    def __init__(self, storage: Storage) -> None:
        self.storage = storage
        self.session: Session = self.storage.sessions.create("ALPHA", "ANN")[0]
        self.begun, self.over = threading.Event(), threading.Event()
        answers = Answers(self.storage.queries.spool, Capabilities(bytes(32)))
        self.queries = QueryService(self.storage, self._execute, answers)
        engine = SimpleNamespace(storage=self.storage, queries=self.queries, in_thread=self._in_thread)
        self.handlers = Handlers(engine, lambda: None)  # type: ignore[arg-type]
        self.left = False

    def _execute(self, session: Session, text: str, **_: object) -> StatementResult:
        if text == "select wait":
            self.begun.set()
            assert self.over.wait(SECONDS)
        return Rows((("A", VARCHAR),), ((text,),), SELECT)

    async def _in_thread(self, work: Callable[..., Any], *given: Any) -> Any:
        return await asyncio.to_thread(work, *given)

    async def ask(self, sql: str, request_id: str = "", **more: object) -> dict[str, Any]:
        """The answer to a query request."""
        body = json.dumps({"sqlText": sql, **more}).encode()
        messages = iter([{"type": "http.request", "body": body, "more_body": False}])

        async def receive() -> Any:
            message = next(messages, None)
            if message is None:
                while not self.left:
                    await asyncio.sleep(0.01)
                return {"type": "http.disconnect"}
            return message

        query = f"requestId={request_id or uuid.uuid4()}".encode()
        response = await self.handlers.query(self._request(receive, query_string=query))
        return json.loads(response.body)  # type: ignore[no-any-return]

    async def result(self, query_id: str) -> dict[str, Any]:
        """The answer to a client that asks again."""

        async def receive() -> Any:
            await asyncio.sleep(SECONDS)

        response = await self.handlers.result(self._request(receive, path_params={"query_id": query_id}))
        return json.loads(response.body)  # type: ignore[no-any-return]

    def _request(self, receive: Callable[[], Any], **scope: object) -> Request:
        caller = Caller(Access.SESSION, "http://front", "front", "", self.session)
        given = {"type": "http", "method": "POST", "headers": [], "query_string": b"", "state": {"caller": caller}}
        return Request({**given, **scope}, receive)


@pytest.fixture(scope="module")
def storage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Storage]:
    opened = Storage.open(tmp_path_factory.mktemp("waiting") / "home")
    opened.accounts.create("ALPHA", "ANN", password="a long enough password")
    yield opened
    opened.close()


@pytest.fixture
def front(storage: Storage) -> Iterator[Front]:
    made = Front(storage)
    yield made
    made.over.set()
    assert made.queries.close(SECONDS)


def test_who_waits_too_long_is_told_to_ask_again(front: Front, monkeypatch: pytest.MonkeyPatch) -> None:
    async def talk() -> None:
        assert (await front.ask("select 1"))["data"]["rowset"] == [["select 1"]]
        monkeypatch.setattr(waiting, "PATIENCE_SECONDS", 0.05)
        request_id = str(uuid.uuid4())
        told = await front.ask("select wait", request_id)
        assert told["code"] == "333333"
        query_id = told["data"]["queryId"]
        assert (await front.ask("select wait", request_id))["data"]["queryId"] == query_id
        assert (await front.result(query_id))["code"] == "333333"
        front.over.set()
        monkeypatch.setattr(waiting, "PATIENCE_SECONDS", SECONDS)
        assert (await front.result(query_id))["data"]["rowset"] == [["select wait"]]
        assert (await front.ask("select wait", request_id))["data"]["queryId"] == query_id

    asyncio.run(talk())


def test_a_statement_goes_on_without_its_client(front: Front) -> None:
    async def talk() -> None:
        front.left = True
        told = await front.ask("select wait")
        assert told["code"] == "333333"
        front.over.set()
        assert (await front.result(told["data"]["queryId"]))["data"]["rowset"] == [["select wait"]]

    asyncio.run(talk())


def test_what_the_catalog_keeps_waiting_is_recorded_before_its_client_is_told_anything(
    front: Front, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waiting, "PATIENCE_SECONDS", 0.05)

    async def talk() -> None:
        with front.storage.database.transaction():
            asked = asyncio.create_task(front.ask("select 1"))
            await asyncio.sleep(0.3)
            assert not asked.done()
        told = await asked
        query_id = told["data"]["queryId"]
        monkeypatch.setattr(waiting, "PATIENCE_SECONDS", SECONDS)
        assert (await front.result(query_id))["data"]["rowset"] == [["select 1"]]

    before = len(front.storage.queries.history("ALPHA"))
    asyncio.run(talk())
    assert len(front.storage.queries.history("ALPHA")) == before + 1, "it is one statement"


def test_a_session_that_ended_meanwhile_is_gone(front: Front) -> None:
    async def talk() -> None:
        front.storage.sessions.close(front.session.id)
        with pytest.raises(WireError, match="Session no longer exists"):
            await front.ask("select 1")

    asyncio.run(talk())
