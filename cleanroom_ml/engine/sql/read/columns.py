"""Columns as they are declared, in CREATE TABLE and ALTER TABLE."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from cleanroom_ml.engine.contracts.limits import MAX_COLUMNS
from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.lex.tokens import WORD, Token
from cleanroom_ml.engine.sql.numbers import whole_number
from cleanroom_ml.engine.sql.read.constraints import is_out_of_line
from cleanroom_ml.engine.sql.read.source import Source
from cleanroom_ml.engine.sql.types import intervals
from cleanroom_ml.engine.sql.types.sql_type import SqlType, parse_type
from cleanroom_ml.engine.sql.types.table import LATER_WORDS

_COLUMN_ENDS: Final = frozenset(
    {
        *("NOT", "NULL", "DEFAULT", "COMMENT", "PRIMARY", "UNIQUE", "CONSTRAINT", "REFERENCES", "FOREIGN"),
        *("AUTOINCREMENT", "IDENTITY"),
    }
)
_PROPERTIES: Final = frozenset({"UNIQUE", "RELY", "NORELY", "ENABLE", "DISABLE", "VALIDATE", "NOVALIDATE"})
"""What is said of a key that nobody enforces."""
_COLUMN_REFUSED: Final = frozenset({"COLLATE", "MASKING", "PROJECTION", "TAG", "WITH", "AS", "CHECK"})


@dataclass(frozen=True, slots=True)
class ColumnSpec:
    """A column as declared. `default` is an SQL expression as written, or None; with `start` the column is an IDENTITY
    that grows by `step`.
    """

    name: str
    type: SqlType
    nullable: bool = True
    default: str | None = None
    comment: str | None = None
    start: int | None = None
    step: int = 1


def cut_at_commas(tokens: list[Token]) -> list[list[Token]]:
    """Tokens cut at the commas that are outside of brackets."""
    items: list[list[Token]] = [[]]
    depth = 0
    for token in tokens:
        depth += (token.text in {"(", "["}) - (token.text in {")", "]"})
        if token.text == "," and not depth:
            items.append([])
        else:
            items[-1].append(token)
    return [item for item in items if item]


def read_columns(source: Source, items: list[list[Token]], start: int) -> tuple[ColumnSpec, ...]:
    if len(items) > MAX_COLUMNS:
        raise SqlError.too_many_columns(len(items))
    columns = []
    at = start - 1
    for item in items:
        if is_out_of_line(item):
            continue
        at = source.tokens.index(item[0], at)  # from the column before it: each token is looked at once
        columns.append(_column(source, item, at))
    refuse_twice([column.name for column in columns])
    return tuple(columns)


def refuse_twice(names: Sequence[str]) -> None:
    """Raises SqlError: what is kept would have two columns of one name."""
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise SqlError.duplicate_column(name)
        seen.add(name)


def _column(source: Source, tokens: list[Token], at: int) -> ColumnSpec:
    """`name TYPE [NOT NULL] [DEFAULT expr] [COMMENT '…']`; `at` is where its tokens stand in the statement."""
    name = str(tokens[0].value())
    sql_type, used = read_type(source.text, tokens[1:])
    nullable, default, comment = True, None, None
    start, step = None, 1
    number = 1 + used
    while number < len(tokens):
        word = tokens[number].upper if tokens[number].kind == WORD else tokens[number].text
        if word == "PRIMARY" and number + 1 < len(tokens) and tokens[number + 1].upper == "KEY":
            nullable, number = False, number + 2  # not enforced, but for its NOT NULL
            continue
        if word in _PROPERTIES:
            number += 1
            continue
        if word in {"CONSTRAINT", "REFERENCES", "FOREIGN"}:
            rest = [token.upper for token in tokens[number:]]
            nullable = (
                nullable and "PRIMARY" not in rest and not any(pair == ("NOT", "NULL") for pair in pairwise(rest))
            )
            break
        if word == "NOT" and number + 1 < len(tokens) and tokens[number + 1].upper == "NULL":
            nullable, number = False, number + 2
        elif word == "NULL":
            number += 1
        elif word == "COMMENT" and number + 1 < len(tokens):
            comment, number = str(tokens[number + 1].value()), number + 2
        elif word == "DEFAULT":
            end = number + 1
            while end < len(tokens) and not (
                tokens[end].kind == WORD and tokens[end].upper in _COLUMN_ENDS - {"NULL"} and end > number + 1
            ):
                end += 1
            if end == number + 1:
                raise SqlError.syntax(f"DEFAULT of column {name[:80]} has no value.")
            default = source.text[tokens[number + 1].start : tokens[end - 1].end]
            number = end
        elif word in {"AUTOINCREMENT", "IDENTITY"}:
            start, step, number = _identity(tokens, number + 1)
        elif word in _COLUMN_REFUSED:
            raise SqlError.unsupported(f"column option {word}")
        else:
            raise SqlError.syntax(f"syntax error: unexpected '{word[:80]}' after column {name[:80]}.")
    if default is not None and default.upper() == "NULL":
        default = None
    return ColumnSpec(name, sql_type, nullable, default, comment, start, step)


def _identity(tokens: list[Token], at: int) -> tuple[int, int, int]:
    """`[(start, step)] [START n] [INCREMENT n] [ORDER | NOORDER]`: start, step, and where it ends."""
    start = step = 1
    if at < len(tokens) and tokens[at].text == "(":
        close = next((n for n in range(at, len(tokens)) if tokens[n].text == ")"), len(tokens))
        values = [each for each in cut_at_commas(tokens[at + 1 : close]) if each]
        if len(values) != 2:
            raise SqlError.syntax("IDENTITY takes a start and a step.")
        start, step = (_signed(each) for each in values)
        at = close + 1
    while at < len(tokens) and tokens[at].upper in {"START", "INCREMENT", "ORDER", "NOORDER"}:
        word = tokens[at].upper
        at += 1
        if word in {"ORDER", "NOORDER"}:
            continue
        while at < len(tokens) and (tokens[at].upper in {"WITH", "BY"} or tokens[at].text == "="):
            at += 1
        end = at + 2 if at < len(tokens) and tokens[at].text == "-" else at + 1
        if word == "START":
            start = _signed(tokens[at:end])
        else:
            step = _signed(tokens[at:end])
        at = end
    if step == 0:
        raise SqlError.syntax("The step of an IDENTITY is not 0.")
    return start, step, at


def _signed(tokens: list[Token]) -> int:
    number = whole_number("".join(token.text for token in tokens[-1:]))
    if number is None or len(tokens) > 2 or (len(tokens) == 2 and tokens[0].text != "-") or number >= 10**18:
        raise SqlError.syntax("IDENTITY takes whole numbers.")
    return -number if len(tokens) == 2 else number


def _digits_before(tokens: list[Token], at: int) -> bool:
    """Whether `(5) TO` stands there."""
    return [token.upper for token in tokens[at : at + 4 : 1]][::3] == ["(", "TO"] and tokens[at + 2].text == ")"


def read_type(text: str, tokens: list[Token]) -> tuple[SqlType, int]:
    """A type at the head of tokens, and how many tokens it takes."""
    if not tokens:
        raise SqlError.syntax("a column needs a type.")
    end = 1
    words = LATER_WORDS if tokens[0].upper != "INTERVAL" else intervals.WORDS
    while end < len(tokens) and tokens[end].kind == WORD and tokens[end].upper in words:
        if tokens[end].upper == "WITH" and end + 1 < len(tokens) and tokens[end + 1].upper not in LATER_WORDS:
            break  # WITH MASKING POLICY, WITH TAG
        end += 1
        if words is intervals.WORDS and _digits_before(tokens, end):
            end += 3
    if end < len(tokens) and tokens[end].text == "(":
        while end < len(tokens) and tokens[end].text != ")":
            end += 1
        end += 1
    written = text[tokens[0].start : tokens[min(end, len(tokens)) - 1].end]
    try:
        return parse_type(written), end
    except ValueError as error:
        raise SqlError.no_type(error) from error
