"""What a column gets that a statement gives no value for: its DEFAULT, the next numbers of an IDENTITY, or NULL."""

from __future__ import annotations

from collections.abc import Collection

from sqlglot import exp

from cleanroom_ml.engine.sql.catalog import ContextValues, TableSource
from cleanroom_ml.engine.sql.compile.preparing import safe
from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.resolve.casts import assigned
from cleanroom_ml.engine.sql.resolve.identifiers import fold
from cleanroom_ml.engine.sql.resolve.resolver import Resolver
from cleanroom_ml.engine.sql.resolve.scope import Draws, Scope
from cleanroom_ml.engine.sql.resolve.sequences import NEXTVAL
from cleanroom_ml.engine.sql.tree import fine
from cleanroom_ml.engine.sql.tree.dialect import Node, generate, parse_ast
from cleanroom_ml.engine.sql.types.sql_type import SqlType


def expression(text: str) -> Node:
    """The expression that a DEFAULT is. Raises SqlError."""
    tree = parse_ast(f"SELECT {text}")
    if not isinstance(tree, exp.Select) or len(tree.expressions) != 1:
        raise SqlError.syntax("DEFAULT takes one expression.")
    found: Node = tree.expressions[0]
    if sequence(found) is not None:
        return found
    if any(isinstance(node, exp.Query | exp.Column | exp.Parameter | exp.Placeholder) for node in found.walk()):
        raise SqlError.unsupported("a DEFAULT that is no constant and no function of constants")
    return found


def sequence(found: Node) -> tuple[str, ...] | None:
    """The name of the sequence whose NEXTVAL an expression is; None: it is another one."""
    if not isinstance(found, exp.Column) or found.args.get("table") is None or found.name.upper() != NEXTVAL:
        return None
    return tuple(fold(part) for part in found.parts[:-1])


def value(target: TableSource, name: str, sql_type: SqlType, resolver: Resolver, *, beside_others: bool = False) -> str:
    """DuckDB's text of the value of a column that nothing was given for; `beside_others`: it has the type that the
    table's other values have. Raises SqlError.
    """
    if name in target.numbers:
        first, step = target.numbers[name]
        return f"CAST({first} + {step} * (row_number() OVER () - 1) AS {sql_type.duckdb})"
    text = target.defaults.get(name)
    if text is None:
        return f"CAST(NULL AS {sql_type.duckdb})"
    scope = Scope(None, draws=Draws(exact=True))
    made = resolver.expressions.rewrite(expression(text), scope, {})
    if beside_others and not sql_type.fine and fine.is_fine(assigned(made.copy(), sql_type)):
        raise fine.needed(f"the DEFAULT of {name[:100]}")
    if sql_type.fine or fine.is_fine(made):
        return safe(generate(fine.as_fine(assigned(made, sql_type))))
    return f"CAST({safe(generate(made))} AS {sql_type.duckdb})"


def numbered(target: TableSource, given: Collection[str]) -> tuple[str, ...]:
    """The IDENTITY columns whose numbers a statement takes that gives values for these columns."""
    return tuple(name for name in target.numbers if name not in given)


class NoTables:
    """A catalog without anything but a context, for a DEFAULT that is read when its table is made."""

    def __init__(self, context: ContextValues) -> None:
        self._context = context

    def source(self, parts: tuple[str, ...]) -> None:
        return None

    def context(self) -> ContextValues:
        return self._context
