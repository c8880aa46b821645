"""SELECT, and INFER_SCHEMA, which is one in form."""

from __future__ import annotations

from typing import Final

from cleanroom_ml.engine.contracts.table import SELECT, Rows
from cleanroom_ml.engine.sql.binds import Value
from cleanroom_ml.engine.sql.compile.queries import compile_query
from cleanroom_ml.engine.sql.compiled import Compiled
from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.read.query import InferSchema, Query
from cleanroom_ml.engine.sql.types.descriptions import inferred
from cleanroom_ml.engine.sql.types.sql_type import SqlType
from cleanroom_ml.engine.statements.kind import Allowed, Kind, Roles
from cleanroom_ml.engine.statements.refusals import displayed
from cleanroom_ml.engine.statements.results import VARCHAR, StatementResult
from cleanroom_ml.engine.statements.work import Work

_INFERRED = (
    ("COLUMN_NAME", VARCHAR),
    ("TYPE", VARCHAR),
    ("NULLABLE", SqlType("BOOLEAN")),
    ("EXPRESSION", VARCHAR),
    ("FILENAMES", VARCHAR),
    ("ORDER_ID", SqlType("NUMBER", 38, 0)),
)


def query(work: Work, statement: Query) -> StatementResult:
    """Runs a query into a spool file."""
    compiled = _compiled(work, statement)
    with work.storage.pin(compiled.inputs):
        spooled = work.warehouse.query(
            compiled, query_id=work.query_id, timeout=work.seconds, keep=work.keep, texts=work.sent_as == "JSON"
        )
    work.give_back(compiled.drawn, spooled.rows)
    return spooled


def _compiled(work: Work, statement: Query) -> Compiled:
    """The query's plan, which the session may have from before."""
    keep = work.keep if work.plannable else None
    known = None if keep is None or work.plans is None else work.plans.get(statement.ast, keep, work.asked)
    if known is not None:
        return known
    compiled = compile_query(work.fixed(statement.ast), work.catalog, work.binds)
    if keep is not None and work.plans is not None:
        work.plans.keep(statement.ast, keep, work.asked, compiled)
    return compiled


def describe_query(work: Work, statement: Query) -> Rows:
    """The columns that a query would give, and no rows."""
    compiled = compile_query(work.fixed(statement.ast), work.catalog, work.binds)
    with work.storage.pin(compiled.inputs):
        columns = work.warehouse.describe(compiled, query_id=work.query_id, keep=work.keep)
    never = frozenset(number for number, column in enumerate(columns) if not column.nullable)
    return Rows(tuple((column.name, column.type) for column in columns), (), never_null=never)


def infer_schema(work: Work, statement: InferSchema) -> Rows:
    """INFER_SCHEMA with Snowflake's columns and names of types."""
    chosen = describe_inferred(statement)
    staged = work.stages.staged(statement.location)
    if staged is None:
        raise SqlError.not_found("Stage", displayed(statement.location.parts))
    if not staged.files:
        raise SqlError.not_found("File", statement.location.path or displayed(statement.location.parts))
    files = [(file.path, file.sha256) for file in staged.files]
    with work.storage.pin(sha256 for _, sha256 in files):
        found = work.warehouse.infer_schema(
            files, staged.options, ignore_case=statement.ignore_case, query_id=work.query_id
        )
    rows: list[dict[str, Value]] = [
        {
            "COLUMN_NAME": column.name,
            "TYPE": inferred(column.type),
            "NULLABLE": column.nullable,
            "EXPRESSION": column.expression,
            "FILENAMES": ", ".join(column.filenames),
            "ORDER_ID": column.order,
        }
        for column in found
    ]
    return Rows(chosen.columns, [tuple(row[name] for name, _ in chosen.columns) for row in rows])


def describe_inferred(statement: InferSchema) -> Rows:
    """The columns of an INFER_SCHEMA query, and no rows. Raises SqlError: it has no such column."""
    known = dict(_INFERRED)
    for name in statement.columns:
        if name not in known:
            raise SqlError.invalid_identifier(name)
    return Rows(tuple((name, known[name]) for name in statement.columns) or _INFERRED, ())


KINDS: Final = (
    Kind(Query, query, SELECT, Allowed.TEMPLATE, Roles.NAMES, columns=describe_query, again=True),
    Kind(
        InferSchema,
        infer_schema,
        SELECT,
        Allowed.TEMPLATE,
        Roles.NAMES,
        columns=lambda _, statement: describe_inferred(statement),
    ),
)
