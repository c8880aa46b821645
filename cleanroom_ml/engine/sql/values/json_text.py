"""The text of a VARIANT: read into Python's values, written in its one form, and shown as clients see it.

`sql-reference/functions/parse_json` says what is read: numbers in scientific notation are DOUBLE, others exact; keys
may stand without quotes; a missing item of an array is `undefined`.
"""

from __future__ import annotations

import json
import re
from decimal import Decimal
from typing import Any, Final

from cleanroom_ml.engine.sql.values import marks

Json = Any  # Any: whatever a document holds
_MAX_DIGITS: Final = 38
_WITH_TIME: Final = frozenset({marks.MARK + "N", marks.MARK + "L"})
_FINE: Final = re.compile(r"(\d\d:\d\d:\d\d)(?:\.(\d+))?")


class Undefined:
    """The type of UNDEFINED, a missing member of an array."""


UNDEFINED: Final = Undefined()


class Marked(str):
    """A text that carries a mark: a value that JSON has no form for."""


class DuplicateKey(ValueError):
    """An object has a key twice."""


def read(text: str) -> Json:
    """The value of a VARIANT's own text. Raises ValueError: it is none."""
    return _DECODER.decode(text)


def number(text: str) -> Json:
    """The value that a number written in JSON is: exact, or a DOUBLE where it is written as one or has too many
    digits.
    """
    exact = Decimal(text)
    digits = exact.as_tuple().digits
    exponent = exact.as_tuple().exponent
    if "e" in text or "E" in text or len(digits) > _MAX_DIGITS or (isinstance(exponent, int) and exponent < -37):
        return double(float(text))
    return exact


def double(value: float) -> Marked:
    """A DOUBLE in a VARIANT."""
    return Marked(marks.DOUBLE + repr(value))


def write(value: Json) -> str:
    """A value as the text of a VARIANT. Raises RecursionError: it is nested too deeply."""
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case Marked():
            return _quoted(value)
        case str():
            return _quoted(marks.TEXT + value if value.startswith(marks.MARK) else value)
        case int():
            return str(value)
        case Decimal():
            return _exact(value)
        case Undefined():
            return _quoted(marks.UNDEFINED)
        case list():
            return f"[{','.join([write(item) for item in value])}]"
        case dict():
            return f"{{{','.join([f'{_quoted(key)}:{write(value[key])}' for key in sorted(value)])}}}"
        case _:
            raise TypeError(type(value).__name__)


def shown(value: Json, *, indent: int | None = 2) -> str:
    """A value as clients see it: pretty, as results are, or without white space, as TO_JSON and `::VARCHAR` are."""
    parts: list[str] = []
    _show(value, indent, 0, parts)
    return "".join(parts)


def _show(value: Json, indent: int | None, level: int, parts: list[str]) -> None:
    """Appends the pieces of a value's text: none is copied once more for each level around it."""
    match value:
        case list() if value:
            parts.append("[")
            for number, item in enumerate(value):
                parts.append(_before(number, indent, level + 1))
                _show(item, indent, level + 1, parts)
            parts.append(_before(0, indent, level) + "]")
        case dict() if value:
            parts.append("{")
            for number, key in enumerate(sorted(value)):
                parts.append(f"{_before(number, indent, level + 1)}{_quoted(key)}{':' if indent is None else ': '}")
                _show(value[key], indent, level + 1, parts)
            parts.append(_before(0, indent, level) + "}")
        case _:
            parts.append(_shown_plain(value))


def _before(number: int, indent: int | None, level: int) -> str:
    """What stands before a member, or before the bracket that ends them."""
    comma = "," if number else ""
    return comma if indent is None else f"{comma}\n{' ' * (indent * level)}"


def _shown_plain(value: Json) -> str:
    match value:
        case Undefined():
            return "undefined"
        case Marked():
            return _shown_mark(value)
        case Decimal():
            return _plain(value)
        case str():
            return write(value).replace(marks.IN_JSON + "S", "", 1)
        case _:
            return write(value)


def text_of(value: Json) -> str | None:
    """A value cast to VARCHAR: a string without its quotes, NULL for JSON's null."""
    match value:
        case None | Undefined():
            return None
        case Marked():
            mark, rest = value[:2], str(value[2:])
            return float_text(float(rest)) if mark == marks.DOUBLE else rest
        case str():
            return value
        case _:
            return shown(value, indent=None)


def in_python(value: Json) -> Json:
    """A value as Python code gets it: what JSON has no form for is its text."""
    match value:
        case Marked():
            return float(value[2:]) if value[:2] == marks.DOUBLE else str(value[2:])
        case Decimal():
            return int(value) if value == value.to_integral_value() and value.as_tuple().exponent == 0 else float(value)
        case Undefined():
            return None
        case list():
            return [in_python(item) for item in value]
        case dict():
            return {key: in_python(item) for key, item in value.items()}
        case _:
            return value


def float_text(value: float) -> str:
    """A FLOAT as text: 15 digits, without a fraction where it has none."""
    if value != value:
        return "NaN"
    if value in (float("inf"), float("-inf")):
        return "inf" if value > 0 else "-inf"
    return f"{value:.15g}"


def _plain(value: Decimal) -> str:
    plain = format(value, "f")
    if "." in plain:
        plain = plain.rstrip("0").rstrip(".")
    return "0" if plain in {"-0", ""} else plain


def _exact(value: Decimal) -> str:
    plain = _plain(value)
    if "." in plain and len(plain.lstrip("-0.").replace(".", "")) > marks.EXACT_DIGITS:
        return _quoted(marks.EXACT + plain)
    return plain


def _shown_mark(value: Marked) -> str:
    mark, rest = value[:2], str(value[2:])
    if mark == marks.DOUBLE:
        found = float(rest)
        return f"{found:.15e}" if found - found == 0 else {"inf": "Infinity", "-inf": "-Infinity"}.get(rest, "NaN")
    return _quoted(_FINE.sub(_three_digits, rest) if mark in _WITH_TIME else rest)


def _three_digits(match: re.Match[str]) -> str:
    """A clock with three digits of its second, as moments are shown."""
    return f"{match[1]}.{(match[2] or '')[:3]:<03}"


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _taken_out(value: Json) -> Json:
    """Marks in strings of a decoded document become what they mean."""
    match value:
        case str() if value.startswith(marks.MARK):
            if value == marks.UNDEFINED:
                return UNDEFINED
            if value[:2] == marks.TEXT:
                return value[2:]
            return Decimal(value[2:]) if value[:2] == marks.EXACT else Marked(value)
        case list():
            return [_taken_out(item) for item in value]
        case dict():
            return {key: _taken_out(item) for key, item in value.items()}
        case _:
            return value


class _Decoder(json.JSONDecoder):
    def decode(self, text: str, *_: object) -> Json:
        found = super().decode(text)
        return _taken_out(found) if marks.IN_JSON in text else found


_DECODER: Final = _Decoder(parse_float=number)
