"""Text functions whose meaning needs more than a name in DuckDB."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final

from sqlglot import exp

from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.functions.entry import Entry, built, constant_text, entry, optional
from cleanroom_ml.engine.sql.tree.dialect import Raw, raw
from cleanroom_ml.engine.sql.tree.kinds import as_text
from cleanroom_ml.engine.sql.types.kind import JSON, NUM, TEXT

_WORD_ENDS: Final = ' \t\r\n\f\v!?@"^#$&~_,.:;+-*%/|\\[](){}<>'
"""Where INITCAP begins a new word unless told otherwise (functions/initcap.md of Snowflake's documentation)."""


def _characters(delimiters: str) -> str:
    """A regular expression's class of these characters."""
    return "".join("\\" + character if re.match(r"[\\\]\[^-]", character) else character for character in delimiters)


def _initcap(args: Sequence[Any]) -> Raw:
    ends = constant_text(args[1], "INITCAP") if len(args) > 1 else _WORD_ENDS
    if not ends:
        return raw("(upper(left({0}, 1)) || lower(substr({0}, 2)))", as_text(args[0]), kind=TEXT)
    listed = _characters(ends)
    pieces = exp.Literal.string(f"[{listed}]+|[^{listed}]+")
    template = (
        "array_to_string(list_transform(regexp_extract_all(lower({0}), {1}),"
        " lambda _w: upper(left(_w, 1)) || substr(_w, 2)), '')"
    )
    return raw(template, as_text(args[0]), pieces, kind=TEXT)


def _tokens(args: Sequence[Any], name: str) -> Raw:
    """A DuckDB list of the tokens between any of the delimiter characters; empty ones are left out."""
    delimiters = constant_text(args[1], name) if len(args) > 1 else " "
    if not delimiters:
        return raw("[{0}]", as_text(args[0]))
    pattern = exp.Literal.string(f"[{_characters(delimiters)}]")
    return raw("list_filter(string_split_regex({0}, {1}), lambda _w: _w <> '')", as_text(args[0]), pattern)


def _strtok(args: Sequence[Any]) -> Raw:
    number = args[2] if len(args) > 2 else exp.Literal.number(1)
    return raw("{0}[CAST({1} AS BIGINT)]", _tokens(args, "STRTOK"), number, kind=TEXT)


def _strtok_to_array(args: Sequence[Any]) -> Raw:
    return raw("to_json({0})", _tokens(args, "STRTOK_TO_ARRAY"), kind=JSON)


def _position(args: Sequence[Any]) -> Raw:
    """(what, in what, from where): 1 is the first character, 0 is "not found"."""
    what, text = as_text(args[0]), as_text(args[1])
    if len(args) == 2:
        return raw("instr({1}, {0})", what, text, kind=NUM)
    template = (
        "CASE WHEN instr(substr({1}, CAST({2} AS BIGINT)), {0}) = 0 THEN 0"
        " ELSE instr(substr({1}, CAST({2} AS BIGINT)), {0}) + CAST({2} AS BIGINT) - 1 END"
    )
    return raw(template, what, text, args[2], kind=NUM)


def _insert(args: Sequence[Any]) -> Raw:
    """(text, position, length, what): `length` characters from `position` are replaced."""
    template = "(left({0}, CAST({2} AS BIGINT) - 1) || {1} || substr({0}, CAST({2} AS BIGINT) + CAST({3} AS BIGINT)))"
    return raw(template, as_text(args[0]), as_text(args[3]), args[1], args[2], kind=TEXT)


def _parse_url(_: Sequence[Any]) -> Raw:
    raise SqlError.unsupported("PARSE_URL; REGEXP_SUBSTR can take a URL apart")


SCALARS: Final[dict[str, Entry]] = {
    "INITCAP": built(_initcap, 1, 2),
    "STRTOK": built(_strtok, 1, 3),
    "STRTOK_TO_ARRAY": built(_strtok_to_array, 1, 2),
    **dict.fromkeys(("CHARINDEX", "POSITION"), built(_position, 2, 3)),
    "INSERT": built(_insert, 4),
    "PARSE_URL": built(_parse_url, 1, 2),
    "HEX_ENCODE": built(
        optional("hex({0})", "CASE WHEN {1} = 0 THEN lower(hex({0})) ELSE hex({0}) END", kind=TEXT, first=as_text), 1, 2
    ),
    "BITSHIFTLEFT": entry("(CAST({0} AS BIGINT) * CAST(pow(2, CAST({1} AS INTEGER)) AS BIGINT))", 2, kind=NUM),
}
