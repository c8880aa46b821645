"""Functions of texts; REGEXP_… are in regexp.py."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from sqlglot import exp

from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.functions.entry import (
    Builder,
    Function,
    Scalar,
    check_coercible,
    constant_int,
    constant_text,
)
from cleanroom_ml.engine.sql.tree.dialect import Node, Raw, raw
from cleanroom_ml.engine.sql.tree.kinds import as_text, kind_of
from cleanroom_ml.engine.sql.types.kind import BINARY, OBJECT, OTHER, TEXT, WHOLE

_WORD_ENDS: Final = ' \t\r\n\f\v!?@"^#$&~_,.:;+-*%/|\\[](){}<>'
"""Where INITCAP begins a new word unless told otherwise (functions/initcap.md of Snowflake's documentation)."""


def _characters(delimiters: str) -> str:
    """A regular expression's class of these characters."""
    return "".join("\\" + character if re.match(r"[\\\]\[^-]", character) else character for character in delimiters)


def _initcap(args: Sequence[Node]) -> Raw:
    ends = constant_text(args[1], "INITCAP") if len(args) > 1 else _WORD_ENDS
    if not ends:
        return raw("(upper(left({0}, 1)) || lower(substr({0}, 2)))", args[0], kind=TEXT)
    listed = _characters(ends)
    pieces = exp.Literal.string(f"[{listed}]+|[^{listed}]+")
    template = (
        "array_to_string(list_transform(regexp_extract_all(lower({0}), {1}), lambda _w:"
        " CASE WHEN contains({2}, left(_w, 1)) THEN _w ELSE upper(left(_w, 1)) || substr(_w, 2) END), '')"
    )
    return raw(template, args[0], pieces, exp.Literal.string(ends), kind=TEXT)


def _tokens(args: Sequence[Node], name: str) -> Raw:
    """A DuckDB list of the tokens between any of the delimiter characters; empty ones are left out."""
    delimiters = constant_text(args[1], name) if len(args) > 1 else " "
    if not delimiters:
        return raw("[nullif({0}, '')]", args[0])
    pattern = exp.Literal.string(f"[{_characters(delimiters)}]")
    return raw("list_filter(string_split_regex({0}, {1}), lambda _w: _w <> '')", args[0], pattern)


def _strtok(args: Sequence[Node]) -> Raw:
    number = args[2] if len(args) > 2 else exp.Literal.number(1)
    return raw("{0}[CAST({1} AS BIGINT)]", _tokens(args, "STRTOK"), number, kind=TEXT)


def _position(args: Sequence[Node]) -> Raw:
    """(what, in what, from where): 1 is the first character, as is what is before it; 0 is "not found"."""
    what, text = args[0], args[1]
    if len(args) == 2:
        return raw("instr({1}, {0})", what, text, kind=WHOLE)
    start = raw("CASE WHEN {0} < 1 THEN 1 ELSE CAST({0} AS BIGINT) END", args[2])
    template = "CASE WHEN instr(substr({1}, {2}), {0}) = 0 THEN 0 ELSE instr(substr({1}, {2}), {0}) + {2} - 1 END"
    return raw(template, what, text, start, kind=WHOLE)


def _insert(args: Sequence[Node]) -> Raw:
    """(text, position, length, what): `length` characters from `position` are replaced."""
    template = "(left({0}, CAST({2} AS BIGINT) - 1) || {1} || substr({0}, CAST({2} AS BIGINT) + CAST({3} AS BIGINT)))"
    return raw(template, args[0], args[3], args[1], args[2], kind=TEXT)


def _concat(args: Sequence[Node]) -> Raw:
    if all(kind_of(arg) == BINARY for arg in args):
        return raw("(" + " || ".join(f"{{{n}}}" for n in range(len(args))) + ")", *args, kind=BINARY)
    check_coercible("CONCAT", args, TEXT)
    args = [as_text(arg) for arg in args]
    return raw("(" + " || ".join(f"{{{n}}}" for n in range(len(args))) + ")", *args, kind=TEXT)


def _concat_ws(args: Sequence[Node]) -> Raw:
    joined = " || {0} || ".join(f"{{{n}}}" for n in range(1, len(args)))
    return raw(f"({joined})", *args, kind=TEXT)


def _padded(name: str) -> tuple[str, str]:
    """A length below 1 leaves nothing; with an empty padding there is nothing to pad with (functions/lpad.md)."""
    template = (
        f"CASE WHEN {{1}} < 1 THEN '' WHEN {{2}} = '' THEN left({{0}}, CAST({{1}} AS BIGINT))"
        f" ELSE {name}({{0}}, CAST({{1}} AS INTEGER), {{2}}) END"
    )
    return template.replace("{2}", "' '"), template


_BEGINNING: Final = "CASE WHEN CAST({1} AS BIGINT) = 0 THEN 1 ELSE CAST({1} AS BIGINT) END"
_SUBSTR: Final = (
    "CASE WHEN CAST({1} AS BIGINT) < -length({0}) THEN '' ELSE substr({0}, " + _BEGINNING + ") END",
    "CASE WHEN CAST({1} AS BIGINT) < -length({0}) OR CAST({2} AS BIGINT) < 0"
    " THEN CASE WHEN {0} IS NULL OR {1} IS NULL OR {2} IS NULL THEN NULL ELSE '' END"
    " ELSE substr({0}, " + _BEGINNING + ", CAST({2} AS BIGINT)) END",
)
"""functions/substr.md: 0 is the first character, a place before the first and a negative length give nothing."""
"""An empty delimiter splits nothing (functions/split.md, functions/split_part.md)."""


_DISTANCE: Final = (
    "CASE WHEN strlen({0}) = length({0}) AND strlen({1}) = length({1}) THEN levenshtein({0}, {1})"
    " ELSE _sf_editdistance({0}, {1}) END"
)
"""DuckDB counts bytes, Snowflake characters: of ASCII they are the same."""


def _measured(of_text: str, of_bytes: str) -> Builder:
    """A length: of a BINARY that of its bytes (functions/length.md)."""

    def build(args: Sequence[Node]) -> Node:
        if kind_of(args[0]) == BINARY:
            return raw(f"({of_bytes})", args[0], kind=WHOLE)
        return raw(of_text, as_text(args[0]), kind=WHOLE)

    return build


def _end(name: str) -> str:
    """LEFT and RIGHT: a negative length gives nothing (functions/left.md)."""
    return f"CASE WHEN {{0}} IS NOT NULL AND {{1}} < 0 THEN '' ELSE {name}({{0}}, CAST({{1}} AS BIGINT)) END"


def _flag(args: Sequence[Node], at: int, name: str) -> str:
    return "TRUE" if len(args) > at and constant_int(args[at], name) else "FALSE"


def _parse_url(args: Sequence[Node]) -> Raw:
    return raw(f"CAST(_sf_parse_url({{0}}, {_flag(args, 1, 'PARSE_URL')}) AS JSON)", args[0], kind=OBJECT)


def _parse_ip(args: Sequence[Node]) -> Raw:
    template = f"CAST(_sf_parse_ip({{0}}, {{1}}, {_flag(args, 2, 'PARSE_IP')}) AS JSON)"
    return raw(template, args[0], args[1], kind=OBJECT)


def _collate(_: Sequence[Node]) -> Raw:
    raise SqlError.unsupported("COLLATE; compare UPPER(…) or LOWER(…) of both sides")


_ALL: Final[tuple[Scalar, ...]] = (
    Scalar("UPPER", sql="upper({0})", takes=TEXT, gives=TEXT),
    Scalar("LOWER", sql="lower({0})", takes=TEXT, gives=TEXT),
    Scalar("INITCAP", arguments=(1, 2), sql=_initcap, takes=(TEXT, None)),
    Scalar("LENGTH LEN", sql=_measured("length({0})", "octet_length({0})")),
    Scalar("RTRIMMED_LENGTH", sql="length(rtrim({0}, ' '))", takes=TEXT, gives=WHOLE),
    Scalar("OCTET_LENGTH", sql=_measured("strlen({0})", "octet_length({0})")),
    Scalar("TRIM", arguments=(1, 2), sql="trim({*})", takes=TEXT, gives=TEXT),
    Scalar("LTRIM", arguments=(1, 2), sql="ltrim({*})", takes=TEXT, gives=TEXT),
    Scalar("RTRIM", arguments=(1, 2), sql="rtrim({*})", takes=TEXT, gives=TEXT),
    Scalar(
        "SUBSTR SUBSTRING",
        arguments=(2, 3),
        sql=_SUBSTR,
        takes=(TEXT, None),
        gives=TEXT,
    ),
    Scalar("LEFT", arguments=2, sql=_end("left"), takes=(TEXT, None), gives=TEXT),
    Scalar("RIGHT", arguments=2, sql=_end("right"), takes=(TEXT, None), gives=TEXT),
    Scalar("LPAD", arguments=(2, 3), sql=_padded("lpad"), takes=(TEXT, None, TEXT), gives=TEXT),
    Scalar("RPAD", arguments=(2, 3), sql=_padded("rpad"), takes=(TEXT, None, TEXT), gives=TEXT),
    Scalar(
        "REPLACE", arguments=(2, 3), sql=("replace({0}, {1}, '')", "replace({0}, {1}, {2})"), takes=TEXT, gives=TEXT
    ),
    Scalar("INSERT", arguments=4, sql=_insert, takes=(TEXT, None, None, TEXT)),
    Scalar("CONCAT", arguments=(1, None), sql=_concat),
    Scalar("CONCAT_WS", arguments=(2, None), sql=_concat_ws, takes=TEXT),
    Scalar("CONTAINS", arguments=2, sql="contains({0}, {1})", takes=TEXT, gives=OTHER),
    Scalar("STARTSWITH", arguments=2, sql="starts_with({0}, {1})", takes=TEXT, gives=OTHER),
    Scalar("ENDSWITH", arguments=2, sql="ends_with({0}, {1})", takes=TEXT, gives=OTHER),
    Scalar("LIKE", arguments=(2, 3), sql=("({0} LIKE {1})", "({0} LIKE {1} ESCAPE {2})"), takes=TEXT, gives=OTHER),
    Scalar("ILIKE", arguments=(2, 3), sql=("({0} ILIKE {1})", "({0} ILIKE {1} ESCAPE {2})"), takes=TEXT, gives=OTHER),
    Scalar("REVERSE", sql="reverse({0})", takes=TEXT, gives=TEXT),
    Scalar("REPEAT", arguments=2, sql="repeat({0}, CAST({1} AS BIGINT))", takes=(TEXT, None), gives=TEXT),
    Scalar("SPACE", sql="repeat(' ', CAST({0} AS BIGINT))", gives=TEXT),
    Scalar("ASCII", sql="ascii({0})", takes=TEXT, gives=WHOLE),
    Scalar("UNICODE", sql="CASE WHEN {0} = '' THEN 0 ELSE unicode({0}) END", takes=TEXT, gives=WHOLE),
    Scalar("CHR CHAR", sql="chr(CAST({0} AS INTEGER))", gives=TEXT),
    Scalar("TRANSLATE", arguments=3, sql="translate({*})", takes=TEXT, gives=TEXT),
    Scalar("CHARINDEX POSITION", arguments=(2, 3), sql=_position, takes=(TEXT, TEXT, None)),
    Scalar(
        "SPLIT_PART",
        arguments=3,
        sql=(
            "CASE WHEN {1} = '' THEN CASE WHEN {2} IN (-1, 0, 1) THEN {0} WHEN {0} IS NOT NULL THEN '' END"
            " ELSE split_part({0}, {1}, CASE WHEN {2} = 0 THEN 1 ELSE {2} END) END"
        ),
        takes=(TEXT, TEXT, None),
        gives=TEXT,
    ),
    Scalar("STRTOK", arguments=(1, 3), sql=_strtok, takes=(TEXT, None)),
    Scalar(
        "EDITDISTANCE",
        arguments=(2, 3),
        sql=(
            _DISTANCE,
            "CASE WHEN {2} IS NOT NULL THEN least(" + _DISTANCE + ", greatest(CAST({2} AS BIGINT), 0)) END",
        ),
        takes=(TEXT, TEXT, None),
        gives=WHOLE,
    ),
    Scalar(
        "JAROWINKLER_SIMILARITY",
        arguments=2,
        sql="_sf_jarowinkler(lower({0}), lower({1}))",
        takes=TEXT,
        gives=WHOLE,
    ),
    Scalar("SOUNDEX", sql="_sf_soundex({0})", takes=TEXT, gives=TEXT),
    Scalar("PARSE_URL", arguments=(1, 2), sql=_parse_url, takes=(TEXT, None)),
    Scalar("PARSE_IP", arguments=(2, 3), sql=_parse_ip, takes=(TEXT, TEXT, None)),
    Scalar("COLLATE", arguments=2, sql=_collate),
    Scalar("BIT_LENGTH", sql=_measured("bit_length({0})", "octet_length({0}) * 8")),
)
_OF_BYTES_TOO: Final = frozenset(
    {
        "SUBSTR",
        "LEFT",
        "RIGHT",
        "LPAD",
        "RPAD",
        "INSERT",
        "CONTAINS",
        "STARTSWITH",
        "ENDSWITH",
        "REVERSE",
        "CHARINDEX",
        "REPLACE",
    }
)
"""What Snowflake does with the bytes of a BINARY as well (functions/substr.md and others), and these do with texts."""
FUNCTIONS: Final[tuple[Function, ...]] = tuple(
    replace(each, refuses=BINARY) if each.names.split()[0] in _OF_BYTES_TOO else each for each in _ALL
)
