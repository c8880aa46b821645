"""`TABLE(RESULT_SCAN('id'))` inside of a query: the rows of an earlier statement as a relation.

Snowpark sends it for whatever is done with a DataFrame of such a statement (`session.sql("list @s").count()`). Only the
session that ran the statement may, and a template or a view never: its text runs in somebody else's session.
"""

from __future__ import annotations

import json
from contextlib import ExitStack
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Final

from cleanroom_ml.engine.contracts.table import Rows
from cleanroom_ml.engine.sql.catalog import ContextValues, RowsSource, Source, TableSource
from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.numbers import whole_number
from cleanroom_ml.engine.sql.types.sql_type import parse_type
from cleanroom_ml.engine.statements.ports import StatementCatalog
from cleanroom_ml.engine.statements.results import decode, encode
from cleanroom_ml.engine.storage.keys import Key
from cleanroom_ml.engine.storage.queries import QueryRecord
from cleanroom_ml.engine.storage.sessions import Session
from cleanroom_ml.engine.storage.storage import Storage
from cleanroom_ml.engine.warehouse.outcomes import Batch, ResultColumn, Spooled
from cleanroom_ml.engine.warehouse.pool import Warehouse

MOST_KEPT: Final = 20
"""Results of one pipe or block that can be scanned: those of the last statements."""
MAX_KEPT_BYTES: Final = 1 << 20
MAX_SPOOLED_BYTES: Final = 256 << 20
"""Of a SELECT's result that is scanned: a worker reads all of it."""


def kept_rows(rows: Rows) -> dict[str, object]:
    """What a statement's record has to hold for `session_result`; empty where its rows cannot be scanned later."""
    text = encode(rows)
    kept: dict[str, object] = json.loads(text) if 0 < len(text) <= MAX_KEPT_BYTES else {}
    return kept


def session_result(
    storage: Storage, session: Session, query_id: str, results: Results, *, since: datetime | None = None
) -> RowsSource | TableSource | None:
    """The rows of a statement that this very session ran to its end, begun at `since` or later; None for every other,
    and where they are gone.

    Raises:
        SqlError: they cannot be scanned: too many, or of types whose wire form is not what they are.
    """
    record = storage.queries.get(query_id)
    if record is None or record.session_id != session.id or record.state != "SUCCESS":
        return None
    if since is not None and record.started_on < since:
        return None
    rows = decode(record.response) if record.response else None
    if rows is not None:
        return RowsSource(rows.columns, tuple(rows.rows))
    spooled = spooled_of(storage, record)
    if spooled is None:
        raise SqlError.unsupported("RESULT_SCAN inside of another query, of PUT, GET, or an answer of more than 1 MiB")
    return results.of_spooled(storage, query_id, spooled)


def spooled_of(storage: Storage, record: QueryRecord) -> Spooled | None:
    """A SELECT's result as its record has it; None: it is another statement's. Raises SqlError."""
    kept = json.loads(record.response or "{}").get("arrow")
    if record.spool is None or not isinstance(kept, dict) or "types" not in kept:
        return None
    names = [str(column["name"]) for column in kept["rowtype"]]
    types = [parse_type(text) for text in kept["types"]]
    if any(each.is_json for each in types):
        raise SqlError.unsupported("RESULT_SCAN inside of another query, of VARIANT, OBJECT or ARRAY columns")
    if len({name.casefold() for name in names}) != len(names):
        raise SqlError.unsupported("RESULT_SCAN inside of another query, of several columns of one name")
    batches = tuple(Batch(*each) for each in kept["batches"])
    if sum(each.length for each in batches) > MAX_SPOOLED_BYTES:
        raise SqlError.unsupported("RESULT_SCAN inside of another query, of more than 256 MiB: write it to a table")
    columns = tuple(ResultColumn(name, kind) for name, kind in zip(names, types, strict=True))
    return Spooled(storage.queries.spool / record.spool, columns, batches, kept["total"])


class Results:
    """What the statements of one pipe or block have given so far: `RESULT_SCAN` finds it by the statement's id.

    Nothing else points at the objects that hold it: they are pinned until this is closed.
    """

    def __init__(self, warehouse: Warehouse | None = None) -> None:
        self._warehouse = warehouse
        self._spooled: dict[str, TableSource] = {}
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

    def of_spooled(self, storage: Storage, query_id: str, spooled: Spooled) -> TableSource | None:
        """A SELECT's result as an object, made once; None: it has been deleted. Raises SqlError."""
        if self._warehouse is None:
            raise SqlError.unsupported("RESULT_SCAN inside of another query here, of a SELECT")
        if query_id not in self._spooled:
            columns = tuple((column.name, column.type) for column in spooled.columns)
            objects: tuple[str, ...] = ()
            bounds: dict[str, str] = {}
            if spooled.rows:
                try:
                    made = self._warehouse.of_spooled(spooled, query_id=query_id)
                except FileNotFoundError:
                    return None
                objects, bounds = made.objects, made.bounds_of_object
                self.pins.enter_context(storage.pin(objects))
            self._spooled[query_id] = TableSource(columns, objects, rows=spooled.rows, bounds=bounds)
        return self._spooled[query_id]

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
        return self._results.get(query_id) or session_result(self._storage, self._session, query_id, self._results)
