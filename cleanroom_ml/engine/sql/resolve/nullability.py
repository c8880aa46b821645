"""Which columns of a query are never NULL: what its result, and DESCRIBE, say of them (NULLABLE).

A column is NOT NULL where that follows from how it is made: from a literal, a NOT NULL column, arithmetic and casts of
such, a count. Everything else may be NULL. As the client's own suite shows it: `TRUE` may be, and of EXCEPT and
INTERSECT the left side says it (snowpark-python, tests/integ/scala/test_literal_suite.py and
test_dataframe_set_operations_suite.py).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from sqlglot import exp

from cleanroom_ml.engine.sql.numbers import whole_number
from cleanroom_ml.engine.sql.resolve.identifiers import fold
from cleanroom_ml.engine.sql.resolve.scope import Kinds, Scope, by_name, by_position, never_null, pairs
from cleanroom_ml.engine.sql.tree.dialect import Node
from cleanroom_ml.engine.sql.types.kind import JSON, Kind

_LITERALS: Final = (exp.Literal, exp.RawString, exp.HexString)
_BOTH: Final = (exp.Add, exp.Sub, exp.Mul, exp.Div, exp.Mod, exp.DPipe)
_ALWAYS: Final = frozenset(
    {"COUNT", "ROW_NUMBER", "RANK", "DENSE_RANK", "NTILE", "CUME_DIST", "PERCENT_RANK", "SEQ1", "SEQ2", "SEQ4", "SEQ8"}
    | {"RANDOM"}
)
_STRICT: Final = frozenset({"RANDSTR"})
"""Not NULL where none of their arguments is."""
_ANY: Final = frozenset({"COALESCE", "NVL", "IFNULL"})
_CONVERSIONS: Final = re.compile(r"TO_(DECIMAL|NUMBER|NUMERIC|DOUBLE|BINARY|DATE|TIME|TIMESTAMP(_NTZ|_LTZ|_TZ)?)|DATE")
"""Functions that make a value of their first argument, or fail."""


def is_never_null(node: Node, scope: Scope) -> bool:
    """Whether an expression, as it was written, is never NULL."""
    if isinstance(node, exp.Alias | exp.Paren | exp.Neg):
        return is_never_null(node.this, scope)
    if isinstance(node, _LITERALS) or (isinstance(node, exp.Interval) and isinstance(node.unit, exp.IntervalSpan)):
        return True
    if isinstance(node, exp.Column | exp.Parameter):
        return _is_required(node, scope)
    if isinstance(node, exp.Cast) and not isinstance(node, exp.TryCast):
        if isinstance(node.this, exp.Boolean):
            return False
        return is_never_null(node.this, scope) and not _is_json(node.this, scope)
    if isinstance(node, _BOTH):
        while isinstance(node, _BOTH):  # `a + b + …` leans to the left and may be long
            if not is_never_null(node.expression, scope):
                return False
            node = node.this
        return is_never_null(node, scope)
    if isinstance(node, exp.Window):
        return isinstance(node.this, exp.Anonymous) and str(node.this.this).upper() in _ALWAYS
    if isinstance(node, exp.Case):
        given = [*(branch.args["true"] for branch in node.args.get("ifs") or []), node.args.get("default")]
        return all(each is not None and is_never_null(each, scope) for each in given)
    if isinstance(node, exp.Anonymous):
        name = str(node.this).upper()
        if _CONVERSIONS.fullmatch(name):
            value = node.expressions[0] if node.expressions else exp.Null()
            return is_never_null(value, scope) and not _is_json(value, scope)
        if name in _STRICT:
            return all(is_never_null(each, scope) for each in node.expressions)
        return name in _ALWAYS or (name in _ANY and any(is_never_null(each, scope) for each in node.expressions))
    return False


def together(operation: Node, left: Kinds | None, right: Kinds | None, kinds: Kinds | None) -> Kinds | None:
    """The columns of a set operation: `kinds`, by the names of its left side and what is known of the sides' NULLs."""
    if left is None or right is None or kinds is None or not len(pairs(left)) == len(pairs(right)) == len(kinds):
        return kinds
    mine = pairs(left)
    never = [name in never_null(left) for name, _ in mine]
    if isinstance(operation, exp.Union):
        never = [none and name in never_null(right) for none, (name, _) in zip(never, pairs(right), strict=True)]
    return _called([name for name, _ in mine], by_position(kinds), never)


def renamed(kinds: Kinds | None, columns: list[str]) -> Kinds | None:
    """The same columns, the first of them called anew."""
    if not columns or kinds is None:
        return kinds
    before = [name for name, _ in pairs(kinds)]
    names = [*columns[: len(before)], *before[len(columns) :]]
    return _called(names, by_position(kinds), [name in never_null(kinds) for name in before])


def _called(names: Sequence[str], kinds: Sequence[Kind | None], never: Sequence[bool]) -> Kinds:
    """Of columns of one name none is said to be never NULL that is not."""
    maybe = {name for name, none in zip(names, never, strict=True) if not none}
    return by_name(list(zip(names, kinds, strict=True)), frozenset(names) - maybe)


def outer(side: str, scope: Scope) -> None:
    """After a join that keeps rows of one side, or of both, without any of the other: its columns may be NULL."""
    *before, last = scope.sources
    for alias in ([last] if side in {"LEFT", "FULL"} else []) + (before if side in {"RIGHT", "FULL"} else []):
        kinds = scope.sources[alias]
        scope.sources[alias] = dict(kinds) if kinds is not None else None


def _is_required(node: Node, scope: Scope) -> bool:
    if isinstance(node, exp.Parameter):
        number = whole_number(str(getattr(node.this, "this", ""))) or 0
        if scope.positional is None or scope.staged is not None or not 1 <= number <= len(scope.positional[1]):
            return False
        alias, columns = scope.positional
        return columns[number - 1] in never_null(scope.sources.get(alias))
    if not isinstance(node.this, exp.Identifier):
        return False
    table = node.args.get("table")
    name, wanted = fold(node.this), fold(table) if table is not None else None
    searched: Scope | None = scope
    while searched is not None:
        found = [
            kinds
            for alias, kinds in searched.sources.items()
            if (wanted is None or alias == wanted) and (kinds is None or name in kinds)
        ]
        if found:
            return all(name in never_null(kinds) for kinds in found)
        searched = searched.parent
    return False


def _is_json(node: Node, scope: Scope) -> bool:
    """Whether it may be JSON's null, which a cast makes NULL of."""
    return any(
        scope.kind(fold(column.this), fold(column.args["table"]) if column.args.get("table") else None) in {JSON, None}
        for column in node.find_all(exp.Column)
        if isinstance(column.this, exp.Identifier)
    )
