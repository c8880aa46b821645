"""GROUP BY, DISTINCT and set operations over values that are equal and yet not the same: a TIMESTAMP_TZ of another
offset, the number of a VARIANT of another type (tree/equality.py).

What is grouped is the key of such a value; where the query shows the value, it shows one of its group's.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from sqlglot import exp

from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.numbers import whole_number
from cleanroom_ml.engine.sql.resolve.identifiers import quoted, table_alias
from cleanroom_ml.engine.sql.resolve.scope import Kinds, Scope, by_position, differ_only_in_case, is_repeated
from cleanroom_ml.engine.sql.tree.dialect import Node, Raw, raw
from cleanroom_ml.engine.sql.tree.equality import is_finer, key
from cleanroom_ml.engine.sql.tree.kinds import AGGREGATE, KIND, kind_of, order_key

_LISTS: Final = (exp.Group, exp.Rollup, exp.Cube, exp.GroupingSets, exp.Tuple, exp.Paren)
_AFTER: Final = ("order", "limit", "offset", "with_")
"""Parts of a set operation that are about its rows."""


def grouped(select: exp.Select, scope: Scope) -> None:
    """A rewritten SELECT's GROUP BY by keys, in place."""
    group = select.args.get("group")
    if group is None:
        return
    if group.args.get("all"):
        _spell_out_all(select, group)
    partial = any(isinstance(node, exp.Rollup | exp.Cube | exp.GroupingSets) for node in group.walk())
    columns = frozenset(name for kinds in scope.sources.values() for name in kinds or {})
    keys = _Keys(select.expressions, columns, partial=partial)
    _each(group, keys.grouped)
    if not keys.found:
        return
    select.set("expressions", [keys.shown(projection) for projection in select.expressions])
    for part in ("having", "qualify", "order"):
        if select.args.get(part):
            select.set(part, keys.shown(select.args[part]))


def distinct(select: exp.Select) -> None:
    """A rewritten SELECT DISTINCT by keys, in place."""
    asked = select.args.get("distinct")
    if asked is not None and select.args.get("order"):
        _check_order(select)
    values = [projection.unalias() for projection in select.expressions]
    if asked is None or not any(is_finer(kind_of(value)) for value in values):
        return
    told = [value for value in values if not isinstance(value.unnest(), exp.Literal)]  # a number would be a position
    asked.set("on", exp.Tuple(expressions=[key(value.copy()) for value in told]))


def _check_order(select: exp.Select) -> None:
    """Raises SqlError: the rows of SELECT DISTINCT are put in the order of a column that it does not have."""
    values = [projection.unalias() for projection in select.expressions]
    names = {projection.alias_or_name for projection in select.expressions}
    names |= {value.name for value in values if isinstance(value, exp.Column)}
    if any(projection.is_star for projection in select.expressions):
        return
    shown = [_text(each) for value in values for each in (value, order_key(value))]
    for item in select.args["order"].expressions:
        ordered = item.this
        if isinstance(ordered, Raw) and not ordered.expressions:
            continue
        others = [column.name for column in ordered.find_all(exp.Column) if column.name not in names]
        if others and _text(ordered) not in shown:
            raise SqlError.syntax(f"[{others[0][:200]}] is not a valid order by expression")


def together(operation: exp.Expr, kinds: Kinds | None, fresh: str) -> exp.Expr:
    """A set operation over rewritten queries, its rows equal by keys; itself, where DuckDB's equality is Snowflake's.

    Raises SqlError: it keeps what is there several times.
    """
    every = not operation.args.get("distinct")
    union = isinstance(operation, exp.Union)
    if kinds is None or (union and every) or not any(map(is_finer, by_position(kinds))):
        return operation
    if is_repeated(kinds):
        raise SqlError.unsupported(f"{operation.key.upper()} of TIMESTAMP_TZ or VARIANT columns of one name")
    if every:
        raise SqlError.unsupported(f"{operation.key.upper()} ALL of TIMESTAMP_TZ or VARIANT columns")
    if differ_only_in_case(kinds):
        raise SqlError.unsupported(f"{operation.key.upper()} of columns whose names differ only in case")
    after = {part: operation.args.get(part) for part in _AFTER}
    for part in _AFTER:
        operation.set(part, None)
    names = list(kinds)
    made = exp.Select(
        expressions=[exp.Column(this=exp.Star(), table=quoted(fresh))],
        distinct=exp.Distinct(on=exp.Tuple(expressions=_keys(fresh, kinds))),
    )
    if union:
        operation.set("distinct", False)
        made.set("from_", exp.From(this=exp.Subquery(this=operation, alias=table_alias(fresh, names))))
    else:
        right = f"{fresh}_right"
        rows = exp.Subquery(this=operation.this, alias=table_alias(fresh, names))
        others = exp.Subquery(this=operation.expression, alias=table_alias(right, names))
        same = " AND ".join(f"{{{2 * n + 1}}} IS NOT DISTINCT FROM {{{2 * n + 2}}}" for n in range(len(names)))
        word = "NOT EXISTS" if isinstance(operation, exp.Except) else "EXISTS"
        pairs = zip(_keys(fresh, kinds), _keys(right, kinds), strict=True)
        sides = [side for pair in pairs for side in pair]
        made.set("from_", exp.From(this=rows))
        made.set("where", exp.Where(this=raw(f"{word} (SELECT 1 FROM {{0}} WHERE {same})", others, *sides)))
    for part, value in after.items():
        if value:
            made.set(part, value)
    return made


