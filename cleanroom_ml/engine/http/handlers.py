"""The HTTP surface: one handler of a few lines for each endpoint. The gate has authenticated whoever gets here."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from typing import TYPE_CHECKING, Final

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from cleanroom_ml.engine.contracts.statement_time import allowed_seconds
from cleanroom_ml.engine.http import admin
from cleanroom_ml.engine.http.allowances import Allowances
from cleanroom_ml.engine.http.bodies import Bodies
from cleanroom_ml.engine.http.callers import caller_of, connection_of, owner_of, sender_of, session_of
from cleanroom_ml.engine.http.file_pieces import FileAnswer
from cleanroom_ml.engine.http.gate import Gate, master_token_refused
from cleanroom_ml.engine.http.large_answers import LARGE, LargeAnswers
from cleanroom_ml.engine.http.transfers import Uploads
from cleanroom_ml.engine.http.waiting import Begun, until_done_or_gone
from cleanroom_ml.engine.login.logins import WrongPassword
from cleanroom_ml.engine.protocol.bodies import encoded, parse_object
from cleanroom_ml.engine.protocol.errors import LOGIN_THROTTLED, WireError, bad_request, failure, success
from cleanroom_ml.engine.protocol.login import PASSWORD, LoginRequest, login_response, parse_login
from cleanroom_ml.engine.protocol.parameters import login_parameters
from cleanroom_ml.engine.protocol.queries import (
    QueryRequest,
    checked_uuid,
    in_progress,
    moves_files,
    parse_abort,
    parse_query,
)
from cleanroom_ml.engine.protocol.results import Reply
from cleanroom_ml.engine.storage.errors import SessionGone, StorageError
from cleanroom_ml.engine.storage.sessions import Session, Tokens

if TYPE_CHECKING:
    from cleanroom_ml.engine.assembly.engine import Engine

logger = logging.getLogger(__name__)

MAX_WAITING_LOGINS: Final = 256
UPLOADS_OF_ONE: Final = 16
SHARE_SECONDS: Final = 45.0


class Handlers:
    """The handlers of one engine. `stop` asks the process to end."""

    def __init__(self, engine: Engine, stop: Callable[[], None]) -> None:
        self._engine = engine
        self._stop = stop
        self._logins = asyncio.Semaphore(MAX_WAITING_LOGINS)
        self._bodies = Bodies(engine.in_thread, patience=SHARE_SECONDS)
        self._readers = Allowances(each=1, what="large request read at once", patience=SHARE_SECONDS)
        self._uploading = Allowances(each=UPLOADS_OF_ONE, what="uploads", patience=SHARE_SECONDS)
        self._answers = LargeAnswers(SHARE_SECONDS)
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
            known=self._engine.storage.sessions.known,
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
        wanted = parse_login(request.query_params, parse_object(await self._bodies.small(request)))
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
        job_id = caller_of(request).job_id
        logins = self._engine.logins
        if wanted.authenticator != PASSWORD:
            opened: tuple[Session, Tokens] = await self._engine.in_thread(logins.open, wanted, job_id=job_id)
            return opened
        if self._logins.locked():
            raise WireError(LOGIN_THROTTLED, "Too many logins at once.", status=503)
        try:
            async with self._logins:
                sender = await self._engine.in_login_thread(sender_of, request.scope)
                opened = await self._engine.in_login_thread(logins.open, wanted, job_id=job_id, sender=sender)
        except WrongPassword as error:
            connection = connection_of(request)
            if connection is not None:
                connection.held = True
            await asyncio.sleep(error.hold_seconds)
            raise
        return opened

    async def renew(self, request: Request) -> Response:
        caller = caller_of(request)
        await self._bodies.small(request)
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
        await self._engine.in_thread(self._engine.storage.sessions.heartbeat, session_of(request).id)
        return JSONResponse(success())

    async def close_session(self, request: Request) -> Response:
        if request.query_params.get("delete") != "true":
            raise bad_request("A session can only be deleted.")
        await self._engine.in_thread(self._engine.close_session, session_of(request))
        return JSONResponse(success())

    async def query(self, request: Request) -> Response:
        session = session_of(request)
        owner = owner_of(request)
        plain, held = await self._bodies.large(request, owner)
        wanted: QueryRequest | None = None
        try:
            if held:
                await self._readers.take(owner, 1)
                try:
                    wanted = await self._engine.in_thread(_query_request, request, plain)
                finally:
                    self._readers.give(owner, 1)
            else:
                wanted = _query_request(request, plain)
            del plain
            queries, base_url = self._engine.queries, caller_of(request).base_url
            seconds = allowed_seconds(wanted.parameters, session.parameters)
            running = None if held else queries.begin(session, wanted, base_url)
            if running is not None:
                self._bound_time(running.done, running.query_id, seconds)
                return await self._answer_of(request, running, wanted)
            query_id = await self._engine.in_thread(queries.submit, session, wanted, base_url)
            ended = queries.wait(query_id)
            if held and ended is not None:
                # What is bound to the statement is in memory until it ran.
                loop, amount = asyncio.get_running_loop(), held
                ended.add_done_callback(lambda _: loop.call_soon_threadsafe(self._bodies.give, owner, amount))
                held = 0
        finally:
            if held:
                self._bodies.give(owner, held)
        if ended is not None:
            self._bound_time(ended, query_id, seconds)
        if wanted.asynchronous:  # even where it has ended by now: its client looks for the outcome, or the error, later
            return JSONResponse(in_progress(query_id, asynchronous=True))
        return await self._answer(request, query_id, own=True)

    async def result(self, request: Request) -> Response:
        query_id = checked_uuid(request.path_params["query_id"], "The query id")
        return await self._answer(request, query_id)

    async def abort_request(self, request: Request) -> Response:
        request_id = parse_abort(parse_object(await self._bodies.small(request)))
        await self._engine.in_thread(self._engine.queries.abort_request, session_of(request), request_id)
        return JSONResponse(success())

    async def abort_query(self, request: Request) -> Response:
        query_id = checked_uuid(request.path_params["query_id"], "The query id")
        done = await self._engine.in_thread(self._engine.queries.abort, session_of(request), query_id)
        return JSONResponse(
            success() if done else failure(605, "Identified SQL statement is not currently executing.", "02000")
        )

    async def monitor(self, request: Request) -> Response:
        query_id = checked_uuid(request.path_params["query_id"], "The query id")
        return JSONResponse(await self._engine.in_thread(self._engine.queries.status, session_of(request), query_id))

    async def telemetry(self, request: Request) -> Response:
        """Nothing is collected here."""
        return JSONResponse(success())

    async def chunk(self, request: Request) -> Response:
        query_id = request.path_params["query_id"]
        if caller_of(request).claims.get("query") != query_id:
            raise bad_request("Not found.", status=404)
        found = await self._engine.in_thread(self._engine.queries.chunk, query_id, request.path_params["index"])
        if found is None or not found[1].path.is_file():
            raise bad_request("The result has been deleted.", status=410)
        part = found[1]
        # Without a charset the connector guesses one from the bytes.
        kind = "application/json; charset=utf-8" if part.text else "application/octet-stream"
        return FileAnswer(part.path, part.offset, part.length, self._engine.in_thread, kind)

    async def upload(self, request: Request) -> Response:
        claims = caller_of(request).claims
        if request.path_params["name"] != claims["name"]:
            raise bad_request("Not found.", status=404)
        owner = owner_of(request)
        await self._uploading.take(owner, 1)
        try:
            await self._uploads.receive(request, claims)
        finally:
            self._uploading.give(owner, 1)
        return Response()

    async def download(self, request: Request) -> Response:
        claims = caller_of(request).claims
        try:
            descriptor = await self._engine.in_thread(self._engine.storage.objects.open, str(claims["object"]))
        except StorageError as error:
            raise bad_request("The file is gone.", status=410) from error
        return FileAnswer(descriptor, 0, int(str(claims["size"])), self._engine.in_thread)

    async def identity(self, request: Request) -> Response:
        return JSONResponse(
            self._engine.identity.answer(request.query_params.get("nonce", ""), caller_of(request).host)
        )

    async def health(self, request: Request) -> Response:
        return JSONResponse({"status": "ready"})

    async def accounts(self, request: Request) -> Response:
        storage = self._engine.storage
        if request.method == "GET":
            return JSONResponse(await self._engine.in_thread(admin.list_accounts, storage))
        body = parse_object(await self._bodies.small(request))
        isolated = not self._engine.isolation_reason
        return JSONResponse(await self._engine.in_thread(admin.create_account, storage, body, isolated))

    async def stop(self, request: Request) -> Response:
        logger.info("told to stop by the operator")
        self._stop()
        return JSONResponse({"stopping": True})

    async def _answer(self, request: Request, query_id: str, *, own: bool = False) -> Response:
        """The query's answer, or after PATIENCE_SECONDS that it is in progress. `own`: this request's session is the
        one that sent it.
        """
        session, queries = session_of(request), self._engine.queries
        done = queries.wait(query_id)
        if done is not None:
            reply = await until_done_or_gone(done, request)
            if own and reply is not None and reply.base_url == caller_of(request).base_url:
                return Response(reply.content, media_type="application/json")
        return await self._answer_now(request, session, query_id)

    async def _answer_of(self, request: Request, running: Begun, wanted: QueryRequest) -> Response:
        """The answer of a statement that was begun for this request, or after PATIENCE_SECONDS that it is in progress.

        Raises:
            WireError: it is none that could be begun.
        """
        session, queries, base_url = session_of(request), self._engine.queries, caller_of(request).base_url
        reply = await until_done_or_gone(running.done, request)
        if reply is not None:
            return Response(reply.content, media_type="application/json")
        query_id = running.answer_id
        if not running.recorded:  # the catalog keeps it waiting, or its session has ended meanwhile
            query_id = await self._engine.in_thread(queries.submit, session, wanted, base_url)
        elif running.done.done() and query_id != running.query_id:
            return await self._answer(request, query_id, own=True)
        return await self._answer_now(request, session, query_id)

    async def _answer_now(self, request: Request, session: Session, query_id: str) -> Response:
        """What there is to say about a query now, however large it is."""
        queries = self._engine.queries

        def made() -> bytes:
            return encoded(queries.answer(session, query_id, caller_of(request).base_url))

        def sized() -> tuple[int, bytes]:
            """How large the answer is, and the answer where it is small: in one turn on a thread."""
            size = queries.answer_bytes(query_id)
            return size, made() if size <= LARGE else b""

        async def large() -> bytes:
            content: bytes = await self._engine.in_thread(made)
            return content

        size, small = await self._engine.in_thread(sized)
        if size <= LARGE:
            return Response(small, media_type="application/json")
        return await self._answers.respond(owner_of(request), size, large)

    def _bound_time(self, done: Future[Reply | None], query_id: str, seconds: float) -> None:
        """End the statement when its time is over."""
        loop = asyncio.get_running_loop()
        timer = loop.call_later(
            seconds,
            lambda: loop.create_task(_awaited(self._engine.in_thread(self._engine.queries.expire, query_id, seconds))),
        )
        done.add_done_callback(lambda _: None if loop.is_closed() else loop.call_soon_threadsafe(timer.cancel))


async def _awaited(work: Awaitable[object]) -> None:
    await work


def _query_request(request: Request, plain: bytes) -> QueryRequest:
    return parse_query(request.query_params, parse_object(plain), moves_files=moves_files(request.headers))


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, WireError)
    return JSONResponse(error.payload(), error.status)


async def _no_route(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 404
    return JSONResponse(bad_request("There is no such endpoint.").payload(), status)


async def _internal(request: Request, error: Exception) -> Response:
    # Starlette logs the traceback itself; a client is told nothing of it.
    return JSONResponse(failure(603, "Internal error of the engine; its log says more.", "XX000"), 500)
