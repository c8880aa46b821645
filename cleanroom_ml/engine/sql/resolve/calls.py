"""Calls of functions: found in the table of functions by their names, with their arguments rewritten."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlglot import exp

from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.functions import aggregating, table
from cleanroom_ml.engine.sql.functions.entry import Aggregate, Scalar
from cleanroom_ml.engine.sql.resolve.columns import Columns
from cleanroom_ml.engine.sql.resolve.constants import Constants
from cleanroom_ml.engine.sql.resolve.identifiers import quoted
from cleanroom_ml.engine.sql.resolve.scope import CommonTables, Rewrite, Scope
from cleanroom_ml.engine.sql.tree import grammar
from cleanroom_ml.engine.sql.tree.dialect import Node, raw
from cleanroom_ml.engine.sql.tree.kinds import kind_of
from cleanroom_ml.engine.sql.tree.literals import literal


@dataclass(frozen=True, slots=True)
class _Call:
    """A call as rewritten so far; `aggregate` is None where nothing more goes around it."""

    made: Node
    name: str
    arguments: Sequence[Node] = ()
    aggregate: Aggregate | None = None

    def finished(self, made: Node) -> Node:
        """`made`: the call, or the call with its OVER clause."""
        if self.aggregate is None:
            return made
        return aggregating.finish(made, self.aggregate, self.arguments, kind_of(self.made))


class Calls:
    """The calls of one statement."""

    def __init__(self, rewrite: Rewrite, constants: Constants, columns: Columns) -> None:
        self._rewrite = rewrite
        self._constants = constants
        self._columns = columns

    def call(self, node: Node, scope: Scope, ctes: CommonTables) -> Node:
        """A call, with WITHIN GROUP or without. Raises SqlError."""
        found = self._found(node, scope, ctes)
        return found.finished(found.made)

    def word(self, node: Node) -> Node | None:
        """A call without parentheses (CURRENT_DATE), or None: the node is none."""
        found = table.WORDS.get(type(node).__name__)
        return None if found is None else self._scalar(found[1], found[0], [])

    def window(self, node: Node, scope: Scope, ctes: CommonTables) -> Node:
        """A call with OVER. Raises SqlError."""
        grammar.check(node)
        if (node.args.get("over") or "OVER") != "OVER":
            raise SqlError.unsupported("KEEP")
        found = self._found(node.this, scope, ctes, windowed=True)
        if found.aggregate is None:
            raise SqlError.unknown_function(found.name)
        for part in ("partition_by", "order", "spec"):
            value = node.args.get(part)
            if isinstance(value, list):
                node.set(part, [self._rewrite(item, scope, ctes) for item in value])
            elif value is not None:
                node.set(part, self._rewrite(value, scope, ctes))
        node.set("this", found.made)
        return found.finished(raw("{0}", node))

    def _found(
        self,
        node: Node,
        scope: Scope,
        ctes: CommonTables,
        *,
        order: Node | None = None,
        ignore_nulls: bool = False,
        windowed: bool = False,
    ) -> _Call:
        if isinstance(node, exp.RespectNulls | exp.IgnoreNulls):
            nulls = isinstance(node, exp.IgnoreNulls)
            return self._found(node.this, scope, ctes, order=order, ignore_nulls=nulls, windowed=windowed)
        if isinstance(node, exp.WithinGroup):
            if order is not None or not isinstance(node.expression, exp.Order):
                raise SqlError.unsupported("WITHIN GROUP")
            order = self._rewrite(node.expression, scope, ctes)
            return self._found(node.this, scope, ctes, order=order, ignore_nulls=ignore_nulls, windowed=windowed)
        if not isinstance(node, exp.Anonymous) or not isinstance(node.this, str):
            raise SqlError.unsupported(grammar.construct(node))
        name = node.this.upper()
        if name == "IDENTIFIER" and len(node.expressions) == 1:
            return _Call(self._identified(node.expressions[0], scope, ctes), name)
        known = table.aggregate(name)
        if known is None:
            if windowed or order is not None or ignore_nulls:
                raise SqlError.unknown_function(name)
            return _Call(self._of_values(name, node.expressions, scope, ctes), name)
        given = list(node.expressions)
        if given and isinstance(given[0], exp.IgnoreNulls | exp.RespectNulls):
            ignore_nulls = isinstance(given[0], exp.IgnoreNulls)
            given[0] = given[0].this
        arguments = [self._rewrite(argument, scope, ctes) for argument in given]
        if any(isinstance(argument, exp.Star) for argument in arguments) and not known.star:
            raise SqlError.unsupported(f"{name}(*)")
        made = aggregating.call(known, name, arguments, order=order, ignore_nulls=ignore_nulls, windowed=windowed)
        return _Call(made, name, arguments, known)

    def _identified(self, node: Node, scope: Scope, ctes: CommonTables) -> Node:
        """The column that IDENTIFIER(…) names."""
        parts = [quoted(part) for part in self._constants.identifier(node)]
        column = exp.Column(this=parts[-1], table=parts[0]) if len(parts) > 1 else exp.Column(this=parts[0])
        return self._columns.column(column, scope, ctes)

    def _of_values(self, name: str, given: list[Node], scope: Scope, ctes: CommonTables) -> Node:
        function = table.find(name, Scalar)
        arguments = self._arguments(function, name, given, scope, ctes)
        if function.numbered is not None and scope.generated:
            function.check_count(name, len(arguments))
            row = exp.column("_GENERATED", table=scope.generated, quoted=True)
            return function.numbered(row, arguments)
        return self._scalar(function, name, arguments)

    def _scalar(self, function: Scalar, name: str, arguments: Sequence[Node]) -> Node:
        if function.session is not None:
            function.check_count(name, len(arguments))
            value = literal(function.session(self._constants.context()))
            return raw(str(function.sql), value, *arguments) if arguments else value
        return function.call(name, arguments)

    def _arguments(
        self, function: Scalar, name: str, given: list[Node], scope: Scope, ctes: CommonTables
    ) -> list[Node]:
        """Arguments, rewritten; a date part may be a bare word that is no column."""
        arguments: list[Node] = []
        for number, argument in enumerate(given if function.arrange is None else function.arrange(given)):
            if isinstance(argument, exp.Star):
                raise SqlError.unsupported(f"{name}(*)")
            if number == function.part and isinstance(argument, exp.Var | exp.Column):
                arguments.append(exp.Literal.string(argument.name))
            else:
                arguments.append(self._rewrite(argument, scope, ctes))
        return arguments
