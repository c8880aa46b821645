"""The sides of a set operation, their columns of one kind each: a text beside a number is one, and NUMBERs of different
scales keep all of their digits (sql-reference/data-type-conversion).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from sqlglot import exp

from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.resolve.comparing import alike
from cleanroom_ml.engine.sql.resolve.identifiers import quoted, table_alias
from cleanroom_ml.engine.sql.resolve.scope import Kinds, is_repeated, pairs
from cleanroom_ml.engine.sql.tree.dialect import Node
from cleanroom_ml.engine.sql.tree.kinds import KIND, kind_of
from cleanroom_ml.engine.sql.types.kind import (
    BINARY,
    DATE,
    FINE_TIME,
    FINE_TIMESTAMP,
    FINE_TZ,
    JSON,
    NUM,
    OTHER,
    TIME,
    TIMESTAMP,
    TZ,
    Kind,
)

_NO_NUMBERS: Final[Mapping[Kind | None, str]] = {
    OTHER: "BOOLEAN",
    DATE: "DATE",
    TIME: "TIME",
    TIMESTAMP: "TIMESTAMP",
    TZ: "TIMESTAMP_TZ",
    FINE_TIME: "TIME",
    FINE_TIMESTAMP: "TIMESTAMP",
    FINE_TZ: "TIMESTAMP_TZ",
    BINARY: "BINARY",
}
_MARK: Final = "\ue000"
"""Between the place and the name of a column whose name another one has, too."""


def told_apart(kinds: Kinds | None) -> Kinds | None:
    """What is known of a query's columns, each under a name of its own."""
    if kinds is None or not is_repeated(kinds):
        return kinds
    return {f"{number}{_MARK}{name}": kind for number, (name, kind) in enumerate(pairs(kinds))}


def of_one_kind(
    left: exp.Expr, kinds: Kinds, right: exp.Expr, others: Kinds, fresh: str
) -> tuple[exp.Expr, Kinds, exp.Expr, Kinds]:
    """Both sides with what is known of their columns, of which there are as many."""
    for place, both in enumerate(zip(kinds.values(), others.values(), strict=True)):
        _check(both, place)
    pairs = [alike(pair) for pair in zip(_columns(left, kinds, fresh), _columns(right, others, fresh), strict=True)]
    made, made_kinds = _side(left, kinds, [pair[0] for pair in pairs], fresh)
    other, other_kinds = _side(right, others, [pair[1] for pair in pairs], fresh)
    return made, made_kinds, other, other_kinds


def _check(kinds: tuple[Kind | None, Kind | None], place: int) -> None:
    """Raises SqlError: a number stands in a column with what is not coerced to one."""
    given = [_NO_NUMBERS.get(kind, "NUMBER" if kind == NUM else None) for kind in kinds]
    if None not in given and NUM in kinds and given[0] != given[1]:
        raise SqlError(
            1790,
            "42601",
            "SQL compilation error:\ninconsistent data type for result columns for set operator input branches,"
            f" expected {given[0]}, got {given[1]} in column {place + 1}",
        )


def _is_listed(query: exp.Expr, kinds: Kinds) -> bool:
    """Whether a query's columns are its own expressions, one each."""
    if not isinstance(query, exp.Select) or len(query.expressions) != len(kinds):
        return False
    return not query.args.get("distinct") and not any(column.is_star for column in query.expressions)


def _columns(query: exp.Expr, kinds: Kinds, fresh: str) -> list[Node]:
    if isinstance(query, exp.Select) and _is_listed(query, kinds):
        return [column.unalias() for column in query.expressions]
    columns: list[Node] = []
    for name, kind in zip(_names(kinds), kinds.values(), strict=True):
        column = exp.column(name, table=fresh, quoted=True)
        column.meta[KIND] = None if kind == JSON else kind
        columns.append(column)
    return columns


def _side(query: exp.Expr, kinds: Kinds, values: Sequence[Node], fresh: str) -> tuple[exp.Expr, Kinds]:
    before = _columns(query, kinds, fresh)
    changed = [value is not old and value != old for value, old in zip(values, before, strict=True)]
    if not any(changed):
        return query, kinds
    found = {
        name: kind_of(value) if other else kind
        for (name, kind), value, other in zip(kinds.items(), values, changed, strict=True)
    }
    if isinstance(query, exp.Select) and _is_listed(query, kinds):
        columns = [
            exp.Alias(this=value.copy(), alias=quoted(column.alias_or_name)) if other else column
            for column, value, other in zip(query.expressions, values, changed, strict=True)
        ]
        query.set("expressions", columns)
        return query, found
    named = [
        exp.Alias(this=value.copy(), alias=quoted(name.rpartition(_MARK)[2]))
        for name, value in zip(kinds, values, strict=True)
    ]
    rows = exp.Subquery(this=query, alias=table_alias(fresh, _names(kinds)))
    return exp.Select(expressions=named, from_=exp.From(this=rows)), found


def _names(kinds: Kinds) -> list[str]:
    """What the columns of a side are called below: names that differ in more than case."""
    return [f"_side{number}" for number in range(len(kinds))]
