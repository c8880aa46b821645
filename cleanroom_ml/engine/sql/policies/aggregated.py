"""A SELECT over views of which at least one has an aggregation policy: as a query that gives groups of a minimum size.

What is asked for is computed in four steps, each of which reads the one before it and nothing else:

1. the rows, as nothing but the columns that are grouped by, what is aggregated, and what identifies an entity;
2. `Sized`: of each row, whether its group has as many entities of each view as that view's policy asks for; the rows of
   the groups that have not are one group together, the remainder group, of which the same is asked;
3. the groups that may be told, aggregated: rows of others are left out before anything is computed of them;
4. the columns of the SELECT, HAVING and ORDER BY, over those groups alone.

Where no group may be told there is one row of NULLs, whether there were rows or not: that there are some, and fewer
than the policy asks for, is what must not be known. (Where others may be told, what remains too small is left out.)

Source: user-guide/aggregation-policies, "Overview", "Query requirements", "Limitations";
user-guide/aggregation-policies-entity-privacy, "About minimum group sizes". Subqueries around an aggregation
(deferment) are refused: there, each query that reads the view has to aggregate.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from sqlglot import exp

from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.numbers import whole_number
from cleanroom_ml.engine.sql.policies import expressions, sources
from cleanroom_ml.engine.sql.policies.guard import Guard, projection
from cleanroom_ml.engine.sql.policies.nodes import Silent, Sized
from cleanroom_ml.engine.sql.policies.sources import Item
from cleanroom_ml.engine.sql.resolve.identifiers import fold, quoted
from cleanroom_ml.engine.sql.resolve.projections import column_name
from cleanroom_ml.engine.sql.tree.dialect import Node

_TRY: Final = ("TRY_TO_DATE", "TRY_TO_TIMESTAMP", "TRY_TO_NUMBER", "TRY_TO_NUMERIC", "TRY_TO_DECIMAL", "TRY_TO_DOUBLE")


@dataclass(slots=True)
class _Groups:
    """What one SELECT groups by and aggregates, by the columns of the steps."""

    guard: Guard
    items: Sequence[Item]
    prefix: str
    keys: list[Node] = field(default_factory=list)
    aggregated: list[Node] = field(default_factory=list)
    calls: list[exp.Anonymous] = field(default_factory=list)

    def column(self, letter: str, number: int) -> exp.Column:
        return exp.column(f"{self.prefix}{letter}{number}", quoted=True)

    def named(self, node: Node, letter: str, number: int) -> exp.Alias:
        return exp.Alias(this=node, alias=quoted(f"{self.prefix}{letter}{number}"))

    def argument(self, node: Node) -> exp.Column:
        """The column of step 1 that has what is aggregated."""
        found = next((place for place, each in enumerate(self.aggregated) if each == node), None)
        if found is None:
            found = len(self.aggregated)
            self.aggregated.append(node.copy())
        return self.column("A", found)

    def over_groups(self, node: Node) -> Node:
        """An expression of the SELECT over step 3. Raises SqlError: it is of no group."""
        if expressions.is_part(node):
            return node.copy()
        for place, key in enumerate(self.keys):
            if node == key:
                secret = [sources.hidden(self.items, column) for column in expressions.columns([key])]
                if False in secret:
                    raise projection("a column that may not be projected")
                made: Node = self.column("G", place)
                # ENFORCEMENT => 'NULLIFY': as many rows, and no value.
                return _null_like(made) if True in secret else made
        if isinstance(node, exp.Anonymous) and str(node.this).upper() in expressions.AGGREGATES:
            found = next((place for place, each in enumerate(self.calls) if each == node), None)
            if found is None:
                found = len(self.calls)
                self.calls.append(node.copy())
            return self.column("M", found)
        if isinstance(node, exp.Column):
            raise self.guard.violation(
                f"the column {expressions.named(node)[1][:100]} is neither grouped nor aggregated"
            )
        made = node.copy()
        for part, value in list(made.args.items()):
            if isinstance(value, list):
                made.set(part, [self.over_groups(each) if isinstance(each, exp.Expr) else each for each in value])
            elif isinstance(value, exp.Expr) and not isinstance(value, exp.DataType | exp.Identifier | exp.Var):
                made.set(part, self.over_groups(value))
        return made


def spelled_out(select: exp.Select, items: Sequence[Item], fresh: Callable[[str], str]) -> exp.Select:
    """The SELECT as its four steps. Raises SqlError: it does not aggregate, or does what is on no list."""
    guard = next(item.guard for item in items if item.guard is not None and item.guard.group_size is not None)
    groups = _Groups(guard, items, fresh("steps").upper() + "_")
    listed = [(_bare(item), _name(item)) for item in select.expressions]
    for item, _ in listed:
        if isinstance(item, exp.Star) or isinstance(item.args.get("this"), exp.Star):
            raise guard.violation("aggregation required, and * is every row")
    groups.keys = _keys(select, listed, guard)
    if not groups.keys and not any(expressions.aggregates(item) for item, _ in listed):
        raise guard.violation("aggregation required: a GROUP BY, or AVG, COUNT, HLL, SUM of all rows")
    columns = [groups.over_groups(item) for item, _ in listed]
    having = select.args.get("having")
    kept = groups.over_groups(having.this) if having is not None else None
    order = _order(select, groups, [name for _, name in listed])
    for key in groups.keys:
        expressions.check(key, guard, of_rows=True)
    told = exp.column(f"{groups.prefix}TOLD", quoted=True)
    final = exp.Select(
        expressions=[
            exp.Alias(this=_when(told.copy(), column), alias=quoted(name))
            for column, (_, name) in zip(columns, listed, strict=True)
        ],
        distinct=select.args.get("distinct"),
    )
    common = _steps(select, groups, final, fresh)
    if kept is not None:
        final.set("where", exp.Where(this=kept))
    for part, value in (("order", order), ("limit", select.args.get("limit")), ("offset", select.args.get("offset"))):
        if value is not None:
            final.set(part, value)
    if common:
        final.set("with_", exp.With(expressions=common))
    return final


def _steps(select: exp.Select, groups: _Groups, final: exp.Select, fresh: Callable[[str], str]) -> list[exp.CTE]:
    """Steps 1 to 3 as the FROM of step 4; the common tables that they need."""
    calls = [_aggregate(groups, call) for call in groups.calls]
    source, joins, common = sources.rebuilt(groups.items, fresh)
    entities, sizes = _entities(groups)
    rows = exp.Select(
        expressions=[
            *(groups.named(Silent(this=key.copy()), "K", place) for place, key in enumerate(groups.keys)),
            *(groups.named(Silent(this=each.copy()), "A", place) for place, each in enumerate(groups.aggregated)),
            *(groups.named(each, "E", place) for place, each in enumerate(entities)),
        ],
        joins=joins,
    )
    rows.set("from_", source)
    where = select.args.get("where")
    if where is not None:
        rows.set("where", exp.Where(this=Silent(this=where.this.copy())))
    whole, told = f"{groups.prefix}WHOLE", f"{groups.prefix}TOLD"
    sized = Sized(
        this=rows,
        alias=exp.TableAlias(this=quoted(f"{groups.prefix}SIZED")),
        keys=[f"{groups.prefix}K{place}" for place in range(len(groups.keys))],
        sizes=[(f"{groups.prefix}E{place}", size) for place, size in enumerate(sizes)],
        whole=whole,
        told=told,
    )
    keys = [_when(exp.column(whole, quoted=True), groups.column("K", place)) for place in range(len(groups.keys))]
    grouped = exp.Select(
        expressions=[
            *(groups.named(key.copy(), "G", place) for place, key in enumerate(keys)),
            *(groups.named(call, "M", place) for place, call in enumerate(calls)),
            exp.Alias(this=exp.Boolean(this=True), alias=quoted(told)),
        ],
        where=exp.Where(this=exp.column(told, quoted=True)),
        group=exp.Group(expressions=[exp.column(whole, quoted=True), *(key.copy() for key in keys)]),
    )
    grouped.set("from_", exp.From(this=sized))
    one = exp.Select(expressions=[exp.Alias(this=exp.Literal.number(1), alias=quoted(f"{groups.prefix}ONE"))])
    final.set("from_", exp.From(this=_derived(one, f"{groups.prefix}ANY")))
    final.set(
        "joins",
        [exp.Join(this=_derived(grouped, f"{groups.prefix}GROUPED"), side="LEFT", on=exp.Boolean(this=True))],
    )
    return common


def _entities(groups: _Groups) -> tuple[list[Node], list[int]]:
    """The columns of step 1 that are counted, and how many different values of each a group must have.

    Of several entity keys each is counted for itself, so that a group has as many of each: at least as strict as the
    documentation, which can also be read as one key of several columns.
    """
    found: list[Node] = []
    sizes: list[int] = []
    for item in groups.items:
        if item.guard is None or not item.guard.group_size:
            continue
        for name in item.guard.entity_keys or (str(item.row),):
            found.append(exp.Column(this=quoted(name), table=quoted(item.alias)))
            sizes.append(item.guard.group_size)
    return found, sizes


def _keys(select: exp.Select, listed: Sequence[tuple[Node, str]], guard: Guard) -> list[Node]:
    """What the SELECT groups by, each as the expression that it is. Raises SqlError."""
    group = select.args.get("group")
    if group is None:
        return []
    if any(group.args.get(part) for part in ("rollup", "cube", "grouping_sets")):
        raise guard.violation("ROLLUP, CUBE and GROUPING SETS are not allowed, only GROUP BY")
    if group.args.get("all"):
        return _different(item for item, _ in listed if not expressions.aggregates(item) and item.find(exp.Column))
    found: list[Node] = []
    for each in group.expressions:
        key = each.unnest()
        if isinstance(key, exp.Literal) and not key.is_string:
            number = whole_number(str(key.this)) or 0
            if not 1 <= number <= len(listed):
                raise SqlError.syntax(f"GROUP BY {number}: there is no such column.")
            key = listed[number - 1][0]
        if expressions.aggregates(key):
            raise SqlError.syntax("GROUP BY of an aggregate.")
        found.append(key)
    return _different(found)


def _different(nodes: Iterable[Node]) -> list[Node]:
    found: list[Node] = []
    for node in nodes:
        if node not in found:
            found.append(node)
    return found


def _order(select: exp.Select, groups: _Groups, names: Sequence[str]) -> exp.Order | None:
    """ORDER BY over the columns of step 4, their positions, or the groups."""
    order = select.args.get("order")
    if order is None:
        return None
    made = []
    for each in order.expressions:
        value = each.this.unnest()
        output = (
            isinstance(value, exp.Column) and value.args.get("table") is None and expressions.named(value)[1] in names
        )
        position = isinstance(value, exp.Literal)
        found: Node
        if isinstance(value, exp.Column) and output:
            found = exp.column(expressions.named(value)[1], quoted=True)
        else:
            found = value.copy() if position else groups.over_groups(value)
        made.append(exp.Ordered(this=found, desc=each.args.get("desc"), nulls_first=each.args.get("nulls_first")))
    return exp.Order(expressions=made)


def _aggregate(groups: _Groups, call: exp.Anonymous) -> Node:
    """A call of an aggregate over step 2. Raises SqlError: of what may not be aggregated."""
    guard, name = groups.guard, str(call.this).upper()
    given = list(call.expressions)
    distinct = len(given) == 1 and isinstance(given[0], exp.Distinct)
    if distinct:
        given = list(given[0].expressions)
    if name == "COUNT" and len(given) == 1 and isinstance(given[0], exp.Star) and not distinct:
        return exp.Anonymous(this="COUNT", expressions=[exp.Star()])
    if distinct and name != "COUNT":
        raise guard.violation(f"{name} of DISTINCT")
    for each in given:
        _check_argument(groups, each)
    arguments: list[Node] = [groups.argument(each) for each in given]
    return exp.Anonymous(this=name, expressions=[exp.Distinct(expressions=arguments)] if distinct else arguments)


def _check_argument(groups: _Groups, node: Node) -> None:
    """user-guide/aggregation-policies: what may be preprocessed inside of an aggregate is a column, or one converted
    by a TRY_ function; COUNT of a column that a projection policy guards is not allowed ("Limitations").
    """
    guard = groups.guard
    expressions.check(node, guard, of_rows=True)
    inner = node.unnest()
    if isinstance(inner, exp.TryCast) or (isinstance(inner, exp.Anonymous) and str(inner.this).upper() in _TRY):
        inner = (inner.this if isinstance(inner, exp.TryCast) else inner.expressions[0]).unnest()
    if not isinstance(inner, exp.Column | exp.Literal):
        raise guard.violation("only columns, and TRY_ conversions of them, may be aggregated")
    if any(sources.hidden(groups.items, column) is not None for column in expressions.columns([node])):
        raise projection("an aggregate of a column that may not be projected")


def _bare(item: Node) -> Node:
    return item.this if isinstance(item, exp.Alias) else item


def _name(item: Node) -> str:
    return fold(item.args["alias"]) if isinstance(item, exp.Alias) else str(column_name(item) or "")


def _when(condition: Node, value: Node) -> exp.Case:
    return exp.Case(ifs=[exp.If(this=condition, true=value)])


def _null_like(value: Node) -> exp.Case:
    """NULL, of the type of a value."""
    return _when(exp.Boolean(this=False), value)


def _derived(query: exp.Select, alias: str) -> exp.Subquery:
    return exp.Subquery(this=query, alias=exp.TableAlias(this=quoted(alias)))
