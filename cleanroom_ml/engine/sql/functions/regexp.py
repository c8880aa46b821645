"""REGEXP_…: Snowflake's arguments over DuckDB's RE2. Both take `\\1` for a group in a replacement."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from sqlglot import exp

from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.functions.entry import Function, Scalar, constant_int, constant_text
from cleanroom_ml.engine.sql.tree.dialect import Node, Raw, raw
from cleanroom_ml.engine.sql.tree.kinds import as_text
from cleanroom_ml.engine.sql.types.kind import OTHER, TEXT, WHOLE


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


def _substr(args: Sequence[Node]) -> Raw:
    """(subject, pattern, position, occurrence, parameters, group)."""
    name = "REGEXP_SUBSTR"
    subject = _from(args[0], _number(args, 2, name, 1), name)
    occurrence = _number(args, 3, name, 1)
    flags = _flags(args, 4, name)
    group = _number(args, 5, name, 1 if "e" in flags else 0)
    if occurrence < 1 or not 0 <= group <= 9:
        raise SqlError.bad_value(f"Invalid occurrence or group number for {name}.")
    template = f"regexp_extract_all({{0}}, {{1}}, {group})[{occurrence}]"
    return raw(template, subject, _pattern(args[1], flags), kind=TEXT)


def _replace(args: Sequence[Node]) -> Raw:
    """(subject, pattern, replacement, position, occurrence, parameters)."""
    name = "REGEXP_REPLACE"
    position, occurrence = _number(args, 3, name, 1), _number(args, 4, name, 0)
    if occurrence not in (0, 1):
        raise SqlError.unsupported(f"{name} with an occurrence other than 0 and 1")
    pattern = _pattern(args[1], _flags(args, 5, name))
    replacement = as_text(args[2]) if len(args) > 2 else exp.Literal.string("")
    every = ", 'g'" if occurrence == 0 else ""
    head = f"left({{3}}, {position - 1}) || " if position > 1 else ""
    template = f"({head}regexp_replace({{0}}, {{1}}, {{2}}{every}))"
    return raw(template, _from(args[0], position, name), pattern, replacement, as_text(args[0]), kind=TEXT)


def _instr(args: Sequence[Node]) -> Raw:
    """(subject, pattern, position): where the first match begins, from 1; 0 where there is none."""
    name = "REGEXP_INSTR"
    position, flags = _number(args, 2, name, 1), _flags(args, 5, name)
    if _number(args, 3, name, 1) != 1 or _number(args, 4, name, 0) != 0:
        raise SqlError.unsupported(f"{name} with an occurrence or an option")
    before = "length(regexp_extract({0}, '\\A([\\s\\S]*?)(?:' || {1} || ')', 1))"
    template = (
        f"CASE WHEN regexp_matches({{0}}, {{1}}) THEN {before} + {position} WHEN {{0}} IS NULL THEN NULL ELSE 0 END"
    )
    return raw(template, _from(args[0], position, name), _pattern(args[1], flags), kind=WHOLE)


FUNCTIONS: Final[tuple[Function, ...]] = (
    Scalar("REGEXP_LIKE RLIKE", arguments=(2, 3), sql=_like),
    Scalar("REGEXP_COUNT", arguments=(2, 4), sql=_count),
    Scalar("REGEXP_SUBSTR REGEXP_EXTRACT", arguments=(2, 6), sql=_substr),
    Scalar("REGEXP_REPLACE", arguments=(2, 6), sql=_replace),
    Scalar("REGEXP_INSTR", arguments=(2, 6), sql=_instr),
)
