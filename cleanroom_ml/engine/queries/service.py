"""Runs statements for clients: at once or asynchronously, several together, repeated, cancelled, collected later.

Each statement is recorded before it runs, under the request id that a client's retry carries again, and its outcome
after. So a retry waits for, or gets, the first attempt's outcome, and never runs anything twice. What the engine's
death interrupted before it was committed runs when it is asked for again.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import Final

from cleanroom_ml.engine.contracts.result_format import asked_format
from cleanroom_ml.engine.contracts.table import Rows
from cleanroom_ml.engine.load.big_texts import BIG_TEXTS
from cleanroom_ml.engine.load.owners import Owner
from cleanroom_ml.engine.protocol import queries as wire
from cleanroom_ml.engine.protocol.errors import WireError
from cleanroom_ml.engine.protocol.puts import PutMemory
from cleanroom_ml.engine.protocol.queries import QueryRequest
from cleanroom_ml.engine.protocol.results import MULTI_STATEMENT_COLUMN, MULTI_STATEMENT_MESSAGE, Reply
from cleanroom_ml.engine.protocol.states import CLIENT_STATUS, is_final
from cleanroom_ml.engine.queries.answers import (
    LARGEST_DESCRIPTION,
    Answers,
    Outcome,
    SpoolRange,
    audience_of,
    kept_type,
    multi_statement_outcome,
    outcome_of,
    ran_several,
    sent_as,
)
from cleanroom_ml.engine.queries.execute import Execute
from cleanroom_ml.engine.queries.records import INTERRUPTED_CODE, Records
from cleanroom_ml.engine.queries.replies import answer_of, small_reply
from cleanroom_ml.engine.queries.requests import binds_of, count_of, fingerprint, shared_out
from cleanroom_ml.engine.queries.running import Running
from cleanroom_ml.engine.queries.threads import FairThreads
from cleanroom_ml.engine.queries.under_way import UnderWay
from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.lex.split import split
from cleanroom_ml.engine.statements.results import VARCHAR
from cleanroom_ml.engine.storage.errors import IllegalState, NotFound
from cleanroom_ml.engine.storage.queries import QueryRecord
from cleanroom_ml.engine.storage.sessions import Session
from cleanroom_ml.engine.storage.storage import Storage

logger = logging.getLogger(__name__)

THREADS: Final = 48
MAX_IN_FLIGHT: Final = 24
"""Statements of an account's people, and of each job, that run or wait at once."""
MAX_STATEMENTS: Final = 200
INTERRUPTED: Final = (
    "The engine was restarted while the statement ran. Nothing it had not finished was kept. Run it again."
)


