"""Resolution: every name of a query is looked up and replaced, every construct and function is on a list, or the
query is refused.

The tree that leaves here holds only: constructs of grammar.PARTS, `Raw` pieces of ours, column references, literals.
Tables have become scans of the catalog's objects; nothing of the client's text reaches DuckDB as anything but a quoted
identifier or a literal.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from sqlglot import exp

from cleanroom_ml.engine.load.big_texts import BIG_TEXTS
from cleanroom_ml.engine.sql import settings
from cleanroom_ml.engine.sql.binds import Binds
from cleanroom_ml.engine.sql.catalog import Catalog, GuardedCatalog, RowsSource, TableSource, ViewSource
from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.policies import select
from cleanroom_ml.engine.sql.policies.sources import Known, Named
from cleanroom_ml.engine.sql.resolve import (
    distinct,
    grouping,
    hierarchies,
    limits,
    matching,
    nullability,
    outer_joins,
    pruning,
    recursion,
    sides,
    stars,
)
from cleanroom_ml.engine.sql.resolve.constants import Constants
from cleanroom_ml.engine.sql.resolve.expressions import Expressions
from cleanroom_ml.engine.sql.resolve.guarded import name_of
from cleanroom_ml.engine.sql.resolve.identifiers import fold, quoted, table_alias
from cleanroom_ml.engine.sql.resolve.items import Items
from cleanroom_ml.engine.sql.resolve.listening import Listening
from cleanroom_ml.engine.sql.resolve.projections import column_name, is_query, output, without_aliases
from cleanroom_ml.engine.sql.resolve.relations import Relations
from cleanroom_ml.engine.sql.resolve.scope import (
    CommonTable,
    CommonTables,
    Draws,
    Inside,
    Kinds,
    Relation,
    Scope,
    by_position,
    is_repeated,
)
from cleanroom_ml.engine.sql.resolve.sequences import Sequences
from cleanroom_ml.engine.sql.resolve.user_functions import expression_of
from cleanroom_ml.engine.sql.routines import UserFunction
from cleanroom_ml.engine.sql.tree import equality, grammar
from cleanroom_ml.engine.sql.tree.build import MAX_SOURCES, Build
from cleanroom_ml.engine.sql.tree.dialect import Node, parse_ast, raw
from cleanroom_ml.engine.sql.tree.kinds import kind_of
from cleanroom_ml.engine.sql.types.kind import Kind, common, widened
from cleanroom_ml.engine.sql.types.sql_type import SqlType

MAX_VIEW_DEPTH: Final = 16
_FEWER_ROWS: Final = ("order", "limit", "offset", "distinct", "qualify", "operation_modifiers", "connect")
_MORE_GROUPS: Final = ("rollup", "cube", "grouping_sets", "all")
_SET_OPERATIONS: Final = (exp.Union, exp.Except, exp.Intersect)


class Resolver:
    """Rewrites trees against one catalog. Views get a resolver of their own, with their definer's catalog and the
    same `Build`.

    Args:
        width: columns that the statement reads of staged CSV files: the largest `$n` in it.
        depth: how many views are around the text.
    """

    def __init__(self, build: Build, catalog: Catalog, binds: Binds, *, width: int = 1, depth: int = 0) -> None:
        self.build = build
        self._catalog = catalog
        self._constants = Constants(catalog, binds)
        self._depth = depth
        constants = self._constants
        if not depth:
            settings.use(catalog.context().parameters)
            build.seen = catalog.context().roles is not None
        self.listening = Listening(catalog, silent=depth > 0)
        sequences = Sequences(build, catalog)
        self.expressions = Expressions(self, constants, self.listening, sequences, build, catalog)
        self.outermost: Node | None = None
        """The query whose rows are the statement's, where whoever runs it counts them."""
        self._relations = Relations(build, catalog, self, constants, self.expressions, self.listening, width=width)
        self.items = Items(build, self._relations, self.expressions, self.listening)

    def query(self, node: Node, ctes: CommonTables, parent: Scope | None = None) -> tuple[Node, Kinds | None]:
        """A query, rewritten in place, and the kinds of its columns."""
        if isinstance(node, exp.Subquery):
            grammar.check(node)
            ctes = self._with(node, ctes, parent)
            inner, kinds = self.query(node.this, ctes, parent)
            node.set("this", inner)
            node.set("alias", None)
            self._modifiers(node, ctes, Scope(parent, {"": kinds}))
            return node, kinds
        if isinstance(node, exp.Values):
            return _all_of(self._relations.values(node, ctes, parent))
        if isinstance(node, exp.Select):
            return self._select(node, ctes, parent)
        if isinstance(node, _SET_OPERATIONS):
            return self._set_operation(node, ctes, parent)
        if isinstance(node, exp.Table | exp.Paren):
            raise SqlError.syntax("a query is expected.")
        raise SqlError.unsupported(grammar.construct(node))

    def values(self, node: exp.Values, types: Sequence[SqlType], names: Sequence[str]) -> tuple[Node, Kinds | None]:
        """VALUES whose columns are stored as these types, value by value, as columns of `names`. Raises SqlError."""
        return _all_of(self._relations.values(node, {}, None, types, names))

    def view(self, source: ViewSource) -> tuple[Node, Kinds | None]:
        """The query that a view's text is."""
        if self._depth >= MAX_VIEW_DEPTH:
            raise SqlError.syntax("Views are nested too deeply, or refer to themselves.")
        self.build.seen = False
        inner = Resolver(self.build, source.catalog, Binds(), depth=self._depth + 1)
        BIG_TEXTS.weigh(len(source.text), more=True)
        return inner.query(parse_ast(source.text), {})

    def inside(self, function: UserFunction) -> Inside:
        """What resolves the text of a function, by its definer's names. Raises SqlError: it is called by itself."""
        if self._depth >= MAX_VIEW_DEPTH:
            raise SqlError.syntax("Functions and views are nested too deeply, or refer to themselves.")
        BIG_TEXTS.weigh(len(function.routine.body), more=True)
        self.build.seen = False
        return _Inside(Resolver(self.build, function.catalog, Binds(), depth=self._depth + 1))

    def _set_operation(self, node: Node, ctes: CommonTables, parent: Scope | None) -> tuple[Node, Kinds | None]:
        """Chains of UNION lean to the left and may be long: they are walked without recursion."""
        chain = [node]
        grammar.check(node)
        seen = self._with(node, ctes, parent)
        while isinstance(chain[-1].this, _SET_OPERATIONS):
            chain.append(chain[-1].this)
            grammar.check(chain[-1])
            if len(chain) > MAX_SOURCES:
                raise SqlError.too_complex()
            if chain[-1].args.get("with_"):
                raise SqlError.unsupported("WITH inside of a set operation without parentheses")
        if any(isinstance(each, exp.Except | exp.Intersect) and not each.args.get("distinct") for each in chain):
            raise SqlError.syntax("ALL is of UNION alone: EXCEPT, MINUS and INTERSECT give each row once.")
        made, kinds = self.query(chain[-1].this, seen, parent)
        for operation in reversed(chain):
            right, others = self.query(operation.expression, seen, parent)
            if operation.args.get("by_name"):
                operation.set("this", made)
                operation.set("expression", right)
                kinds = _by_name(kinds, others)
                self._modifiers(operation, seen, Scope(parent, {"": kinds}))
                made = operation
                continue
            self.listening.call_by_position(kinds, others)
            before = kinds, others
            kinds, others = sides.told_apart(kinds), sides.told_apart(others)
            if kinds is not None and others is not None and len(kinds) == len(others):
                made, kinds, right, others = sides.of_one_kind(made, kinds, right, others, self.build.fresh("side"))
                nulls = distinct.nulls(made), distinct.nulls(right)
                pairs = enumerate(zip(kinds.items(), others.values(), strict=True))
                kinds = {
                    name: other if place in nulls[0] else kind if place in nulls[1] else common((kind, other))
                    for place, ((name, kind), other) in pairs
                }
            else:
                kinds = None
            kinds = nullability.together(operation, *before, kinds)
            operation.set("this", made)
            operation.set("expression", right)
            self._modifiers(operation, seen, Scope(parent, {"": kinds}))
            made = distinct.together(operation, kinds, self.build.fresh("rows"))
        return made, kinds

    def _select(self, node: exp.Select, ctes: CommonTables, parent: Scope | None) -> tuple[Node, Kinds | None]:
        guarded = select.spelled_out(node, self._tables_of(node, ctes), self.build.fresh)
        if guarded is not None:
            return self._select(guarded, ctes, None)
        exact = node is self.outermost and not any(node.args.get(part) for part in _FEWER_ROWS)
        if node.args.get("connect"):
            node = hierarchies.spelled_out(node, self.build.fresh("connect").upper())
        if node.args.get("joins") and any(column.args.get("join_mark") for column in node.find_all(exp.Column)):
            node = outer_joins.spelled_out(node)
        grammar.check(node)
        ctes = self._with(node, ctes, parent)
        scope = Scope(parent, wanted=pruning.conditions(node, self._constants))
        self.items.all(node, ctes, scope, parent)
        using = stars.merged(node, scope)
        finer = bool(node.args.get("distinct")) and any(map(equality.is_finer, scope.known()))
        every = finer or bool(scope.called)
        written = [made for item in node.expressions for made in stars.spelled_out(item, scope, using, every=every)]
        if not written and node.expressions:
            raise SqlError.syntax("SELECT with no columns.")
        grouping.spelled_out(node, written)
        scope.draws = _draws(node, scope, exact=exact)
        projections = []
        aliases: dict[str, Kind | None] = {}
        queries: dict[str, Node] = {}
        seen = replace(scope, parent=Scope(parent, {"": aliases}))  # a column may use what is called before it
        groups = _has_more_groups(node)
        never = []
        for projection, name in zip(written, [column_name(projection) for projection in written], strict=True):
            never.append(not groups and (projection.is_star or nullability.is_never_null(projection, seen)))
            value = without_aliases(self.expressions.rewrite(projection, seen, ctes), queries, scope)
            if (
                name is not None
                and not isinstance(value, exp.Alias)
                and not (isinstance(value, exp.Column) and value.name == name)
            ):
                value = exp.Alias(this=value, alias=quoted(name))
            self.listening.call_alias(value)
            if isinstance(value, exp.Alias):
                aliases[value.alias] = kind_of(value.this)
                if is_query(value.this):
                    queries[value.alias] = value.this
            projections.append(value)
        if not projections:
            raise SqlError.syntax("SELECT without columns.")
        node.set("expressions", projections)
        grouping.all_by_number(node, projections)
        inner = replace(scope, parent=Scope(parent, {"": aliases}), draws=None)
        for part in ("where", "group", "having", "qualify", "distinct"):
            if node.args.get(part):
                inner.grouped = part in {"having", "qualify"}
                node.set(part, self.expressions.rewrite(node.args[part], inner, ctes))
        inner.grouped = False
        self._modifiers(node, ctes, inner)
        distinct.grouped(node, scope)
        distinct.distinct(node)
        return node, output(projections, scope, never)

    def _tables_of(self, node: exp.Select, ctes: CommonTables) -> Named:
        """What the tables of a SELECT's FROM are, and which of them are guarded views."""
        clause = node.args.get("with_")
        own = {fold(cte.args["alias"].this) for cte in clause.expressions} if clause is not None else set()

        def named(table: exp.Table) -> Known | None:
            parts = name_of(table, self._constants)
            if parts is None:
                return None
            if len(parts) == 1 and (parts[0] in ctes or parts[0] in own):
                return Known(parts, None, lambda: None)
            source = self._catalog.guarded(parts) if isinstance(self._catalog, GuardedCatalog) else None
            return Known(
                parts, source if source is not None and source.guard is not None else None, lambda: self._columns(parts)
            )

        return named

    def _columns(self, parts: tuple[str, ...]) -> Sequence[str] | None:
        """The columns of a table, by its name; None where they are not known without resolving what it is."""
        source = self._catalog.source(parts)
        return [name for name, _ in source.columns] if isinstance(source, TableSource | RowsSource) else None

    def _modifiers(self, node: Node, ctes: CommonTables, scope: Scope) -> None:
        order = node.args.get("order")
        if order is not None and len(order.expressions) == 1 and _is_all(order.expressions[0].this):
            order.expressions[0].set("this", raw("ALL"))
            node.set("order", None)
            self._modifiers(node, ctes, scope)
            node.set("order", order)
            return
        for part in ("order", "limit", "offset"):
            if node.args.get(part):
                node.set(part, self.expressions.rewrite(node.args[part], scope, ctes))
            if part != "order" and node.args.get(part):
                count = limits.counted(node.args[part].expression, part)
                node.set(part, None if count is None else type(node.args[part])(expression=count))

    def _with(self, node: Node, ctes: CommonTables, parent: Scope | None) -> CommonTables:
        """The common tables that `node` sees. Each gets a fresh name: DuckDB would not tell `"a"` from `"A"`, nor
        ours from theirs.
        """
        clause = node.args.get("with_")
        if clause is None:
            return ctes
        grammar.check(clause)
        seen = dict(ctes)
        for cte in clause.expressions:
            grammar.check(cte)
            alias = cte.args["alias"]
            grammar.check(alias)
            name = fold(alias.this)
            columns = [fold(column) for column in alias.args.get("columns") or []]
            for column in columns:
                self.listening.call_column(column)
            fresh = self.build.fresh("cte")
            inside = dict(seen)
            if recursion.is_recursive(cte, name):
                recursion.name_first(cte.this.this, columns)
                clause.set("recursive", True)
                inside[name] = CommonTable(fresh, self._first_rows(cte, columns, seen, parent))
            first = inside[name].kinds if name in inside and inside[name].name == fresh else None
            if name in inside and inside[name].name == fresh and cte.this.args.get("distinct"):
                recursion.refuse_finer(inside[name].kinds or {})
            body, kinds = self.query(cte.this, inside, parent)
            if first is not None:
                recursion.check(first, kinds)
                body.set("this", recursion.of_any_size(body.this, first))
                kinds = first
            if kinds is not None and len(columns) > len(by_position(kinds)):
                raise SqlError.column_names(len(columns), len(by_position(kinds)))
            if columns and kinds is not None:
                kinds = nullability.renamed(kinds, columns)
            elif columns:
                kinds = dict.fromkeys(columns)
            cte.set("this", body)
            cte.set("alias", table_alias(fresh, columns))
            cte.set("materialized", True if cte.meta.get(matching.KEPT) else None)
            seen[name] = CommonTable(fresh, kinds)
        return seen

    def _first_rows(self, cte: exp.CTE, columns: list[str], ctes: CommonTables, parent: Scope | None) -> Kinds | None:
        """What is known of the columns of a recursive common table: of its first rows, its numbers of any size."""
        kinds = self.query(cte.this.this.copy(), ctes, parent)[1]
        if kinds is None:
            return dict.fromkeys(columns) or None
        if not columns and is_repeated(kinds):
            raise SqlError.unsupported("a recursive common table with columns of one name: give each its own")
        named = zip(columns, by_position(kinds), strict=False) if columns else kinds.items()
        return {name: widened(kind) for name, kind in named}


