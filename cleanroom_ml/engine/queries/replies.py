"""What a client is sent that waits for its statement: made on the statement's own thread, where it is small."""

from __future__ import annotations

from typing import Final

from cleanroom_ml.engine.protocol.bodies import encoded
from cleanroom_ml.engine.protocol.errors import failure, success
from cleanroom_ml.engine.protocol.results import Reply
from cleanroom_ml.engine.queries.answers import Answers
from cleanroom_ml.engine.storage.queries import QueryRecord
from cleanroom_ml.engine.storage.sessions import Session

MOST_BYTES: Final = 128 << 10
"""About so much is held for a client between the statement's end and its next turn on the event loop."""


def answer_of(answers: Answers, record: QueryRecord, session: Session, base_url: str) -> dict[str, object]:
    """What there is to say about a query that has ended."""
    if record.state != "SUCCESS":
        return failure(record.code or 603, record.message or "", record.sqlstate or "XX000", record.query_id)
    try:
        return success(answers.data(record, session, base_url))
    except FileNotFoundError:
        message = "The result has been deleted. Run the statement again."
        return failure(612, message, "02000", record.query_id)


def small_reply(answers: Answers, record: QueryRecord, session: Session, base_url: str) -> Reply | None:
    """The same, written down; None where it is large: those are made one after the other (`http/large_answers.py`)."""
    response = record.response or ""
    if len(response) > MOST_BYTES or answers.size(len(response), record.response) > MOST_BYTES:
        return None
    return Reply(base_url, encoded(answer_of(answers, record, session, base_url)))
