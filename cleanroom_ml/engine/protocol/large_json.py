"""JSON of any size, read in small steps.

Python's own reader takes a whole text in one step that no other thread can interrupt: 63 MiB of small numbers held up
every party for seven seconds. Here structure is read step by step, and what is simple in it, which is nearly all, by
that reader in pieces of a few thousand values.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from json.decoder import scanstring  # type: ignore[attr-defined] # the reader of strings, which the stubs leave out
from typing import Final

MAX_VALUES: Final = 4_000_000
_PIECE: Final = 4000
_SIMPLE = r'(?:"[^"\\\x00-\x1f]{0,4096}+"|-?(?:0|[1-9]\d{0,30}+)(?![\d.eE])|null|true|false)'
_RUN: Final = re.compile(rf"{_SIMPLE}(?>(?:\s*+,\s*+{_SIMPLE}){{0,{_PIECE}}})")
_SPACE: Final = re.compile(r"[ \t\r\n]*+")
_NUMBER: Final = re.compile(r"-?(?:0|[1-9]\d{0,30}+)(?:\.\d{1,100}+)?(?:[eE][-+]?\d{1,4}+)?(?![\d.eE])")
_WORDS: Final[dict[str, tuple[str, object]]] = {"t": ("true", True), "f": ("false", False), "n": ("null", None)}


class LargeJsonError(ValueError):
    """Not JSON, nested too deeply, or of too many values."""


class HalfCharacterError(ValueError):
    """JSON with half a surrogate pair in a text, which is no character."""


def is_unicode(text: str) -> bool:
    """Whether a text can be written down in UTF-8: not with half a surrogate pair in it."""
    if text.isascii():
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def loads(text: str, *, depth: int, tick: Callable[[], None] = lambda: None) -> object:
    """The value of a JSON text of at most `depth` levels. Keys that are there twice: the last counts, as in `json`.
    `tick` is called every few thousand values, and may raise.

    Raises:
        LargeJsonError: it is none.
        HalfCharacterError: a text in it is not Unicode.
    """
    reader = _Reader(text, depth, tick)
    value, end = reader.value(reader.space(0), 0)
    if reader.space(end) != len(text):
        raise LargeJsonError("something follows")
    return value


class _Reader:
    def __init__(self, text: str, depth: int, tick: Callable[[], None]) -> None:
        self._text = text
        self._depth = depth
        self._tick = tick
        self._values = 0

    def space(self, at: int) -> int:
        found = _SPACE.match(self._text, at)
        return found.end() if found else at

    def value(self, at: int, depth: int) -> tuple[object, int]:
        """The value that starts at `at`, and where it ends."""
        self._count(1)
        first = self._text[at : at + 1]
        if first == "{":
            return self._object(at + 1, self._deeper(depth))
        if first == "[":
            return self._array(at + 1, self._deeper(depth))
        if first == '"':
            return self._string(at)
        if first in _WORDS and first:
            word, value = _WORDS[first]
            if self._text.startswith(word, at):
                return value, at + len(word)
        number = _NUMBER.match(self._text, at)
        if number is None:
            raise LargeJsonError("no value")
        return json.loads(number.group()), number.end()

    def _object(self, at: int, depth: int) -> tuple[dict[str, object], int]:
        found: dict[str, object] = {}
        at = self.space(at)
        if self._text.startswith("}", at):
            return found, at + 1
        while True:
            if not self._text.startswith('"', at):
                raise LargeJsonError("no key")
            key, at = self._string(at)
            at = self.space(at)
            if not self._text.startswith(":", at):
                raise LargeJsonError("no colon")
            found[key], at = self.value(self.space(at + 1), depth)
            at, more = self._next(at, "}")
            if not more:
                return found, at

    def _array(self, at: int, depth: int) -> tuple[list[object], int]:
        found: list[object] = []
        at = self.space(at)
        if self._text.startswith("]", at):
            return found, at + 1
        while True:
            run = _RUN.match(self._text, at)
            if run is None:
                value, at = self.value(at, depth)
                found.append(value)
            else:
                values = json.loads(f"[{run.group()}]")
                self._count(len(values))
                found += values
                at = run.end()
            at, more = self._next(at, "]")
            if not more:
                return found, at

    def _string(self, at: int) -> tuple[str, int]:
        try:
            value, end = scanstring(self._text, at + 1, True)
        except ValueError as error:
            raise LargeJsonError("no string") from error
        if not is_unicode(value):
            raise HalfCharacterError("half a surrogate pair")
        return str(value), end

    def _next(self, at: int, closing: str) -> tuple[int, bool]:
        """Past a comma and whether there was one, or past the end."""
        at = self.space(at)
        mark = self._text[at : at + 1]
        if mark == closing:
            return at + 1, False
        if mark != ",":
            raise LargeJsonError("no comma")
        return self.space(at + 1), True

    def _deeper(self, depth: int) -> int:
        if depth >= self._depth:
            raise LargeJsonError("nested too deeply")
        return depth + 1

    def _count(self, more: int) -> None:
        before = self._values // _PIECE
        self._values += more
        if self._values // _PIECE > before:
            self._tick()
        if self._values > MAX_VALUES:
            raise LargeJsonError(f"more than {MAX_VALUES} values")
