"""TO_… and TRY_TO_…."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from sqlglot import exp

from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.functions.entry import Builder, Function, Scalar
from cleanroom_ml.engine.sql.numbers import whole_number
from cleanroom_ml.engine.sql.tree import moment_texts
from cleanroom_ml.engine.sql.tree.dialect import Node, raw
from cleanroom_ml.engine.sql.tree.kinds import as_text, kind_of, literal_text
from cleanroom_ml.engine.sql.types.kind import NUM, TEXT


def _to_varchar(args: Sequence[Node]) -> Node:
    if len(args) == 1:
        return as_text(args[0])
    kind = kind_of(args[0])
    if kind == NUM:
        raise SqlError.unsupported("TO_VARCHAR of a number with a format")
    layout = literal_text(args[1])
    if layout is None:
        raise SqlError.unsupported("a date format that is not a constant")
    if kind is None or kind not in moment_texts.KINDS:
        raise SqlError.unsupported("TO_VARCHAR of this value with a format")
    return moment_texts.text(args[0], kind, layout)


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
)
