"""The records of statements: made before one runs, ended after, whatever becomes of it."""

from __future__ import annotations

import logging
from typing import Final

from cleanroom_ml.engine.load import cancellation
from cleanroom_ml.engine.protocol.errors import SESSION_GONE, WireError
from cleanroom_ml.engine.protocol.queries import QueryRequest
from cleanroom_ml.engine.queries.answers import Outcome
from cleanroom_ml.engine.queries.requests import fingerprint, is_one_commit
from cleanroom_ml.engine.queries.running import Running
from cleanroom_ml.engine.queries.under_way import UnderWay
from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.storage.errors import IllegalState, NotFound, RequestMismatch
from cleanroom_ml.engine.storage.queries import Queries, QueryRecord
from cleanroom_ml.engine.storage.sessions import Session

logger = logging.getLogger(__name__)

INTERRUPTED_CODE: Final = 610


class Records:
    """Those of one catalog, and of what runs in this process. Blocking and thread-safe."""

    def __init__(self, queries: Queries, under_way: UnderWay) -> None:
        self._queries = queries
        self._under_way = under_way

    def begin(self, running: Running, session: Session, request: QueryRequest) -> bool:
        """Whether the statement is to be run now; its `query_id` then, or that of the attempt that answers it.

        Raises:
            WireError: the request id was used for another statement, or the session is gone.
        """
        try:
            record, fresh = self.start(running, running.query_id, session, request)
        except RequestMismatch as error:
            raise WireError(390400, "This request id was used for another statement.", sqlstate="08000") from error
        except NotFound as error:
            raise WireError(SESSION_GONE, "Session no longer exists. New login required.") from error
        running.answer_id, running.recorded = record.query_id, True
        if fresh:
            running.query_id = record.query_id
        return fresh

    def start(
        self, running: Running, query_id: str, session: Session, request: QueryRequest
    ) -> tuple[QueryRecord, bool]:
        """The statement's record, and whether it is to be run now.

        A client that lost its engine in the middle repeats its request. What was interrupted then runs again, under the
        query id of the first attempt: nothing of it was committed, or its outcome would have been recorded with that.

        Raises:
            RequestMismatch, NotFound: as `storage.Queries.start`.
        """
        # Who asks for the outcome later is given the query's id now: then it has to be there later.
        record, created = self._queries.start(
            *(query_id, session.id, request.request_id, fingerprint(request)),
            durable=request.asynchronous,
            query_tag=request.parameters.get("QUERY_TAG"),
        )
        interrupted = record.state == "FAILED" and record.code == INTERRUPTED_CODE
        if created or not interrupted or not is_one_commit(request):
            return record, created
        if not self._under_way.name(running, record.query_id):
            return record, False  # another attempt of the same request is about to run it
        return record, self._queries.begin_again(record.query_id, code=INTERRUPTED_CODE)

    def finish(self, query_id: str, outcome: Outcome, *, durable: bool) -> QueryRecord:
        """Record that it succeeded. What a query read is spooled, and may be lost with the machine's power: so may its
        record be, unless it was promised. Raises IllegalState: it ended before.
        """
        return self._queries.finish(
            query_id,
            outcome.response,
            outcome.spool,
            objects=outcome.objects,
            durable=durable or outcome.spool is None,
        )

    def fail(self, query_id: str, error: Exception) -> QueryRecord | None:
        """Record how the statement failed; what was recorded before (a cancellation) stays, and None is given."""
        if not isinstance(error, SqlError | WireError):
            if not isinstance(error, IllegalState):
                logger.error("query %s: internal error", query_id, exc_info=error)
            error = SqlError.internal(query_id)
        try:
            with cancellation.tidying():
                code, sqlstate = error.code, error.sqlstate
                return self._queries.fail(query_id, code=code, sqlstate=sqlstate, message=error.message)
        except IllegalState:
            logger.info("query %s had ended before", query_id)
            return None