def nulls(query: Node) -> frozenset[int]:
    """Which columns of a rewritten query are written as NULL, which is of every kind."""
    if not isinstance(query, exp.Select):
        return frozenset()
    return frozenset(n for n, value in enumerate(query.expressions) if isinstance(value.unalias().unnest(), exp.Null))


def _keys(table: str, kinds: Kinds) -> list[Node]:
    columns = []
    for name, kind in kinds.items():
        column = exp.column(name, table=table, quoted=True)
        column.meta[KIND] = kind
        columns.append(key(column))
    return columns


class _Keys:
    """The values of one GROUP BY whose keys are grouped. `columns`: names that are no aliases but columns of FROM;
    `partial`: some rows are of groups without the keys.
    """

    def __init__(self, projections: Sequence[Node], columns: frozenset[str], *, partial: bool) -> None:
        self._projections = projections
        self._columns = columns
        self._partial = partial
        self.found: list[Node] = []

    def grouped(self, item: Node) -> Node:
        """What is grouped instead of an item of GROUP BY: a position and an alias mean a column of the SELECT."""
        value = self._meant(item)
        if not is_finer(kind_of(value)):
            return item
        self.found.append(value.copy())
        return key(value.copy())

    def _meant(self, item: Node) -> Node:
        if isinstance(item, exp.Literal) and not item.is_string:
            place = whole_number(item.this) or 0
            if 1 <= place <= len(self._projections):
                return self._projections[place - 1].unalias()
        if isinstance(item, exp.Column) and not item.table and item.name not in self._columns:
            for projection in self._projections:
                if isinstance(projection, exp.Alias) and projection.alias == item.name:
                    return projection.unalias()
        return item

    def shown(self, node: Node) -> Node:
        """A node with one of each group's values in place of the value that is grouped."""
        if any(_is_same(node, value) for value in self.found):
            return self._one_of(node)
        if isinstance(node, exp.Query):
            return node
        if node.meta.get(AGGREGATE):
            return self._of_groups(node) if node.meta[AGGREGATE] == "GROUPING" else node
        for part, value in list(node.args.items()):
            if isinstance(value, list):
                node.set(part, [self.shown(item) if isinstance(item, exp.Expr) else item for item in value])
            elif isinstance(value, exp.Expr):
                node.set(part, self.shown(value))
        return node

    def _one_of(self, value: Node) -> Node:
        one = "any_value({0})"
        if self._partial:
            one = f"CASE WHEN grouping({{1}}) = 0 THEN {one} END"
        made = raw(one, value.copy(), *([key(value.copy())] if self._partial else []), kind=kind_of(value))
        made.meta[AGGREGATE] = "ANY_VALUE"
        return made

    def _of_groups(self, call: Node) -> Node:
        """GROUPING(…) of keys."""
        items = [key(item) if any(_is_same(item, value) for value in self.found) else item for item in call.expressions]
        call.set("expressions", items)
        return call


def _spell_out_all(select: exp.Select, group: Node) -> None:
    """GROUP BY ALL over values that have keys: the columns that are no aggregates."""
    values = [projection.unalias() for projection in select.expressions]
    plain = [value for value in values if not any(node.meta.get(AGGREGATE) for node in value.walk())]
    if any(is_finer(kind_of(value)) for value in plain):
        group.set("all", None)
        group.set("expressions", [value.copy() for value in plain])


def _each(node: Node, change: Callable[[Node], Node]) -> None:
    """Change what is grouped by, in lists, ROLLUP, CUBE and GROUPING SETS."""
    for part, value in list(node.args.items()):
        items = value if isinstance(value, list) else [value]
        made = []
        for item in items:
            if isinstance(item, _LISTS):
                _each(item, change)
            made.append(change(item) if isinstance(item, exp.Expr) and not isinstance(item, _LISTS) else item)
        node.set(part, made if isinstance(value, list) else made[0])


def _is_same(node: Node, value: Node) -> bool:
    """Whether both are the same expression; a column with its table and without it is one."""
    if isinstance(node, exp.Column) and isinstance(value, exp.Column):
        return node.name == value.name and (not node.table or not value.table or node.table == value.table)
    return type(node) is type(value) and _text(node) == _text(value)


def _text(node: Node) -> str:
    return repr(node) if not isinstance(node, Raw) else f"{node.args['template']}{[_text(n) for n in node.expressions]}"
