"""What is known of a rewritten expression's kind (types/kind.py), and expressions taken as another."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Final

from sqlglot import exp

from cleanroom_ml.engine.sql.catalog import Columns
from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.tree import moment_texts
from cleanroom_ml.engine.sql.tree.dialect import Node, Raw, raw
from cleanroom_ml.engine.sql.types.kind import (
    BINARY,
    COARSE,
    FLOAT,
    JSON,
    MAX_PRECISION,
    NUM,
    OTHER,
    TEXT,
    Kept,
    Kind,
    Number,
    Text,
    common,
    number,
)
from cleanroom_ml.engine.sql.types.numbers import BOOLEAN, IS_MARKED_NUMBER, MARKED_NUMBER
from cleanroom_ml.engine.sql.types.record import Taken
from cleanroom_ml.engine.sql.types.sql_type import SqlType
from cleanroom_ml.engine.sql.types.variants import (
    FINE_TIME_TO_VARIANT,
    FINE_TO_VARIANT,
    NO_INTERVAL,
    TEXT_TO_VARIANT,
    TO_VARIANT,
    TZ_TO_VARIANT,
)
from cleanroom_ml.engine.sql.values.marks import IN_JSON, MARK

_BOOLEAN: Final = SqlType("BOOLEAN")
KIND: Final = "cleanroom_kind"
"""Key of `Expression.meta` under which a column's kind is kept."""
AGGREGATE: Final = "cleanroom_aggregate"
"""Key of `Expression.meta` of a call of an aggregate over groups: its name."""

