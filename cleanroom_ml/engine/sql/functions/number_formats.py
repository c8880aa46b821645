"""Formats of numbers: TO_CHAR(n, '999,990.00') and TO_NUMBER(t, '$9,999.99') (sql-reference/sql-format-models).

Fixed positions (`9 0 , G . D $ S MI B FM`, texts in double quotes) and TM9 are known, of TO_NUMBER also X; the rest is
refused by its name.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from sqlglot import exp

from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.functions.entry import Builder, constant_text
from cleanroom_ml.engine.sql.numbers import whole_number
from cleanroom_ml.engine.sql.tree.arithmetic import as_number, once
from cleanroom_ml.engine.sql.tree.dialect import Node, raw
from cleanroom_ml.engine.sql.tree.kinds import as_digits, as_text, kind_of
from cleanroom_ml.engine.sql.types.checks import fails
from cleanroom_ml.engine.sql.types.kind import MAX_PRECISION, MAX_SCALE, NUM, OTHER, TEXT, Number
from cleanroom_ml.engine.sql.types.numbers import PLAIN_NUMBER, float_as_decimal

_ELEMENTS: Final = re.compile(
    r'(?P<prefix>(?>(?:"[^"]*+")*))(?P<fill>(?:FM)?)(?P<before>(?:S|MI)?)(?P<dollar>\$?)(?P<blank>B?)'
    r"(?P<whole>[09][09,G]*+)?(?:[.D](?P<rest>[09]*+))?(?P<after>(?:S|MI)?)(?P<suffix>(?>(?:\"[^\"]*+\")*))\Z",
    re.IGNORECASE,
)
_LONGEST: Final = 200
_MOST_DIGITS: Final = 37


@dataclass(frozen=True, slots=True)
class Fixed:
    """A format of fixed positions: `groups` are the digits before the point between separators."""

    groups: tuple[str, ...]
    rest: str
    point: bool
    sign: Literal["", "S", "MI"]
    trailing: bool
    dollar: bool
    blank: bool
    compact: bool
    prefix: str = ""
    suffix: str = ""

    @property
    def whole(self) -> str:
        return "".join(self.groups)

    @property
    def required(self) -> int:
        """Digits before the point that are there, zeros too."""
        return len(self.whole) - self.whole.index("0") if "0" in self.whole else 0


def fixed(text: str) -> Fixed:
    """A format's text. Raises SqlError: an element is not known here."""
    found = _ELEMENTS.match(text) if len(text) <= _LONGEST else None
    if found is None or (found["whole"] is None and not found["rest"]) or (found["before"] and found["after"]):
        raise SqlError.unsupported(f"the number format '{text[:40]}'")
    groups = tuple(re.split("[,Gg]", found["whole"] or ""))
    rest = found["rest"] or ""
    if len("".join(groups)) + len(rest) > _MOST_DIGITS:
        raise SqlError.unsupported("a number format of more than 37 digits")
    sign = (found["before"] or found["after"]).upper()
    return Fixed(
        groups,
        rest,
        found["rest"] is not None,
        "S" if sign == "S" else "MI" if sign == "MI" else "",
        bool(found["after"]),
        bool(found["dollar"]),
        bool(found["blank"]),
        bool(found["fill"]),
        found["prefix"].replace('"', ""),
        found["suffix"].replace('"', ""),
    )


def to_text(number: Node, format_: Node) -> Node:
    """TO_CHAR of a number. Raises SqlError."""
    text = constant_text(format_, "TO_CHAR")
    given = as_number(number)
    if text.upper() == "TM9" and isinstance(kind := kind_of(given), Number) and kind.scale is not None:
        return as_text(given)
    layout = fixed(text)
    digits, scale = len(layout.whole), len(layout.rest)
    rounded = raw(f"CAST({{0}} AS DECIMAL({MAX_PRECISION},{scale}))", given)
    whole = "split_part(CAST(abs({0}) AS VARCHAR), '.', 1)"
    shown = f"CASE WHEN {whole} = '0' THEN '' ELSE {whole} END" if layout.blank or not digits else whole
    padded = f"lpad(lpad({shown}, CAST(greatest({layout.required}, length({shown})) AS INTEGER), '0'), {digits}, ' ')"
    over = f"length({shown}) > {digits}"
    grouped, overflow = _grouped(layout, "_padded"), _grouped(layout, f"'{'#' * digits}'")
    rest = _rest(layout)
    sign = {"": ("'-'", "' '"), "S": ("'-'", "'+'"), "MI": ("'-'", "' '")}[layout.sign]
    signed = f"CASE WHEN {{0}} < 0 THEN {sign[0]} ELSE {sign[1]} END"
    dollar = "'$'" if layout.dollar else "''"
    body = f"CASE WHEN {over} THEN {overflow} ELSE list_transform([{padded}], lambda _padded: {grouped})[1] END"
    hidden = f"CASE WHEN {over} THEN '{'.' if layout.point else ''}{'#' * scale}' ELSE {rest} END"
    spaces = "repeat(' ', length(_body) - length(ltrim(_body)))"
    if layout.trailing:
        made = f"{spaces} || {dollar} || ltrim(_body) || {hidden} || {signed}"
    elif layout.sign == "MI":
        made = f"{signed} || {spaces} || {dollar} || ltrim(_body) || {hidden}"
    else:
        made = f"{spaces} || {signed} || {dollar} || ltrim(_body) || {hidden}"
    if layout.compact:
        made = f"replace({made}, ' ', '')"
    template = f"CASE WHEN {{0}} IS NULL THEN NULL ELSE list_transform([{body}], lambda _body: {made})[1] END"
    formatted = once(template, rounded, kind=TEXT)
    if not layout.prefix and not layout.suffix:
        return formatted
    around = (exp.Literal.string(layout.prefix), exp.Literal.string(layout.suffix))
    return raw("({1} || {0} || {2})", formatted, *around, kind=TEXT)


