"""`TABLE(RESULT_SCAN('id'))` inside of a query: the rows of an earlier SHOW, LIST, DESCRIBE or CALL as a relation.

Snowpark sends it for whatever is done with a DataFrame of such a statement (`session.sql("list @s").count()`). Only the
session that ran the statement may, and a template or a view never: its text runs in somebody else's session.
"""

from __future__ import annotations

import json
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from typing import Final

from cleanroom_ml.engine.contracts.table import CALL, DESCRIBE, LIST, SHOW, Rows
from cleanroom_ml.engine.sql.catalog import ContextValues, RowsSource, Source, TableSource
from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.numbers import whole_number
from cleanroom_ml.engine.statements.ports import StatementCatalog
from cleanroom_ml.engine.statements.results import decode, encode
from cleanroom_ml.engine.storage.keys import Key
from cleanroom_ml.engine.storage.sessions import Session
from cleanroom_ml.engine.storage.storage import Storage

MOST_KEPT: Final = 20
"""Results of one pipe or block that can be scanned: those of the last statements."""
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


class Results:
    """What the statements of one pipe or block have given so far: `RESULT_SCAN` finds it by the statement's id.

    Nothing else points at the objects that hold it: they are pinned until this is closed.
    """

    def __init__(self) -> None:
        self._kept: dict[str, TableSource | RowsSource] = {}
        self._ids: list[str] = []
        self.pins = ExitStack()

    def add(self, query_id: str, source: TableSource | RowsSource) -> None:
        """The rows of one more statement: for a pipe `$1` from now on, and what was `$1` is `$2`."""
        self._ids.append(query_id)
        self._kept[query_id] = source
        if len(self._kept) > MOST_KEPT:
            del self._kept[next(iter(self._kept))]

    def get(self, query_id: str) -> TableSource | RowsSource | None:
        """The rows of a statement, by its id or by its place in the pipe."""
        if query_id.startswith("$"):
            number = whole_number(query_id[1:]) or 0
            return self._kept.get(self._ids[-number]) if 1 <= number <= len(self._ids) else None
        return self._kept.get(query_id)

    def earlier(self, number: int) -> str | None:
        """The id of a statement by its place, counted back from -1; None: it is not one of these."""
        return self._ids[number] if -len(self._ids) <= number < 0 else None

    def __len__(self) -> int:
        return len(self._ids)


def earlier_statement(storage: Storage, session: Session, results: Results, number: int) -> str | None:
    """The id of the session's n-th statement, those of the block that is under way being the last ones."""
    if number < 0:
        return results.earlier(number) or storage.queries.of_session(session.id, number + len(results))
    return storage.queries.of_session(session.id, number)


class JobCatalog:
    """A room's names as a job's session has them: with what its own statements gave."""

    def __init__(
        self, inner: StatementCatalog, storage: Storage, session: Session, results: Results | None = None
    ) -> None:
        self._inner = inner
        self._results = Results() if results is None else results
        self._storage = storage
        self._session = session

    def source(self, parts: tuple[str, ...]) -> Source | None:
        """The room's."""
        return self._inner.source(parts)

    def context(self) -> ContextValues:
        """The room's, with the statements of this session."""
        earlier = partial(earlier_statement, self._storage, self._session, self._results)
        return replace(self._inner.context(), earlier=earlier)

    def target(self, parts: tuple[str, ...], kind: str) -> Key:
        """The room's."""
        return self._inner.target(parts, kind)

    def result(self, query_id: str) -> TableSource | RowsSource | None:
        """What a statement of this session gave (`session_result`)."""
        return self._results.get(query_id) or session_result(self._storage, self._session, query_id)