class _Inside:
    """The text of a function; see scope.Inside."""

    def __init__(self, resolver: Resolver) -> None:
        self._resolver = resolver

    def expression(self, text: str, scope: Scope) -> Node:
        """An expression as written. Raises SqlError."""
        return self.rewritten(expression_of(text), scope)

    def rewritten(self, expression: Node, scope: Scope) -> Node:
        """A parsed one. Raises SqlError."""
        return self._resolver.expressions.rewrite(expression, scope, {})

    def query(self, query: Node, scope: Scope) -> tuple[Node, Kinds | None]:
        """A parsed query. Raises SqlError."""
        return self._resolver.query(query, {}, scope)


def _draws(node: exp.Select, scope: Scope, *, exact: bool) -> Draws:
    """For how many rows the sequences in a SELECT's list are."""
    single = not node.args.get("from_") and not node.args.get("joins")
    return Draws(1 if single else None if _has_more_groups(node) else scope.most, single, exact)


def _has_more_groups(node: exp.Select) -> bool:
    """Whether GROUP BY may give several rows of one, in which what is grouped by is NULL."""
    group = node.args.get("group")
    if group is None or any(group.args.get(part) for part in _MORE_GROUPS):
        return group is not None
    return group.find(exp.Rollup, exp.Cube, exp.GroupingSets) is not None


def _all_of(relation: Relation) -> tuple[Node, Kinds | None]:
    return exp.Select(expressions=[exp.Star()], from_=exp.From(this=relation.node)), relation.kinds


def _is_all(node: Node) -> bool:
    """The word of ORDER BY ALL."""
    bare = isinstance(node, exp.Column) and not node.args.get("table") and not node.this.args.get("quoted")
    return bare and node.name.upper() == "ALL"


def _by_name(left: Kinds | None, right: Kinds | None) -> Kinds | None:
    """The columns of UNION BY NAME: those of the left side, then what only the right one has."""
    if left is None or right is None:
        return None
    both = {name: common((kind, right[name])) if name in right else kind for name, kind in left.items()}
    return both | {name: kind for name, kind in right.items() if name not in left}
