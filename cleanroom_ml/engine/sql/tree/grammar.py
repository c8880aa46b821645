"""The nodes of a query that may pass, and of each the parts that may be set: what is not named here is refused.

Tables, functions, placeholders and casts are not in this list: the resolver replaces them by what the catalog
and the table of functions give, and refuses the rest.
"""

from __future__ import annotations

import re
from typing import Final

from sqlglot import exp

from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.numbers import number_of

_BINARY: Final = frozenset({"this", "expression"})
_LIST: Final = frozenset({"expressions"})
_THIS: Final = frozenset({"this"})

PARTS: Final[dict[type[exp.Expr], frozenset[str]]] = {
    exp.Select: frozenset(
        {
            "with_",
            "from_",
            "joins",
            "where",
            "group",
            "having",
            "qualify",
            "order",
            "limit",
            "offset",
            "distinct",
            "expressions",
            "operation_modifiers",
        }
    ),
    exp.Union: frozenset({"with_", "this", "expression", "distinct", "by_name", "order", "limit", "offset"}),
    exp.Intersect: frozenset({"with_", "this", "expression", "distinct", "order", "limit", "offset"}),
    exp.Except: frozenset({"with_", "this", "expression", "distinct", "order", "limit", "offset"}),
    exp.With: frozenset({"expressions", "recursive"}),
    exp.CTE: frozenset({"this", "alias"}),
    exp.Subquery: frozenset({"this", "alias", "with_", "order", "limit", "offset", "sample"}),
    exp.TableAlias: frozenset({"this", "columns"}),
    exp.From: _THIS,
    exp.Join: frozenset({"this", "on", "using", "side", "kind", "method", "directed"}),
    exp.Where: _THIS,
    exp.Group: frozenset({"expressions", "rollup", "cube", "grouping_sets", "all"}),
    exp.Rollup: _LIST,
    exp.Cube: _LIST,
    exp.GroupingSets: _LIST,
    exp.Having: _THIS,
    exp.Qualify: _THIS,
    exp.Order: frozenset({"this", "expressions"}),
    exp.Ordered: frozenset({"this", "desc", "nulls_first"}),
    exp.Limit: frozenset({"expression", "this"}),
    exp.Fetch: frozenset({"direction", "count"}),
    exp.Offset: frozenset({"expression", "this"}),
    exp.Distinct: frozenset({"expressions"}),
    exp.Values: frozenset({"expressions", "alias"}),
    exp.Tuple: _LIST,
    exp.Paren: _THIS,
    exp.Alias: frozenset({"this", "alias"}),
    exp.Column: frozenset({"this", "table", "db", "catalog"}),
    exp.Identifier: frozenset({"this", "quoted"}),
    exp.Star: frozenset({"except_", "replace", "rename"}),
    exp.Literal: frozenset({"this", "is_string"}),
    exp.RawString: _THIS,
    exp.HexString: frozenset({"this", "is_integer"}),
    exp.Null: frozenset(),
    exp.Boolean: _THIS,
    exp.And: _BINARY,
    exp.Or: _BINARY,
    exp.Not: _THIS,
    exp.EQ: _BINARY,
    exp.NEQ: _BINARY,
    exp.GT: _BINARY,
    exp.GTE: _BINARY,
    exp.LT: _BINARY,
    exp.LTE: _BINARY,
    exp.NullSafeEQ: _BINARY,
    exp.NullSafeNEQ: _BINARY,
    exp.Is: _BINARY,
    exp.Add: _BINARY,
    exp.Sub: _BINARY,
    exp.Mul: _BINARY,
    exp.Div: frozenset({"this", "expression", "typed", "safe"}),
    exp.Mod: _BINARY,
    exp.Neg: _THIS,
    exp.DPipe: frozenset({"this", "expression", "safe"}),
    exp.Between: frozenset({"this", "low", "high", "symmetric"}),
    exp.In: frozenset({"this", "expressions", "query"}),
    exp.Exists: _THIS,
    exp.Like: _BINARY,
    exp.ILike: _BINARY,
    exp.Escape: _BINARY,
    exp.Case: frozenset({"this", "ifs", "default"}),
    exp.If: frozenset({"this", "true", "false"}),
    exp.Window: frozenset({"this", "partition_by", "order", "spec", "over"}),
    exp.WindowSpec: frozenset({"kind", "start", "start_side", "end", "end_side"}),
}
_WORDS = re.compile(r"[A-Za-z_][A-Za-z_ ]{0,39}\Z")
_FREE_TEXT: Final = (exp.Identifier, exp.Literal, exp.RawString, exp.HexString)
_NUMBER = re.compile(r"(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?\Z")
_HEX = re.compile(r"[0-9a-fA-F]*\Z")


def check(node: exp.Expr) -> None:
    """One node, its own parts only. Raises SqlError.unsupported naming the construct."""
    allowed = PARTS.get(type(node))
    if allowed is None:
        raise SqlError.unsupported(construct(node))
    for part, value in node.args.items():
        if value is None or value is False or value == []:
            continue
        if part not in allowed:
            raise SqlError.unsupported(f"{construct(node)} {part.strip('_').upper()}")
        if isinstance(value, str) and not isinstance(node, _FREE_TEXT) and not _WORDS.match(value):
            raise SqlError.unsupported(construct(node))
    if isinstance(node, exp.Literal) and not node.is_string and not _NUMBER.match(node.this):
        raise SqlError.syntax("a malformed number.")
    if isinstance(node, exp.Literal) and not node.is_string:
        number_of(node.this)
    if isinstance(node, exp.HexString) and not _HEX.match(str(node.this)):
        raise SqlError.syntax("a malformed binary literal.")


def construct(node: exp.Expr) -> str:
    """A node's kind in capitals: WindowSpec → WINDOW SPEC."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", type(node).__name__).upper()
