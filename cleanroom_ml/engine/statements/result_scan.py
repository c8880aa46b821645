"""`TABLE(RESULT_SCAN('id'))` inside of a query: the rows of an earlier SHOW, LIST, DESCRIBE or CALL as a relation.

Snowpark sends it for whatever is done with a DataFrame of such a statement (`session.sql("list @s").count()`). Only the
session that ran the statement may, and a template or a view never: its text runs in somebody else's session.
"""

from __future__ import annotations

import json
from typing import Final

from cleanroom_ml.engine.contracts.table import CALL, DESCRIBE, LIST, SHOW, Rows
from cleanroom_ml.engine.sql.catalog import ContextValues, RowsSource, Source
from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.statements.ports import StatementCatalog
from cleanroom_ml.engine.statements.results import decode, encode
from cleanroom_ml.engine.storage.keys import Key
from cleanroom_ml.engine.storage.sessions import Session
from cleanroom_ml.engine.storage.storage import Storage

MAX_KEPT_BYTES: Final = 1 << 20
_KEPT: Final = frozenset({SHOW, LIST, DESCRIBE, CALL})


def kept_rows(rows: Rows) -> dict[str, object]:
    """What a statement's record has to hold for `session_result`; empty where its rows cannot be scanned later."""
    text = encode(rows) if rows.statement_type in _KEPT else ""
    kept: dict[str, object] = json.loads(text) if 0 < len(text) <= MAX_KEPT_BYTES else {}
    return kept


def session_result(storage: Storage, session: Session, query_id: str) -> RowsSource | None:
    """The kept rows of a statement that this very session ran to its end; None for every other.

    Raises:
        SqlError: its rows are not kept by value: a SELECT's, or more than MAX_KEPT_BYTES.
    """
    record = storage.queries.get(query_id)
    if record is None or record.session_id != session.id or record.state != "SUCCESS":
        return None
    rows = decode(record.response) if record.response else None
    if rows is None:
        raise SqlError.unsupported(
            "RESULT_SCAN inside of another query, of a SELECT or of more than 1 MiB: write those rows to a table"
        )
    return RowsSource(rows.columns, tuple(rows.rows))


class JobCatalog:
    """A room's names as a job's session has them: with what its own statements gave."""

    def __init__(self, inner: StatementCatalog, storage: Storage, session: Session) -> None:
        self._inner = inner
        self._storage = storage
        self._session = session

    def source(self, parts: tuple[str, ...]) -> Source | None:
        """The room's."""
        return self._inner.source(parts)

    def context(self) -> ContextValues:
        """The room's."""
        return self._inner.context()

    def target(self, parts: tuple[str, ...], kind: str) -> Key:
        """The room's."""
        return self._inner.target(parts, kind)

    def result(self, query_id: str) -> RowsSource | None:
        """What a statement of this session gave (`session_result`)."""
        return session_result(self._storage, self._session, query_id)
