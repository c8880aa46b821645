"""CAST and TRY_CAST."""

from __future__ import annotations

from typing import Any

from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.tree.dialect import FrontSnowflake, raw
from cleanroom_ml.engine.sql.tree.kinds import as_text, as_zoned_text, kind_of, kind_of_type
from cleanroom_ml.engine.sql.types.kind import JSON, TEXT
from cleanroom_ml.engine.sql.types.sql_type import SqlType, parse_type

_DIALECT = FrontSnowflake()


def sql_type(node: Any) -> SqlType:
    """The type that a parsed type name means. Raises SqlError."""
    try:
        return parse_type(node.sql(dialect=_DIALECT))
    except ValueError as error:
        raise SqlError.syntax(str(error)) from error


def cast(value: Any, to: Any, *, attempt: bool = False) -> Any:
    """`value::to`. Explicit casts to VARCHAR(n) cut, as Snowflake's do; a VARIANT's text loses its quotes."""
    target = sql_type(to)
    word = "TRY_CAST" if attempt else "CAST"
    kind = kind_of_type(target)
    if target.name == "VARCHAR":
        text = as_text(value)
        return raw("left({0}, " + str(target.length) + ")", text, kind=TEXT) if target.length else text
    if target.is_json:
        return value if kind_of(value) == JSON else raw("to_json({0})", value, kind=JSON)
    if target.name == "BINARY" and kind_of(value) == TEXT:
        return raw("unhex({0})", value)
    if kind_of(value) == JSON:
        value = as_text(value)
    if target.duckdb == "TIMESTAMPTZ" and kind_of(value) == TEXT:
        value = as_zoned_text(value)
    if target.name == "NUMBER" and not target.scale and kind_of(value) in {TEXT, None}:
        # '12.7'::INT is 13 in Snowflake; DuckDB reads text as a whole number or not at all.
        inner = f"{word}({{0}} AS DECIMAL(38,6))" if kind_of(value) == TEXT else "{0}"
        return raw(f"{word}({inner} AS BIGINT)", value, kind=kind)
    return raw(f"{word}({{0}} AS {target.duckdb})", value, kind=kind)
