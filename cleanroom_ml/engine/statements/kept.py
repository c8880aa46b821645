"""What a statement inside of a pipe or a block gave, kept so that those after it can scan it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from cleanroom_ml.engine.contracts.table import Rows
from cleanroom_ml.engine.sql.binds import Binds, Value
from cleanroom_ml.engine.sql.catalog import RowsSource, TableSource
from cleanroom_ml.engine.sql.compile.queries import compile_query
from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.read.classify import classify
from cleanroom_ml.engine.sql.read.query import Query
from cleanroom_ml.engine.statements.nanoseconds import to_the_nanosecond
from cleanroom_ml.engine.statements.transactions import overlaid
from cleanroom_ml.engine.statements.work import Work


def inner_binds(work: Work, variables: Mapping[str, Value]) -> Binds:
    """What is bound in a statement of a block: what is bound around it, and the block's variables."""
    session = work.catalog.context().variables
    return replace(work.binds, named={**work.binds.named, **variables}, rows=None, variables=session)


def run_and_keep(work: Work, text: str, variables: Mapping[str, Value], query_id: str) -> None:
    """Runs one statement; its rows are an object that the warehouse wrote, or few enough to be held by value.

    Raises:
        SqlError: it failed, or gives what no later statement can read.
    """
    results = work.results
    assert results is not None
    statement = classify(text, inner_binds(work, variables))
    if isinstance(statement, Query):
        results.add(query_id, written(work, statement, variables))
        return
    result = work.run(text, variables)
    if not isinstance(result, Rows):
        raise SqlError.unsupported("PUT, GET and stored results inside of other statements")
    results.add(query_id, RowsSource(result.columns, tuple(result.rows)))


def written(work: Work, statement: Query, variables: Mapping[str, Value]) -> TableSource:
    """The rows of a query as an object. Nothing of them comes to the front."""
    return to_the_nanosecond(lambda: _written(work, statement, variables))


def _written(work: Work, statement: Query, variables: Mapping[str, Value]) -> TableSource:
    results = work.results
    assert results is not None
    catalog = overlaid(work.catalog, work.transactions.current(work.session))
    compiled = compile_query(work.fixed(statement.ast), catalog, inner_binds(work, variables))
    with work.storage.pin(compiled.inputs):
        found = work.warehouse.describe(compiled, query_id=work.query_id)
        columns = tuple((each.name, each.type) for each in found)
        if len({name for name, _ in columns}) != len(columns):
            raise SqlError.syntax("A result that others read needs a different name for each column.")
        made = work.warehouse.write(compiled, columns, query_id=work.query_id, timeout=work.seconds)
    results.pins.enter_context(work.storage.pin(made.objects))
    return TableSource(columns, made.objects, bounds=made.bounds_of_object)
