"""Scripting blocks over the statements of a session: those that are sent, and the bodies of procedures."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from functools import partial

from cleanroom_ml.engine.contracts.table import CALL, Rows
from cleanroom_ml.engine.sql.binds import Binds, Value, Variant
from cleanroom_ml.engine.sql.catalog import RowsSource
from cleanroom_ml.engine.sql.compile.queries import compile_query
from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.read.classify import classify
from cleanroom_ml.engine.sql.read.query import Query
from cleanroom_ml.engine.sql.script.block import BlockResult, Returned, run_block
from cleanroom_ml.engine.sql.types.sql_type import SqlType
from cleanroom_ml.engine.statements.kept import inner_binds
from cleanroom_ml.engine.statements.nanoseconds import to_the_nanosecond
from cleanroom_ml.engine.statements.results import VARCHAR
from cleanroom_ml.engine.statements.transactions import overlaid
from cleanroom_ml.engine.statements.work import Work
from cleanroom_ml.engine.warehouse.outcomes import ResultColumn

_MOST_ROWS = 10_000


def run(
    work: Work,
    text: str,
    variables: Mapping[str, Value] | None = None,
    declared: Mapping[str, SqlType] | None = None,
) -> Returned:
    """A scripting block: each of its statements runs like one that was sent alone, with the rights of `work` only.

    `variables` are there from its start, of the types `declared`: the arguments of a procedure. Raises SqlError.
    """

    # A variable's name is one that the block gives to something, as an alias is.
    listener = work.catalog.context().listener
    return run_block(
        text,
        partial(run_one, work),
        variables,
        declared,
        named=lambda name: listener.on_column(name) if listener else None,
        dynamic=work.results is not None,
        finished=partial(finished, work),
    )


def _few_rows(work: Work, inner: Query, binds: Binds) -> tuple[tuple[ResultColumn, ...], list[tuple[Value, ...]]]:
    work.attempt()
    catalog = overlaid(work.catalog, work.transactions.current(work.session))
    compiled = compile_query(inner.ast, catalog, binds)
    with work.storage.pin(compiled.inputs):
        return work.warehouse.rows(compiled, query_id=work.query_id, limit=_MOST_ROWS, timeout=work.seconds)


def run_one(work: Work, text: str, variables: Mapping[str, Value]) -> BlockResult:
    """One statement of a block, with its rows by value. Raises SqlError."""
    binds = inner_binds(work, variables)
    inner = classify(text, binds)
    query_id = str(uuid.uuid4())
    if isinstance(inner, Query):
        found, rows = to_the_nanosecond(partial(_few_rows, work, inner, binds))
        if work.written is not None:
            work.written.done()
        columns = tuple((each.name, each.type) for each in found)
        result = Rows(columns, rows, CALL)
    else:
        given = work.run(text, variables)
        if not isinstance(given, Rows):
            raise SqlError.unsupported("PUT, GET and stored results in a scripting block")
        result = given
    return BlockResult(
        tuple(name for name, _ in result.columns),
        tuple(result.rows),
        result,
        tuple(kind for _, kind in result.columns),
        result.affected,
        query_id,
    )


def finished(work: Work, found: BlockResult) -> None:
    """What a statement gave is the result of the last statement for the next one."""
    if work.results is not None and isinstance(found.handle, Rows) and found.query_id is not None:
        work.results.add(found.query_id, RowsSource(found.handle.columns, tuple(found.rows)))


def table_of(returned: Returned) -> Rows | None:
    """What RETURN TABLE gave; None: it was not that."""
    if returned.table is None:
        return None
    given = returned.table.handle
    return given if isinstance(given, Rows) else _rows(returned.table)


def _rows(found: BlockResult) -> Rows:
    """What a cursor had left."""
    return Rows(tuple(zip(found.columns, found.types, strict=True)), found.rows, CALL)


def type_of(returned: Returned) -> SqlType:
    """The type of what a block returns; where the expression did not say it, that of the value."""
    if returned.type is not None:
        return returned.type
    value = returned.value
    if isinstance(value, bool):
        return SqlType("BOOLEAN")
    if isinstance(value, int):
        return SqlType("NUMBER", 38, 0)
    if isinstance(value, Variant):
        return SqlType("VARIANT")
    return SqlType("FLOAT") if isinstance(value, float) else VARCHAR
