"""What UPDATE, DELETE and MERGE have in common: a query that gives the table's new content, each row with what happened
to it (compiled.Operation).

The target's rows get a number (`_row`) in a materialised common table, so that both uses of them mean the same rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from sqlglot import exp

from cleanroom_ml.engine.sql.catalog import TableSource, with_nanoseconds
from cleanroom_ml.engine.sql.compile.preparing import safe
from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.resolve import casts
from cleanroom_ml.engine.sql.resolve.identifiers import fold
from cleanroom_ml.engine.sql.resolve.resolver import Resolver
from cleanroom_ml.engine.sql.resolve.scope import Draws, Scope, differ_only_in_case
from cleanroom_ml.engine.sql.settings import keeps_nanoseconds
from cleanroom_ml.engine.sql.tree import fine
from cleanroom_ml.engine.sql.tree.dialect import Node, raw
from cleanroom_ml.engine.sql.tree.kinds import kinds_of_columns
from cleanroom_ml.naming import quote

ROW: Final = '"_row"'


class Change:
    """The target of a statement and what its expressions see."""

    def __init__(self, resolver: Resolver, target: TableSource, node: Node, name: tuple[str, ...]) -> None:
        if differ_only_in_case(name for name, _ in target.columns):
            raise SqlError.unsupported("UPDATE, DELETE and MERGE of a table with columns that differ only in case")
        self.resolver = resolver
        if keeps_nanoseconds():  # what a column becomes may have some: all of it is read so, and written as it needs
            places = [place for place, (_, found) in enumerate(target.columns) if found.holds_nanoseconds]
            target = replace(target, columns=with_nanoseconds(target.columns, places))
        self.target = target
        alias = node.args.get("alias") if isinstance(node, exp.Table) else None
        self.alias = fold(alias.this) if alias is not None and alias.this is not None else name[-1]
        resolver.listening.announce(self.alias, name)
        self.scope = Scope(None, {self.alias: kinds_of_columns(target.columns)})
        self.numbered = resolver.build.fresh("target")
        self.row = f"{quote(self.alias)}.{ROW}"
        self._joined = False
        safe(self.alias)

    def rows(self) -> Node:
        self.resolver.build.count_source()
        return raw(
            f"SELECT *, row_number() OVER () AS {ROW} FROM ({{0}}) AS _all", self.resolver.build.scan(self.target)
        )

    def items(self, others: list[Node]) -> list[Node]:
        """The target and the other tables of FROM or USING, in order."""
        self._joined = self._joined or bool(others)
        found: list[Node] = [raw(f"{self.numbered} AS {quote(self.alias)}")]
        for other in others:
            joins = other.args.get("joins") or []
            other.set("joins", None)
            found.append(self.resolver.items.item(other, {}, self.scope, None))
            for join in joins:
                self.resolver.items.join(join, {}, self.scope, None)
                found.append(join)
        return found

    def rewrite(self, node: Node) -> Node:
        return self.resolver.expressions.rewrite(node, self.scope, {})

    def value(self, name: str, node: Node) -> Node:
        """A rewritten value that becomes the target's column of this name, which is then a name for it."""
        self.scope.draws = Draws(None if self._joined else self.target.rows)
        try:
            value = self.rewrite(node)
        finally:
            self.scope.draws = None
        self.resolver.listening.call_value(name, value)
        return value

    def stored(self, name: str, node: Node) -> Node:
        """The same as the column takes it. Raises SqlError: also of nanoseconds where the target is read without."""
        value, target = self.value(name, node), dict(self.target.columns)[name]
        casts.check_coerced(value, target, name)
        value = casts.assigned(value, target)
        if fine.is_fine(value) and not target.fine:
            raise fine.needed(f"the new value of {name[:100]}")
        return fine.as_fine(value) if target.fine else value

    def assignments(self, expressions: list[Node]) -> dict[str, Node]:
        """Column → value of SET."""
        known = {name for name, _ in self.target.columns}
        assigned: dict[str, Node] = {}
        for expression in expressions:
            if not isinstance(expression, exp.EQ) or not isinstance(expression.this, exp.Column):
                raise SqlError.syntax("SET takes column = value.")
            name = fold(expression.this.this)
            if name not in known:
                raise SqlError.invalid_identifier(name)
            if name in assigned:
                raise SqlError.syntax(f"column {name[:100]} is set twice.")
            assigned[name] = self.stored(name, expression.expression)
        if not assigned:
            raise SqlError.syntax("SET takes column = value.")
        return assigned


def slots(values: Sequence[Node]) -> str:
    return ", ".join(f"{{{number}}}" for number in range(len(values)))


def only(tree: Node, allowed: set[str]) -> None:
    unexpected = {part for part, value in tree.args.items() if value} - allowed
    if unexpected:
        raise SqlError.unsupported(", ".join(sorted(unexpected)).upper())
