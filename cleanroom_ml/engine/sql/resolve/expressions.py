"""Rewriting of expressions: what is on the lists becomes DuckDB's, the rest is refused."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from sqlglot import exp

from cleanroom_ml.engine.sql.catalog import Catalog
from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.functions import table
from cleanroom_ml.engine.sql.functions.dates import extract
from cleanroom_ml.engine.sql.functions.intervals import interval
from cleanroom_ml.engine.sql.functions.variant import element
from cleanroom_ml.engine.sql.lex.lists import Folded
from cleanroom_ml.engine.sql.policies.nodes import Silent
from cleanroom_ml.engine.sql.resolve import comparing, interval_values, operators
from cleanroom_ml.engine.sql.resolve.calls import Calls
from cleanroom_ml.engine.sql.resolve.casts import cast
from cleanroom_ml.engine.sql.resolve.columns import Columns
from cleanroom_ml.engine.sql.resolve.constants import Constants
from cleanroom_ml.engine.sql.resolve.listening import Listening
from cleanroom_ml.engine.sql.resolve.scope import CommonTables, Queries, Scope, by_position
from cleanroom_ml.engine.sql.resolve.sequences import Sequences
from cleanroom_ml.engine.sql.resolve.user_functions import UserFunctions
from cleanroom_ml.engine.sql.tree import grammar
from cleanroom_ml.engine.sql.tree.build import Build
from cleanroom_ml.engine.sql.tree.dialect import Node, Raw, raw
from cleanroom_ml.engine.sql.tree.kinds import KIND, as_text, kind_of, literal_text
from cleanroom_ml.engine.sql.tree.literals import literal
from cleanroom_ml.engine.sql.types.kind import OTHER

_CAST_PARTS: Final = frozenset(
    {"this", "to", "safe", "requires_string", "probe_date_format", "_type", "null_on_text_overflow"}
)
_Special = Callable[[Node, Scope, CommonTables], Node]


class Expressions:
    """Expressions of one resolver's queries."""

    def __init__(
        self,
        queries: Queries,
        constants: Constants,
        listening: Listening,
        sequences: Sequences,
        build: Build,
        catalog: Catalog,
    ) -> None:
        self._queries = queries
        self.user_functions = UserFunctions(build, catalog, queries, self.rewrite)
        self._constants = constants
        self._columns = Columns(self.rewrite, listening, sequences)
        self._calls = Calls(self.rewrite, constants, self._columns, self.user_functions)
        self._special: Mapping[type[Node], _Special] = {
            exp.Anonymous: self._calls.call,
            exp.Dot: self._dotted,
            exp.WithinGroup: self._calls.call,
            exp.Filter: self._calls.call,
            exp.Window: self._calls.window,
            exp.Column: self._columns.column,
            exp.Star: self._columns.star,
            exp.Identifier: self._columns.identifier,
            exp.JSONExtract: self._columns.path,
            exp.Cast: self._cast,
            exp.TryCast: self._cast,
            exp.ToBoolean: self._to_boolean,
            exp.Bracket: self._bracket,
            exp.Array: self._array,
            exp.Struct: self._struct,
            exp.Placeholder: self._placeholder,
            exp.Parameter: self._parameter,
            exp.Extract: self._extract,
            exp.StrPosition: self._position,
            exp.RegexpLike: self._matches,
            exp.Interval: self._interval,
            exp.Like: self._like,
            exp.ILike: self._like,
            exp.Escape: self._escape,
            exp.Fetch: self._fetch,
            Folded: _as_it_is,
            Raw: _as_it_is,
            Silent: self._silent,
        }
        """Nodes with rules of their own."""

    def rewrite(self, node: Node, scope: Scope, ctes: CommonTables) -> Node:
        """A node and everything below it. Raises SqlError for what is on no list."""
        special = self._special.get(type(node))
        if special is not None:
            return special(node, scope, ctes)
        if isinstance(node, exp.Query):
            query, kinds = self._queries.query(node, ctes, scope)
            if kinds is not None and len(by_position(kinds)) == 1:
                query.meta[KIND] = next(iter(kinds.values()))
            elif kinds is not None:
                query.meta[comparing.ROW] = by_position(kinds)
            return query
        word = self._calls.word(node)
        if word is not None:
            return word
        if type(node) in comparing.SIGNED and isinstance(node.expression, exp.Any | exp.All):
            return self._quantified(node, scope, ctes)
        grammar.check(node)
        if isinstance(node, exp.If) and not isinstance(node.parent, exp.Case):
            raise SqlError.unknown_function("IF")
        if isinstance(node, operators.CHAINED):
            return self._chain(node, scope, ctes)
        for part, value in list(node.args.items()):
            if isinstance(value, list):
                node.set(
                    part, [self.rewrite(item, scope, ctes) if isinstance(item, exp.Expr) else item for item in value]
                )
            elif isinstance(value, exp.Expr):
                node.set(part, self.rewrite(value, scope, ctes))
        return comparing.kept_whole(operators.adjusted(node), among_several=len(scope.sources) > 1)

    def _chain(self, node: Node, scope: Scope, ctes: CommonTables) -> Node:
        """`a AND b AND …` leans to the left and may be hundreds long: walked without recursion."""
        operator = type(node)
        links = [node]
        while type(links[-1].this) is operator:
            links.append(links[-1].this)
            grammar.check(links[-1])
        if len(links) > operators.MAX_CHAIN:
            raise SqlError.too_complex()
        left = self.rewrite(links[-1].this, scope, ctes)
        if len(links) == 1:
            node.set("this", left)
            node.set("expression", self.rewrite(node.expression, scope, ctes))
            return operators.adjusted(node)
        right = [self.rewrite(link.expression, scope, ctes) for link in reversed(links)]
        return operators.joined(operator, [left, *right])

    def _dotted(self, node: Node, scope: Scope, ctes: CommonTables) -> Node:
        """`schema.function(…)`, or `v['a'].b`: a member of what is no name."""
        inside = node.this
        while isinstance(inside, exp.Dot):
            inside = inside.this
        if isinstance(node.expression, exp.Identifier) and isinstance(
            inside, exp.Bracket | exp.JSONExtract | exp.Paren
        ):
            member = exp.Literal.string(str(node.expression.this))
            return element(self.rewrite(node.this, scope, ctes), member)
        return self._calls.qualified(node, scope, ctes)

    def _quantified(self, node: Node, scope: Scope, ctes: CommonTables) -> Node:
        """`a > ALL (query)`; the parser has `NOT IN (query)` as `<> ALL`, and `= ANY` is IN."""
        query = node.expression.this.unnest()
        if not isinstance(query, exp.Query):
            raise SqlError.unsupported(f"{grammar.construct(node.expression)} of what is no query")
        every = isinstance(node.expression, exp.All)
        if isinstance(node, exp.EQ if not every else exp.NEQ):
            made: Node = exp.In(this=node.this, query=exp.Subquery(this=query))
            return self.rewrite(exp.Not(this=made) if every else made, scope, ctes)
        rows = self.rewrite(exp.Subquery(this=query), scope, ctes)
        return comparing.quantified(node, self.rewrite(node.this, scope, ctes), rows, every=every)

    def _cast(self, node: Node, scope: Scope, ctes: CommonTables) -> Node:
        if {part for part, value in node.args.items() if value} - _CAST_PARTS:
            raise SqlError.unsupported("CAST with a format")
        return cast(self.rewrite(node.this, scope, ctes), node.args["to"], attempt=isinstance(node, exp.TryCast))

    def _silent(self, node: Node, scope: Scope, ctes: CommonTables) -> Node:
        """What is computed of each row of a guarded view: NULL where it fails."""
        made = self.rewrite(node.this, scope, ctes)
        return made if operators.never_fails(made) else raw("TRY({0})", made, kind=kind_of(made))

    def _to_boolean(self, node: Node, scope: Scope, ctes: CommonTables) -> Node:
        """`TRY_CAST(… AS BOOLEAN)`, which the parser takes for a function."""
        name = "TRY_TO_BOOLEAN" if node.args.get("safe") else "TO_BOOLEAN"
        return table.call(name, [self.rewrite(node.this, scope, ctes)])

    def _bracket(self, node: Node, scope: Scope, ctes: CommonTables) -> Node:
        if len(node.expressions) != 1:
            raise SqlError.unsupported("slices")
        return element(self.rewrite(node.this, scope, ctes), self.rewrite(node.expressions[0], scope, ctes))

    def _array(self, node: Node, scope: Scope, ctes: CommonTables) -> Node:
        return table.call("ARRAY_CONSTRUCT", [self.rewrite(item, scope, ctes) for item in node.expressions])

    def _struct(self, node: Node, scope: Scope, ctes: CommonTables) -> Node:
        arguments: list[Node] = []
        for item in node.expressions:
            if isinstance(item, exp.Star | exp.Column) and isinstance(
                item if isinstance(item, exp.Star) else item.this, exp.Star
            ):
                arguments += self._calls.members_of_star(item, scope, ctes)
                continue
            if not isinstance(item, exp.PropertyEQ):
                raise SqlError.unsupported("this object literal")
            arguments += [exp.Literal.string(item.this.name), self.rewrite(item.expression, scope, ctes)]
        return table.call("OBJECT_CONSTRUCT_KEEP_NULL", arguments)

    def _placeholder(self, node: Node, scope: Scope, ctes: CommonTables) -> Node:
        return self._constants.placeholder(node)

    def _parameter(self, node: Node, scope: Scope, ctes: CommonTables) -> Node:
        if isinstance(node.this, exp.Literal):
            return self._columns.positional(node, scope)
        return literal(self._constants.variable(node.this.name))

    def _extract(self, node: Node, scope: Scope, ctes: CommonTables) -> Node:
        return extract(str(node.this.name), self.rewrite(node.expression, scope, ctes))

    def _position(self, node: Node, scope: Scope, ctes: CommonTables) -> Node:
        if node.args.get("occurrence"):
            raise SqlError.unsupported("POSITION with an occurrence")
        given = [node.args["substr"], node.this]
        if node.args.get("position"):
            given.append(node.args["position"])
        return table.call("POSITION", [self.rewrite(item, scope, ctes) for item in given])

    def _matches(self, node: Node, scope: Scope, ctes: CommonTables) -> Node:
        return table.call(
            "REGEXP_LIKE", [self.rewrite(node.this, scope, ctes), self.rewrite(node.expression, scope, ctes)]
        )

    def _interval(self, node: Node, scope: Scope, ctes: CommonTables) -> Node:
        unit = str(getattr(node.args.get("unit"), "name", ""))
        if not isinstance(node.this, exp.Literal):
            raise SqlError.unsupported("an interval that is not a constant")
        if isinstance(node.args.get("unit"), exp.IntervalSpan):
            return interval_values.literal(str(node.this.this), node.args["unit"])
        return interval(str(node.this.this), unit)

    def _like(self, node: Node, scope: Scope, ctes: CommonTables) -> Node:
        grammar.check(node)
        text = as_text(self.rewrite(node.this, scope, ctes))
        sign = "LIKE" if isinstance(node, exp.Like) else "ILIKE"
        if not isinstance(node.expression, exp.Any | exp.All):
            return raw(f"({{0}} {sign} {{1}})", text, as_text(self.rewrite(node.expression, scope, ctes)), kind=OTHER)
        listed = node.expression.this
        items = (
            listed.expressions
            if isinstance(listed, exp.Tuple)
            else [listed.this if isinstance(listed, exp.Paren) else listed]
        )
        patterns = [as_text(self.rewrite(item, scope, ctes)) for item in items]
        joiner = " OR " if isinstance(node.expression, exp.Any) else " AND "
        return raw(
            "(" + joiner.join(f"{{0}} {sign} {{{n + 1}}}" for n in range(len(patterns))) + ")",
            text,
            *patterns,
            kind=OTHER,
        )

    def _escape(self, node: Node, scope: Scope, ctes: CommonTables) -> Node:
        grammar.check(node)
        escape = literal_text(node.expression)
        if not isinstance(node.this, exp.Like | exp.ILike) or escape is None:
            raise SqlError.unsupported("this ESCAPE")
        if len(escape) > 1:
            raise SqlError.syntax("ESCAPE takes one character.")
        sign = "LIKE" if isinstance(node.this, exp.Like) else "ILIKE"
        text, pattern = (as_text(self.rewrite(part, scope, ctes)) for part in (node.this.this, node.this.expression))
        return raw(f"({{0}} {sign} {{1}} ESCAPE {{2}})", text, pattern, node.expression, kind=OTHER)

    def _fetch(self, node: Node, scope: Scope, ctes: CommonTables) -> Node:
        options = node.args.get("limit_options")
        if options is not None and any(options.args.get(part) for part in ("percent", "with_ties")):
            raise SqlError.unsupported("FETCH PERCENT or WITH TIES")
        return exp.Limit(
            expression=self.rewrite(node.args["count"], scope, ctes)
            if node.args.get("count")
            else exp.Literal.number(1)
        )


def _as_it_is(node: Node, scope: Scope, ctes: CommonTables) -> Node:
    return node
