"""Sides of a comparison, as DuckDB compares them to what Snowflake's comparison is: `=` and `<` of the operators, of
CASE and IN, and of the functions that compare (EQUAL_NULL, NULLIF, DECODE).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from typing import Final

from sqlglot import exp

from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.resolve import dated
from cleanroom_ml.engine.sql.tree import fine, moments
from cleanroom_ml.engine.sql.tree.arithmetic import as_number, compared, constant_number, fit_together, of_one_scale
from cleanroom_ml.engine.sql.tree.dialect import Node, raw
from cleanroom_ml.engine.sql.tree.equality import key
from cleanroom_ml.engine.sql.tree.kinds import KIND, as_text, as_truth, as_variant, kind_of, order_key
from cleanroom_ml.engine.sql.types.kind import COARSE, DATE, JSON, NUM, OTHER, TEXT, Kind

_COLUMN: Final = "_in"
ROW: Final = "cleanroom_row"
"""Key of a rewritten query's `meta`: the kinds of its columns, where they are several."""
SIGNED: Final[Mapping[type[Node], str]] = {
    exp.EQ: "=",
    exp.NEQ: "<>",
    exp.GT: ">",
    exp.GTE: ">=",
    exp.LT: "<",
    exp.LTE: "<=",
}
"""Comparisons by their signs."""


def pair(left: Node, right: Node, *, ordered: bool = False) -> tuple[Node, Node]:
    """Two sides of a comparison; `ordered`: which is less is asked."""
    if isinstance(left.unnest(), exp.Tuple) and isinstance(right.unnest(), exp.Tuple):
        of_rows([left, right], ordered=ordered)
        return left, right
    left, right = dated.comparable((left, right)) or (left, right)
    kinds = [kind_of(left), kind_of(right)]
    if kinds == [JSON, JSON]:
        return (order_key(left), order_key(right)) if ordered else (key(left), key(right))
    if JSON in kinds:
        taken = as_number if NUM in kinds else as_text
        left, right = (taken(side) if kind == JSON else side for side, kind in zip((left, right), kinds, strict=True))
    return compared(left, right)


def kept_whole(node: Node, *, among_several: bool) -> Node:
    """A rewritten comparison, as one that DuckDB's optimizer does not take apart where that would fail: of two bounds
    of a column it makes one BETWEEN, and has none of moments with nanoseconds. Conditions of joins, which are of two
    sides' columns and no bounds, stay what it joins by; `among_several`: FROM has several items.
    """
    if isinstance(node, exp.Between):
        first, others = node.this, [node.args["low"], node.args["high"]]
    elif isinstance(node, exp.In) and len(node.expressions) == 1:
        first, others = node.this, node.expressions
    elif type(node) in SIGNED:
        first, others = node.this, [node.expression]
    else:
        return node
    if not any(map(fine.is_fine, (first, *others))):
        return node
    tables = [{column.table for column in side.find_all(exp.Column)} for side in (first, *others)]
    of_columns = all(tables)
    sides = set().union(*tables)
    joins = isinstance(node, exp.EQ) or len(sides) > 1 or (among_several and "" in sides)
    return node if of_columns and joins else raw("coalesce({0}, NULL)", node, kind=OTHER)


def alike(nodes: Sequence[Node]) -> list[Node]:
    """Values of which one is given (CASE, COALESCE, GREATEST), all of one kind: text beside a number is one, beside
    a date or moment is read as that, and what stands beside a VARIANT becomes one
    (`sql-reference/data-type-conversion`).
    """
    kinds = {kind_of(node) for node in nodes if not isinstance(node.unnest(), exp.Null)}
    if kinds == {TEXT, NUM}:
        beside = next(node for node in nodes if kind_of(node) == NUM)
        return [constant_number(node) or as_number(node, beside) if kind_of(node) == TEXT else node for node in nodes]
    if kinds == {NUM}:
        return of_one_scale(nodes)
    if JSON in kinds and len(kinds) > 1:
        return [node if isinstance(node.unnest(), exp.Null) else as_variant(node) for node in nodes]
    target = next((dated.READ[kind] for kind in kinds if kind is not None and kind in dated.READ), None)
    if kinds & COARSE.keys():
        return _fine(nodes, {COARSE.get(kind, kind) for kind in kinds})
    if kinds and TEXT in kinds and len(kinds) == 2 and target is not None:
        return fine.alike([moments.to(target, node) if kind_of(node) == TEXT else node for node in nodes])
    return list(nodes)


