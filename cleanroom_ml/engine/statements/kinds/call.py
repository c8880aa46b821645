"""CALL, and scripting blocks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from cleanroom_ml.engine.contracts.table import CALL, Rows
from cleanroom_ml.engine.sql.binds import Binds, Value
from cleanroom_ml.engine.sql.compile.queries import compile_query
from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.read.block import Block
from cleanroom_ml.engine.sql.read.call import Call
from cleanroom_ml.engine.sql.read.classify import classify
from cleanroom_ml.engine.sql.read.query import Query
from cleanroom_ml.engine.sql.script.block import BlockResult, run_block
from cleanroom_ml.engine.statements.kind import Allowed, Kind, Roles
from cleanroom_ml.engine.statements.results import VARCHAR, StatementResult
from cleanroom_ml.engine.statements.transactions import overlaid
from cleanroom_ml.engine.statements.work import Work

_MOST_ROWS = 10_000


def call(work: Work, statement: Call) -> StatementResult:
    """CALL procedure(…)."""
    if work.procedures is None:
        raise SqlError.unsupported("CALL")
    if statement.named:
        raise SqlError.unsupported("arguments by name in CALL")
    return work.procedures.call(work.session, statement.name, statement.args, query_id=work.query_id)


def block(work: Work, statement: Block) -> StatementResult:
    """A scripting block: each of its statements runs like one that was sent alone, with the session's rights only."""

    def run(text: str, variables: Mapping[str, Value]) -> BlockResult:
        binds = Binds(work.binds.positional, {**work.binds.named, **variables})
        inner = classify(text, binds)
        if isinstance(inner, Query):
            work.attempt()
            catalog = overlaid(work.catalog, work.transactions.current(work.session))
            compiled = compile_query(inner.ast, catalog, binds)
            with work.storage.pin(compiled.inputs):
                found, rows = work.warehouse.rows(
                    compiled, query_id=work.query_id, limit=_MOST_ROWS, timeout=work.seconds
                )
            if work.written is not None:
                work.written.done()
            columns = tuple((each.name, each.type) for each in found)
            return BlockResult(tuple(name for name, _ in columns), tuple(rows), Rows(columns, rows, CALL))
        result = work.run(text, variables)
        if not isinstance(result, Rows):
            raise SqlError.unsupported("PUT, GET and stored results in a scripting block")
        return BlockResult(tuple(name for name, _ in result.columns), tuple(result.rows), result)

    # A variable's name is one that the block gives to something, as an alias is.
    listener = work.catalog.context().listener
    returned = run_block(statement.text, run, named=lambda name: listener.on_column(name) if listener else None)
    if returned.table is not None and isinstance(returned.table.handle, Rows):
        return returned.table.handle
    value = returned.value
    displayed = value if value is None or isinstance(value, str) else _text(value)
    return Rows((("anonymous block", VARCHAR),), ((displayed,),), CALL)


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


KINDS: Final = (
    Kind(Call, call, wire=None, roles=Roles.ELSEWHERE, one_commit=False),
    Kind(Block, block, wire=None, allowed=Allowed.TEMPLATE, roles=Roles.ELSEWHERE, one_commit=False),
)