class QueryService:
    """Every statement of every client. Blocking (but for `wait`) and thread-safe.

    The work happens on threads of its own, under the statement's token (`Running`): whatever it waits for, in
    whichever room, is ended by that.
    """

    def __init__(self, storage: Storage, execute: Execute, answers: Answers) -> None:
        self._storage = storage
        self._execute = execute
        self._answers = answers
        self._puts = PutMemory()
        self._under_way = UnderWay(FairThreads(THREADS, 2 * THREADS, "statement"))
        self._records = Records(storage.queries, self._under_way)

    def recover(self) -> int:
        """At the start: what was under way when the engine died has failed. How many."""
        return self._storage.queries.fail_interrupted(code=INTERRUPTED_CODE, sqlstate="57P01", message=INTERRUPTED)

    def submit(self, session: Session, request: QueryRequest, base_url: str | None = None) -> str:
        """Start the statement, or find the attempt that this request repeats; its query id. `base_url`: how the client
        reaches us, where it waits for the answer.

        Raises:
            WireError: the request id was used for another statement, or the session is gone.
        """
        other = self._elsewhere(session, request)
        if other is not None:
            return other
        request = self._meant(session, request)
        # Known before it is recorded: from the record on it can be aborted, and must be found then.
        running = self._running(session)
        crowded = self._under_way.enter(running) > MAX_IN_FLIGHT
        try:
            fresh = self._records.begin(running, session, request)
        except BaseException:
            self._under_way.leave(running)
            raise
        if not fresh:
            self._under_way.leave(running)
            return running.answer_id
        if crowded:
            whose = session.job_id or session.account
            running.cancel(SqlError(625, "53300", f"{whose} has {MAX_IN_FLIGHT} statements under way already."))
        if running.reason is not None:
            self._records.fail(running.query_id, running.reason)
        self._under_way.queue(running, lambda: self._run(running, request, session, base_url))
        return running.query_id

    def begin(self, session: Session, request: QueryRequest, base_url: str) -> Running | None:
        """The statement, recorded and run on one thread from now on, where that is free and the session has nothing
        else under way; None: `submit` it. Never blocks.

        Once it is `done`, its `answer_id` is the one that `submit` would have given; or `done` raises what that raises.
        Before, `submit` finds this attempt, as it finds every other one.
        """
        if request.asynchronous:  # its client is told the id at once
            return None
        running = self._running(session)
        crowded = self._under_way.enter(running) > MAX_IN_FLIGHT
        if crowded or not self._under_way.begin(
            running, lambda: self._record_and_run(running, request, session, base_url)
        ):
            self._under_way.leave(running)
            return None
        return running

    def _record_and_run(self, running: Running, request: QueryRequest, session: Session, base_url: str) -> None:
        try:
            other = self._elsewhere(session, request)
            if other is None:
                request = self._meant(session, request)
                fresh = self._records.begin(running, session, request)
            else:
                running.answer_id, running.recorded, fresh = other, True, False
        except Exception as error:  # noqa: BLE001 - nothing was recorded that would say so: whoever waits is told
            running.refuse(error)
            return
        if fresh:
            self._run(running, request, session, base_url)

    def _running(self, session: Session) -> Running:
        return Running(str(uuid.uuid4()), Owner(session.account, session.job_id or ""), session.id)

    def _elsewhere(self, session: Session, request: QueryRequest) -> str | None:
        """The query id of what answers a request that is no statement to be run: one that collects the result of
        another, or that cancels others.
        """
        scanned = wire.scanned_result(request.sql)
        if scanned is not None:
            record = self._record(session, scanned)
            if ran_several(record):
                return self._several_scanned(session, request)
            if record.session_id != session.id or sent_as(record, asked_format(request.parameters, session.parameters)):
                return scanned
        cancelled = wire.cancellation(request.sql)
        return None if cancelled is None else self._cancel(session, request, cancelled, str(uuid.uuid4()))

    def _meant(self, session: Session, request: QueryRequest) -> QueryRequest:
        """The statement that the client means: of a PUT that it repeats for a file it sends the text alone."""
        sql, bindings = self._puts.read(session.id, request.sql, request.bindings, remember=request.moves_files)
        if sql is request.sql and bindings is request.bindings:
            return request
        return replace(request, sql=sql, bindings=bindings, moves_files=request.moves_files or sql is not request.sql)

    def _several_scanned(self, session: Session, request: QueryRequest) -> str:
        """RESULT_SCAN of several statements: their one row, and not their ids, which the client asks for when it has
        seen that (connector: `cursor.get_results_from_sfqid`).
        """
        query_id = str(uuid.uuid4())
        record, created = self._storage.queries.start(query_id, session.id, request.request_id, fingerprint(request))
        if not created:
            return record.query_id
        rows = Rows(((MULTI_STATEMENT_COLUMN, VARCHAR),), ((MULTI_STATEMENT_MESSAGE,),))
        self._storage.queries.finish(query_id, outcome_of(rows, session, self._storage).response)
        return query_id

    def wait(self, query_id: str) -> Future[Reply | None] | None:
        """Resolved once the query has ended; None where it does not run (any more) in this process. Never blocks."""
        running = self._under_way.get(query_id)
        return None if running is None else running.done

    def answer(self, session: Session, query_id: str, base_url: str) -> dict[str, object]:
        """What there is to say about the query now: still running, its result, or its error.

        Raises:
            WireError: there is no such query that this session may know of.
        """
        record = self._record(session, query_id)
        if not is_final(record.state):
            return wire.in_progress(query_id, asynchronous=False)
        return answer_of(self._answers, record, session, base_url)

    def answer_bytes(self, query_id: str) -> int:
        """About how large the answer of a query is that has succeeded. Nothing large is read to find out."""
        return self._answers.size(*self._storage.queries.response(query_id, limit=LARGEST_DESCRIPTION))

    def status(self, session: Session, query_id: str) -> dict[str, object]:
        """The state of a query, for a client that polls."""
        try:
            record = self._record(session, query_id)
        except WireError:
            return wire.unknown_query()
        error = None if record.code is None else (record.code, record.message or "")
        return wire.query_status(query_id, CLIENT_STATUS[record.state], error=error)

    def abort_request(self, session: Session, request_id: str) -> bool:
        """Cancel the query that this request of this session started; whether there was one to cancel."""
        record = self._storage.queries.by_request(session.id, request_id)
        return record is not None and self.abort(session, record.query_id)

    def abort(self, session: Session, query_id: str) -> bool:
        """Cancel a query. Once this returns True, nothing of it is committed any more."""
        try:
            self._record(session, query_id)
            with self._ending(query_id, SqlError.cancelled()):
                self._storage.queries.abort(query_id)
        except (WireError, IllegalState):
            return False
        self._under_way.stop(query_id, SqlError.cancelled())
        return True

    def expire(self, query_id: str, seconds: float) -> None:
        """The statement ran for as long as it may."""
        reason = SqlError.timed_out(seconds)
        try:
            with self._ending(query_id, reason):
                self._storage.queries.fail(query_id, code=reason.code, sqlstate=reason.sqlstate, message=reason.message)
        except NotFound:
            pass  # it is about to be recorded, and has failed then
        except IllegalState:
            return
        self._under_way.stop(query_id, reason)

    @contextmanager
    def _ending(self, query_id: str, reason: SqlError) -> Iterator[None]:
        """Around recording that a statement is over: it is ended before anybody writes again."""
        with self._storage.database.transaction():
            yield
            running = self._under_way.get(query_id)
            if running is not None:
                running.cancel(reason)

    def session_closed(self, session_id: str) -> None:
        """End what a session that was closed has under way."""
        self._puts.forget(session_id)
        for running in self._under_way.all(session_id):
            with (
                suppress(IllegalState, NotFound),  # its outcome stands; what is still done for it is not needed
                self._ending(running.query_id, SqlError.cancelled()),
            ):
                self._storage.queries.abort(running.query_id)
            self._under_way.stop(running.query_id, SqlError.cancelled())

    def close(self, seconds: float) -> bool:
        """The engine stops: what runs is ended and says so; whether it did in time. The rest is for `recover`."""
        return self._under_way.close(SqlError(INTERRUPTED_CODE, "57P01", INTERRUPTED), seconds)

    def chunk(self, query_id: str, index: int) -> tuple[QueryRecord, SpoolRange] | None:
        """Where a chunk of a result lies; None where there is no such chunk."""
        record = self._storage.queries.get(query_id)
        found = None if record is None else self._answers.chunk(record, index)
        return None if record is None or found is None else (record, found)

    def _cancel(self, session: Session, request: QueryRequest, what: wire.Cancellation, query_id: str) -> str:
        """A statement that cancels others: it never waits for its turn behind them."""
        record, created = self._storage.queries.start(query_id, session.id, request.request_id, fingerprint(request))
        if not created:
            return record.query_id
        if what.query_id is not None:
            done = self.abort(session, what.query_id)
            message = f"query [{what.query_id}] " + ("terminated." if done else "is not currently executing.")
        else:
            under_way = self._under_way.all(what.session_id)
            count = sum(self.abort(session, running.query_id) for running in under_way)
            message = f"{count} queries cancelled."
        rows = Rows((("STATUS", VARCHAR),), ((message,),))
        self._storage.queries.finish(query_id, outcome_of(rows, session, self._storage).response)
        return query_id

    def _run(self, running: Running, request: QueryRequest, session: Session, base_url: str | None) -> None:
        with BIG_TEXTS.statement():
            record = self._run_to_its_end(running, request)
        if record is not None and base_url is not None and not request.asynchronous:
            running.reply = small_reply(self._answers, record, session, base_url)

    def _run_to_its_end(self, running: Running, request: QueryRequest) -> QueryRecord | None:
        """The record of its end; None where that was written before."""
        try:
            with running.entered():
                running.check()
                # As it is now: statements before this one may have changed the session's context.
                session = self._storage.sessions.get(running.session_id)
                if session is None:
                    raise SqlError.cancelled()
                outcome = self._outcome(running, session, request)
                return self._records.finish(running.query_id, outcome, durable=request.asynchronous)
        except Exception as error:  # noqa: BLE001 - a statement ends here: whatever it was, the client is told
            return self._records.fail(running.query_id, running.reason or error)

    def _outcome(self, running: Running, session: Session, request: QueryRequest) -> Outcome:
        count = count_of(session, request) if request.statements is None else request.statements
        if count != 1:
            return self._several(running, session, replace(request, statements=count))
        result = self._execute(
            session,
            request.sql,
            binds=binds_of(request.bindings),
            query_id=running.query_id,
            request_id=request.request_id,
            describe_only=request.describe_only,
            parameters=request.parameters,
        )
        return outcome_of(result, session, self._storage, moving=request.moves_files)

    def _several(self, running: Running, session: Session, request: QueryRequest) -> Outcome:
        BIG_TEXTS.weigh(len(request.sql))
        texts = split(request.sql)
        if request.statements not in (0, len(texts)):
            message = (
                f"Actual statement count {len(texts)} did not match the desired statement count {request.statements}."
            )
            raise SqlError(8, "0A000", message)
        if len(texts) > MAX_STATEMENTS:
            raise SqlError.unsupported(f"more than {MAX_STATEMENTS} statements in one request")
        shares = shared_out(request.bindings, texts)
        query_ids: list[str] = []
        kinds: list[int] = []
        for index, (text, bindings) in enumerate(zip(texts, shares, strict=True)):
            running.check()
            record = self._child(running, session, replace(request, sql=text, bindings=bindings), index)
            if record.state != "SUCCESS":
                raise SqlError(record.code or 603, record.sqlstate or "XX000", record.message or "")
            query_ids.append(record.query_id)
            kinds.append(kept_type(record))
        return multi_statement_outcome(query_ids, kinds, session)

    def _child(self, parent: Running, session: Session, request: QueryRequest, index: int) -> QueryRecord:
        """Run one of several statements to its end. A repeated request finds those that were applied."""
        request_id = str(uuid.uuid5(uuid.UUID(request.request_id), str(index)))
        query_id = str(uuid.uuid4())
        child = replace(request, request_id=request_id, statements=1)
        self._under_way.name(parent, query_id)
        record, fresh = self._records.start(parent, query_id, session, child)
        if not fresh:
            return record
        query_id = record.query_id
        try:
            result = self._execute(
                session,
                request.sql,
                binds=binds_of(request.bindings),
                query_id=query_id,
                request_id=request_id,
                describe_only=request.describe_only,
                parameters=request.parameters,
            )
            outcome = outcome_of(result, session, self._storage, moving=request.moves_files)
            return self._records.finish(query_id, outcome, durable=True)
        except Exception as error:  # noqa: BLE001 - as in `_run`: its end is recorded, whatever it was
            record_now = self._records.fail(query_id, parent.reason or error) or self._storage.queries.get(query_id)
            assert record_now is not None
            return record_now
        finally:
            self._under_way.unname(parent, query_id)

    def _record(self, session: Session, query_id: str) -> QueryRecord:
        record = self._storage.queries.get(query_id)
        if record is None or not self._may_see(session, record):
            raise WireError(709, "Statement not found, or not yours.", sqlstate="02000", query_id=query_id)
        return record

    def _may_see(self, session: Session, record: QueryRecord) -> bool:
        """A person sees what the same user ran, a job what the job itself ran; never one the other's."""
        if record.session_id == session.id:
            return True
        if (record.account, record.user) != (session.account, session.user):
            return False
        audience = audience_of(record)
        if audience is None:
            owner = self._storage.sessions.get(record.session_id)
            if owner is None:
                return False
            audience = owner.job_id or ""
        return audience == (session.job_id or "")
