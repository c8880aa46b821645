"""What a procedure in Python asks of the engine: the few requests that the connector makes, and no others.

It is the same protocol as at the front's port, but for who may: nothing logs in here, the session is the one that
called, and every statement goes to the one function that the caller gave. What comes is hostile; it is bounded before
it is read.
"""

from __future__ import annotations

import hashlib
import logging
import os
import socket
import time
import uuid
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Final
from urllib.parse import parse_qsl, unquote, urlsplit

from cleanroom_ml.engine.load import cancellation
from cleanroom_ml.engine.protocol.bodies import encoded, parse_object, unpack
from cleanroom_ml.engine.protocol.capabilities import Capabilities, CapabilityRefusedError
from cleanroom_ml.engine.protocol.errors import SESSION_GONE, WireError, bad_request, success
from cleanroom_ml.engine.protocol.large_json import is_unicode
from cleanroom_ml.engine.protocol.login import login_response
from cleanroom_ml.engine.protocol.parameters import login_parameters
from cleanroom_ml.engine.protocol.puts import PutMemory
from cleanroom_ml.engine.protocol.queries import parse_query, query_status, scanned_result
from cleanroom_ml.engine.protocol.stages import stored_name
from cleanroom_ml.engine.protocol.states import CLIENT_STATUS
from cleanroom_ml.engine.queries.answers import Answers, outcome_of
from cleanroom_ml.engine.queries.replies import answer_of
from cleanroom_ml.engine.queries.requests import binds_of, fingerprint
from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.statements.ports import RunInside
from cleanroom_ml.engine.statements.results import StatementResult
from cleanroom_ml.engine.storage.errors import IllegalState, NotFound, RequestMismatch, StorageError
from cleanroom_ml.engine.storage.queries import QueryRecord
from cleanroom_ml.engine.storage.sessions import Session
from cleanroom_ml.engine.storage.storage import Storage
from cleanroom_ml.engine.warehouse import procedure_frames as frames

logger = logging.getLogger(__name__)

MOST_BODY: Final = 8 << 20
"""Of a request, as it comes and unpacked: values by the million go through a stage."""
MOST_UPLOAD: Final = 512 << 20
MOST_RESULTS: Final = 4
"""Results of the last statements, one of which a procedure may return as its table."""
_BASE: Final = "http://procedure"
_PIECE: Final = 256 << 10
_SECONDS: Final = 24 * 3600
_HEAD: Final = 16
_NOTHING: Final = frozenset({"/session", "/session/heartbeat", "/telemetry/send", "/queries/v1/abort-request"})
"""What the connector sends of which there is nothing to do: the session is the caller's."""