def _fine(nodes: Sequence[Node], kinds: Set[Kind | None]) -> list[Node]:
    """Of which some have nanoseconds: all have, if they are moments of one kind, or texts beside those."""
    others = kinds - {TEXT, DATE}
    target = next((dated.READ[kind] for kind in others if kind is not None and kind in dated.READ), None)
    if target is not None and len(others) == 1:
        nodes = [moments.to(target, node) if kind_of(node) in {TEXT, DATE} else node for node in nodes]
    return fine.alike(nodes)


def among(node: exp.In) -> Node:
    """`a IN (…)` of rewritten parts: of a query, or of a list, whose items are all taken as the same kind."""
    query = node.args.get("query")
    if query is not None:
        return _among_rows(node, query)
    if isinstance(node.this.unnest(), exp.Tuple):
        this, items = node.this.unnest(), [item.unnest() for item in node.expressions]
        if not of_rows([this, *items]):
            return node
        return raw(_either(len(items)), *(same_row(this.copy(), item) for item in items), kind=OTHER)
    if dated.listed(node):
        return node
    kinds = {kind_of(item) for item in node.expressions}
    this = kind_of(node.this)
    if this == JSON:
        if kinds == {NUM}:
            node.set("this", as_number(node.this))
        elif JSON in kinds:
            node.set("this", key(node.this))
            node.set("expressions", [key(as_variant(item)) for item in node.expressions])
        else:
            node.set("this", as_text(node.this))
    elif (
        JSON in kinds
        or (this in {TEXT, NUM} and kinds | {this} == {TEXT, NUM})
        or (this == NUM and kinds == {NUM} and not fit_together([node.this, *node.expressions]))
    ):
        sides = [pair(node.this.copy(), item) for item in node.expressions]
        return raw(
            " OR ".join(f"{{{2 * n}}} = {{{2 * n + 1}}}" for n in range(len(sides))).join("()"),
            *[side for both in sides for side in both],
            kind=OTHER,
        )
    return node


def of_rows(rows: Sequence[Node], *, ordered: bool = False) -> bool:
    """Rows that are compared, `(a, b) = (c, d)`, in place: what stands at one place of all of them becomes comparable.
    False: they are no rows, or not of as many values. Raises SqlError: it does not.
    """
    lists = [row.unnest().expressions for row in rows if isinstance(row.unnest(), exp.Tuple)]
    if len(lists) < len(rows) or len({len(each) for each in lists}) != 1:
        return False  # which DuckDB refuses
    places = [_of_one_place(values, ordered=ordered) for values in zip(*lists, strict=True)]
    for row, made in zip(rows, zip(*places, strict=True), strict=True):
        row.unnest().set("expressions", list(made))
    return True


def are_rows(left: Node, right: Node) -> bool:
    """Whether both are rows, of as many values."""
    both = left.unnest(), right.unnest()
    return all(isinstance(each, exp.Tuple) for each in both) and len(both[0].expressions) == len(both[1].expressions)


def same_row(left: Node, right: Node) -> Node:
    """Whether rows of comparable values are the same: DuckDB's own comparison of rows takes NULL for equal to NULL."""
    sides = [side for both in zip(left.unnest().expressions, right.unnest().expressions, strict=True) for side in both]
    equal = (f"{{{number}}} = {{{number + 1}}}" for number in range(0, len(sides), 2))
    return raw(f"({' AND '.join(equal)})", *sides, kind=OTHER)


def _either(count: int) -> str:
    """A template of so many truths, of which one is enough: in brackets, so that no chain of them is long."""
    parts = [f"{{{number}}}" for number in range(count)]
    while len(parts) > 1:
        parts = [f"({' OR '.join(parts[start : start + 50])})" for start in range(0, len(parts), 50)]
    return parts[0]


def _of_one_place(values: Sequence[Node], *, ordered: bool) -> Sequence[Node]:
    moments_of = dated.comparable(values)
    if moments_of is not None:
        return moments_of
    kinds = {kind_of(value) for value in values if not isinstance(value.unnest(), exp.Null)}
    if kinds == {JSON}:
        return [order_key(value) if ordered else key(value) for value in values]
    if JSON in kinds and len(kinds) > 2:
        raise SqlError.unsupported("rows of values of different types at one place: cast them to one")
    if JSON in kinds:
        taken = as_number if NUM in kinds else as_text
        return [taken(value) if kind_of(value) == JSON else value for value in values]
    if kinds == {TEXT, NUM}:
        beside = next(value for value in values if kind_of(value) == NUM)
        return [compared(value, beside)[0] if kind_of(value) == TEXT else value for value in values]
    return values


