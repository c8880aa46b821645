"""GROUPING and GROUPING_ID, a bit for each argument: also of what is grouped by nowhere, which is 1
(sql-reference/functions/grouping); GROUP BY ALL where DuckDB has none.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlglot import exp

from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.tree.dialect import Node
from cleanroom_ml.engine.sql.tree.kinds import AGGREGATE

_NAMES = frozenset({"GROUPING", "GROUPING_ID"})


def spelled_out(select: exp.Select, projections: Iterable[Node]) -> None:
    """The calls in a SELECT's columns, HAVING, QUALIFY and ORDER BY: each argument that DuckDB does not know is a 1."""
    group = select.args.get("group")
    if group is None:
        return
    for part in group.find_all(exp.Rollup, exp.Cube):
        if not part.expressions:
            raise SqlError.syntax("syntax error unexpected ')'.")
    listed = {_text(column) for column in _leaves(group)}
    places = [*projections, *(select.args[part] for part in ("having", "qualify", "order") if select.args.get(part))]
    for place in places:
        for call in list(place.find_all(exp.Anonymous)):
            if str(call.this).upper() not in _NAMES or all(_text(item) in listed for item in call.expressions):
                continue
            bits = [
                exp.Anonymous(this="GROUPING", expressions=[item]) if _text(item) in listed else exp.Literal.number(1)
                for item in call.expressions
            ]
            total: Node = bits[0]
            for bit in bits[1:]:
                doubled = exp.Mul(this=exp.Paren(this=total), expression=exp.Literal.number(2))
                total = exp.Add(this=doubled, expression=bit)
            made = exp.Paren(this=total)
            if call is place:
                call.set("this", "ZEROIFNULL")  # the column stays the node that it is, and is never NULL
                call.set("expressions", [made])
            else:
                call.replace(made)


def all_by_number(select: exp.Select, projections: Sequence[Node]) -> None:
    """GROUP BY ALL beside QUALIFY, which DuckDB does not take together: the rewritten columns without an aggregate, by
    their numbers (sql-reference/constructs/group-by).
    """
    group = select.args.get("group")
    stars = any(projection.is_star for projection in projections)
    if group is None or not group.args.get("all") or not select.args.get("qualify") or stars:
        return
    own = [
        exp.Literal.number(number)
        for number, projection in enumerate(projections, 1)
        if projection.find(exp.Window) is None and not any(node.meta.get(AGGREGATE) for node in projection.walk())
    ]
    select.set("group", exp.Group(expressions=own) if own else None)


def _leaves(node: Node) -> Iterable[Node]:
    """What is grouped by, out of ROLLUP, CUBE, GROUPING SETS and lists in parentheses."""
    if isinstance(node, exp.Group | exp.Rollup | exp.Cube | exp.GroupingSets | exp.Tuple | exp.Paren):
        for value in node.args.values():
            for item in value if isinstance(value, list) else [value]:
                if isinstance(item, exp.Expr):
                    yield from _leaves(item)
    else:
        yield node


def _text(node: Node) -> str:
    return str(node.sql()).upper()
