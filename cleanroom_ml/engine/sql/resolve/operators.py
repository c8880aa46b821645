"""Operators that Snowflake and DuckDB read differently."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from sqlglot import exp

from cleanroom_ml.engine.sql.resolve import dated
from cleanroom_ml.engine.sql.tree.arithmetic import Sign, arithmetic, as_number, compared
from cleanroom_ml.engine.sql.tree.dialect import Node, raw
from cleanroom_ml.engine.sql.tree.kinds import as_text, as_variant, kind_of, order_key
from cleanroom_ml.engine.sql.types.kind import BINARY, JSON, NUM, OTHER, TEXT, Kind

MAX_CHAIN: Final = 5000
"""Operands of one `a AND b AND …`: DuckDB walks them by recursion."""
CHAINED: Final = (exp.And, exp.Or, exp.Add, exp.Sub, exp.Mul, exp.DPipe)
_SIGNS: Final[dict[type[Node], str]] = {
    exp.And: "AND",
    exp.Or: "OR",
    exp.DPipe: "||",
}
_COMPARISONS: Final = (exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.NullSafeEQ, exp.NullSafeNEQ)
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
        operands = [as_text(operand) for operand in operands]
    known: Kind = TEXT if operator is exp.DPipe else OTHER
    template = f" {_SIGNS[operator]} ".join(f"{{{number}}}" for number in range(len(operands)))
    return raw(f"({template})", *operands, kind=known)


def adjusted(node: Node) -> Node:
    """A node with rewritten operands, as DuckDB means it."""
    if isinstance(node, exp.Add | exp.Sub):
        moved = dated.moved(node)
        if moved is not None:
            return moved
    if isinstance(node, exp.Between) and dated.compared(node, ("this", "low", "high")):
        return node
    if isinstance(node, exp.In) and dated.listed(node):
        return node
    if isinstance(node, exp.DPipe):
        return raw("({0} || {1})", as_text(node.this), as_text(node.expression), kind=TEXT)
    sign = _ARITHMETIC.get(type(node))
    if sign is not None:
        return arithmetic(sign, node.this, node.expression)
    if isinstance(node, exp.Neg):
        node.set("this", as_number(node.this))
    elif isinstance(node, _COMPARISONS):
        dated.compared(node, ("this", "expression"))
        left, right = kind_of(node.this), kind_of(node.expression)
        if (left == JSON) != (right == JSON):
            number = NUM in {left, right}
            for part in ("this", "expression"):
                if kind_of(node.args[part]) == JSON:
                    node.set(part, as_number(node.args[part]) if number else as_text(node.args[part]))
        elif left == right == JSON and isinstance(node, exp.GT | exp.GTE | exp.LT | exp.LTE):
            for part in ("this", "expression"):
                node.set(part, order_key(node.args[part]))
        one, other = compared(node.this, node.expression)
        node.set("this", one)
        node.set("expression", other)
    elif isinstance(node, exp.Ordered):
        node.set("this", order_key(node.this))
    elif isinstance(node, exp.Between) and kind_of(node.this) == JSON:
        number = kind_of(node.args["low"]) == NUM
        node.set("this", as_number(node.this) if number else as_text(node.this))
    elif isinstance(node, exp.In) and kind_of(node.this) == JSON:
        _listed(node)
    elif isinstance(node, exp.HexString):
        return raw("unhex({0})", exp.Literal.string(str(node.this)), kind=BINARY)
    elif isinstance(node, exp.RawString):
        return exp.Literal.string(str(node.this))
    return node


def _listed(node: exp.In) -> None:
    """`v IN (…)`: a VARIANT among numbers is taken as one, among texts as text."""
    kinds = {kind_of(item) for item in node.expressions}
    if kinds == {NUM}:
        node.set("this", as_number(node.this))
    elif JSON in kinds:
        node.set("expressions", [as_variant(item) for item in node.expressions])
    else:
        node.set("this", as_text(node.this))
