"""What a statement's constants stand for: bound values, session variables, and what must be known before it runs."""

from __future__ import annotations

from sqlglot import exp

from cleanroom_ml.engine.sql.binds import Binds, Value
from cleanroom_ml.engine.sql.catalog import Catalog, ContextValues
from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.numbers import whole_number
from cleanroom_ml.engine.sql.read.names import folded
from cleanroom_ml.engine.sql.tree.dialect import Node
from cleanroom_ml.engine.sql.tree.literals import literal


class Constants:
    """The constants of one statement."""

    def __init__(self, catalog: Catalog, binds: Binds) -> None:
        self._catalog = catalog
        self._binds = binds

    def context(self) -> ContextValues:
        """The session's."""
        return self._catalog.context()

    def number(self, node: Node) -> int:
        """A constant whole number. Raises SqlError."""
        node = node.unnest()  # a number in parentheses is a constant too
        if isinstance(node, exp.Placeholder):
            value = self._binds.value(str(node.this))
            if isinstance(value, int) and not isinstance(value, bool):
                return value
        if isinstance(node, exp.Parameter) and isinstance(node.this, exp.Var):
            value = self.variable(node.this.name)
            if isinstance(value, int) and not isinstance(value, bool):
                return value
        if isinstance(node, exp.Literal) and not node.is_string and (number := whole_number(node.this)) is not None:
            return number
        raise SqlError.syntax("a constant whole number is expected.")

    def text(self, node: Node) -> str:
        """A constant text: a string, a bound value, or a bare word. Raises SqlError."""
        if isinstance(node, exp.Placeholder):
            value = self._binds.value(str(node.this))
            if isinstance(value, str):
                return value
        elif isinstance(node, exp.Parameter) and isinstance(node.this, exp.Var):
            return str(self.variable(node.this.name))
        elif isinstance(node, exp.Literal | exp.RawString | exp.Var):
            return str(node.this)
        elif isinstance(node, exp.Column | exp.Identifier):
            return str(node.name)
        elif isinstance(node, exp.Table) and all(isinstance(part, exp.Identifier) for part in node.parts):
            return ".".join(part.sql(dialect="snowflake") for part in node.parts)
        raise SqlError.syntax("a constant text is expected.")

    def identifier(self, node: Node) -> tuple[str, ...]:
        """The parts of the column that IDENTIFIER(…) names. Raises SqlError."""
        return folded(self.text(node), 2)

    def variable(self, name: str) -> Value:
        """A session variable's value. Raises SqlError: there is none."""
        variables = self.context().variables
        if name.upper() not in variables:
            raise SqlError(
                2211, "02000", f"SQL compilation error: error\nSession variable '${name[:100].upper()}' does not exist"
            )
        return variables[name.upper()]

    def known(self, node: Node) -> Value:
        """The value of a placeholder or a session variable; None: it is NULL, or nobody has said what it is."""
        name = str(node.this.name if isinstance(node, exp.Parameter) else node.this)
        if isinstance(node, exp.Parameter):
            return self.context().variables.get(name.upper()) if isinstance(node.this, exp.Var) else None
        number = whole_number(name)
        if number is None:
            return self._binds.named.get(name.upper())
        return self._binds.positional[number - 1] if 1 <= number <= len(self._binds.positional) else None

    def placeholder(self, node: Node) -> Node:
        """A bound value as a literal. Raises SqlError: nothing is bound."""
        return literal(self._binds.value(str(node.this)))
