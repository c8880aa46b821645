"""CAST and TRY_CAST: each type's record says how a value of a kind becomes one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.tree import moments
from cleanroom_ml.engine.sql.tree.dialect import FrontSnowflake, Node, raw
from cleanroom_ml.engine.sql.tree.kinds import as_text, as_variant, kind_of
from cleanroom_ml.engine.sql.types.sql_type import SqlType, parse_type

_DIALECT: Final = FrontSnowflake()
_TAKEN: Final[Mapping[str, Callable[[Node], Node]]] = {"as text": as_text}


def sql_type(node: Node) -> SqlType:
    """The type that a parsed type name means. Raises SqlError."""
    try:
        return parse_type(node.sql(dialect=_DIALECT))
    except ValueError as error:
        raise SqlError.syntax(str(error)) from error


def cast(value: Node, to: Node, *, attempt: bool = False) -> Node:
    """`value::to`. Raises SqlError: there is no such type."""
    return as_type(value, sql_type(to), attempt=attempt)


def as_type(value: Node, target: SqlType, *, attempt: bool = False) -> Node:
    """A value as a type, as a cast and an assignment to a column make it. Raises SqlError."""
    if target.record.moment is not None:
        return moments.scaled(moments.to(target.record.moment, value, attempt=attempt), target.scale)
    if target.is_json:
        value = as_variant(value)
    rule = target.cast_of(kind_of(value))
    if rule.taken in _TAKEN:
        value = _TAKEN[rule.taken](value)
    if rule.template is None:
        return value
    template = rule.template.replace("{word}", "TRY_CAST" if attempt else "CAST").replace("{type}", target.duckdb)
    return raw(template, value, kind=rule.kind)
