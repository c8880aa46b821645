"""CAST and TRY_CAST: each type's record says how a value of a kind becomes one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from sqlglot import exp

from cleanroom_ml.engine.sql.errors import COMPILATION, SqlError
from cleanroom_ml.engine.sql.tree import moments
from cleanroom_ml.engine.sql.tree.arithmetic import once
from cleanroom_ml.engine.sql.tree.dialect import FrontSnowflake, Node, raw
from cleanroom_ml.engine.sql.tree.kinds import KIND, TAKEN, as_text, as_variant, kind_of, literal_text
from cleanroom_ml.engine.sql.types.kind import (
    BINARY,
    COARSE,
    DATE,
    INTERVAL,
    JSON,
    NUM,
    OTHER,
    TEXT,
    TIME,
    TIMESTAMP,
    TZ,
    Document,
    Kept,
    Kind,
    Text,
    name_of,
)
from cleanroom_ml.engine.sql.types.sql_type import SqlType, parse_type
from cleanroom_ml.naming import display

_MOMENTS: Final = frozenset({DATE, TIMESTAMP, TZ})
_CASTABLE: Final[Mapping[str, frozenset[str]]] = {
    "NUMBER": frozenset({NUM, TEXT, OTHER, INTERVAL}),
    "FLOAT": frozenset({NUM, TEXT}),
    "BOOLEAN": frozenset({OTHER, NUM, TEXT}),
    "BINARY": frozenset({BINARY, TEXT}),
    "DATE": frozenset({TEXT, *_MOMENTS}),
    "TIME": frozenset({TEXT, TIME, TIMESTAMP, TZ}),
    **dict.fromkeys(("TIMESTAMP_NTZ", "TIMESTAMP_LTZ", "TIMESTAMP_TZ"), frozenset({TEXT, NUM, *_MOMENTS})),
}
"""What becomes a value of these types, beside a VARIANT (sql-reference/data-type-conversion, "Data types that can be
cast"); an ARRAY or an OBJECT becomes none of them.
"""
_NOT_COERCED: Final[Mapping[str, frozenset[Kind]]] = {
    "NUMBER": frozenset({OTHER, INTERVAL}),
    "VARCHAR": frozenset({BINARY}),
    **dict.fromkeys(("ARRAY", "OBJECT"), frozenset({TEXT, NUM, OTHER, BINARY, DATE, TIME, TIMESTAMP, TZ})),
}
"""What is cast to these types, or not even that, and not coerced (the same page, "Coercible"): a column of theirs takes
none of it. A VARIANT takes anything: nothing is lost.
"""
_DIALECT: Final = FrontSnowflake()


def sql_type(node: Node) -> SqlType:
    """The type that a parsed type name means. Raises SqlError."""
    try:
        return parse_type(node.sql(dialect=_DIALECT))
    except ValueError as error:
        raise SqlError.no_type(error) from error


def cast(value: Node, to: Node, *, attempt: bool = False) -> Node:
    """`value::to`. Raises SqlError: there is no such type."""
    target = sql_type(to)
    kind = COARSE.get(kind_of(value), kind_of(value))
    if attempt and kind is not None and kind != TEXT:
        raise SqlError(
            1065,
            "22023",
            "SQL compilation error: error\nFunction TRY_CAST cannot be used with arguments of types"
            f" {name_of(kind)} and {target}",
        )
    text = literal_text(value)
    if text is not None and not attempt and target.kind == NUM:
        _refuse_unlike_number(text)
    return as_type(value, target, attempt=attempt)


def as_type(value: Node, target: SqlType, *, attempt: bool = False) -> Node:
    """A value as a type, as a cast and an assignment to a column make it. Raises SqlError."""
    _check_castable(kind_of(value), target)
    if target.is_interval and attempt:
        raise SqlError.unsupported("TRY_CAST to an INTERVAL")
    if target.is_interval and isinstance(value.unnest(), exp.Null):
        return raw(f"CAST(NULL AS {target.duckdb})", kind=target.kind)
    if target.record.moment is not None:
        value = moments.as_fine_as_kept(value, target.scale)
        return moments.scaled(moments.to(target.record.moment, value, attempt=attempt), target.scale)
    if target.is_json:
        value = as_variant(value)
    rule = target.cast_of(kind_of(value))
    value = TAKEN[rule.taken](value)
    if rule.template is None and target.kind == TEXT and isinstance(kind_of(value), Text):
        return _of_any_length(value)
    if rule.template is None:
        return raw("({0})", value, kind=rule.kind) if isinstance(kind_of(value), Document) else value
    if attempt and target.kind == TEXT and target.length is not None:
        # Text that is too long is none of that type: TRY_CAST gives NULL (functions/try_cast.md).
        return raw(f"CASE WHEN length({{0}}) <= {target.length} THEN {{0}} END", value, kind=rule.kind)
    template = rule.template.replace("{word}", "TRY_CAST" if attempt else "CAST").replace("{type}", target.duckdb)
    return (once if template.count("{0}") > 1 else raw)(template, value, kind=rule.kind)


def _check_castable(kind: Kind | None, target: SqlType) -> None:
    """Raises SqlError: no value of this kind is one of that type."""
    known = _CASTABLE.get(target.record.name)
    kind = COARSE.get(kind, kind)
    variant = kind == JSON and not isinstance(kind, Document)
    if known is None or kind is None or variant or kind in known or isinstance(kind, Kept):
        return
    name = name_of(kind)
    raise SqlError(1007, "22023", f"{COMPILATION}invalid type [CAST({name} AS {target})]: no {name} becomes one.")


def check_coerced(value: Node, target: SqlType, column: str) -> None:
    """Raises SqlError: a column of this type takes no value of that kind, unless it is cast
    (sql-reference/data-type-conversion, "Data types that can be cast").
    """
    kind = COARSE.get(kind_of(value), kind_of(value))
    if kind is None or isinstance(kind, Kept) or isinstance(value.unnest(), exp.Null):
        return
    if isinstance(kind, Document):
        refused = not target.is_json or (isinstance(target.kind, Document) and target.kind.name != kind.name)
    else:
        refused = kind in _NOT_COERCED.get(target.record.name, ())
    if refused:
        name = "TIMESTAMP_NTZ" if kind == TIMESTAMP else name_of(kind)
        raise SqlError(
            2023,
            "22000",
            f"{COMPILATION}Expression type does not match column data type, expecting {target} but got {name} for"
            f" column {display(column)}",
        )


def _of_any_length(text: Node) -> Node:
    """A text as VARCHAR, which says nothing of its length; what is a constant stays one."""
    if isinstance(text, exp.Literal | exp.RawString | exp.Column):
        text.meta[KIND] = TEXT
        return text
    return raw("({0})", text, kind=TEXT)


def assigned(value: Node, target: SqlType) -> Node:
    """A value as a column of a table takes it. Text that is too long is not cut: the column's length refuses it."""
    kind = kind_of(value)
    if isinstance(value.unnest(), exp.Null):
        return raw(f"CAST({{0}} AS {target.duckdb})", value, kind=target.kind)
    if target.kind == TEXT:
        return as_text(value)
    if target.record.moment is not None or target.is_json or target.is_interval:
        return as_type(value, target)
    if kind is None and target.kind != NUM and target.duckdb != "BOOLEAN":
        return raw(f"CAST({{0}} AS {target.duckdb})", value, kind=target.kind)
    return as_type(value, target)


def _refuse_unlike_number(text: str) -> None:
    """Raises SqlError with a text that the statement itself has, where it is no number."""
    try:
        float(text.replace("_", "?"))
    except ValueError:
        raise SqlError.bad_value(f"Numeric value '{text[:200]}' is not recognized") from None
