"""What is known of a rewritten expression's kind (types/kind.py), and expressions taken as another."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from sqlglot import exp

from cleanroom_ml.engine.sql.catalog import Columns
from cleanroom_ml.engine.sql.tree.dialect import Node, Raw, raw
from cleanroom_ml.engine.sql.types.kind import (
    FLOAT,
    JSON,
    MAX_PRECISION,
    NUM,
    OTHER,
    TEXT,
    Kind,
    Number,
    common,
    number,
)

KIND: Final = "cleanroom_kind"
"""Key of `Expression.meta` under which a column's kind is kept."""

_AS_TEXT = (
    "CASE typeof({0}) WHEN 'JSON' THEN json_extract_string(CAST({0} AS JSON), '$')"
    " WHEN 'DOUBLE' THEN replace(printf('%.15g', TRY_CAST(CAST({0} AS VARCHAR) AS DOUBLE)), 'nan', 'NaN')"
    " ELSE CAST({0} AS VARCHAR) END"
)
_FLOAT_AS_TEXT = "replace(printf('%.15g', {0}), 'nan', 'NaN')"
"""Snowflake's text of a FLOAT: at most 15 digits, and none that say nothing."""


def kinds_of_columns(columns: Columns) -> dict[str, Kind | None]:
    """Column → kind."""
    return {name: sql_type.kind for name, sql_type in columns}


def kind_of(node: Node) -> Kind | None:
    """The kind of a rewritten expression; None where it is not known."""
    while isinstance(node, exp.Paren | exp.Alias):
        node = node.this
    if isinstance(node, Raw):
        kind: Kind | None = node.args.get("kind")
        return kind
    if isinstance(node, exp.Literal | exp.RawString):
        return TEXT if isinstance(node, exp.RawString) or node.is_string else _of_literal(str(node.this))
    if isinstance(node, exp.Column | exp.Query):
        known: Kind | None = node.meta.get(KIND)
        return known
    if isinstance(node, exp.Neg):
        return kind_of(node.this) if kind_of(node.this) == NUM else None
    if isinstance(node, exp.Boolean | exp.Predicate | exp.Connector | exp.Not):
        return OTHER
    if isinstance(node, exp.Case):
        return kind_of_any([*(branch.args["true"] for branch in node.args.get("ifs") or []), node.args.get("default")])
    return None


def kind_of_any(nodes: Iterable[Node | None]) -> Kind | None:
    """The kind of what is one of these expressions: NULL is of every kind."""
    return common(kind_of(node) for node in nodes if node is not None and not isinstance(node.unnest(), exp.Null))


def _of_literal(text: str) -> Kind:
    """The kind of a number as it is written: as many digits as it has."""
    whole, _, rest = text.partition(".")
    digits = whole.lstrip("0") + rest
    if "e" in text.lower() or len(digits) > MAX_PRECISION:
        return FLOAT
    return number(len(whole.lstrip("0")), len(rest))


def literal_text(node: Node) -> str | None:
    """The text of a string literal, else None."""
    if isinstance(node, exp.RawString) or (isinstance(node, exp.Literal) and node.is_string):
        return str(node.this)
    return None


def as_text(node: Node) -> Node:
    """An expression as VARCHAR. A JSON string loses its quotes, as a VARIANT does in Snowflake."""
    kind = kind_of(node)
    if kind == TEXT:
        return node
    if kind == JSON:
        return raw("json_extract_string({0}, '$')", node, kind=TEXT)
    if kind is None and not isinstance(node, exp.Null):
        return raw(_AS_TEXT, node, kind=TEXT)
    if isinstance(kind, Number) and kind.scale is None:
        return raw(_FLOAT_AS_TEXT, node, kind=TEXT)
    return raw("CAST({0} AS VARCHAR)", node, kind=TEXT)


def as_zoned_text(node: Node) -> Node:
    """Text of a moment with Snowflake's ` +0200` at its end as DuckDB's `+02:00`; other text as it is."""
    pattern, made = (exp.Literal.string(text) for text in (" ?([+-][0-9][0-9]):?([0-9][0-9])$", r"\1:\2"))
    return raw("regexp_replace({0}, {1}, {2})", as_text(node), pattern, made, kind=TEXT)


def as_json(node: Node) -> Node:
    """An expression as JSON; text is taken as JSON text only where it is already known to be JSON or where nothing is
    known.
    """
    return node if kind_of(node) == JSON else raw("CAST({0} AS JSON)", node, kind=JSON)
