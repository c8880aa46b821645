"""Columns as they are declared, in CREATE TABLE and ALTER TABLE."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sqlglot import exp

from cleanroom_ml.engine.contracts.limits import MAX_COLUMNS
from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.lex.tokens import WORD, Token
from cleanroom_ml.engine.sql.read.source import Source
from cleanroom_ml.engine.sql.types.sql_type import SqlType, parse_type
from cleanroom_ml.engine.sql.types.table import LATER_WORDS

_COLUMN_ENDS: Final = frozenset(
    {"NOT", "NULL", "DEFAULT", "COMMENT", "PRIMARY", "UNIQUE", "CONSTRAINT", "REFERENCES", "FOREIGN"}
)
_COLUMN_REFUSED: Final = frozenset(
    {"AUTOINCREMENT", "IDENTITY", "COLLATE", "MASKING", "PROJECTION", "TAG", "WITH", "AS", "CHECK"}
)


@dataclass(frozen=True, slots=True)
class ColumnSpec:
    """A column as declared. `default` is an SQL expression's ast (literals and CURRENT_* only are accepted by the
    executor), or None.
    """

    name: str
    type: SqlType
    nullable: bool = True
    default: exp.Expr | None = None
    comment: str | None = None


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
        if item[0].kind == WORD and item[0].upper in {"PRIMARY", "UNIQUE", "CONSTRAINT", "FOREIGN"} and len(item) > 2:
            continue  # Snowflake does not enforce them
        at = source.tokens.index(item[0], at)  # from the column before it: each token is looked at once
        columns.append(_column(source, item, at))
    folded = [column.name.upper() for column in columns]
    if len(set(folded)) != len(folded):
        raise SqlError.syntax("duplicate column name (names that differ only in case are not supported).")
    return tuple(columns)


def _column(source: Source, tokens: list[Token], at: int) -> ColumnSpec:
    """`name TYPE [NOT NULL] [DEFAULT expr] [COMMENT '…']`; `at` is where its tokens stand in the statement."""
    name = str(tokens[0].value())
    sql_type, used = read_type(source.text, tokens[1:])
    nullable, default, comment = True, None, None
    number = 1 + used
    while number < len(tokens):
        word = tokens[number].upper if tokens[number].kind == WORD else tokens[number].text
        if word in {"PRIMARY", "UNIQUE", "CONSTRAINT", "REFERENCES", "FOREIGN"}:
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
            keep = source.cursor.at
            source.cursor.at = at + number + 1
            default = source.expression_here(at + end)
            source.cursor.at = keep
            number = end
        elif word in _COLUMN_REFUSED:
            raise SqlError.unsupported(f"column option {word}")
        else:
            raise SqlError.syntax(f"syntax error: unexpected '{word[:80]}' after column {name[:80]}.")
    return ColumnSpec(name, sql_type, nullable, default, comment)


def read_type(text: str, tokens: list[Token]) -> tuple[SqlType, int]:
    """A type at the head of tokens, and how many tokens it takes."""
    if not tokens:
        raise SqlError.syntax("a column needs a type.")
    end = 1
    while end < len(tokens) and tokens[end].kind == WORD and tokens[end].upper in LATER_WORDS:
        end += 1
    if end < len(tokens) and tokens[end].text == "(":
        while end < len(tokens) and tokens[end].text != ")":
            end += 1
        end += 1
    written = text[tokens[0].start : tokens[min(end, len(tokens)) - 1].end]
    try:
        return parse_type(written), end
    except ValueError as error:
        raise SqlError.syntax(str(error)) from error
