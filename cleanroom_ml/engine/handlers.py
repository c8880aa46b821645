"""The HTTP surface: one handler of a few lines for each endpoint. The gate has authenticated whoever gets here."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import Scope

from cleanroom_ml.engine import admin
from cleanroom_ml.engine.allowances import Allowances
from cleanroom_ml.engine.connections import Connection
from cleanroom_ml.engine.gate import Caller, Gate, master_token_refused
from cleanroom_ml.engine.load.owners import Owner
from cleanroom_ml.engine.logins import WrongPassword
from cleanroom_ml.engine.peers import peer_uid
from cleanroom_ml.engine.protocol.bodies import parse_object, unpack, unpacked_size
from cleanroom_ml.engine.protocol.errors import LOGIN_THROTTLED, WireError, bad_request, failure, success
from cleanroom_ml.engine.protocol.login import PASSWORD, LoginRequest, login_response, parse_login
from cleanroom_ml.engine.protocol.parameters import login_parameters
from cleanroom_ml.engine.protocol.queries import (
    QueryRequest,
    checked_uuid,
    in_progress,
    parse_abort,
    parse_query,
    positive_seconds,
)
from cleanroom_ml.engine.storage.errors import SessionGone, StorageError
from cleanroom_ml.engine.storage.sessions import Session, Tokens
from cleanroom_ml.engine.transfers import Uploads, file_range, read_body

if TYPE_CHECKING:
    from cleanroom_ml.engine.app import Engine

logger = logging.getLogger(__name__)

# The connector gives up on a silent socket after 60 seconds; it is told "in progress" before that, and asks again.
PATIENCE_SECONDS: Final = 40.0
DEFAULT_TIMEOUT_SECONDS: Final = 24 * 3600.0

SMALL_BODY: Final = 256 << 10
QUERY_BODY: Final = 64 << 20
MAX_WAITING_LOGINS: Final = 256
BODIES_OF_ONE: Final = 96 << 20
"""Bytes of large bodies, unpacked, that one account or job may have here at once: arriving, and until they ran."""
UPLOADS_OF_ONE: Final = 16
SHARE_SECONDS: Final = 45.0
_LARGE: Final = 64 << 10


class Handlers:
    """The handlers of one engine. `stop` asks the process to end."""

    def __init__(self, engine: Engine, stop: Callable[[], None]) -> None:
        self._engine = engine
        self._stop = stop
        self._logins = asyncio.Semaphore(MAX_WAITING_LOGINS)
        self._bodies = Allowances(each=BODIES_OF_ONE, what="bytes of request bodies", patience=SHARE_SECONDS)
        self._readers = Allowances(each=1, what="large request read at once", patience=SHARE_SECONDS)
        self._uploading = Allowances(each=UPLOADS_OF_ONE, what="uploads", patience=SHARE_SECONDS)
        self._uploads = Uploads(engine.storage, engine.in_thread)

    def application(self, hosts: frozenset[str]) -> Starlette:
        """The ASGI application: routes behind the gate."""
        app = Starlette(
            routes=self.routes(),
            exception_handlers={WireError: _refused, HTTPException: _no_route, Exception: _internal},
        )
        app.router.redirect_slashes = False
        app.add_middleware(
            Gate,
            hosts=hosts,
            session_of=self._engine.storage.sessions.by_token,
            in_thread=self._engine.in_thread,
            capabilities=self._engine.capabilities,
            operator_secret=self._engine.operator_secret,
        )
        return app

    def routes(self) -> list[Route]:
        """Every endpoint that there is."""
        return [
            Route("/session/v1/login-request", self.login, methods=["POST"]),
            Route("/session/token-request", self.renew, methods=["POST"]),
            Route("/session/heartbeat", self.heartbeat, methods=["POST"]),
            Route("/session", self.close_session, methods=["POST"]),
            Route("/queries/v1/query-request", self.query, methods=["POST"]),
            Route("/queries/v1/abort-request", self.abort_request, methods=["POST"]),
            Route("/queries/{query_id}/abort-request", self.abort_query, methods=["POST"]),
            Route("/queries/{query_id}/result", self.result, methods=["GET"]),
            Route("/monitoring/queries/{query_id}", self.monitor, methods=["GET"]),
            Route("/telemetry/send", self.telemetry, methods=["POST"]),
            Route("/chunks/{query_id}/{index:int}", self.chunk, methods=["GET"]),
            Route("/stage/upload/{capability}/{name}", self.upload, methods=["PUT"]),
            Route("/stage/download/{capability}/{name}", self.download, methods=["GET"]),
            Route("/cleanroom/identity", self.identity, methods=["GET"]),
            Route("/cleanroom/health", self.health, methods=["GET"]),
            Route("/cleanroom/admin/accounts", self.accounts, methods=["GET", "POST"]),
            Route("/cleanroom/admin/stop", self.stop, methods=["POST"]),
        ]

    async def login(self, request: Request) -> Response:
        wanted = parse_login(request.query_params, parse_object(await self._small(request)))
        session, tokens = await self._logged_in(request, wanted)
        answer = login_response(
            token=tokens.session_token,
            master_token=tokens.master_token,
            session_validity=tokens.session_seconds,
            master_validity=tokens.master_seconds,
            session_number=int(session.id),
            parameters=login_parameters(session.parameters),
            session_info={
                "databaseName": session.database,
                "schemaName": session.schema,
                "warehouseName": session.warehouse,
                "roleName": session.role,
            },
        )
        return JSONResponse(answer)

    async def _logged_in(self, request: Request, wanted: LoginRequest) -> tuple[Session, Tokens]:
        """A session for these credentials. Who guesses waits for the answer; whoever has a key waits for no guesser."""
        job_id = _caller(request).job_id
        logins = self._engine.logins
        if wanted.authenticator != PASSWORD:
            opened: tuple[Session, Tokens] = await self._engine.in_thread(logins.open, wanted, job_id=job_id)
            return opened
        if self._logins.locked():
            raise WireError(LOGIN_THROTTLED, "Too many logins at once.", status=503)
        try:
            async with self._logins:
                sender = await self._engine.in_login_thread(_sender, request.scope)
                opened = await self._engine.in_login_thread(logins.open, wanted, job_id=job_id, sender=sender)
        except WrongPassword as error:
            connection = _connection(request)
            if connection is not None:
                connection.held = True
            await asyncio.sleep(error.hold_seconds)
            raise
        return opened

    async def renew(self, request: Request) -> Response:
        caller = _caller(request)
        await self._small(request)
        try:
            session, tokens = await self._engine.in_thread(self._engine.renew, caller.secret, caller.job_id)
        except SessionGone as error:
            raise master_token_refused() from error
        data = {
            "sessionToken": tokens.session_token,
            "validityInSecondsST": tokens.session_seconds,
            "masterToken": tokens.master_token,
            "validityInSecondsMT": tokens.master_seconds,
            "masterValidityInSeconds": tokens.master_seconds,
            "sessionId": int(session.id),
        }
        return JSONResponse(success(data))

    async def heartbeat(self, request: Request) -> Response:
        await self._engine.in_thread(self._engine.storage.sessions.heartbeat, _session(request).id)
        return JSONResponse(success())

    async def close_session(self, request: Request) -> Response:
        if request.query_params.get("delete") != "true":
            raise bad_request("A session can only be deleted.")
        await self._engine.in_thread(self._engine.close_session, _session(request))
        return JSONResponse(success())

    async def query(self, request: Request) -> Response:
        session = _session(request)
        owner = _owner(request)
        plain, held = await self._body(request, owner)
        wanted: QueryRequest | None = None
        try:
            if held:
                await self._readers.take(owner, 1)
                try:
                    wanted = await self._engine.in_thread(_query_request, request.query_params, plain)
                finally:
                    self._readers.give(owner, 1)
            else:
                wanted = _query_request(request.query_params, plain)
            del plain
            query_id = await self._engine.in_thread(self._engine.queries.submit, session, wanted)
            ended = self._engine.queries.wait(query_id)
            if held and ended is not None:
                # What is bound to the statement is in memory until it ran.
                loop, amount = asyncio.get_running_loop(), held
                ended.add_done_callback(lambda _: loop.call_soon_threadsafe(self._bodies.give, owner, amount))
                held = 0
        finally:
            if held:
                self._bodies.give(owner, held)
        self._bound_time(query_id, session, wanted.timeout_seconds)
        if wanted.asynchronous:  # even where it has ended by now: its client looks for the outcome, or the error, later
            return JSONResponse(in_progress(query_id, asynchronous=True))
        return await self._answer(request, query_id)

    async def result(self, request: Request) -> Response:
        query_id = checked_uuid(request.path_params["query_id"], "The query id")
        return await self._answer(request, query_id)

    async def abort_request(self, request: Request) -> Response:
        request_id = parse_abort(parse_object(await self._small(request)))
        await self._engine.in_thread(self._engine.queries.abort_request, _session(request), request_id)
        return JSONResponse(success())

    async def abort_query(self, request: Request) -> Response:
        query_id = checked_uuid(request.path_params["query_id"], "The query id")
        done = await self._engine.in_thread(self._engine.queries.abort, _session(request), query_id)
        return JSONResponse(
            success() if done else failure(605, "Identified SQL statement is not currently executing.", "02000")
        )

    async def monitor(self, request: Request) -> Response:
        query_id = checked_uuid(request.path_params["query_id"], "The query id")
        return JSONResponse(await self._engine.in_thread(self._engine.queries.status, _session(request), query_id))

    async def telemetry(self, request: Request) -> Response:
        """Nothing is collected here."""
        return JSONResponse(success())

    async def chunk(self, request: Request) -> Response:
        query_id = request.path_params["query_id"]
        if _caller(request).claims.get("query") != query_id:
            raise bad_request("Not found.", status=404)
        found = await self._engine.in_thread(self._engine.queries.chunk, query_id, request.path_params["index"])
        if found is None or not found[1].path.is_file():
            raise bad_request("The result has been deleted.", status=410)
        part = found[1]
        return StreamingResponse(
            file_range(part.path, part.offset, part.length, self._engine.in_thread),
            media_type="application/octet-stream",
            headers={"Content-Length": str(part.length)},
        )

    async def upload(self, request: Request) -> Response:
        claims = _caller(request).claims
        if request.path_params["name"] != claims["name"]:
            raise bad_request("Not found.", status=404)
        owner = _owner(request)
        await self._uploading.take(owner, 1)
        try:
            await self._uploads.receive(request, claims)
        finally:
            self._uploading.give(owner, 1)
        return Response()

    async def download(self, request: Request) -> Response:
        claims = _caller(request).claims
        try:
            descriptor = await self._engine.in_thread(self._engine.storage.objects.open, claims["object"])
        except StorageError as error:
            raise bad_request("The file is gone.", status=410) from error
        return StreamingResponse(
            file_range(descriptor, 0, claims["size"], self._engine.in_thread),
            media_type="application/octet-stream",
            headers={"Content-Length": str(claims["size"])},
        )

    async def identity(self, request: Request) -> Response:
        return JSONResponse(self._engine.identity.answer(request.query_params.get("nonce", ""), _caller(request).host))

    async def health(self, request: Request) -> Response:
        return JSONResponse({"status": "ready"})

    async def accounts(self, request: Request) -> Response:
        storage = self._engine.storage
        if request.method == "GET":
            return JSONResponse(await self._engine.in_thread(admin.list_accounts, storage))
        body = parse_object(await self._small(request))
        isolated = not self._engine.isolation_reason
        return JSONResponse(await self._engine.in_thread(admin.create_account, storage, body, isolated))

    async def stop(self, request: Request) -> Response:
        logger.info("told to stop by the operator")
        self._stop()
        return JSONResponse({"stopping": True})

    async def _answer(self, request: Request, query_id: str) -> Response:
        """The query's answer, or after PATIENCE_SECONDS that it is in progress."""
        session, queries = _session(request), self._engine.queries
        done = queries.wait(query_id)
        if done is not None:
            await _until_done_or_gone(asyncio.wrap_future(done), request)
        answer = await self._engine.in_thread(queries.answer, session, query_id, _caller(request).base_url)
        return await self._json(answer)

    async def _small(self, request: Request) -> bytes:
        """The body of a request that is never large."""
        return unpack(await read_body(request, SMALL_BODY), _encoding(request), SMALL_BODY)

    async def _body(self, request: Request, owner: Owner) -> tuple[bytes, int]:
        """The body of a query request, unpacked, and how much of the owner's share it holds: 0 where it is small.

        What a large one takes is asked for before it is read, and again before it is unpacked: so bodies that do not
        arrive, or grow, are their owner's affair.
        """
        declared = _declared(request)
        arriving = 0 if declared <= _LARGE else min(declared, QUERY_BODY)
        if arriving:
            await self._bodies.take(owner, arriving)
        try:
            raw = await read_body(request, QUERY_BODY)
        finally:
            if arriving:
                self._bodies.give(owner, arriving)
        size = unpacked_size(raw, _encoding(request), QUERY_BODY)
        if size <= _LARGE:
            return unpack(raw, _encoding(request), _LARGE), 0
        await self._bodies.take(owner, size)
        try:
            return await self._engine.in_thread(unpack, raw, _encoding(request), size), size
        except BaseException:
            self._bodies.give(owner, size)
            raise

    async def _json(self, answer: dict[str, Any]) -> Response:
        content = await self._engine.in_thread(_encoded, answer)
        return Response(content, media_type="application/json")

    def _bound_time(self, query_id: str, session: Session, wanted: float | None) -> None:
        """End the statement when its time is over."""
        done = self._engine.queries.wait(query_id)
        if done is None:
            return
        of_session = positive_seconds(session.parameters.get("STATEMENT_TIMEOUT_IN_SECONDS"))
        seconds = min(wanted or of_session or DEFAULT_TIMEOUT_SECONDS, DEFAULT_TIMEOUT_SECONDS)
        loop = asyncio.get_running_loop()
        timer = loop.call_later(
            seconds,
            lambda: loop.create_task(_awaited(self._engine.in_thread(self._engine.queries.expire, query_id, seconds))),
        )
        done.add_done_callback(lambda _: None if loop.is_closed() else loop.call_soon_threadsafe(timer.cancel))


