"""TO_… and TRY_TO_…."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from sqlglot import exp

from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.functions import dateparts
from cleanroom_ml.engine.sql.functions.entry import Builder, Function, Scalar
from cleanroom_ml.engine.sql.numbers import whole_number
from cleanroom_ml.engine.sql.tree.dialect import Node, raw
from cleanroom_ml.engine.sql.tree.kinds import as_text, as_zoned_text, kind_of, literal_text
from cleanroom_ml.engine.sql.types.kind import BINARY, DATE, NUM, TEXT, TIMESTAMP


def _to_date(cast: str) -> Builder:
    def build(args: Sequence[Node]) -> Node:
        if len(args) == 2:
            parse = "try_strptime" if cast == "TRY_CAST" else "strptime"
            return raw(f"CAST({parse}({{0}}, {{1}}) AS DATE)", as_text(args[0]), _format(args[1]), kind=DATE)
        if kind_of(args[0]) in {DATE, TIMESTAMP}:
            return raw("CAST({0} AS DATE)", args[0], kind=DATE)
        return raw(f"{cast}(CAST({{0}} AS VARCHAR) AS TIMESTAMP)::DATE", as_text(args[0]), kind=DATE)

    return build


def _to_timestamp(cast: str, target: str) -> Builder:
    def build(args: Sequence[Node]) -> Node:
        if len(args) == 2 and literal_text(args[1]) is not None:
            parse = "try_strptime" if cast == "TRY_CAST" else "strptime"
            return raw(f"CAST({parse}({{0}}, {{1}}) AS {target})", as_text(args[0]), _format(args[1]), kind=TIMESTAMP)
        if len(args) == 2:
            if not isinstance(args[1], exp.Literal) or args[1].this not in {"0", "3", "6", "9"}:
                raise SqlError.unsupported("TO_TIMESTAMP with another scale than 0, 3, 6 or 9")
            factor = {"0": "* 1000000", "3": "* 1000", "6": "", "9": "// 1000"}[args[1].this]
            return raw(f"CAST(make_timestamp(CAST({{0}} AS BIGINT) {factor}) AS {target})", args[0], kind=TIMESTAMP)
        if kind_of(args[0]) in {DATE, TIMESTAMP}:
            return raw(f"CAST({{0}} AS {target})", args[0], kind=TIMESTAMP)
        text = (
            f"CASE WHEN regexp_full_match({{0}}, '-?[0-9]{{1,11}}') THEN CAST(make_timestamp({cast}({{0}} AS BIGINT) * 1000000) AS {target})"  # noqa: E501
            f" ELSE {cast}({{0}} AS {target}) END"
        )
        given = as_zoned_text(args[0]) if target == "TIMESTAMPTZ" else as_text(args[0])
        return raw(text.replace("{1,11}", "+"), given, kind=TIMESTAMP)

    return build


def _format(node: Node) -> Node:
    text = literal_text(node)
    if text is None:
        raise SqlError.unsupported("a date format that is not a constant")
    return exp.Literal.string(dateparts.strftime(text))


def _binary_text(value: Node, layout: Node) -> Node:
    """functions/to_char.md: a BINARY as HEX, BASE64 or UTF-8."""
    templates = {"HEX": "hex({0})", "BASE64": "base64({0})", "UTF-8": "decode({0})", "UTF8": "decode({0})"}
    template = templates.get((literal_text(layout) or "").upper())
    if template is None:
        raise SqlError.bad_value("The format of a BINARY is HEX, BASE64 or UTF-8.")
    return raw(template, value, kind=TEXT)


def _to_varchar(args: Sequence[Node]) -> Node:
    if len(args) == 1:
        return as_text(args[0])
    if kind_of(args[0]) == BINARY:
        return _binary_text(args[0], args[1])
    if kind_of(args[0]) == NUM:
        raise SqlError.unsupported("TO_VARCHAR of a number with a format")
    return raw("strftime({0}, {1})", args[0], _format(args[1]), kind=TEXT)


def _to_number(cast: str) -> Builder:
    def build(args: Sequence[Node]) -> Node:
        numbers = [
            number
            for arg in args[1:]
            if isinstance(arg, exp.Literal) and not arg.is_string and (number := whole_number(arg.this)) is not None
        ]
        if len(numbers) != len(args) - 1:
            raise SqlError.unsupported("TO_NUMBER with a format")
        precision, scale = (*numbers, 38, 0)[:2] if len(numbers) != 1 else (numbers[0], 0)
        if not 1 <= precision <= 38 or not 0 <= scale <= precision:
            raise SqlError.syntax("Invalid precision or scale.")
        if scale:
            return raw(f"{cast}({{0}} AS DECIMAL({precision},{scale}))", args[0], kind=NUM)
        return raw(
            f"{cast}({cast}({{0}} AS DECIMAL(38,6)) AS BIGINT)"
            if kind_of(args[0]) == TEXT
            else f"{cast}({{0}} AS BIGINT)",
            args[0],
            kind=NUM,
        )

    return build


FUNCTIONS: Final[tuple[Function, ...]] = (
    Scalar("TO_VARCHAR TO_CHAR TO_TEXT", arguments=(1, 2), sql=_to_varchar),
    Scalar("TO_NUMBER TO_DECIMAL TO_NUMERIC", arguments=(1, 3), sql=_to_number("CAST")),
    Scalar("TRY_TO_NUMBER TRY_TO_DECIMAL TRY_TO_NUMERIC", arguments=(1, 3), sql=_to_number("TRY_CAST")),
    Scalar("TO_DOUBLE", sql="CAST({0} AS DOUBLE)", gives=NUM),
    Scalar("TRY_TO_DOUBLE", sql="TRY_CAST({0} AS DOUBLE)", gives=NUM),
    Scalar("TO_BOOLEAN", sql="CAST({0} AS BOOLEAN)"),
    Scalar("TRY_TO_BOOLEAN", sql="TRY_CAST({0} AS BOOLEAN)"),
    Scalar("TO_DATE DATE", arguments=(1, 2), sql=_to_date("CAST")),
    Scalar("TRY_TO_DATE", arguments=(1, 2), sql=_to_date("TRY_CAST")),
    Scalar("TO_TIME TIME", sql="CAST({0} AS TIME)"),
    Scalar("TRY_TO_TIME", sql="TRY_CAST({0} AS TIME)"),
    Scalar("TO_TIMESTAMP TO_TIMESTAMP_NTZ", arguments=(1, 2), sql=_to_timestamp("CAST", "TIMESTAMP")),
    Scalar("TO_TIMESTAMP_LTZ TO_TIMESTAMP_TZ", arguments=(1, 2), sql=_to_timestamp("CAST", "TIMESTAMPTZ")),
    Scalar("TRY_TO_TIMESTAMP TRY_TO_TIMESTAMP_NTZ", arguments=(1, 2), sql=_to_timestamp("TRY_CAST", "TIMESTAMP")),
)
