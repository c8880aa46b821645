"""The operations that a query is, for EXPLAIN (sql-reference/sql/explain).

They are the logical ones, read off the query as it is written: what is scanned, joined, filtered, aggregated, sorted,
and of what. How DuckDB then goes about it is nobody's promise. What has no such form here is refused by name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from sqlglot import exp

from cleanroom_ml.engine.sql.catalog import TableSource
from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.functions import table
from cleanroom_ml.engine.sql.resolve import pruning
from cleanroom_ml.engine.sql.resolve.constants import Constants
from cleanroom_ml.engine.sql.resolve.identifiers import fold
from cleanroom_ml.engine.sql.tree import grammar
from cleanroom_ml.engine.sql.tree.dialect import Node, snowflake_text
from cleanroom_ml.naming import display

MOST: Final = 500
_SELECT: Final = frozenset(
    {"with_", "from_", "joins", "where", "group", "having", "qualify", "order", "limit", "offset", "distinct"}
    | {"expressions", "kind"}
)
_ITEM: Final = frozenset({"this", "db", "catalog", "alias"})
_JOINS: Final = {"": "InnerJoin", "LEFT": "LeftOuterJoin", "RIGHT": "RightOuterJoin", "FULL": "FullOuterJoin"}
Named = Callable[[tuple[str, ...]], tuple[tuple[str, ...], TableSource]]
"""A table of the session's catalog and its full name. Raises SqlError: there is none, or it is something else."""
Commons = Mapping[str, Node]


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation, under its `parent`. Of a scan: the table's `name` and `alias`, how many `objects` it has, and
    those that are read.
    """

    id: int
    parent: int | None
    depth: int
    operation: str
    expressions: tuple[str, ...] = ()
    name: str | None = None
    alias: str | None = None
    objects: int | None = None
    read: tuple[str, ...] = ()


def plan(query: Node, named: Named, constants: Constants) -> list[Operation]:
    """The operations of a query as it was parsed, the first of them its result. Raises SqlError."""
    made = _Plan(named, constants)
    result = made.add(None, "Result", _listed(_outputs(query)))
    made.query(query, result, {})
    return made.operations


class _Plan:
    def __init__(self, named: Named, constants: Constants) -> None:
        self._named = named
        self._constants = constants
        self.operations: list[Operation] = []

    def add(self, parent: Operation | None, operation: str, expressions: Sequence[str] = ()) -> Operation:
        if len(self.operations) >= MOST:
            raise SqlError.too_complex()
        made = Operation(
            len(self.operations),
            None if parent is None else parent.id,
            0 if parent is None else parent.depth + 1,
            operation,
            tuple(expressions),
        )
        self.operations.append(made)
        return made

    def query(self, node: Node, at: Operation, commons: Commons) -> None:
        """Raises SqlError."""
        if isinstance(node, exp.Select):
            self._select(node, at, commons)
        elif isinstance(node, exp.Subquery) and not _parts(node) - {"this", "alias", "order", "limit", "offset"}:
            self.query(node.this, self._ordered(node, at), commons)
        elif isinstance(node, exp.Union) and not _parts(node) - {"this", "expression", "distinct", "order", "limit"}:
            at = self._ordered(node, at)
            if node.args.get("distinct"):
                at = self.add(at, "Aggregate", ["groupKeys: *"])
            union = self.add(at, "UnionAll")
            for side in (node.this, node.expression):
                self.query(side, union, commons)
        elif isinstance(node, exp.Values):
            self.add(at, "ValuesClause", _listed(node.expressions[:1]))
        else:
            raise SqlError.unsupported(f"EXPLAIN of {grammar.construct(node)}")

    def _ordered(self, node: Node, at: Operation) -> Operation:
        """ORDER BY and LIMIT of a query."""
        order, limit, offset = (node.args.get(part) for part in ("order", "limit", "offset"))
        bounds = [f"rowCount: {_text(limit.expression)}"] if isinstance(limit, exp.Limit) else []
        if limit is not None and not bounds:
            raise SqlError.unsupported("EXPLAIN of FETCH")
        bounds += [f"offset: {_text(offset.expression)}"] if offset is not None else []
        if order is not None:
            keys = [f"sortKey: [{', '.join(_listed(order.expressions))}]"]
            return self.add(at, "SortWithLimit" if bounds else "Sort", keys + bounds)
        return self.add(at, "Limit", bounds) if bounds else at

    def _select(self, node: exp.Select, at: Operation, commons: Commons) -> None:
        if _parts(node) - _SELECT:
            raise SqlError.unsupported(f"EXPLAIN of a query with {', '.join(sorted(_parts(node) - _SELECT)).upper()}")
        commons = {**commons, **_commons(node)}
        at = self._ordered(node, at)
        if node.args.get("distinct"):
            at = self.add(at, "Aggregate", [f"groupKeys: [{', '.join(_listed(node.expressions))}]"])
        if node.args.get("qualify"):
            at = self.add(at, "Filter", [_text(node.args["qualify"].this)])
        windows = [each for part in ("expressions", "qualify", "order") for each in _found(node, part, exp.Window)]
        if windows:
            at = self.add(at, "WindowFunction", _listed(windows))
        if node.args.get("having"):
            at = self.add(at, "Filter", [_text(node.args["having"].this)])
        at = self._aggregated(node, at)
        keys, rest = _join_keys(node)
        if rest:
            at = self.add(at, "Filter", [_text(each) for each in rest])
        if node.args.get("from_") is not None:
            self._items(node, at, commons, keys)
        for part in ("expressions", "where", "group", "having", "qualify", "order"):
            if _found(node, part, exp.Query):
                raise SqlError.unsupported("EXPLAIN of a query with another one inside of an expression")

    def _aggregated(self, node: exp.Select, at: Operation) -> Operation:
        calls = [
            call
            for part in ("expressions", "having", "qualify", "order")
            for call in _found(node, part, exp.Anonymous)
            if table.aggregate(str(call.this).upper()) is not None and not isinstance(call.parent, exp.Window)
        ]
        group = node.args.get("group")
        if group is None and not calls:
            return at
        if group is not None and (
            _parts(group) - {"expressions"} or group.find(exp.Rollup, exp.Cube, exp.GroupingSets)
        ):
            raise SqlError.unsupported("EXPLAIN of GROUP BY with ROLLUP, CUBE, GROUPING SETS or ALL")
        expressions = [f"aggExprs: [{', '.join(dict.fromkeys(_listed(calls)))}]"] if calls else []
        if group is not None:
            expressions.append(f"groupKeys: [{', '.join(_listed(group.expressions))}]")
        return self.add(at, "Aggregate", expressions)

    def _items(self, node: exp.Select, at: Operation, commons: Commons, keys: Mapping[int, list[str]]) -> None:
        """FROM: joins lean to the left, each over what comes before it and one item more."""
        joins = node.args.get("joins") or []
        wanted = pruning.conditions(node, self._constants)
        rights: list[tuple[Operation, Node]] = []
        for number in range(len(joins) - 1, -1, -1):
            join = joins[number]
            side, kind = (str(join.args.get(part) or "").upper() for part in ("side", "kind"))
            if join.args.get("method") or side not in _JOINS or kind not in {"", "INNER", "OUTER", "CROSS"}:
                raise SqlError.unsupported("EXPLAIN of this kind of join")
            on = join.args.get("on")
            using = [f"joinKey: ({fold(each)} = {fold(each)})" for each in join.args.get("using") or []]
            found = [*(keys.get(number) or []), *using, *([f"joinKey: ({_text(on)})"] if on is not None else [])]
            at = self.add(at, _JOINS[side] if found or side else "CartesianJoin", found)
            rights.append((at, join.this))
        self._item(node, node.args["from_"].this, at, commons, wanted)
        for operation, item in reversed(rights):
            self._item(node, item, operation, commons, wanted)

    def _item(
        self, select: exp.Select, item: Node, at: Operation, commons: Commons, wanted: Sequence[pruning.Condition]
    ) -> None:
        if isinstance(item, exp.Subquery | exp.Values):
            self.query(item, at, commons)
            return
        if not isinstance(item, exp.Table) or _parts(item) - _ITEM or not isinstance(item.this, exp.Identifier):
            raise SqlError.unsupported("EXPLAIN of a FROM item that is neither a table nor a query")
        parts = tuple(fold(part) for part in (item.args.get("catalog"), item.args.get("db"), item.this) if part)
        if len(parts) == 1 and parts[0] in commons:
            self.query(commons[parts[0]], at, {name: each for name, each in commons.items() if name != parts[0]})
            return
        name, source = self._named(parts)
        alias = item.args.get("alias")
        written = fold(alias.this) if alias is not None and alias.this is not None else None
        columns = _columns(select, written or parts[-1], source)
        read = pruning.left(source, item, wanted)
        scan = self.add(at, "TableScan", columns)
        self.operations[scan.id] = Operation(
            scan.id,
            scan.parent,
            scan.depth,
            scan.operation,
            scan.expressions,
            ".".join(map(display, name)),
            written,
            len(source.objects),
            read.objects,
        )


def _commons(node: exp.Select) -> dict[str, Node]:
    clause = node.args.get("with_")
    if clause is None:
        return {}
    found = {fold(each.args["alias"].this): each.this for each in clause.expressions}
    named = {fold(each.this) for each in clause.find_all(exp.Table) if isinstance(each.this, exp.Identifier)}
    if clause.args.get("recursive") or any(
        name in {fold(each.this) for each in query.find_all(exp.Table) if isinstance(each.this, exp.Identifier)}
        for name, query in found.items()
        if name in named
    ):
        raise SqlError.unsupported("EXPLAIN of a recursive common table")
    return found


def _join_keys(node: exp.Select) -> tuple[Mapping[int, list[str]], list[Node]]:
    """Of WHERE what joins two items of FROM by equality, by the number of the join; and what is left of it."""
    where = node.args.get("where")
    if where is None:
        return {}, []
    joins = node.args.get("joins") or []
    aliases = [
        _alias(node.args["from_"].this) if node.args.get("from_") else None,
        *(_alias(each.this) for each in joins),
    ]
    inner = [not each.args.get("side") and not each.args.get("on") and not each.args.get("using") for each in joins]
    keys: dict[int, list[str]] = {}
    rest: list[Node] = []
    for each in _all_of(where.this):
        sides = [each.this.unnest(), each.expression.unnest()] if isinstance(each, exp.EQ) else []
        tables = [
            fold(side.args["table"]) if isinstance(side, exp.Column) and side.args.get("table") else None
            for side in sides
        ]
        places = sorted(aliases.index(name) for name in tables if name is not None and name in aliases)
        if len(places) == 2 and places[0] < places[1] and inner[places[1] - 1]:
            keys.setdefault(places[1] - 1, []).append(f"joinKey: ({_text(each)})")
        else:
            rest.append(each)
    return keys, rest


def _alias(item: Node) -> str | None:
    alias = item.args.get("alias")
    if alias is not None and alias.this is not None:
        return fold(alias.this)
    return fold(item.this) if isinstance(item, exp.Table) and isinstance(item.this, exp.Identifier) else None


def _all_of(node: Node) -> Iterator[Node]:
    node = node.unnest()
    if isinstance(node, exp.And):
        yield from _all_of(node.this)
        yield from _all_of(node.expression)
    else:
        yield node


def _columns(select: exp.Select, alias: str, source: TableSource) -> list[str]:
    """The columns of a table that a SELECT names, in their order."""
    every = [name for name, _ in source.columns]
    used: set[str] = set()
    for column in select.find_all(exp.Column, exp.Star):
        star = isinstance(column, exp.Star) or isinstance(column.this, exp.Star)
        inside = isinstance(column.parent, exp.Anonymous)  # COUNT(*)
        qualifier = column.args.get("table") if isinstance(column, exp.Column) else None
        if isinstance(column.parent, exp.Column) or (inside and isinstance(column, exp.Star)):
            continue
        if qualifier is None or fold(qualifier) == alias:
            used.update(every if star else [fold(column.this)])
    return [display(name) for name in every if name in used]


def _outputs(query: Node) -> list[Node]:
    while isinstance(query, exp.Subquery | exp.Union):
        query = query.this
    if isinstance(query, exp.Select):
        return [each.this if isinstance(each, exp.Alias) else each for each in query.expressions]
    return []


def _found(node: exp.Select, part: str, *kinds: type[exp.Expr]) -> list[Node]:
    value = node.args.get(part)
    nodes = value if isinstance(value, list) else [value] if isinstance(value, exp.Expr) else []
    return [found for each in nodes for found in each.find_all(*kinds)]


def _listed(nodes: Sequence[Node]) -> list[str]:
    return [_text(each) for each in nodes]


def _text(node: Node) -> str:
    """An expression as it is told: names without quotes in capitals."""
    node = node.copy()
    for name in node.find_all(exp.Identifier):
        if not name.args.get("quoted"):
            name.set("this", name.this.upper())
    return snowflake_text(node)


def _parts(node: Node) -> set[str]:
    return {part for part, value in node.args.items() if value}
