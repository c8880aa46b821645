"""What may stand in a query of a guarded view: a list of nodes and of functions. What is not on it is refused.

Of a row that a policy guards nothing may get out but by the ways that `select` knows, so each way to name a column that
is no column's name (`*`, `$1`, IDENTIFIER(…), a whole row) is on no list, nor is a function that somebody wrote, nor
one that waits, or makes much out of little: how long a statement takes, and whether it ends, would tell of a row.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from sqlglot import exp

from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.functions.entry import Scalar
from cleanroom_ml.engine.sql.functions.table import FUNCTIONS, WORDS
from cleanroom_ml.engine.sql.policies.guard import Guard
from cleanroom_ml.engine.sql.resolve.identifiers import fold
from cleanroom_ml.engine.sql.tree import grammar
from cleanroom_ml.engine.sql.tree.dialect import Node

AGGREGATES: Final = frozenset({"AVG", "COUNT", "HLL", "APPROX_COUNT_DISTINCT", "SUM"})
"""user-guide/aggregation-policies, "Aggregation functions"; HLL has two names."""
_ROW_FUNCTIONS: Final = frozenset(
    {"UPPER", "LOWER", "TRIM", "LTRIM", "RTRIM", "LENGTH", "LEN", "LEFT", "RIGHT", "SUBSTR", "SUBSTRING", "CONCAT"}
    | {"STARTSWITH", "ENDSWITH", "CONTAINS", "COALESCE", "NVL", "NVL2", "IFNULL", "NULLIF", "ZEROIFNULL", "NULLIFZERO"}
    | {"IFF", "DECODE", "EQUAL_NULL", "GREATEST", "LEAST", "ABS", "ROUND", "FLOOR", "CEIL", "CEILING", "TRUNC"}
    | {"TRUNCATE", "SIGN", "MOD", "WIDTH_BUCKET", "YEAR", "QUARTER", "MONTH", "WEEK", "DAY", "DAYOFMONTH", "DAYOFWEEK"}
    | {"DAYOFYEAR", "HOUR", "MINUTE", "SECOND", "DATE_TRUNC", "DATE_PART", "DATEDIFF", "CURRENT_DATE"}
    | {"CURRENT_TIMESTAMP", "TRY_TO_DATE", "TRY_TO_TIMESTAMP", "TRY_TO_NUMBER", "TRY_TO_NUMERIC", "TRY_TO_DECIMAL"}
    | {"TRY_TO_DOUBLE", "TRY_TO_BOOLEAN"}
)
"""What may be computed of a row. None of them asks anything, waits, or gives more than it is given."""
_NODES: Final = (
    *(exp.Column, exp.Identifier, exp.Literal, exp.RawString, exp.Boolean, exp.Null, exp.Paren, exp.Tuple, exp.Var),
    *(exp.And, exp.Or, exp.Not, exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.NullSafeEQ, exp.NullSafeNEQ),
    *(exp.Is, exp.In, exp.Between, exp.Like, exp.ILike, exp.Case, exp.If, exp.Anonymous, exp.TryCast, exp.Cast),
    *(exp.Add, exp.Sub, exp.Mul, exp.Div, exp.Mod, exp.Neg, exp.DPipe, exp.Placeholder, exp.Parameter, exp.DataType),
    *(exp.Distinct, exp.DataTypeParam),
)


def check(node: Node, guard: Guard, *, of_rows: bool) -> None:
    """Raises SqlError: there is something in it that is on no list. `of_rows`: it is computed of each row, and holds no
    aggregate; else of what is released.
    """
    for each in node.walk():
        name = _called(each)
        if name is not None:
            function = FUNCTIONS.get(name)
            if of_rows and name not in _ROW_FUNCTIONS:
                raise guard.violation(f"{name[:60]} of the rows of a view that a policy guards")
            if not isinstance(function, Scalar) and name not in AGGREGATES and guard.group_size is not None:
                raise guard.violation(f"{name[:60]} is none of the functions that may be used: AVG, COUNT, HLL, SUM")
            if function is None or name.startswith("SYSTEM$") or name == "IDENTIFIER":
                raise guard.violation(f"{name[:60]} in a query of a view that a policy guards")
            continue
        if isinstance(each, exp.Star) and isinstance(each.parent, exp.Anonymous) and _is_count(each.parent):
            continue
        if not isinstance(each, _NODES):
            raise guard.violation(f"{grammar.construct(each)} in a query of a view that a policy guards")
        if isinstance(each, exp.In) and each.args.get("query") is not None:
            raise guard.violation("a subquery in a query of a view that a policy guards")
        if of_rows and isinstance(each, exp.Div | exp.Mod):
            raise guard.violation("a division, which may fail, of the rows of a view that a policy guards")
        if isinstance(each, exp.Parameter) and not isinstance(each.this, exp.Var):
            raise guard.violation("a column by its number in a query of a view that a policy guards")
        if isinstance(each, exp.Distinct) and not isinstance(each.parent, exp.Anonymous):
            raise guard.violation("DISTINCT here")
        # user-guide/aggregation-policies, "Data Type Conversions"
        converted = of_rows and isinstance(each, exp.Cast) and not isinstance(each, exp.TryCast)
        if converted and not isinstance(each.this.unnest(), exp.Literal | exp.RawString):
            raise guard.violation("CAST of a column; use TRY_CAST")


def columns(nodes: Iterable[Node]) -> list[exp.Column]:
    """Every column that is named in these; none is `t.*`, or a date part. Raises SqlError: one has no plain name."""
    named = (column for node in nodes for column in node.find_all(exp.Column))
    found = [column for column in named if not isinstance(column.this, exp.Star) and not is_part(column)]
    for column in found:
        plain = isinstance(column.this, exp.Identifier)
        if not plain or column.args.get("db") or column.args.get("catalog"):
            raise SqlError.unsupported("this way to name a column of a view that a policy guards")
    return found


def is_part(node: Node) -> bool:
    """Whether it is a bare word where a function takes a date part, which is read as a text there, whatever columns
    there are (`Calls`): no column. One with an alias, or in quotes, is held for a column.
    """
    call = node.parent
    if not isinstance(node, exp.Column) or not isinstance(call, exp.Anonymous):
        return False
    function = FUNCTIONS.get(str(_called(call)))
    if not isinstance(function, Scalar) or function.part is None or node.args.get("table") is not None:
        return False
    given = call.expressions if function.arrange is None else function.arrange(call.expressions)
    bare = isinstance(node.this, exp.Identifier) and not node.this.args.get("quoted")
    return bare and function.part < len(given) and given[function.part] is node


def named(column: exp.Column) -> tuple[str | None, str]:
    """Its alias and its name, folded."""
    table = column.args.get("table")
    return (fold(table) if table is not None else None), fold(column.this)


def aggregates(node: Node) -> list[exp.Anonymous]:
    """The outermost calls of aggregates in it."""
    if isinstance(node, exp.Anonymous) and str(node.this).upper() in AGGREGATES:
        return [node]
    return [found for child in node.iter_expressions() for found in aggregates(child)]


def _is_count(call: exp.Anonymous) -> bool:
    return str(call.this).upper() == "COUNT" and len(call.expressions) == 1


def _called(node: Node) -> str | None:
    if isinstance(node, exp.Anonymous):
        return fold(node.this) if isinstance(node.this, exp.Identifier) else str(node.this).upper()
    word = WORDS.get(type(node).__name__)
    return None if word is None else word[0]
