"""TO_… and TRY_TO_…."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.functions.entry import Builder, Function, Scalar
from cleanroom_ml.engine.sql.functions.number_formats import to_number, to_text
from cleanroom_ml.engine.sql.tree import moment_texts
from cleanroom_ml.engine.sql.tree.dialect import Node, raw
from cleanroom_ml.engine.sql.tree.kinds import TAKEN, as_digits, as_text, kind_of, literal_text
from cleanroom_ml.engine.sql.types.kind import BINARY, FLOAT, NUM, OTHER, TEXT
from cleanroom_ml.engine.sql.types.numbers import BOOLEAN, PLAIN_NUMBER
from cleanroom_ml.engine.sql.types.sql_type import SqlType


def _to_varchar(args: Sequence[Node]) -> Node:
    if len(args) == 1:
        return as_text(args[0])
    kind = kind_of(args[0])
    if kind == NUM:
        return to_text(args[0], args[1])
    if kind == BINARY:
        return _binary_text(args[0], args[1])
    layout = literal_text(args[1])
    if layout is None:
        raise SqlError.unsupported("a date format that is not a constant")
    if kind is None or kind not in moment_texts.KINDS:
        raise SqlError.unsupported("TO_VARCHAR of this value with a format")
    return moment_texts.text(args[0], kind, layout)


def _to_double(cast: str) -> Builder:
    def build(args: Sequence[Node]) -> Node:
        if kind_of(args[0]) == NUM:
            return raw(f"{cast}({{0}} AS DOUBLE)", args[0], kind=FLOAT)
        return raw(f"{cast}({PLAIN_NUMBER} AS DOUBLE)", as_digits(args[0]), kind=FLOAT)

    return build


def _binary_text(value: Node, layout: Node) -> Node:
    """functions/to_char.md: a BINARY as HEX, BASE64 or UTF-8."""
    templates = {"HEX": "hex({0})", "BASE64": "base64({0})", "UTF-8": "decode({0})", "UTF8": "decode({0})"}
    template = templates.get((literal_text(layout) or "").upper())
    if template is None:
        raise SqlError.bad_value("The format of a BINARY is HEX, BASE64 or UTF-8.")
    return raw(template, value, kind=TEXT)


def _to_boolean(word: str) -> Builder:
    def build(args: Sequence[Node]) -> Node:
        rule = BOOLEAN.cast_of(SqlType("BOOLEAN"), kind_of(args[0]))
        given = TAKEN[rule.taken](args[0])
        return raw((rule.template or "{0}").replace("{word}", word).replace("{type}", "BOOLEAN"), given, kind=OTHER)

    return build


FUNCTIONS: Final[tuple[Function, ...]] = (
    Scalar("TO_VARCHAR TO_CHAR TO_TEXT", arguments=(1, 2), sql=_to_varchar, wide=True, fine=True),
    Scalar("TO_NUMBER TO_DECIMAL TO_NUMERIC", arguments=(1, 4), sql=to_number("CAST"), wide=True),
    Scalar("TRY_TO_NUMBER TRY_TO_DECIMAL TRY_TO_NUMERIC", arguments=(1, 4), sql=to_number("TRY_CAST"), wide=True),
    Scalar("TO_DOUBLE", sql=_to_double("CAST"), wide=True),
    Scalar("TRY_TO_DOUBLE", sql=_to_double("TRY_CAST"), wide=True),
    Scalar("TO_BOOLEAN", sql=_to_boolean("CAST")),
    Scalar("TRY_TO_BOOLEAN", sql=_to_boolean("TRY_CAST")),
)