class ProcedureLine:
    """One call's line. `run` executes a statement, and decides what it may do."""

    def __init__(
        self,
        storage: Storage,
        answers: Answers,
        capabilities: Capabilities,
        session: Session,
        run: RunInside,
        home: tuple[str, str] | None = None,
    ) -> None:
        self._storage = storage
        self._answers = answers
        self._capabilities = capabilities
        self._session = session
        self._run = run
        self._home = home
        self._puts = PutMemory()
        self._sent: set[str] = set()
        self._results: dict[str, StatementResult] = {}

    def result(self, query_id: str) -> StatementResult | None:
        """What a statement gave that this procedure sent; None: it is none of its last ones."""
        return self._results.get(query_id)

    def serve(self, line: socket.socket, head: frames.Head) -> None:
        """Answers one request. Raises BadFrame: the line is of no use any more."""
        try:
            url = urlsplit(head.target)
        except ValueError as error:
            raise frames.BadFrame("a target is no URL") from error
        if not url.path.startswith("/") or not is_unicode(head.target) or not is_unicode(unquote(url.path)):
            raise frames.BadFrame("a target is no path")
        parts = [unquote(part) for part in url.path.split("/")[1:]]
        try:
            if head.method == "PUT" and parts[:2] == ["stage", "upload"] and len(parts) == 4:
                self._upload(line, head, parts[2])
                body = b""
            elif head.size > MOST_BODY:
                raise frames.BadFrame("a body is too large")
            else:
                sent = frames.exactly(line, head.size)
                if sent is None:
                    raise frames.BadFrame("a body breaks off")
                if self._sends_file(line, head.method, parts):
                    return
                plain = unpack(sent, head.encoding, MOST_BODY)
                body = encoded(self._answer(head.method, url.path, parts, dict(parse_qsl(url.query)), plain))
            status = 200
        except WireError as error:
            status, body = error.status, encoded(error.payload())
        line.sendall(frames.ANSWER.pack(status, len(body)))
        line.sendall(body)

    def _answer(
        self, method: str, path: str, parts: list[str], query: Mapping[str, str], plain: bytes
    ) -> Mapping[str, object]:
        if method == "POST" and path == "/queries/v1/query-request":
            return self._query(query, plain)
        if method == "POST" and path == "/session/v1/login-request":
            return self._login()
        if method == "POST" and path in _NOTHING:
            return success()
        if method == "GET" and len(parts) == 3 and parts[0] == "queries" and parts[2] == "result":
            return answer_of(self._answers, self._record(parts[1]), self._session, _BASE)
        if method == "GET" and len(parts) == 3 and parts[:2] == ["monitoring", "queries"]:
            record = self._record(parts[2])
            error = None if record.code is None else (record.code, record.message or "")
            return query_status(record.query_id, CLIENT_STATUS[record.state], error=error)
        raise bad_request("There is no such endpoint for a procedure.", status=404)

    def _login(self) -> Mapping[str, object]:
        """The session is there already: its tokens open nothing."""
        session = self._shown()
        return login_response(
            token="none",
            master_token="none",
            session_validity=_SECONDS,
            master_validity=_SECONDS,
            session_number=int(session.id),
            parameters=login_parameters(session.parameters),
            session_info={
                "databaseName": session.database,
                "schemaName": session.schema,
                "warehouseName": session.warehouse,
                "roleName": session.role,
            },
        )

    def _shown(self) -> Session:
        """The session as its procedure sees it."""
        if self._home is None:
            return self._session
        return replace(self._session, database=self._home[0], schema=self._home[1])

    def _query(self, query: Mapping[str, str], plain: bytes) -> Mapping[str, object]:
        request = parse_query(query, parse_object(plain, tick=cancellation.check))
        if request.asynchronous:
            raise bad_request("Asynchronous statements are not supported in a procedure.", status=405)
        scanned = scanned_result(request.sql)
        if scanned is not None:
            return answer_of(self._answers, self._record(scanned), self._session, _BASE)
        sql, bindings = self._puts.read(self._session.id, request.sql, request.bindings)
        query_id = str(uuid.uuid4())
        try:
            record, fresh = self._storage.queries.start(
                query_id, self._session.id, request.request_id, fingerprint(request), durable=False
            )
        except RequestMismatch as error:
            raise bad_request("This request id was used for another statement.") from error
        except NotFound as error:
            raise WireError(SESSION_GONE, "Session no longer exists. New login required.") from error
        if fresh:
            self._sent.add(query_id)
            record = self._ended(query_id, lambda: self._run(sql, binds_of(bindings), query_id, request.describe_only))
        return answer_of(self._answers, record, self._session, _BASE)

    def _ended(self, query_id: str, run: Callable[[], StatementResult]) -> QueryRecord:
        """Runs a statement, and records how it ended: as a client's own would be."""
        queries = self._storage.queries
        failure: SqlError | WireError
        try:
            result = run()
            outcome = outcome_of(result, self._shown(), self._storage)
            self._results[query_id] = result
            if len(self._results) > MOST_RESULTS:
                del self._results[next(iter(self._results))]
            return queries.finish(
                query_id, outcome.response, outcome.spool, objects=outcome.objects, durable=outcome.spool is None
            )
        except SqlError as error:
            failure = error
        except IllegalState:
            return self._record(query_id)  # somebody has ended it meanwhile
        except Exception:
            logger.exception("query %s of a procedure: internal error", query_id)
            failure = SqlError.internal(query_id)
        with cancellation.tidying(), suppress(IllegalState):
            code, sqlstate = failure.code, failure.sqlstate
            return queries.fail(query_id, code=code, sqlstate=sqlstate, message=failure.message)
        return self._record(query_id)

    def _record(self, query_id: str) -> QueryRecord:
        record = self._storage.queries.get(query_id)
        # With its owner's rights: results of the session may be of another role.
        foreign = self._home is not None and query_id not in self._sent
        if record is None or foreign or record.session_id != self._session.id:
            raise WireError(709, "Statement not found, or not yours.", sqlstate="02000", query_id=query_id)
        return record

    def _sends_file(self, line: socket.socket, method: str, parts: list[str]) -> bool:
        """Sends a chunk of a result, or a staged file; whether that was asked for."""
        if method != "GET":
            return False
        if parts[0] == "chunks" and len(parts) == 3 and parts[2].isdecimal() and len(parts[2]) < 7:
            found = self._answers.chunk(self._record(parts[1]), int(parts[2]))
            if found is None:
                raise bad_request("There is no such chunk.", status=404)
            descriptor = os.open(found.path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
            _send(line, descriptor, found.offset, found.length)
            return True
        if parts[:2] == ["stage", "download"] and len(parts) == 4:
            claims = self._claims("download", parts[2])
            try:
                descriptor = self._storage.objects.open(str(claims["object"]))
            except StorageError as error:
                raise bad_request("The file is gone.", status=410) from error
            _send(line, descriptor, 0, int(str(claims["size"])))
            return True
        return False

    def _claims(self, purpose: str, capability: str) -> Mapping[str, object]:
        try:
            claims = self._capabilities.check(purpose, capability, now=time.time())
        except CapabilityRefusedError as error:
            raise bad_request("This URL allows nothing.", status=403) from error
        if claims.get("owner") != self._session.account or claims.get("audience") != (self._session.job_id or ""):
            raise bad_request("This URL allows nothing.", status=403)
        return claims

    def _upload(self, line: socket.socket, head: frames.Head, capability: str) -> None:
        """Stores a file of a PUT: wholly, or not at all."""
        if head.size > MOST_UPLOAD:
            raise frames.BadFrame("a file is too large")
        descriptor, path = self._storage.objects.create_output()
        try:
            try:
                md5, first = _received(line, head.size, descriptor)
            finally:
                os.close(descriptor)
            claims = self._claims("upload", capability)
            name = stored_name(str(claims["name"]), first, gzip=bool(claims["gzip"]))
            sha256 = self._storage.objects.adopt(path)
            with self._storage.pin((sha256,)):
                self._storage.stages.put_uploaded(str(claims["ticket"]), name, sha256, head.size, md5)
        except StorageError as error:
            raise bad_request("The file cannot be stored under that path.", status=409) from error
        finally:
            with suppress(FileNotFoundError):
                path.unlink()


def _received(line: socket.socket, size: int, descriptor: int) -> tuple[str, bytes]:
    """The MD5 of a body, and its first bytes. Raises BadFrame: it breaks off."""
    md5 = hashlib.md5(usedforsecurity=False)
    first = b""
    while size:
        piece = frames.exactly(line, min(size, _PIECE))
        if piece is None:
            raise frames.BadFrame("a body breaks off")
        first = first or piece[:_HEAD]
        md5.update(piece)
        view = memoryview(piece)
        while view:
            view = view[os.write(descriptor, view) :]
        size -= len(piece)
    return md5.hexdigest(), first


def _send(line: socket.socket, descriptor: int, offset: int, length: int) -> None:
    with open(descriptor, "rb") as file:
        line.sendall(frames.ANSWER.pack(200, length))
        if line.sendfile(file, offset, length) != length:
            raise frames.BadFrame("a file is shorter than it was")
