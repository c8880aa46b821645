"""Columns: by name, by number, by star, and paths into them."""

from __future__ import annotations

from typing import Final

from sqlglot import exp

from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.files.staged import STAGED_METADATA
from cleanroom_ml.engine.sql.functions.variant import MEMBER, pointer
from cleanroom_ml.engine.sql.numbers import whole_number
from cleanroom_ml.engine.sql.resolve.identifiers import quoted
from cleanroom_ml.engine.sql.resolve.listening import Listening
from cleanroom_ml.engine.sql.resolve.own_words import owner
from cleanroom_ml.engine.sql.resolve.scope import CommonTables, Rewrite, Scope
from cleanroom_ml.engine.sql.resolve.sequences import Sequences
from cleanroom_ml.engine.sql.tree import grammar
from cleanroom_ml.engine.sql.tree.dialect import Node, raw
from cleanroom_ml.engine.sql.tree.kinds import KIND, as_json
from cleanroom_ml.engine.sql.types.kind import JSON
from cleanroom_ml.naming import display


class Columns:
    """The columns of one statement."""

    def __init__(self, rewrite: Rewrite, listening: Listening, sequences: Sequences) -> None:
        self._rewrite = rewrite
        self._listening = listening
        self._sequences = sequences

    def column(self, node: Node, scope: Scope, ctes: CommonTables) -> Node:
        """A column, `t.*` or `t.$1`. Raises SqlError: nothing here has that name."""
        grammar.check(node)
        drawn = self._sequences.number(node, scope) if isinstance(node, exp.Column) else None
        if drawn is not None:
            return drawn
        table = node.args.get("table")
        alias = _folded(table) if table is not None else None
        # DuckDB would take `a.b` for the field `b` of a column `a`, or for an alias in another case.
        if alias is not None and not scope.has(alias):
            raise SqlError.invalid_identifier(display(alias))
        if isinstance(node.this, exp.Star):
            star = self.star(node.this, scope, ctes, alias)
            return exp.Column(this=star, table=quoted(alias)) if alias is not None else star
        if isinstance(node.this, exp.Parameter) and isinstance(node.this.this, exp.Literal):
            return self.positional(node.this, scope, alias)
        name = _folded(node.this)
        if alias is None and name in scope.parameters:
            return scope.parameters[name].copy()
        number = quoted_position(node)
        counted = scope.staged is not None or (scope.positional is not None and name not in scope.positional[1])
        if number is not None and counted:
            return self.positional(exp.Parameter(this=exp.Literal.number(number)), scope)
        if scope.other_case(name, alias) or (alias is None and scope.is_row(name)):
            raise SqlError.invalid_identifier(display(name))
        scope.refuse_twice(name, alias)
        apart = scope.told_apart(name, alias)
        if alias is None and apart is None and (only := scope.only_here(name)) is not None:
            apart = only, name
        if alias is None and apart is None and (asked := owner(name, scope)) is not None:
            apart = asked, name
        if apart is not None:
            column = exp.column(apart[1], table=apart[0], quoted=True)
        else:
            column = exp.Column(this=quoted(name), table=quoted(alias) if alias is not None else None)
        column.meta[KIND] = STAGED_METADATA[name] if name in STAGED_METADATA else scope.kind(name, alias)
        return column

    def star(self, node: Node, scope: Scope, ctes: CommonTables, alias: str | None = None) -> Node:
        grammar.check(node)
        if not isinstance(node.parent, exp.Select | exp.Column | exp.Anonymous):
            raise SqlError.unsupported("* that is neither a column of SELECT nor the argument of a function")
        if scope.drawing and alias in {None, *scope.drawing} and isinstance(node.parent, exp.Select | exp.Column):
            raise SqlError.unsupported("* of a TABLE(GETNEXTVAL(…)): name the columns")
        for part in ("except_", "rename", "replace"):
            items = node.args.get(part)
            if items:
                node.set(part, [self._star_item(item, scope, ctes) for item in items])
        listed = isinstance(node.parent, exp.Select | exp.Column)  # in COUNT(*) it is no list of columns
        if listed and scope.staged is not None and alias in {None, scope.staged} and not node.args.get("except_"):
            node.set("except_", [quoted(name) for name in STAGED_METADATA])
        return node

    def _star_item(self, item: Node, scope: Scope, ctes: CommonTables) -> Node:
        if isinstance(item, exp.Identifier):
            return self.identifier(item, scope, ctes)
        rewritten = self._rewrite(item, scope, ctes)
        self._listening.call_alias(rewritten)
        return rewritten

    def identifier(self, node: Node, scope: Scope, ctes: CommonTables) -> Node:
        return quoted(_folded(node))

    def positional(self, node: Node, scope: Scope, table: str | None = None) -> Node:
        """`$1`, `t.$1`. Raises SqlError: there is nothing to count."""
        number = whole_number(str(node.this.this)) or 0
        if scope.staged is not None and table in {None, scope.staged}:
            column = exp.column(f"${number}", table=scope.staged, quoted=True)
            return _document(column) if scope.documents and number == 1 else column
        found = scope.positional if table is None else (table, scope.positions.get(table, ()))
        if found is None or not 1 <= number <= len(found[1]):
            raise SqlError.invalid_identifier(f"${number}")
        alias, columns = found
        scope.refuse_twice(columns[number - 1], alias)
        called = scope.called.get(alias, {}).get(columns[number - 1], columns[number - 1])
        column = exp.column(called, table=alias, quoted=True)
        column.meta[KIND] = scope.kind(columns[number - 1], alias)
        return column

    def path(self, node: Node, scope: Scope, ctes: CommonTables) -> Node:
        """`v:a.b[0]`. Raises SqlError."""
        if isinstance(node.this, exp.Literal):
            raise SqlError.syntax("syntax error unexpected ':'.")
        steps = _steps(node)
        value = self._rewrite(node.this, scope, ctes)
        value = value.meta.get(_WHOLE, value)
        if (
            scope.staged_columns is not None
            and isinstance(value, exp.Column)
            and (value.table, value.name) == (scope.staged, "$1")
            and steps
            and isinstance(steps[0], str)
        ):
            column = scope.staged_columns.get(str(steps.pop(0)))
            value = exp.column(column, table=scope.staged, quoted=True) if column is not None else exp.Null()
            if not steps:
                return value
            value = raw("to_json({0})", value, kind=JSON)
        return raw(MEMBER, as_json(value), exp.Literal.string(pointer(steps)), kind=JSON)


