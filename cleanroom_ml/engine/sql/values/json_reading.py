"""PARSE_JSON, TRY_PARSE_JSON and CHECK_JSON (`sql-reference/functions/parse_json`, `…/check_json`).

Well-formed JSON is read by Python's own reader; what that refuses is read once more by the rules that Snowflake adds:
keys without quotes, texts in single quotes, missing items, NaN and Infinity.
"""

from __future__ import annotations

import json
import re
from typing import Final

from cleanroom_ml.engine.sql.values.json_text import (
    UNDEFINED,
    DuplicateKey,
    Json,
    double,
    number,
    write,
)

_SPACE: Final = re.compile(r"[ \t\r\n]*+")
_WORD: Final = re.compile(r"[A-Za-z_$][A-Za-z0-9_$]*+")
_NUMBER: Final = re.compile(r"[+-]?+(?:\d++(?>(?:\.\d*)?)|\.\d++)(?>(?:[eE][+-]?\d+)?)")
_WORDS: Final = {"null": None, "true": True, "false": False}
_ESCAPES: Final = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "0": "\0"}
_MAX_NESTING: Final = 1000


class JsonError(ValueError):
    """A text that is no JSON: `str()` says why and where, and quotes keys alone."""


def parse(text: str, *, duplicates: bool = False) -> str | None:
    """The VARIANT text of a JSON document; None for white space. Raises JsonError."""
    if not text.strip(" \t\r\n"):
        return None
    return write(_document(text, duplicates=duplicates))


def try_parse(text: str, *, duplicates: bool = False) -> str | None:
    """The same, and None where it is no JSON."""
    try:
        return parse(text, duplicates=duplicates)
    except JsonError:
        return None


def once(text: str) -> str:
    """A document as it is. Raises JsonError: an object in it has a key twice (create-file-format, ALLOW_DUPLICATE)."""
    try:
        _ONCE.decode(text)
    except DuplicateKey as error:
        raise _twice(error) from None
    except ValueError:  # whoever reads what it means says what is wrong with it
        return text
    return text


def problem(text: str) -> str | None:
    """What is wrong with a JSON document, or None."""
    try:
        parse(text)
    except JsonError as error:
        return str(error)
    return None


def _document(text: str, *, duplicates: bool) -> Json:
    try:
        return (_LAST_WINS if duplicates else _STRICT).decode(text)
    except DuplicateKey as error:
        raise _twice(error) from None
    except ValueError:
        return _Reader(text, duplicates=duplicates).document()


def _twice(error: DuplicateKey) -> JsonError:
    return JsonError(f'duplicate object attribute "{error}"')


def _members(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    made = dict(pairs)
    if len(made) < len(pairs):
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                raise DuplicateKey(key[:100])
            seen.add(key)
    return _without_undefined(made)


def _without_undefined(made: dict[str, Json]) -> dict[str, Json]:
    return {key: value for key, value in made.items() if value is not UNDEFINED}


def _special(word: str) -> Json:
    return double(float(word.replace("Infinity", "inf")))


_STRICT: Final = json.JSONDecoder(
    parse_float=number, parse_int=number, parse_constant=_special, object_pairs_hook=_members, strict=False
)
_ONCE: Final = json.JSONDecoder(parse_float=str, parse_int=str, object_pairs_hook=_members, strict=False)
_LAST_WINS: Final = json.JSONDecoder(parse_float=number, parse_int=number, parse_constant=_special, strict=False)


class _Reader:
    """One document by Snowflake's own rules."""

    def __init__(self, text: str, *, duplicates: bool) -> None:
        self._text = text
        self._at = 0
        self._duplicates = duplicates

    def document(self) -> Json:
        found = self._value(0)
        self._space()
        if self._at < len(self._text):
            raise self._error("unexpected characters after the document")
        return None if found is UNDEFINED else found

    def _error(self, what: str) -> JsonError:
        return JsonError(f"{what}, pos {self._at + 1}")

    def _space(self) -> None:
        found = _SPACE.match(self._text, self._at)
        self._at = found.end() if found else self._at

    def _looking_at(self, text: str) -> bool:
        return self._text.startswith(text, self._at)

    def _value(self, level: int) -> Json:
        if level > _MAX_NESTING:
            raise self._error("document is nested too deeply")
        self._space()
        if self._looking_at("{"):
            return self._object(level)
        if self._looking_at("["):
            return self._array(level)
        if self._looking_at('"') or self._looking_at("'"):
            return self._string()
        found = _NUMBER.match(self._text, self._at)
        if found:
            self._at = found.end()
            return number(found.group())
        return self._word()

    def _word(self) -> Json:
        found = re.compile(r"-?(?:nan|inf(?:inity)?)|[a-z]+", re.IGNORECASE).match(self._text, self._at)
        word = found.group().lower() if found else ""
        if word in _WORDS:
            value: Json = _WORDS[word]
        elif word == "undefined":
            value = UNDEFINED
        elif word.lstrip("-") in {"nan", "inf", "infinity"}:
            value = double(float(word))
        else:
            raise self._error("unknown keyword" if word else "unexpected character or end")
        self._at += len(word)
        return value

    def _object(self, level: int) -> Json:
        self._at += 1
        made: dict[str, Json] = {}
        while True:
            self._space()
            if self._looking_at("}"):
                self._at += 1
                return _without_undefined(made)
            key = self._key()
            self._space()
            if not self._looking_at(":"):
                raise self._error("missing colon")
            self._at += 1
            if key in made and not self._duplicates:
                raise self._error(f'duplicate object attribute "{key[:100]}"')
            made[key] = self._value(level + 1)
            self._space()
            if self._looking_at(","):
                self._at += 1
            elif not self._looking_at("}"):
                raise self._error("missing comma" if self._at < len(self._text) else "incomplete object value")

    def _key(self) -> str:
        if self._looking_at('"') or self._looking_at("'"):
            return self._string()
        found = _WORD.match(self._text, self._at)
        if not found:
            raise self._error("missing attribute name")
        self._at = found.end()
        return found.group()

    def _array(self, level: int) -> Json:
        self._at += 1
        items: list[Json] = []
        self._space()
        if self._looking_at("]"):
            self._at += 1
            return items
        while True:
            self._space()
            missing = self._looking_at(",") or self._looking_at("]")
            items.append(UNDEFINED if missing else self._value(level + 1))
            self._space()
            if self._looking_at("]"):
                self._at += 1
                return items
            if not self._looking_at(","):
                raise self._error("missing comma" if self._at < len(self._text) else "incomplete array value")
            self._at += 1

    def _string(self) -> str:
        quote = self._text[self._at]
        self._at += 1
        made: list[str] = []
        while self._at < len(self._text):
            letter = self._text[self._at]
            self._at += 1
            if letter == quote:
                return "".join(made)
            made.append(self._escaped() if letter == "\\" else letter)
        raise self._error("unfinished string")

    def _escaped(self) -> str:
        letter = self._text[self._at : self._at + 1]
        self._at += 1
        if letter != "u":
            return _ESCAPES.get(letter, letter)
        digits = self._text[self._at : self._at + 4]
        if not re.fullmatch(r"[0-9a-fA-F]{4}", digits):
            raise self._error("invalid escape")
        self._at += 4
        return chr(int(digits, 16))
