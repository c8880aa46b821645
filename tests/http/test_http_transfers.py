"""Uploads: counted as they come, stored once, and answered again to who did not get the answer."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from starlette.requests import ClientDisconnect, Request

from cleanroom_ml.engine.http import transfers
from cleanroom_ml.engine.http.transfers import Uploads
from cleanroom_ml.engine.protocol.errors import WireError
from cleanroom_ml.engine.storage.keys import Key
from cleanroom_ml.engine.storage.storage import Storage

STAGE = Key("ALPHA", "DB", "PUBLIC", "S")


async def directly(work: Any, *arguments: Any) -> Any:
    return work(*arguments)


@pytest.fixture
def storage(tmp_path: Path) -> Iterator[Storage]:
    opened = Storage.open(tmp_path / "home", [])
    opened.accounts.create("ALPHA", "ANN", password="a long enough password")
    opened.namespaces.create_database("ALPHA", "DB", "standard")
    opened.stages.create(STAGE)
    yield opened
    opened.close()


@pytest.fixture
def uploads(storage: Storage) -> Uploads:
    return Uploads(storage, directly)


def ticket(storage: Storage, *, gzip: bool = False, name: str = "a.txt") -> dict[str, Any]:
    session, _ = storage.sessions.create("ALPHA", "ANN")
    return {"ticket": storage.stages.begin_upload(STAGE, "in", session.id).ticket, "name": name, "gzip": gzip}


def put(
    uploads: Uploads, claims: dict[str, Any], pieces: Sequence[bytes], *, headers: Any = (), breaks: bool = False
) -> None:
    """PUT these pieces; without a Content-Length among the headers the body's size is not said (chunked)."""

    async def messages() -> AsyncIterator[dict[str, Any]]:
        for piece in pieces:
            yield {"type": "http.request", "body": piece, "more_body": True}
        yield {"type": "http.disconnect"} if breaks else {"type": "http.request", "body": b"", "more_body": False}

    coming = messages()
    scope = {"type": "http", "method": "PUT", "path": "/", "headers": list(headers)}
    asyncio.run(uploads.receive(Request(scope, coming.__anext__), claims))


def stored(storage: Storage) -> dict[str, int]:
    return {file.path: file.size for file in storage.stages.list_files(STAGE)}


@pytest.mark.attack
def test_a_body_is_counted_whatever_it_said(
    storage: Storage, uploads: Uploads, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transfers, "MAX_UPLOAD_BYTES", 1000)
    for headers in ((), [(b"transfer-encoding", b"chunked")], [(b"content-length", b"10")]):
        with pytest.raises(WireError) as refused:
            put(uploads, ticket(storage), [b"x" * 300] * 4, headers=headers)
        assert refused.value.status == 413
    with pytest.raises(WireError) as refused:
        put(uploads, ticket(storage), [], headers=[(b"content-length", b"1001")])
    assert refused.value.status == 413
    assert stored(storage) == {}
    put(uploads, ticket(storage), [b"x" * 250] * 4)
    assert stored(storage) == {"in/a.txt": 1000}


@pytest.mark.attack
def test_a_url_stores_one_file(storage: Storage, uploads: Uploads) -> None:
    claims = ticket(storage)
    put(uploads, claims, [b"first"])
    before = storage.stages.list_files(STAGE)
    with pytest.raises(WireError) as refused:
        put(uploads, claims, [b"other"])
    assert refused.value.status == 409
    put(uploads, claims, [b"first"])  # its answer was lost
    assert storage.stages.list_files(STAGE) == before
    again = Uploads(storage, directly)  # an engine that was started again remembers nothing: another URL is asked for
    for body in (b"first", b"other"):
        with pytest.raises(WireError) as refused:
            put(again, claims, [body])
        assert refused.value.status == 400
    assert storage.stages.list_files(STAGE) == before


def test_an_upload_that_broke_off_is_tried_again(storage: Storage, uploads: Uploads) -> None:
    claims = ticket(storage)
    with pytest.raises(ClientDisconnect):
        put(uploads, claims, [b"fir"], breaks=True)
    assert stored(storage) == {}
    put(uploads, claims, [b"first"])
    assert stored(storage) == {"in/a.txt": 5}


@pytest.mark.attack
def test_a_body_that_trickles_is_given_up(storage: Storage, uploads: Uploads, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transfers, "PATIENCE_SECONDS", 0.3)

    async def trickle() -> dict[str, Any]:
        await asyncio.sleep(0.05)
        return {"type": "http.request", "body": b"x", "more_body": True}

    scope = {"type": "http", "method": "PUT", "path": "/", "headers": []}
    with pytest.raises(WireError) as refused:
        asyncio.run(asyncio.wait_for(uploads.receive(Request(scope, trickle), ticket(storage)), 30))
    assert refused.value.status == 408
    assert stored(storage) == {}


@pytest.mark.parametrize(
    ("name", "compressed", "told", "path"),
    [
        ("a.txt", True, True, "in/a.txt.gz"),
        ("a.txt", False, True, "in/a.txt"),
        ("a.txt", True, False, "in/a.txt"),
        ("a.txt.gz", True, True, "in/a.txt.gz"),
        ("a.bz2", True, True, "in/a.bz2"),
    ],
)
def test_a_file_that_was_compressed_on_the_way_is_named_so(
    storage: Storage, uploads: Uploads, name: str, compressed: bool, told: bool, path: str
) -> None:
    put(uploads, ticket(storage, gzip=told, name=name), [gzip.compress(b"x") if compressed else b"x"])
    assert list(stored(storage)) == [path]


def test_the_same_file_twice_at_once_is_stored_once_and_answered_twice(storage: Storage) -> None:
    """A client whose patience is over sends it again while its first attempt is being stored; at 409 it gives up."""
    claims = ticket(storage)
    adopted = 0

    async def body() -> dict[str, Any]:
        return {"type": "http.request", "body": b"first", "more_body": False}

    async def both() -> list[None]:
        one_is_done = asyncio.Event()

        async def in_thread(work: Any, *arguments: Any) -> Any:
            """Both have been told that the URL is good before either uses it up."""
            nonlocal adopted
            if work == storage.objects.adopt:
                adopted += 1
                if adopted == 2:
                    await one_is_done.wait()
            return work(*arguments)

        async def attempt(uploads: Uploads) -> None:
            scope = {"type": "http", "method": "PUT", "path": "/", "headers": []}
            await uploads.receive(Request(scope, body), claims)
            one_is_done.set()

        uploads = Uploads(storage, in_thread)
        return await asyncio.wait_for(asyncio.gather(attempt(uploads), attempt(uploads)), 30)

    assert asyncio.run(both()) == [None, None]
    assert adopted == 2
    assert stored(storage) == {"in/a.txt": 5}
