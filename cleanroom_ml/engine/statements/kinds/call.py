"""CALL, and scripting blocks."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Final

from sqlglot import exp

from cleanroom_ml.engine.contracts.table import CALL, Rows
from cleanroom_ml.engine.sql.binds import Value
from cleanroom_ml.engine.sql.catalog import RowsSource
from cleanroom_ml.engine.sql.compile.queries import compile_query, compile_scalars
from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.read.block import Block, Immediate
from cleanroom_ml.engine.sql.read.call import Call
from cleanroom_ml.engine.sql.read.classify import classify
from cleanroom_ml.engine.sql.read.query import Query
from cleanroom_ml.engine.sql.script.block import BlockResult, Returned, run_block
from cleanroom_ml.engine.sql.tree.literals import literal
from cleanroom_ml.engine.sql.types.sql_type import SqlType
from cleanroom_ml.engine.statements.kept import inner_binds
from cleanroom_ml.engine.statements.kind import Allowed, Kind, Roles
from cleanroom_ml.engine.statements.results import VARCHAR, StatementResult
from cleanroom_ml.engine.statements.transactions import overlaid
from cleanroom_ml.engine.statements.work import Work

_MOST_ROWS = 10_000
_SYSTEM: Final = "SYSTEM$"


def call(work: Work, statement: Call) -> StatementResult:
    """CALL procedure(…)."""
    if len(statement.name) == 1 and statement.name[0].startswith(_SYSTEM) and not work.restricted:
        return _of_the_system(work, statement)
    if work.procedures is None:
        raise SqlError.unsupported("CALL")
    if statement.named:
        raise SqlError.unsupported("arguments by name in CALL")
    return work.procedures.call(work.session, statement.name, statement.args, query_id=work.query_id)


def _of_the_system(work: Work, statement: Call) -> Rows:
    """CALL SYSTEM$…(…): the function of that name, as SELECT calls it (sql-reference/functions/system_wait)."""
    (name,) = statement.name
    called = exp.Anonymous(this=name, expressions=[literal(value) for value in statement.args])
    compiled = compile_scalars([called], work.catalog, work.binds)
    found, rows = work.warehouse.rows(compiled, query_id=work.query_id, timeout=work.seconds)
    return Rows(((name, found[0].type),), rows, CALL)


def block(work: Work, statement: Block) -> StatementResult:
    """A scripting block: each of its statements runs like one that was sent alone, with the session's rights only."""

    def run(text: str, variables: Mapping[str, Value]) -> BlockResult:
        binds = inner_binds(work, variables)
        inner = classify(text, binds)
        query_id = str(uuid.uuid4())
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

    def finished(found: BlockResult) -> None:
        if work.results is not None and isinstance(found.handle, Rows) and found.query_id is not None:
            work.results.add(found.query_id, RowsSource(found.handle.columns, tuple(found.rows)))

    # A variable's name is one that the block gives to something, as an alias is.
    listener = work.catalog.context().listener
    returned = run_block(
        statement.text,
        run,
        named=lambda name: listener.on_column(name) if listener else None,
        dynamic=work.results is not None,
        finished=finished,
    )
    if returned.table is not None:
        given = returned.table.handle
        return given if isinstance(given, Rows) else _rows(returned.table)
    return Rows((("anonymous block", _type_of(returned)),), ((returned.value,),), CALL)


def immediate(work: Work, statement: Immediate) -> StatementResult:
    """EXECUTE IMMEDIATE of a text: it runs as if it had been sent."""
    return work.run(statement.text, {})


def _rows(found: BlockResult) -> Rows:
    """What a cursor had left."""
    return Rows(tuple(zip(found.columns, found.types, strict=True)), found.rows, CALL)


def _type_of(returned: Returned) -> SqlType:
    """The type of what a block returns; where the expression did not say it, that of the value."""
    if returned.type is not None:
        return returned.type
    value = returned.value
    if isinstance(value, bool):
        return SqlType("BOOLEAN")
    if isinstance(value, int):
        return SqlType("NUMBER", 38, 0)
    return SqlType("FLOAT") if isinstance(value, float) else VARCHAR


KINDS: Final = (
    Kind(Call, call, wire=None, roles=Roles.ELSEWHERE, one_commit=False),
    Kind(Block, block, wire=None, allowed=Allowed.TEMPLATE, roles=Roles.ELSEWHERE, one_commit=False),
    Kind(Immediate, immediate, wire=None, allowed=Allowed.JOB, roles=Roles.ELSEWHERE, one_commit=False),
)
