"""INSERT ALL and INSERT FIRST: the query's rows are made once; what goes where is one commit."""

from __future__ import annotations

import secrets
from dataclasses import replace
from typing import Final

from sqlglot import exp

from cleanroom_ml.engine.contracts.table import INSERT, RowCounts, Rows
from cleanroom_ml.engine.sql.catalog import Catalog, Source, TableSource
from cleanroom_ml.engine.sql.compile.inserts import compile_insert
from cleanroom_ml.engine.sql.compile.preparing import target_table
from cleanroom_ml.engine.sql.compile.queries import compile_query
from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.read.dml import Insert
from cleanroom_ml.engine.sql.read.insert_all import Branch, InsertAll, Into
from cleanroom_ml.engine.statements.kind import Kind, Roles
from cleanroom_ml.engine.statements.kinds import dml
from cleanroom_ml.engine.statements.nanoseconds import to_the_nanosecond
from cleanroom_ml.engine.statements.refusals import busy, displayed, translated
from cleanroom_ml.engine.statements.transactions import OverlaidCatalog, Overlay
from cleanroom_ml.engine.statements.work import Work
from cleanroom_ml.engine.storage.errors import SnapshotConflict
from cleanroom_ml.engine.warehouse.outcomes import Written


class _WithRows(OverlaidCatalog):
    """A transaction's names, and the rows of the query under one that nobody can have written."""

    def __init__(self, inner: Catalog, overlay: Overlay, name: str, rows: TableSource) -> None:
        super().__init__(inner, overlay)
        self._name = name
        self._rows = rows

    def source(self, parts: tuple[str, ...]) -> Source | None:
        """The rows, or the transaction's."""
        return self._rows if parts == (self._name,) else super().source(parts)


def insert_all(work: Work, statement: InsertAll) -> Rows:
    """INSERT [OVERWRITE] ALL | FIRST. Raises SqlError; then nothing is inserted anywhere."""
    rows = _rows(work, statement)
    name = f"ROWS_{secrets.token_hex(16)}"
    own = work.overlay() is None
    overlay = work.transactions.begin(work.session)
    inner = replace(work, catalog=_WithRows(work.catalog, overlay, name, rows), recording=False)
    counts: dict[str, int] = {}
    begun: set[tuple[str, ...]] = set()
    inserted, deleted = 0, 0
    try:
        with work.storage.pin(rows.objects):
            for condition, into in _parts(statement):
                overwrites = statement.overwrite and into.target not in begun
                deleted += (dml.rows_of(work, into.target) or 0) if overwrites else 0
                count = _insert(inner, name, condition, into, overwrite=overwrites)
                inserted += count
                begun.add(into.target)
                label = f"number of rows inserted into {displayed(into.target[-1:])}"
                counts[label] = counts.get(label, 0) + count
        reply = dml.counted(counts, RowCounts(inserted, deleted))
        if own:
            ended = work.transactions.end(work.session)
            with translated(statement.branches[0].into[0].target):
                work.commit(ended.changes if ended else [], reply)
    except SnapshotConflict:
        raise busy() from None
    finally:
        if own:
            work.transactions.end(work.session)
    return reply


def _rows(work: Work, statement: InsertAll) -> TableSource:
    """The rows of the query as one object. Raises SqlError."""
    return to_the_nanosecond(lambda: _written(work, statement))


def _written(work: Work, statement: InsertAll) -> TableSource:
    compiled = compile_query(work.fixed(statement.source), work.catalog, work.binds)
    with work.storage.pin(compiled.inputs):
        found = work.warehouse.describe(compiled, query_id=work.query_id)
        columns = tuple((each.name, each.type) for each in found)
        if len({name for name, _ in columns}) != len(columns):
            raise SqlError.syntax("The query of INSERT ALL needs a different name for each column.")
        made = work.warehouse.write(compiled, columns, query_id=work.query_id, timeout=work.seconds)
    return TableSource(columns, made.objects, rows=made.rows, bounds=made.bounds_of_object)


def _parts(statement: InsertAll) -> list[tuple[exp.Expr | None, Into]]:
    """What goes where, under which condition."""
    found: list[tuple[exp.Expr | None, Into]] = []
    missed: list[exp.Expr] = []

    def add(branch: Branch, condition: exp.Expr | None, others: list[exp.Expr]) -> None:
        terms = [*([] if condition is None else [condition]), *(_not(each) for each in others)]
        whole = exp.and_(*terms) if terms else None
        found.extend((whole, into) for into in branch.into)

    for branch in statement.branches:
        add(branch, branch.condition, missed if statement.first else [])
        if branch.condition is not None:
            missed.append(branch.condition)
    if statement.otherwise is not None:
        add(statement.otherwise, None, missed)
    return found


def _not(condition: exp.Expr) -> exp.Expr:
    """That a condition is not met: it is false, or not known."""
    met = exp.Anonymous(this="COALESCE", expressions=[condition.copy(), exp.Boolean(this=False)])
    return exp.Not(this=exp.Paren(this=met))


def _insert(work: Work, name: str, condition: exp.Expr | None, into: Into, *, overwrite: bool) -> int:
    columns, values = into.columns, into.values
    if values is not None:
        names = columns or tuple(column for column, _ in target_table(into.target, work.catalog).columns)
        if len(names) != len(values):
            raise SqlError.syntax("INTO needs as many values as columns.")
        given = [(column, value) for column, value in zip(names, values, strict=True) if value is not None]
        if not given:
            raise SqlError.unsupported("INTO … VALUES of defaults alone")
        columns = tuple(column for column, _ in given)
        listed: list[exp.Expr] = [
            exp.alias_(value.copy(), f"V{number}", quoted=True) for number, (_, value) in enumerate(given, start=1)
        ]
    else:
        listed = [exp.Star()]
    rows = exp.Table(this=exp.to_identifier(name, quoted=True))
    query = exp.Select(expressions=listed, from_=exp.From(this=rows))
    if condition is not None:
        query.set("where", exp.Where(this=condition.copy()))
    insert = Insert(into.target, columns, query, overwrite)
    counted = 0

    def reply(written: Written) -> Rows:
        nonlocal counted
        counted = written.rows
        return dml.counted({"number of rows inserted": written.rows})

    to_the_nanosecond(
        lambda: dml.write(work, into.target, lambda: compile_insert(insert, work.catalog, work.binds), reply)
    )
    return counted


KINDS: Final = (
    Kind(
        InsertAll,
        insert_all,
        INSERT,
        roles=Roles.NAMES,
        changing=lambda each: frozenset({"INSERT", "DELETE"} if each.overwrite else {"INSERT"}),
    ),
)