_WHOLE: Final = "cleanroom_whole"
"""Key of `Expression.meta` under which a staged document has the column that it is made of."""


def _document(column: Node) -> Node:
    """A staged document as a VARIANT, its keys in order; of a path into it that makes no difference."""
    made = raw("CAST(_sf_parse_json_last(CAST({0} AS VARCHAR)) AS JSON)", column, kind=JSON)
    made.meta[_WHOLE] = column
    return made


def quoted_position(node: Node) -> int | None:
    """The number of a column `"$1"`: Snowpark quotes the positions of a stage's columns and of VALUES."""
    name = node.this
    if not isinstance(name, exp.Identifier) or not name.args.get("quoted") or name.name[:1] != "$":
        return None
    return whole_number(name.name[1:])


def _steps(node: Node) -> list[str | int]:
    if not isinstance(node.expression, exp.JSONPath):
        raise SqlError.unsupported("this JSON path")
    steps: list[str | int] = []
    for step in node.expression.expressions:
        if isinstance(step, exp.JSONPathRoot):
            continue
        if (isinstance(step, exp.JSONPathKey) and isinstance(step.this, str)) or (
            isinstance(step, exp.JSONPathSubscript) and isinstance(step.this, int | str)
        ):
            steps.append(step.this)
        else:
            raise SqlError.unsupported("this JSON path")
    return steps


def _folded(identifier: Node) -> str:
    if not isinstance(identifier, exp.Identifier):
        raise SqlError.unsupported(grammar.construct(identifier))
    name = str(identifier.this)
    return name if identifier.args.get("quoted") else name.upper()
