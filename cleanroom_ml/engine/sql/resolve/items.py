"""FROM: each item is replaced by a subquery under its alias, and entered into the scope."""

from __future__ import annotations

from typing import Final

from sqlglot import exp

from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.resolve import matching, nearest, partitions, pivots, randoms, wide_pivots
from cleanroom_ml.engine.sql.resolve.calls import called_parts
from cleanroom_ml.engine.sql.resolve.expressions import Expressions
from cleanroom_ml.engine.sql.resolve.identifiers import fold, fold_column, quoted
from cleanroom_ml.engine.sql.resolve.listening import Listening
from cleanroom_ml.engine.sql.resolve.nullability import outer, renamed
from cleanroom_ml.engine.sql.resolve.relations import Relations
from cleanroom_ml.engine.sql.resolve.scope import (
    CommonTables,
    Kinds,
    Relation,
    Scope,
    differ_only_in_case,
    is_repeated,
    pairs,
)
from cleanroom_ml.engine.sql.resolve.stars import AS_OF
from cleanroom_ml.engine.sql.tree import grammar
from cleanroom_ml.engine.sql.tree.build import Build
from cleanroom_ml.engine.sql.tree.dialect import Node, raw
from cleanroom_ml.engine.sql.tree.matching import MatchRecognized
from cleanroom_ml.engine.sql.types.kind import COARSE, FINE_TZ, JSON, TEXT, TZ

_OF_EACH_ROW: Final = frozenset({"FLATTEN", "SPLIT_TO_TABLE", "STRTOK_SPLIT_TO_TABLE"})


