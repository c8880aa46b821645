"""The other side of the service's seam: what runs statements, and how a client's requests look."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Mapping
from pathlib import Path

from cleanroom_ml.engine.contracts.table import SELECT, Rows
from cleanroom_ml.engine.load import cancellation
from cleanroom_ml.engine.protocol.queries import QueryRequest
from cleanroom_ml.engine.queries.service import QueryService
from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.statements.results import VARCHAR, StatementResult
from cleanroom_ml.engine.storage.queries import QueryRecord
from cleanroom_ml.engine.storage.sessions import Session
from cleanroom_ml.engine.storage.storage import Storage
from cleanroom_ml.engine.warehouse.outcomes import Batch, ResultColumn, Spooled

BASE = "http://front"
SECONDS = 20.0
SPOOLED = b"an Arrow stream"


class Statements:
    """Runs what it is told: each text is noted; `wait` goes on when it is let or ended, `bad` and `broken` fail."""

    def __init__(self, spool: Path) -> None:
        self.spool = spool
        self.ran: list[str] = []
        self.begun = threading.Event()
        self.over = threading.Event()

    def __call__(self, session: Session, text: str, **options: object) -> StatementResult:
        self.ran.append(text)
        match text:
            case "select wait":
                self.begun.set()
                with cancellation.current().ending(self.over.set):
                    assert self.over.wait(SECONDS)
                cancellation.check()
            case "select spooled":
                path = self.spool / uuid.uuid4().hex
                path.write_bytes(SPOOLED)
                batch = Batch(0, len(SPOOLED), 1)
                return Spooled(path, (ResultColumn("A", VARCHAR),), (batch,), 1)
            case "select bad":
                raise SqlError.unsupported("this")
            case "select broken":
                raise LookupError("patient 4711")
        return Rows((("A", VARCHAR),), ((text,),), SELECT)


def opened(storage: Storage, account: str = "ALPHA", job_id: str | None = None) -> Session:
    kind = "client" if job_id is None else "job"
    return storage.sessions.create(account, f"{account}_USER", kind=kind, job_id=job_id)[0]  # type: ignore[arg-type]


def request(sql: str, **more: object) -> QueryRequest:
    return QueryRequest(str(uuid.uuid4()), sql, **more)  # type: ignore[arg-type]


def ended(service: QueryService, storage: Storage, query_id: str) -> QueryRecord:
    waiting = service.wait(query_id)
    if waiting is not None:
        waiting.result(SECONDS)
    record = storage.queries.get(query_id)
    assert record is not None
    return record


def rowset(answer: Mapping[str, object]) -> object:
    data = answer["data"]
    assert isinstance(data, dict)
    return data.get("rowset")