def _row_among_rows(node: exp.In, query: Node) -> Node:
    kinds = query.meta.get(ROW)
    if kinds is None or len(kinds) != len(node.this.expressions):
        return node
    columns: list[Node] = []
    for number, kind in enumerate(kinds):
        columns.append(exp.column(f"{_COLUMN}{number}", table=_COLUMN, quoted=True))
        columns[-1].meta[KIND] = kind
    made = [pair(*both) for both in zip(node.this.expressions, columns, strict=True)]
    node.this.set("expressions", [left for left, _ in made])
    shown = [right for _, right in made]
    if all(right is column for right, column in zip(shown, columns, strict=True)):
        return node
    names = ", ".join(f'"{_COLUMN}{number}"' for number in range(len(kinds)))
    slots = ", ".join(f"{{{number}}}" for number in range(len(kinds)))
    rows = raw(f"(SELECT {slots} FROM {{{len(kinds)}}} AS {_COLUMN}({names}))", *shown, query)
    return raw("({0} IN {1})", node.this, rows, kind=OTHER)


def _among_rows(node: exp.In, query: Node) -> Node:
    if isinstance(node.this, exp.Tuple):
        return _row_among_rows(node, query)
    column = exp.column(f"{_COLUMN}0", table=_COLUMN, quoted=True)
    column.meta[KIND] = kind_of(query)
    if kind_of(query) is None:
        return node
    left, right = pair(node.this, column)
    if right is column:
        node.set("this", left)
        return node
    rows = raw(f'(SELECT {{0}} FROM {{1}} AS {_COLUMN}("{_COLUMN}0"))', right, query)
    return raw("({0} IN {1})", left, rows, kind=OTHER)


def quantified(node: Node, left: Node, query: Node, *, every: bool) -> Node:
    """`a > ANY (query)` and `a > ALL (query)` of rewritten sides."""
    sign = f"{SIGNED[type(node)]} {'ALL' if every else 'ANY'}"
    column = exp.column(f"{_COLUMN}0", table=_COLUMN, quoted=True)
    column.meta[KIND] = kind_of(query)
    if kind_of(query) is None or isinstance(left, exp.Tuple):
        return raw(f"({{0}} {sign} {{1}})", left, query, kind=OTHER)
    left, right = pair(left, column, ordered=not isinstance(node, exp.EQ | exp.NEQ))
    rows = query if right is column else raw(f'(SELECT {{0}} FROM {{1}} AS {_COLUMN}("{_COLUMN}0"))', right, query)
    return raw(f"({{0}} {sign} {{1}})", left, rows, kind=OTHER)


def between(node: exp.Between) -> Node:
    """`a BETWEEN b AND c` of rewritten parts."""
    low, high = node.args["low"], node.args["high"]
    kinds = {kind_of(node.this), kind_of(low), kind_of(high)}
    wide = kinds == {NUM} and not fit_together([node.this, low, high])
    if node.args.get("symmetric") or not (wide or JSON in kinds or kinds == {TEXT, NUM}):
        return node
    sides = (*pair(node.this.copy(), low, ordered=True), *pair(node.this.copy(), high, ordered=True))
    return raw("({0} >= {1} AND {2} <= {3})", *sides, kind=OTHER)


def case_of(node: exp.Case) -> Node:
    """CASE of rewritten parts: `CASE a WHEN b THEN …` is `CASE WHEN a = b THEN …`, where DuckDB's own comparison is
    another one; what it gives is of one kind.
    """
    branches = node.args["ifs"]
    given = [branch.args["true"] for branch in branches]
    default = node.args.get("default")
    made = alike([*given, default] if default is not None else given)
    for branch, value in zip(branches, made, strict=False):
        branch.set("true", value)
    if default is not None:
        node.set("default", made[-1])
    return _searched(node)


def _searched(node: exp.Case) -> Node:
    if node.this is None:
        for branch in node.args["ifs"]:
            branch.set("this", as_truth(branch.this))
        return node
    made = [pair(node.this.copy(), branch.this.copy()) for branch in node.args["ifs"]]
    if all(
        type(left) is type(node.this) and left == node.this and right == branch.this
        for (left, right), branch in zip(made, node.args["ifs"], strict=True)
    ):
        return node
    node.set("this", None)
    for (left, right), branch in zip(made, node.args["ifs"], strict=True):
        branch.set("this", raw("({0} = {1})", left, right))
    return node