class Items:
    """The FROM items of one statement."""

    def __init__(self, build: Build, relations: Relations, expressions: Expressions, listening: Listening) -> None:
        self._build = build
        self._relations = relations
        self._expressions = expressions
        self._listening = listening

    def all(self, select: exp.Select, ctes: CommonTables, scope: Scope, parent: Scope | None) -> None:
        """FROM and the joins of a SELECT, rewritten in place. Raises SqlError."""
        source = select.args.get("from_")
        if not source:
            return
        grammar.check(source)
        _unwrap_join(select)
        first: Node | None = None
        made: list[Node] = []
        joins: list[exp.Join | None] = [None, *(select.args.get("joins") or [])]
        for join in joins:
            node = source.this if join is None else join.this
            window = partitions.window_of(node)
            if window is not None and self._is_own(window):
                first, *others = self._partitioned(node, join, window, first, made, ctes, scope)
                made = [exp.Join(this=item, kind="CROSS") for item in others]
            elif join is None:
                first = self.item(node, ctes, scope, parent, numbered=randoms.asks_again(select))
            else:
                self.join(join, ctes, scope, parent)
                made.append(join)
        source.set("this", first)
        select.set("joins", made)

    def _is_own(self, window: exp.Window) -> bool:
        """Whether it is of a function that a party wrote: of what is built in, OVER says nothing."""
        written = called_parts(window.this)
        return written is not None and self._expressions.user_functions.gives_rows(written[0])

    def _partitioned(
        self,
        node: Node,
        join: exp.Join | None,
        window: exp.Window,
        first: Node | None,
        made: list[Node],
        ctes: CommonTables,
        scope: Scope,
    ) -> list[Node]:
        """A table function with OVER, and what stands before it, which it takes in. Raises SqlError."""
        if join is not None and not _is_plain(join):
            raise SqlError.unsupported("a condition, or an outer join, of a table function with OVER")
        if any(each.args.get("using") for each in made):
            raise SqlError.unsupported("USING before a table function with OVER")
        alias, columns = _alias(node)
        if columns or node.args.get("sample") or node.args.get("pivots"):
            raise SqlError.unsupported("this alias of a table function with OVER")
        left = [] if first is None else [first, *made]
        items, own, kinds = partitions.laid_out(window, left, alias, self._expressions, self._build, scope, ctes)
        if own in scope.sources:
            raise SqlError(2027, "42601", f"SQL compilation error:\nduplicate alias '{own[:200]}'")
        self._listening.call_all(Relation(items[-1], kinds))
        self._listening.announce(own, None)
        scope.sources[own] = kinds
        scope.laid_out = True
        return items

    def join(self, join: exp.Join, ctes: CommonTables, scope: Scope, parent: Scope | None) -> None:
        """A join, rewritten in place; its right side is entered into `scope`. Raises SqlError."""
        if str(join.args.get("method") or "").upper() == "ASOF":
            nearest.match(join)
        grammar.check(join)
        join.set("directed", None)  # it says in which order the sides are read, and changes no row
        if (join.args.get("method") or "").upper() not in {"", "NATURAL", "ASOF"} or (
            join.args.get("side") or ""
        ).upper() not in {"", "LEFT", "RIGHT", "FULL"}:
            raise SqlError.unsupported("this kind of join")
        if (join.args.get("kind") or "").upper() not in {"", "INNER", "OUTER", "CROSS"}:
            raise SqlError.unsupported("this kind of join")
        side = str(join.args.get("side") or "").upper()
        if (join.args.get("kind") or "").upper() == "CROSS" and join.args.get("on"):
            raise SqlError.syntax("CROSS JOIN takes no ON.")
        if str(join.args.get("method") or "").upper() == "NATURAL" and (join.args.get("on") or join.args.get("using")):
            raise SqlError.syntax("NATURAL JOIN takes no ON and no USING.")
        lateral = isinstance(join.this, exp.Lateral) or _is_call(join.this)
        if _is_of_each_row(join.this) and any(join.args.get(part) for part in ("side", "on", "using", "method")):
            raise SqlError.unsupported(
                "lateral table function called with OUTER JOIN syntax or a join predicate (ON clause)"
            )
        join.set("this", self._joined(join.this, ctes, scope, parent))
        outer(side, scope)
        _natural_of_nothing(join, scope)
        if not any(join.args.get(part) for part in ("on", "using", "method")):
            if side:  # each row with each of the other side, and those that find none (sql-reference/constructs/join)
                join.set("on", exp.Boolean(this=True))
            elif lateral:
                join.set("kind", "CROSS")
        if join.args.get("on"):
            _spell_out_aliases(join, scope)
            join.set("on", self._expressions.rewrite(join.args["on"], scope, ctes))
        using = join.args.get("using")
        if using and str(join.args.get("method") or "").upper() == "ASOF":
            self._same(join, [fold_column(column) for column in using], scope, ctes)
        elif using:
            join.set("using", [quoted(fold_column(column)) for column in using])
        if scope.called and (using or str(join.args.get("method") or "").upper() == "NATURAL"):
            raise SqlError.unsupported("USING beside columns whose names differ only in case")
        _refuse_unlike(join, scope)

    def _same(self, join: exp.Join, names: list[str], scope: Scope, ctes: CommonTables) -> None:
        """ASOF JOIN … USING: the columns of both sides that are equal; those of the left side are shown."""
        *before, last = scope.sources
        pairs = []
        for name in names:
            side = next((alias for alias in before if name in (scope.sources[alias] or {})), None)
            if side is None or name not in (scope.sources[last] or {}):
                raise SqlError.invalid_identifier(name)
            columns = (exp.column(name, table=alias, quoted=True) for alias in (side, last))
            pairs.append(exp.EQ(**dict(zip(("this", "expression"), columns, strict=True))))
        same = [self._expressions.rewrite(pair, scope, ctes) for pair in pairs]
        join.set("using", None)
        join.set("on", exp.and_(*same, join.args["on"], copy=False))
        join.meta[AS_OF] = names

    def item(
        self, node: Node, ctes: CommonTables, scope: Scope, parent: Scope | None, *, numbered: bool = False
    ) -> Node:
        """One FROM item, as the subquery under its alias that it is replaced by; its rows `numbered`, if that can be.

        Raises SqlError.
        """
        node = self._without_pivots(self._without_matches(node, ctes, parent), ctes, parent)
        alias, columns = _alias(node)
        sample = node.args.get("sample")
        default, relation = self._relations.relation(node, ctes, scope, parent)
        alias = alias or default or self._build.fresh("from")
        for column in columns:
            self._listening.call_column(column)
        self._enter(node, alias, columns, relation, scope)
        kinds = scope.sources[alias] or {}
        if differ_only_in_case(kinds):
            self._relations.require_account("columns of a subquery whose names differ only in case")
            columns = [f"_case{number}" for number in range(len(pairs(kinds)))]
            scope.called[alias] = {name: column for (name, _), column in zip(pairs(kinds), columns, strict=True)}
        table = relation.node
        if sample is not None:
            table = raw(f"(SELECT * FROM {{0}} AS _sampled {self._relations.sample(sample)})", table)
        counted = randoms.numbered(relation, table) if numbered and scope.generated is None else None
        if counted is not None:
            table, scope.generated = counted, alias
        target = raw("LATERAL {0}", table) if isinstance(node, exp.Lateral) else table
        listed = f"({', '.join(f'{{{n + 2}}}' for n in range(len(columns)))})" if columns else ""
        return raw(f"{{0}} AS {{1}}{listed}", target, *(quoted(name) for name in (alias, *columns)))

    def _without_matches(self, node: Node, ctes: CommonTables, parent: Scope | None) -> Node:
        """An item with MATCH_RECOGNIZE as the subquery that it stands for. Raises SqlError."""
        if not isinstance(node, MatchRecognized):
            return node
        inner = self._without_pivots(self._without_matches(node.this, ctes, parent), ctes, parent)
        node.set("this", inner)
        bare = inner.copy()
        bare.set("alias", None)
        default, relation = self._relations.relation(bare, ctes, Scope(parent), parent)
        alias, columns = _alias(inner)
        kinds = renamed(relation.kinds, columns)
        if kinds is None or is_repeated(kinds) or differ_only_in_case(kinds):
            raise SqlError.unsupported(
                "MATCH_RECOGNIZE of columns of one name, or unknown ones: name them in a subquery"
            )
        own = alias or default
        for name in matching.qualifiers(node, own):  # which are no aliases of what it is spelled out as
            self._listening.announce(name, None if columns else relation.name)
        return matching.spelled_out(node, list(kinds), own, self._build.fresh("match").upper())

    def _without_pivots(self, node: Node, ctes: CommonTables, parent: Scope | None) -> Node:
        """An item with PIVOT or UNPIVOT as the subquery that it stands for. Raises SqlError."""
        for pivot in node.args.get("pivots") or []:
            node.set("pivots", None)
            bare = node.copy()
            bare.set("alias", None)
            kinds = renamed(self._relations.relation(bare, ctes, Scope(parent), parent)[1].kinds, _alias(node)[1])
            if kinds is None:
                raise SqlError.unsupported("PIVOT of columns that are not known: name them in a subquery")
            if differ_only_in_case(kinds):
                raise SqlError.unsupported("PIVOT of columns whose names differ only in case")
            if is_repeated(kinds):
                raise SqlError.unsupported("PIVOT of columns of which several have one name: name them in a subquery")
            if wide_pivots.is_wide(pivot):
                node = self._wide(node, pivot, kinds, ctes, parent)
                continue
            node = pivots.spelled_out(node, pivot, list(kinds), self._build.fresh("pivot").upper())
        return node

    def _wide(self, node: Node, pivot: exp.Pivot, kinds: Kinds, ctes: CommonTables, parent: Scope | None) -> Node:
        """An item with a PIVOT whose values its rows say. Raises SqlError."""
        row = self._build.fresh("pivot").upper()
        rows = self._relations.query(wide_pivots.rows_of(node, pivot, kinds, row), ctes, parent)
        default = pivot.args.get("default_on_null") or None
        given = self._expressions.rewrite(default, Scope(parent), ctes) if default is not None else None
        by = fold_column(pivot.args["fields"][0].this)
        of = fold_column(wide_pivots.call_of(pivot)[0].expressions[0])
        made = wide_pivots.pivoted(rows, pivot, [name for name in kinds if name not in {by, of}], row, given)
        made.set("alias", pivot.args.get("alias"))
        return made

    def _enter(self, node: Node, alias: str, columns: list[str], relation: Relation, scope: Scope) -> None:
        """Into the scope, under its alias, with the columns that it has there."""
        if relation.kinds is not None and len(columns) > len(pairs(relation.kinds)):
            raise SqlError.column_names(len(columns), len(pairs(relation.kinds)))
        kinds = renamed(relation.kinds, columns)
        if isinstance(node, exp.Values | exp.Subquery | exp.Table) and kinds is not None and scope.staged is None:
            scope.positions[alias] = tuple(name for name, _ in pairs(kinds))
        if alias in scope.sources:
            raise SqlError(2027, "42601", f"SQL compilation error:\nduplicate alias '{alias[:200]}'")
        # Columns that the statement names anew are columns of nothing that the catalog knows.
        self._listening.announce(alias, None if columns else relation.name)
        if "" in scope.drawing:
            scope.drawing[alias] = scope.drawing.pop("")
        elif scope.drawing:
            raise SqlError.unsupported("TABLE(GETNEXTVAL(…)) that is not the last of FROM")
        scope.most = _most(scope, relation.rows)
        scope.sources[alias] = kinds
        if scope.staged == "":
            scope.staged = alias
        if scope.generated == "":
            scope.generated = alias

    def _joined(self, node: Node, ctes: CommonTables, scope: Scope, parent: Scope | None) -> Node:
        """The right side of a join: one item, or joins in parentheses, which are made first and whose items are seen
        by the query around them.
        """
        if not _is_parenthesised_join(node):
            return self.item(node, ctes, scope, parent)
        inner = node.this
        joins = [*(inner.args.get("joins") or []), *(node.args.get("joins") or [])]
        inner.set("joins", None)
        first = self._joined(inner, ctes, scope, parent)
        for join in joins:
            self.join(join, ctes, scope, parent)
        slots = "".join(f" {{{number}}}" for number in range(1, len(joins) + 1))
        return raw(f"({{0}}{slots})", first, *joins)


