"""Operators that Snowflake and DuckDB read differently."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from sqlglot import exp

from cleanroom_ml.engine.sql.functions.entry import check_coercible
from cleanroom_ml.engine.sql.resolve import comparing, dated
from cleanroom_ml.engine.sql.tree.arithmetic import Sign, arithmetic, as_number
from cleanroom_ml.engine.sql.tree.dialect import Node, raw
from cleanroom_ml.engine.sql.tree.kinds import as_text, as_truth, kind_of, order_key
from cleanroom_ml.engine.sql.types.kind import BINARY, OTHER, TEXT, Kind, Number

MAX_CHAIN: Final = 5000
"""Operands of one `a AND b AND …`: DuckDB walks them by recursion."""
CHAINED: Final = (exp.And, exp.Or, exp.Add, exp.Sub, exp.Mul, exp.DPipe)
_SIGNS: Final[dict[type[Node], str]] = {
    exp.And: "AND",
    exp.Or: "OR",
    exp.DPipe: "||",
}
_COMPARISONS: Final = (exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.NullSafeEQ, exp.NullSafeNEQ)
_OF_TRUTHS: Final = (exp.And, exp.Or, exp.Not, exp.Where, exp.Having, exp.Qualify)
_ARITHMETIC: Final[dict[type[Node], Sign]] = {
    exp.Add: "+",
    exp.Sub: "-",
    exp.Mul: "*",
    exp.Div: "/",
    exp.Mod: "%",
}


def joined(operator: type[Node], operands: Sequence[Node]) -> Node:
    """`a + b + …` of rewritten operands."""
    if operator in _ARITHMETIC:
        made = operands[0]
        for operand in operands[1:]:
            made = adjusted(operator(this=made, expression=operand))
        return made
    if operator is exp.DPipe:
        check_coercible("||", operands, TEXT)
        operands = [as_text(operand) for operand in operands]
    else:
        operands = [as_truth(operand) for operand in operands]
    known: Kind = TEXT if operator is exp.DPipe else OTHER
    template = f" {_SIGNS[operator]} ".join(f"{{{number}}}" for number in range(len(operands)))
    return raw(f"({template})", *operands, kind=known)


def never_fails(node: Node) -> bool:
    """Whether a rewritten expression is a column, or equalities of columns of one type: no value makes it fail."""
    node = node.unnest()
    if isinstance(node, exp.Column | exp.Literal | exp.Boolean | exp.Null):
        return True
    if isinstance(node, exp.And):
        return never_fails(node.this) and never_fails(node.expression)
    if not isinstance(node, exp.EQ) or not isinstance(node.this, exp.Column):
        return False
    left, right = kind_of(node.this), kind_of(node.expression)
    same = left == right and left in {TEXT, "DATE"}
    exact = isinstance(left, Number) and isinstance(right, Number) and left.scale == right.scale
    return isinstance(node.expression, exp.Column) and (same or exact)


def adjusted(node: Node) -> Node:
    """A node with rewritten operands, as DuckDB means it."""
    if isinstance(node, exp.Add | exp.Sub):
        moved = dated.moved(node)
        if moved is not None:
            return moved
    if isinstance(node, exp.Between) and dated.compared(node, ("this", "low", "high")):
        return node
    if isinstance(node, exp.In):
        return comparing.among(node)
    if isinstance(node, exp.Case):
        return comparing.case_of(node)
    if isinstance(node, exp.DPipe):
        if kind_of(node.this) == kind_of(node.expression) == BINARY:
            return raw("({0} || {1})", node.this, node.expression, kind=BINARY)
        check_coercible("||", (node.this, node.expression), TEXT)
        return raw("({0} || {1})", as_text(node.this), as_text(node.expression), kind=TEXT)
    sign = _ARITHMETIC.get(type(node))
    if sign is not None:
        return arithmetic(sign, node.this, node.expression)
    if isinstance(node, _OF_TRUTHS):
        for part in ("this", "expression"):
            if node.args.get(part) is not None:
                node.set(part, as_truth(node.args[part]))
    elif isinstance(node, exp.Neg):
        node.set("this", as_number(node.this, exp.Literal.number(1)))
    elif isinstance(node, _COMPARISONS):
        ordered = isinstance(node, exp.GT | exp.GTE | exp.LT | exp.LTE)
        left, right = comparing.pair(node.this, node.expression, ordered=ordered)
        if isinstance(node, exp.EQ | exp.NEQ) and comparing.are_rows(left, right):
            same = comparing.same_row(left, right)
            return same if isinstance(node, exp.EQ) else raw("(NOT {0})", same, kind=OTHER)
        node.set("this", left)
        node.set("expression", right)
    elif isinstance(node, exp.Ordered):
        by_nothing = isinstance(node.this.unnest(), exp.Null)  # DuckDB takes it for a position
        node.set("this", raw("CAST(NULL AS INTEGER)") if by_nothing else order_key(node.this))
    elif isinstance(node, exp.Between):
        return comparing.between(node)
    elif isinstance(node, exp.HexString):
        return raw("unhex({0})", exp.Literal.string(str(node.this)), kind=BINARY)
    elif isinstance(node, exp.RawString):
        return exp.Literal.string(str(node.this))
    return node
