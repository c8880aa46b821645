"""SELECT and its like, and INFER_SCHEMA, which is one in form."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sqlglot import exp

from cleanroom_ml.engine.sql.catalog import StageReference
from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.read.form import Form
from cleanroom_ml.engine.sql.read.names import stage_reference
from cleanroom_ml.engine.sql.read.procedure import call_anonymous, is_anonymous
from cleanroom_ml.engine.sql.read.source import Source
from cleanroom_ml.engine.sql.read.stage_options import with_options
from cleanroom_ml.engine.sql.read.statement import Statement


@dataclass(frozen=True, slots=True)
class Query(Statement):
    """SELECT, WITH, VALUES, UNION …: `compile_query(query.ast, catalog, binds)`."""

    ast: exp.Expr


@dataclass(frozen=True, slots=True)
class InferSchema(Statement):
    """`SELECT <columns|*> FROM TABLE(INFER_SCHEMA(LOCATION => …, FILE_FORMAT => …))`. `columns`: projected names, ()
    for all; `ignore_case`: IGNORE_CASE => TRUE, which gives all names in capitals.
    """

    location: StageReference
    columns: tuple[str, ...] = ()
    ignore_case: bool = False


def _query(source: Source) -> Statement:
    if source.tokens[0].upper == "WITH" and is_anonymous(source):
        return call_anonymous(source)
    tree = source.ast()
    if not isinstance(tree, exp.Query):
        raise SqlError.unsupported(type(tree).__name__.upper())
    call = _only_table_function(tree)
    if call is not None and str(call.this).upper() == "INFER_SCHEMA":
        return _infer_schema(source, tree, call)
    return Query(tree)


def _only_table_function(tree: exp.Expr) -> exp.Anonymous | None:
    """The call in `SELECT … FROM TABLE(call(…))`, where nothing else is in FROM."""
    if not isinstance(tree, exp.Select) or tree.args.get("joins") or tree.args.get("with_"):
        return None
    table = tree.args["from_"].this if tree.args.get("from_") else None
    call = table.this if isinstance(table, exp.Table) else None
    if isinstance(call, exp.Anonymous) and str(call.this).upper() == "TABLE" and len(call.expressions) == 1:
        call = call.expressions[0]
    return call if isinstance(call, exp.Anonymous) else None


def _infer_schema(source: Source, tree: exp.Expr, call: exp.Anonymous) -> InferSchema:
    if {part for part, value in tree.args.items() if value} - {"expressions", "from_", "order"}:
        raise SqlError.unsupported("INFER_SCHEMA with conditions")
    options: dict[str, str] = {}
    ignore_case = False
    for argument in call.expressions:
        if not isinstance(argument, exp.Kwarg):
            raise SqlError.syntax("INFER_SCHEMA takes named arguments.")
        key = str(argument.this.name).upper()
        if key in {"LOCATION", "FILE_FORMAT"}:
            options[key] = source.constant(argument.expression)
        if key == "IGNORE_CASE":
            if not isinstance(argument.expression, exp.Boolean):
                raise SqlError.syntax("IGNORE_CASE takes TRUE or FALSE.")
            ignore_case = bool(argument.expression.this)
    if "LOCATION" not in options:
        raise SqlError.syntax("INFER_SCHEMA needs LOCATION.")
    location = stage_reference(options["LOCATION"])
    if "FILE_FORMAT" in options:
        location = with_options(location, {"FILE_FORMAT": options["FILE_FORMAT"]})
    columns: list[str] = []
    for projection in tree.expressions:
        if isinstance(projection, exp.Star):
            return InferSchema(location, ignore_case=ignore_case)
        if not isinstance(projection, exp.Column) or projection.args.get("table"):
            raise SqlError.unsupported("INFER_SCHEMA with expressions")
        columns.append(projection.name.upper())
    return InferSchema(location, tuple(columns), ignore_case)


FORMS: Final = tuple(Form((word,), _query) for word in ("SELECT", "WITH", "VALUES", "(", "FROM"))
