"""What is known of a rewritten expression's kind (types/kind.py), and expressions taken as another."""

from __future__ import annotations

from typing import Final

from sqlglot import exp

from cleanroom_ml.engine.sql.catalog import Columns
from cleanroom_ml.engine.sql.tree.dialect import Node, Raw, raw
from cleanroom_ml.engine.sql.types.kind import BINARY, JSON, NUM, OTHER, TEXT, Kind

KIND: Final = "cleanroom_kind"
"""Key of `Expression.meta` under which a column's kind is kept."""

_AS_TEXT = (
    "CASE WHEN typeof({0}) = 'JSON' THEN json_extract_string(CAST({0} AS JSON), '$')"
    " WHEN typeof({0}) = 'BLOB' THEN hex(TRY_CAST({0} AS BLOB)) ELSE CAST({0} AS VARCHAR) END"
)


def kinds_of_columns(columns: Columns) -> dict[str, Kind | None]:
    """Column → kind."""
    return {name: sql_type.record.kind for name, sql_type in columns}


def kind_of(node: Node) -> Kind | None:
    """The kind of a rewritten expression; None where it is not known."""
    while isinstance(node, exp.Paren | exp.Alias):
        node = node.this
    if isinstance(node, Raw):
        kind: Kind | None = node.args.get("kind")
        return kind
    if isinstance(node, exp.Literal | exp.RawString):
        return TEXT if isinstance(node, exp.RawString) or node.is_string else NUM
    if isinstance(node, exp.Column):
        known: Kind | None = node.meta.get(KIND)
        return known
    if isinstance(node, exp.Add | exp.Sub | exp.Mul | exp.Div | exp.Mod | exp.Neg):
        return NUM if kind_of(node.this) == NUM else None
    if isinstance(node, exp.Boolean | exp.Predicate | exp.Connector | exp.Not):
        return OTHER
    if isinstance(node, exp.Case):
        return kind_of(node.args["ifs"][0].args["true"]) if node.args.get("ifs") else None
    return None


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
    if kind == BINARY:
        return raw("hex({0})", node, kind=TEXT)
    if kind is None and not isinstance(node, exp.Null):
        return raw(_AS_TEXT, node, kind=TEXT)
    return raw("CAST({0} AS VARCHAR)", node, kind=TEXT)


def as_bytes(node: Node) -> Node:
    """An expression as bytes: a BINARY as it is, whatever else as its text in UTF-8."""
    kind = kind_of(node)
    if kind == BINARY:
        return node
    if kind is not None:
        return raw("encode({0})", as_text(node), kind=BINARY)
    template = "CASE WHEN typeof({0}) = 'BLOB' THEN TRY_CAST({0} AS BLOB) ELSE encode({1}) END"
    return raw(template, node, as_text(node), kind=BINARY)


def as_zoned_text(node: Node) -> Node:
    """Text of a moment with Snowflake's ` +0200` at its end as DuckDB's `+02:00`; other text as it is."""
    pattern, made = (exp.Literal.string(text) for text in (" ?([+-][0-9][0-9]):?([0-9][0-9])$", r"\1:\2"))
    return raw("regexp_replace({0}, {1}, {2})", as_text(node), pattern, made, kind=TEXT)


def as_json(node: Node) -> Node:
    """An expression as JSON; text is taken as JSON text only where it is already known to be JSON or where nothing is
    known.
    """
    return node if kind_of(node) == JSON else raw("CAST({0} AS JSON)", node, kind=JSON)