def _most(scope: Scope, rows: int | None) -> int | None:
    """How many rows there are at most with one more item. An outer join keeps what matches nothing: one more each."""
    if scope.most is None or rows is None:
        return None
    return (scope.most + 1) * (rows + 1) if scope.sources else rows


def _alias(node: Node) -> tuple[str | None, list[str]]:
    """An item's alias as written, and the names that it gives to its columns."""
    alias = node.args.get("alias")
    if alias is None:
        return None, []
    grammar.check(alias)
    name = fold(alias.this) if alias.this is not None else None
    return name, [fold(column) for column in alias.args.get("columns") or []]


def _is_plain(join: exp.Join) -> bool:
    """A comma, JOIN or CROSS JOIN without anything else."""
    given = {part for part, value in join.args.items() if value}
    return given <= {"this", "kind"} and str(join.args.get("kind") or "").upper() in {"", "CROSS", "INNER"}


def _is_call(node: Node) -> bool:
    """`TABLE(f(…))`, which is joined without a condition."""
    return isinstance(node, exp.Table) and isinstance(node.this, exp.Anonymous)


def _is_of_each_row(node: Node) -> bool:
    """A call of a table function that is one of the rows before it: it takes no condition and no outer join
    (sql-reference/constructs/join, usage notes).
    """
    call = node.this if isinstance(node, exp.Lateral | exp.Table) else None
    if isinstance(call, exp.Anonymous) and str(call.this).upper() == "TABLE" and len(call.expressions) == 1:
        call = call.expressions[0]
    return isinstance(call, exp.Anonymous) and str(call.this).upper() in _OF_EACH_ROW


