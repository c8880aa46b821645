"""REGEXP_…: Snowflake's arguments over DuckDB's RE2. Both take `\\1` for a group in a replacement."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from sqlglot import exp

from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.functions.entry import Function, Scalar, constant_int, constant_text
from cleanroom_ml.engine.sql.tree.dialect import Node, Raw, raw
from cleanroom_ml.engine.sql.tree.kinds import as_text, literal_text
from cleanroom_ml.engine.sql.types.checks import fails
from cleanroom_ml.engine.sql.types.kind import ARRAY, OTHER, TEXT, WHOLE

_MOST_GROUPS: Final = 9
_MOST_OCCURRENCES: Final = 1_000_000
_BEGIN: Final = "chr(64976)"
_END: Final = "chr(64977)"


def _flags(args: Sequence[Node], at: int, name: str) -> str:
    """The parameters argument, in lower case. Raises SqlError for a letter that Snowflake does not have."""
    found = constant_text(args[at], name).lower() if len(args) > at else ""
    if set(found) - set("cimes"):
        raise SqlError.bad_value(f"Invalid parameters for {name}: letters c, i, m, e, s are known.")
    return found


def _pattern(node: Node, flags: str) -> Node:
    """The pattern with its flags in it. The last of `c` and `i` counts."""
    letters = "i" * (flags.rfind("i") > flags.rfind("c")) + "m" * ("m" in flags) + "s" * ("s" in flags)
    text = as_text(node)
    return raw(f"('(?{letters})' || {{0}})", text, kind=TEXT) if letters else text


def _number(args: Sequence[Node], at: int, name: str, default: int) -> int:
    return constant_int(args[at], name) if len(args) > at else default


def _from(subject: Node, position: int, name: str) -> Node:
    if position < 1:
        raise SqlError.bad_value(f"Invalid position for {name}: it counts from 1.")
    text = as_text(subject)
    return text if position == 1 else raw(f"substr({{0}}, {position})", text, kind=TEXT)


def _like(args: Sequence[Node]) -> Raw:
    pattern = _pattern(args[1], _flags(args, 2, "REGEXP_LIKE"))
    return raw("regexp_full_match({0}, {1})", as_text(args[0]), pattern, kind=OTHER)


def _count(args: Sequence[Node]) -> Raw:
    subject = _from(args[0], _number(args, 2, "REGEXP_COUNT", 1), "REGEXP_COUNT")
    pattern = _pattern(args[1], _flags(args, 3, "REGEXP_COUNT"))
    return raw("len(regexp_extract_all({0}, {1}))", subject, pattern, kind=WHOLE)


def _groups(pattern: Node) -> int | None:
    """How many groups a constant pattern has; None: it is no constant."""
    text = literal_text(pattern)
    if text is None:
        return None
    bare = re.sub(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]", "", text, flags=re.DOTALL)
    return len(re.findall(r"\((?!\?)|\(\?P?<(?![=!])", bare))


def _group(args: Sequence[Node], at: int, name: str, flags: str) -> int:
    """Which group is meant; 0: the whole match. `e` in a pattern without groups means nothing."""
    group = _number(args, at, name, 1 if "e" in flags else 0)
    if not 0 <= group <= _MOST_GROUPS:
        raise SqlError.bad_value(f"Invalid group number for {name}: from 0 to {_MOST_GROUPS}.")
    known = _groups(args[1])
    if known is not None and group > known:
        if known == 0 and len(args) <= at:
            return 0
        raise SqlError.bad_value(f"Invalid group number for {name}: the pattern has {known}.")
    return group


def _occurrence(args: Sequence[Node], at: int, name: str, default: int) -> int:
    found = _number(args, at, name, default)
    if not default <= found <= _MOST_OCCURRENCES:
        raise SqlError.bad_value(f"Invalid occurrence for {name}: from {default} to {_MOST_OCCURRENCES}.")
    return found


def _matches(args: Sequence[Node], name: str) -> tuple[Raw, int]:
    """(subject, pattern, position, occurrence, parameters, group): all matches as a list, and the first one wanted."""
    subject = _from(args[0], _number(args, 2, name, 1), name)
    occurrence = _occurrence(args, 3, name, 1)
    flags = _flags(args, 4, name)
    template = f"regexp_extract_all({{0}}, {{1}}, {_group(args, 5, name, flags)})"
    return raw(template, subject, _pattern(args[1], flags)), occurrence


def _substr(args: Sequence[Node]) -> Raw:
    matches, occurrence = _matches(args, "REGEXP_SUBSTR")
    return raw(f"{{0}}[{occurrence}]", matches, kind=TEXT)


def _substr_all(args: Sequence[Node]) -> Raw:
    matches, occurrence = _matches(args, "REGEXP_SUBSTR_ALL")
    return raw(f"CAST(to_json({{0}}[{occurrence}:]) AS JSON)", matches, kind=ARRAY)


def _marked(subject: Node, pattern: Node) -> Raw:
    """The subject cut before each match, as a list; the end of a match is marked in each part but the first.

    RE2 tells no places. The marks are two characters that no text has: Unicode keeps them out of texts.
    """
    template = (
        f"string_split(CASE WHEN contains({{0}}, {_BEGIN}) OR contains({{0}}, {_END}) THEN {fails('regexp')}"
        f" ELSE regexp_replace({{0}}, {{1}}, {_BEGIN} || '\\0' || {_END}, 'g') END, {_BEGIN})"
    )
    return raw(template, subject, pattern)


def _replace(args: Sequence[Node]) -> Raw:
    """(subject, pattern, replacement, position, occurrence, parameters); occurrence 0: all of them."""
    name = "REGEXP_REPLACE"
    position, occurrence = _number(args, 3, name, 1), _occurrence(args, 4, name, 0)
    pattern = _pattern(args[1], _flags(args, 5, name))
    replacement = as_text(args[2]) if len(args) > 2 else exp.Literal.string("")
    head = f"left({{3}}, {position - 1}) || " if position > 1 else ""
    subject = _from(args[0], position, name)
    if occurrence < 2:
        every = ", 'g'" if occurrence == 0 else ""
        template = f"({head}regexp_replace({{0}}, {{1}}, {{2}}{every}))"
        return raw(template, subject, pattern, replacement, as_text(args[0]), kind=TEXT)
    part = f"{{4}}[{occurrence + 1}]"
    found = f"split_part({part}, {_END}, 1)"
    template = (
        f"({head}CASE WHEN len({{4}}) <= {occurrence} THEN {{0}}"
        # The match by itself must match: it does not where the pattern looks at what is around it.
        f" WHEN NOT regexp_full_match({found}, {{1}}) THEN {fails('regexp')}"
        f" ELSE replace(array_to_string({{4}}[:{occurrence}], ''), {_END}, '') || regexp_replace({found}, {{1}}, {{2}})"
        f" || split_part({part}, {_END}, 2) || replace(array_to_string({{4}}[{occurrence + 2}:], ''), {_END}, '') END)"
    )
    return raw(template, subject, pattern, replacement, as_text(args[0]), _marked(subject, pattern), kind=TEXT)


def _instr(args: Sequence[Node]) -> Raw:
    """(subject, pattern, position, occurrence, option, parameters, group): where the match begins, from 1, or with
    option 1 what comes after it; 0 where there is none.
    """
    name = "REGEXP_INSTR"
    position, occurrence = _number(args, 2, name, 1), _occurrence(args, 3, name, 1)
    option, flags = _number(args, 4, name, 0), _flags(args, 5, name)
    if option not in (0, 1):
        raise SqlError.bad_value(f"Invalid option for {name}: 0 or 1.")
    group = _group(args, 6, name, flags)
    subject, pattern = _from(args[0], position, name), _pattern(args[1], flags)
    found = f"split_part({{2}}[{occurrence + 1}], {_END}, 1)"
    where = f"length(array_to_string({{2}}[:{occurrence}], '')) - {occurrence - 1} + {position}"
    length = f"length({found})"
    if group:
        text = f"regexp_extract_all({{0}}, {{1}}, {group})[{occurrence}]"
        # RE2 does not tell where in the match a group is: known where its text is there once.
        once = f"strpos(reverse({found}), reverse({text})) + strpos({found}, {text}) + length({text}) - 2 = {length}"
        several = f"NOT coalesce({once}, FALSE)"
        where = f"CASE WHEN {several} THEN {fails('regexp')} ELSE {where} + strpos({found}, {text}) - 1 END"
        length = f"length({text})"
    if option:
        where = f"({where}) + {length}"
    none = f"WHEN {{0}} IS NULL OR {{1}} IS NULL THEN NULL WHEN len({{2}}) <= {occurrence} THEN 0"
    template = f"CASE {none} ELSE {where} END"
    return raw(template, subject, pattern, _marked(subject, pattern), kind=WHOLE)


FUNCTIONS: Final[tuple[Function, ...]] = (
    Scalar("REGEXP_LIKE RLIKE", arguments=(2, 3), sql=_like),
    Scalar("REGEXP_COUNT", arguments=(2, 4), sql=_count),
    Scalar("REGEXP_SUBSTR", arguments=(2, 6), sql=_substr),
    Scalar("REGEXP_SUBSTR_ALL REGEXP_EXTRACT_ALL", arguments=(2, 6), sql=_substr_all),
    Scalar("REGEXP_REPLACE", arguments=(2, 6), sql=_replace),
    Scalar("REGEXP_INSTR", arguments=(2, 7), sql=_instr),
)