async def _until_done_or_gone(done: asyncio.Future[None], request: Request) -> None:
    """Wait, for PATIENCE_SECONDS at most, and no longer than the client does. The statement goes on without it, as on
    Snowflake: a client whose connection broke repeats its request, and is answered by what it had begun.
    """
    gone = asyncio.ensure_future(request.receive())  # the body has been read: what comes now is that it has left
    try:
        await asyncio.wait((done, gone), timeout=PATIENCE_SECONDS, return_when=asyncio.FIRST_COMPLETED)
    finally:
        gone.cancel()


async def _awaited(work: Awaitable[Any]) -> None:
    await work


def _encoded(answer: dict[str, Any]) -> bytes:
    return json.dumps(answer, separators=(",", ":"), ensure_ascii=False).encode("utf-8", "replace")


def _query_request(query: Mapping[str, str], plain: bytes) -> QueryRequest:
    return parse_query(query, parse_object(plain))


def _encoding(request: Request) -> str:
    return request.headers.get("content-encoding", "")


def _declared(request: Request) -> int:
    """How large a body says that it is; as large as can be where it does not say."""
    declared = request.headers.get("content-length", "")
    return int(declared) if declared.isascii() and declared.isdigit() and len(declared) < 20 else QUERY_BODY


def _connection(request: Request) -> Connection | None:
    found: Connection | None = request.scope.get("state", {}).get("connection")
    return found


def _sender(scope: Scope) -> str:
    """Who is at the other end of a connection to the main door, as far as the machine knows."""
    peer, ours = scope.get("client"), scope.get("server")
    uid = peer_uid(peer, ours) if peer and ours and ours[1] else None
    return "" if uid is None else str(uid)


def _owner(request: Request) -> Owner:
    """Whose load a request is."""
    return _caller(request).owner


def _caller(request: Request) -> Caller:
    caller: Caller = request.scope["state"]["caller"]
    return caller


def _session(request: Request) -> Session:
    session = _caller(request).session
    assert session is not None, "the gate lets nobody without a session here"
    return session


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, WireError)
    return JSONResponse(error.payload(), error.status)


async def _no_route(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 404
    return JSONResponse(bad_request("There is no such endpoint.").payload(), status)


async def _internal(request: Request, error: Exception) -> Response:
    # Starlette logs the traceback itself; a client is told nothing of it.
    return JSONResponse(failure(603, "Internal error of the engine; its log says more.", "XX000"), 500)
