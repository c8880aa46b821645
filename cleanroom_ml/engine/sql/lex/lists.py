"""Long lists of literals, in VALUES and IN: taken out of a statement's text before it is parsed.

A row of numbers and texts means the same here and in DuckDB, written as it is, so nothing of it has to become a tree:
16,384 rows of five values were 3 s of parsing in the front, and are a few milliseconds. What is anything else than a
plain literal (a call, a cast, a text with a backslash) stays where it is, and is parsed.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from sqlglot import exp

from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.lex.tokens import WORD, Token

_NUMBER: Final = r"-?(?:\d++(?:\.\d*+)?|\.\d++)(?:[eE][+-]?\d++)?(?![\w.$])"
_TEXT: Final = r"'(?:[^'\\\x00]|'')*+'(?!')"
_BOOLEAN: Final = r"(?i:TRUE|FALSE)(?![\w$])"
_NULL: Final = r"(?i:NULL)(?![\w$])"
_ANY: Final = rf"(?:{_NUMBER}|{_TEXT}|{_BOOLEAN}|{_NULL})"
_MAX_COLUMNS: Final = 500
_FIRST_ROW: Final = re.compile(rf"\(\s*+{_ANY}(?>(?:\s*+,\s*+{_ANY}){{0,{_MAX_COLUMNS}}})\s*+\)")
_EACH: Final = re.compile(_ANY)
_HAS_NULL: Final = re.compile(r"\bNULL\b", re.IGNORECASE)
_FIRST_ITEM: Final = re.compile(rf"\(\s*+{_ANY}")
_ITEMS: Final = re.compile(rf"(?>(?:\s*+,\s*+{_ANY}){{1,1000}})")
_SHORTEST: Final = 1000
"""Characters: what is shorter is not worth it."""
_ROWS_AT_ONCE: Final = 200
_NONCE: Final = secrets.token_hex(12)
_MARK: Final = re.compile(rf"{_NONCE}:(\d+)\Z")


class Folded(exp.Expression):
    """Literals that were taken out: `sql` is their text; `nulls` says whether there is one that is NULL among them."""

    arg_types = {"sql": True, "nulls": False}  # noqa: RUF012 - sqlglot's interface


@dataclass(frozen=True, slots=True)
class Lists:
    """A text without its long lists, and these."""

    text: str
    taken: tuple[str, ...] = ()


def fold(text: str, tokens: Sequence[Token]) -> Lists:
    """Take the long lists out of a text; its tokens say where VALUES and IN are words. The first of each stays."""
    if len(text) < _SHORTEST:
        return Lists(text)
    taken: list[str] = []
    pieces: list[str] = []
    done = 0
    for number, token in enumerate(tokens[:-1]):
        if token.kind != WORD or token.start < done or token.upper not in {"VALUES", "IN"}:
            continue
        at = tokens[number + 1].start
        span = _rows(text, at) if token.upper == "VALUES" else _items(text, at)
        if span is None or span[1] - span[0] < _SHORTEST:
            continue
        mark = f"'{_NONCE}:{len(taken)}'"
        taken.append(text[span[0] : span[1]].lstrip(" \t\r\n,"))
        pieces += (text[done : span[0]], f", ({mark})" if token.upper == "VALUES" else f", {mark}")
        done = span[1]
    return Lists("".join((*pieces, text[done:])), tuple(taken)) if taken else Lists(text)


def unfold(tree: exp.Expr, lists: Lists) -> None:
    """Put the lists back into a parsed tree, each as one node.

    Raises:
        SqlError: one is not where a list is.
    """
    if not lists.taken:
        return
    for node in list(tree.find_all(exp.Literal)):
        found = _MARK.match(node.this) if node.is_string else None
        if found is None:
            continue
        sql = lists.taken[int(found.group(1))]
        row = node.parent if isinstance(node.parent, exp.Tuple | exp.Paren) else node
        if not isinstance(row.parent, exp.Values | exp.In) or isinstance(row.parent, exp.In) is not (row is node):
            raise SqlError.syntax("a list of values is not expected here.")
        row.replace(Folded(sql=sql, nulls=_HAS_NULL.search(sql) is not None))


def with_texts(rows: str, width: int, columns: frozenset[int]) -> str:
    """Rows of literals, with the numbers in some of their columns as texts: each keeps the digits that it has."""
    pieces: list[str] = []
    done = 0
    for place, found in enumerate(_EACH.finditer(rows)):
        if place % width in columns and found.group()[0] in "-.0123456789":
            pieces += (rows[done : found.start()], f"'{_plain(found.group())}'")
            done = found.end()
    return "".join((*pieces, rows[done:]))


def digits(rows: str, width: int, columns: frozenset[int]) -> dict[int, tuple[int, int] | None]:
    """How many digits before and after the point the numbers in some columns of rows of literals have at most; None:
    one is written with an exponent.
    """
    found: dict[int, tuple[int, int] | None] = dict.fromkeys(columns, (0, 0))
    for place, literal in enumerate(_EACH.finditer(rows)):
        column = place % width
        most = found.get(column)
        if most is None or literal.group()[0] not in "-.0123456789":
            continue
        whole, _, rest = literal.group().lstrip("-").partition(".")
        if "e" in whole.lower() or "e" in rest.lower():
            found[column] = None
        else:
            found[column] = (max(most[0], len(whole.lstrip("0"))), max(most[1], len(rest)))
    return found


def _plain(number: str) -> str:
    """A number's text as VARCHAR has it."""
    if "e" in number.lower():
        return format(float(number), ".15g")
    sign, digits = ("-", number[1:]) if number[0] == "-" else ("", number)
    whole, point, rest = digits.partition(".")
    return f"{sign}{whole.lstrip('0') or '0'}{point if rest else ''}{rest}"


def _rows(text: str, at: int) -> tuple[int, int] | None:
    """Where the rows after the first are that are like it: of as many literals, of the same kinds or NULL."""
    first = _FIRST_ROW.match(text, at)
    if first is None:
        return None
    kinds = tuple(_kind(literal) for literal in _EACH.findall(first.group()))
    if len(kinds) > _MAX_COLUMNS:
        return None
    rows, start, end = _alike(kinds), first.end(), first.end()
    while (more := rows.match(text, end)) is not None:
        end = more.end()
    return start, end


def _items(text: str, at: int) -> tuple[int, int] | None:
    first = _FIRST_ITEM.match(text, at)
    if first is None:
        return None
    start = end = first.end()
    while (more := _ITEMS.match(text, end)) is not None:
        end = more.end()
    return (start, end) if text[end:].lstrip()[:1] == ")" else None


def _kind(literal: str) -> str:
    if literal[0] == "'":
        return _TEXT
    upper = literal.upper()
    if upper == "NULL":
        return _ANY  # nothing is known of the column then, whatever its other rows say
    return _BOOLEAN if upper in {"TRUE", "FALSE"} else _NUMBER


@lru_cache(maxsize=32)
def _alike(kinds: tuple[str, ...]) -> re.Pattern[str]:
    row = r"\s*+,\s*+".join(f"(?:{kind}|{_NULL})" for kind in kinds)
    return re.compile(rf"(?>(?:\s*+,\s*+\(\s*+{row}\s*+\)){{1,{_ROWS_AT_ONCE}}})")