def _is_parenthesised_join(node: Node) -> bool:
    """`(a JOIN b …)`, or `(a)` around what is no query, without an alias."""
    return (
        isinstance(node, exp.Subquery)
        and isinstance(node.this, exp.Subquery | exp.Table)
        and not any(value for part, value in node.args.items() if part not in ("this", "joins"))
    )


def _unwrap_join(select: exp.Select) -> None:
    """`FROM ((…) AS l JOIN (…) AS r ON …)` without its outer parentheses, which mean nothing around a first item.

    Snowpark writes every join so. Parentheses around a later item change what is joined first: those stay.
    """
    first = select.args["from_"].this
    while _is_parenthesised_join(first):
        inner = first.this
        inside, after = inner.args.get("joins") or [], first.args.get("joins") or []
        inner.set("joins", None)
        select.args["from_"].set("this", inner)
        select.set("joins", [*inside, *after, *(select.args.get("joins") or [])])
        first = inner


def _spell_out_aliases(join: exp.Join, scope: Scope) -> None:
    """In ON, what the SELECT calls one of its columns is that column, where nothing else has the name."""
    if not isinstance(join.parent, exp.Select):
        return
    named = {fold(item.args["alias"]): item.this for item in join.parent.expressions if isinstance(item, exp.Alias)}
    if not named or any(kinds is None for kinds in scope.sources.values()):
        return
    for column in list(join.args["on"].find_all(exp.Column)):
        if column.args.get("table") or not isinstance(column.this, exp.Identifier):
            continue
        name = fold(column.this)
        if name in named and not any(name in (kinds or {}) for kinds in scope.sources.values()):
            column.replace(exp.Paren(this=named[name].copy()))


def _natural_of_nothing(join: exp.Join, scope: Scope) -> None:
    """A NATURAL JOIN of sources that have no name in common is one without a condition."""
    sides = list(scope.sources.values())
    if str(join.args.get("method") or "").upper() != "NATURAL" or any(kinds is None for kinds in sides):
        return
    *before, last = [kinds or {} for kinds in sides]
    if any(name in kinds for name in last for kinds in before):
        return
    join.set("method", None)
    if join.args.get("side"):
        join.set("on", exp.Boolean(this=True))
    else:
        join.set("kind", "CROSS")


def _refuse_unlike(join: exp.Join, scope: Scope) -> None:
    """Raises SqlError: DuckDB compares columns that are joined by their names in another way than `=` does: it tells
    TIMESTAMP_TZs apart by offset, and takes the text beside a VARIANT for JSON.
    """
    *before, last = [kinds or {} for kinds in scope.sources.values()] or [{}]
    natural = str(join.args.get("method") or "").upper() == "NATURAL"
    names = [name for name in last if any(name in kinds for kinds in before)] if natural else []
    names += [column.name for column in join.args.get("using") or []]
    for name in names:
        found = [kinds[name] for kinds in (*before, last) if name in kinds]
        if TZ in found or FINE_TZ in found:
            raise SqlError.unsupported("USING and NATURAL JOIN with a TIMESTAMP_TZ column: write ON")
        if COARSE.keys() & set(found) and len(set(found)) > 1:
            raise SqlError.unsupported(
                f"USING and NATURAL JOIN of a moment with nanoseconds and one without, {name[:100]}: write ON"
            )
        if JSON in found and TEXT in found:
            raise SqlError.unsupported(f"USING and NATURAL JOIN of a VARIANT and a text, {name[:100]}: write ON")