def _grouped(layout: Fixed, digits: str) -> str:
    """The digits before the point with their separators: one before which there is no digit is a space."""
    parts, at = [], 1
    for number, group in enumerate(layout.groups):
        if number:
            parts.append(f"CASE WHEN substr({digits}, {at - 1}, 1) = ' ' THEN ' ' ELSE ',' END" if at > 1 else "''")
        parts.append(f"substr({digits}, {at}, {len(group)})")
        at += len(group)
    return " || ".join(parts)


def _rest(layout: Fixed) -> str:
    """The point and the digits after it: zeros at the end are spaces where a 9 is."""
    if not layout.point:
        return "''"
    if not layout.rest:
        return "'.'"
    digits = "split_part(CAST({0} AS VARCHAR), '.', 2)"
    kept = layout.rest.rfind("0") + 1
    tail = len(layout.rest) - kept
    return f"'.' || substr({digits}, 1, {kept}) || rpad(rtrim(substr({digits}, {kept + 1}), '0'), {tail}, ' ')"


def to_number(word: Literal["CAST", "TRY_CAST"]) -> Builder:
    """TO_NUMBER(value [, format] [, precision [, scale]]) and TRY_TO_NUMBER."""

    def build(args: Sequence[Node]) -> Node:
        sizes, layout = list(args[1:]), None
        if sizes and (not isinstance(sizes[0], exp.Literal) or sizes[0].is_string):
            layout = constant_text(sizes.pop(0), "TO_NUMBER")
        numbers = [whole_number(size.this) for size in sizes if isinstance(size, exp.Literal) and not size.is_string]
        if len(numbers) != len(sizes) or None in numbers:
            raise SqlError.syntax("Invalid precision or scale.")
        precision, scale = (*(number or 0 for number in numbers), *(38, 0)[len(numbers) :])[:2]
        if not 1 <= precision <= MAX_PRECISION or not 0 <= scale <= min(MAX_SCALE, precision):
            raise SqlError.syntax("Invalid precision or scale.")
        value = args[0] if layout is None else _parsed(as_text(args[0]), layout, word)
        plain = kind_of(value) in {NUM, OTHER}
        number = "{0}" if plain else PLAIN_NUMBER
        kind = kind_of(value)
        if scale and isinstance(kind, Number) and kind.scale is None:
            template = float_as_decimal(precision, scale).replace("{word}", word)
            return once(template, value, kind=Number(precision, scale))
        text = f"{word}({number} AS DECIMAL({precision},{scale}))"
        if not scale:
            text = f"CAST({text} AS {'BIGINT' if precision < 19 else 'HUGEINT'})"
        return raw(text, value if plain else as_digits(value), kind=Number(precision, scale))

    return build


def _parsed(value: Node, text: str, word: str) -> Node:
    """A text without what its format adds to a number; what the format does not fit fails, or is NULL."""
    layouts = text.split("|")
    if len(layouts) == 1 and text.upper() in {"TM9", "TM"}:
        return value
    if len(layouts) == 1 and re.fullmatch("[Xx]{1,30}", text):
        return _matched(value, f"^ *[0-9A-Fa-f]{{1,{len(text)}}} *$", "CAST('0x' || trim({0}) AS HUGEINT)", word)
    pattern = "|".join(f"(?:{_pattern(fixed(layout))})" for layout in layouts)
    bare = "regexp_replace({0}, '[^0-9.]', '', 'g')"
    return _matched(
        value, f"^ *(?:{pattern}) *$", f"CASE WHEN contains({{0}}, '-') THEN '-' ELSE '' END || {bare}", word
    )


def _matched(value: Node, pattern: str, then: str, word: str) -> Node:
    otherwise = "" if word == "TRY_CAST" else f" WHEN {{0}} IS NOT NULL THEN {fails('format')}"
    template = (
        f"CASE WHEN {{0}} IS NULL THEN NULL WHEN regexp_full_match({{0}}, {{1}}) THEN CAST({then} AS VARCHAR)"
        f"{otherwise} END"
    )
    return once(template, value, exp.Literal.string(pattern), kind=TEXT)


def _pattern(layout: Fixed) -> str:
    """What a text looks like that a format reads: separators and digits at its end may be missing."""
    sizes = [len(group) for group in layout.groups]
    wholes = []
    for number, size in enumerate(sizes):
        least = max(1, layout.required - sum(sizes[number + 1 :]))
        if least <= size:
            rest = "".join(f",?[0-9]{{{later}}}" for later in sizes[number + 1 :])
            wholes.append(f"[0-9]{{{least},{size}}}{rest}")
    zeros = layout.rest.rfind("0") + 1
    rest = f"[.][0-9]{{{zeros},{len(layout.rest)}}}" if layout.rest else "[.]?"
    sign = {"": "-? *", "S": "[+-] *", "MI": "[+-]? *"}[layout.sign]
    dollar = "[$]" if layout.dollar else ""
    digits = f"{dollar}(?:{'|'.join(wholes) or ''})(?:{rest}){'' if zeros else '?'}"
    return f"{digits} *{sign.strip(' *')}" if layout.trailing else f"{sign}{digits}"