_MARKED = f"contains(CAST({{0}} AS VARCHAR), '{IN_JSON}')"
_JSON_TEXT = (
    f"CASE WHEN {_MARKED} THEN _sf_variant_text(CAST({{0}} AS VARCHAR))"
    " ELSE json_extract_string(CAST({0} AS JSON), '$') END"
)
_AS_TEXT = (
    f"CASE typeof({{0}}) WHEN 'JSON' THEN {_JSON_TEXT}"
    " WHEN 'DOUBLE' THEN replace(printf('%.15g', TRY_CAST(CAST({0} AS VARCHAR) AS DOUBLE)), 'nan', 'NaN')"
    " WHEN 'BLOB' THEN hex(TRY_CAST({0} AS BLOB)) ELSE"
    f" CASE {NO_INTERVAL}"
    " ELSE CAST({0} AS VARCHAR) END END"
)
_NUMBER_OF = (
    f"CASE WHEN {IS_MARKED_NUMBER} THEN TRY_CAST({MARKED_NUMBER} AS DOUBLE)"
    " WHEN regexp_matches(CAST({0} AS VARCHAR), '^[-0-9]') THEN TRY_CAST(CAST({0} AS VARCHAR) AS DOUBLE) END"
)
_DIGITS = (
    f"CASE WHEN {IS_MARKED_NUMBER} THEN {MARKED_NUMBER}"
    " WHEN CAST({0} AS VARCHAR) = 'true' THEN '1' WHEN CAST({0} AS VARCHAR) = 'false' THEN '0'"
    f" ELSE {_JSON_TEXT} END"
)
"""The text of a VARIANT that is to be a number: that of a DOUBLE with all its digits, of which clients see 15; 1 and 0
of a BOOLEAN (sql-reference/functions/to_double).
"""
_ORDER = (
    "CASE WHEN {0} IS NULL THEN NULL ELSE"
    f" row(CASE WHEN ({_NUMBER_OF}) IS NOT NULL THEN 0 WHEN CAST({{0}} AS VARCHAR) = 'null' THEN 2 ELSE 1 END,"
    f" coalesce({_NUMBER_OF}, 0), CASE WHEN ({_NUMBER_OF}) IS NULL THEN CAST({{0}} AS VARCHAR) ELSE '' END) END"
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
        if isinstance(node, exp.RawString) or node.is_string:
            cast: Kind | None = node.meta.get(KIND)
            return cast or Text(max(1, len(str(node.this))))
        return _of_literal(str(node.this))
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
    _refuse_kept(kind)
    if kind is not None and kind in moment_texts.KINDS:
        return moment_texts.text(node, kind)
    if kind == JSON:
        return raw(_JSON_TEXT, node, kind=TEXT)
    if kind == BINARY:
        return raw("hex({0})", node, kind=TEXT)
    if kind is None and not isinstance(node, exp.Null):
        return raw(_AS_TEXT, node, kind=TEXT)
    if isinstance(kind, Number) and kind.scale is None:
        return raw(_FLOAT_AS_TEXT, node, kind=TEXT)
    return raw("CAST({0} AS VARCHAR)", node, kind=TEXT)


def as_digits(node: Node) -> Node:
    """An expression as a text that is read as a number next."""
    return raw(_DIGITS, node, kind=TEXT) if kind_of(node) == JSON else as_text(node)


TAKEN: Final[Mapping[Taken, Callable[[Node], Node]]] = {
    "as it is": lambda node: node,
    "as text": as_text,
    "as digits": as_digits,
}
"""What a cast makes of a value before it is put into the cast's template."""


def as_variant(node: Node) -> Node:
    """An expression as a VARIANT: text is a JSON string."""
    if isinstance(node, exp.Null):
        return raw("CAST(NULL AS JSON)", kind=JSON)
    _refuse_kept(kind_of(node))
    match kind_of(node):
        case "JSON":
            return node
        case "TEXT":
            text = literal_text(node)
            plain = text is not None and not text.startswith(MARK)
            return raw("to_json({0})" if plain else TEXT_TO_VARIANT, node, kind=JSON)
        case "TZ":
            return raw(TZ_TO_VARIANT, as_text(node), kind=JSON)
        case "FINE TIMESTAMP":
            return raw(FINE_TO_VARIANT, node, kind=JSON)
        case "FINE TIME":
            return raw(FINE_TIME_TO_VARIANT, node, kind=JSON)
        case "FINE TZ":
            raise SqlError.nanoseconds("a TIMESTAMP_TZ that becomes a VARIANT")
        case _:
            return raw(TO_VARIANT, node, kind=JSON)


def order_key(node: Node) -> Node:
    """By what a VARIANT is ordered: numbers by value, then texts, then JSON's null; anything else as it is."""
    return raw(_ORDER, node, kind=OTHER) if kind_of(node) == JSON else node


def as_truth(node: Node) -> Node:
    """An expression as a BOOLEAN, where one is asked for: of texts and VARIANTs what TO_BOOLEAN makes of them
    (sql-reference/functions/to_boolean), of anything else what DuckDB does by itself.
    """
    kind = kind_of(node)
    if kind == NUM:
        return raw("CAST({0} AS BOOLEAN)", node, kind=OTHER)
    if kind not in {TEXT, JSON}:
        return node
    rule = BOOLEAN.cast_of(_BOOLEAN, kind)
    given = as_text(node) if rule.taken == "as text" else node
    return raw((rule.template or "{0}").replace("{word}", "CAST"), given, kind=OTHER)


def as_bytes(node: Node) -> Node:
    """An expression as bytes: a BINARY as it is, whatever else as its text in UTF-8."""
    kind = kind_of(node)
    if kind == BINARY:
        return node
    if kind is not None:
        return raw("encode({0})", as_text(node), kind=BINARY)
    template = "CASE WHEN typeof({0}) = 'BLOB' THEN TRY_CAST({0} AS BLOB) ELSE encode({1}) END"
    return raw(template, node, as_text(node), kind=BINARY)


def as_json(node: Node) -> Node:
    """An expression as JSON; text is taken as JSON text only where it is already known to be JSON or where nothing is
    known.
    """
    _refuse_kept(kind_of(node))
    if kind_of(node) in COARSE:
        return as_variant(node)
    return node if kind_of(node) == JSON else raw("CAST({0} AS JSON)", node, kind=JSON)


def _refuse_kept(kind: Kind | None) -> None:
    if isinstance(kind, Kept):
        raise SqlError.unsupported(f"{kind.text} as a text or a VARIANT")
