"""Snowflake's identifiers: unquoted ones fold to upper case, double-quoted ones keep their case.

Source: Snowflake SQL reference, "Identifier requirements"; docs/api-digest.md §2.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

ROOM_DATABASE: Final = "SAMOOHA_BY_SNOWFLAKE_LOCAL_DB"
"""The database of the clean room's procedures, in every account (docs/api-digest.md §3)."""

_UNQUOTED = re.compile(r"[A-Za-z_][A-Za-z0-9_$]*\Z")
_PART = re.compile(r'"((?:[^"]|"")++)"|([A-Za-z_][A-Za-z0-9_$]*)')
_MAX_PATTERN = 4096


def fold(identifier: str) -> str:
    """The name an identifier stands for: `abc` → `ABC`, `"abc"` → `abc`.

    Raises:
        ValueError: it is not one identifier.
    """
    parts = split_name(identifier)
    if len(parts) != 1:
        raise ValueError(f"not an identifier: {identifier!r}")
    return parts[0]


def split_name(name: str) -> tuple[str, ...]:
    """The folded parts of a dotted name: `a."b.c".d` → `("A", "b.c", "D")`.

    Raises:
        ValueError: the name is empty or has a part that is no identifier.
    """
    parts: list[str] = []
    at = 0
    while True:
        match = _PART.match(name, at)
        if match is None:
            raise ValueError(f"not a valid name: {name!r}")
        quoted, plain = match.groups()
        parts.append(quoted.replace('""', '"') if quoted is not None else plain.upper())
        at = match.end()
        if at == len(name):
            return tuple(parts)
        if name[at] != ".":
            raise ValueError(f"not a valid name: {name!r}")
        at += 1


def quote(part: str) -> str:
    """One folded part as SQL text that means exactly it."""
    return '"' + part.replace('"', '""') + '"'


def quote_name(parts: tuple[str, ...]) -> str:
    """A folded, dotted name as SQL text that means exactly it."""
    return ".".join(quote(part) for part in parts)


def display(part: str) -> str:
    """A folded part as a person would type it: bare where that means the same, quoted otherwise."""
    return part if _UNQUOTED.match(part) and part == part.upper() else quote(part)


def like(pattern: str, text: str) -> bool:
    """Whether `text` is like `pattern`: `%` any characters, `_` one, `\\` takes the next as it is; case does not count.

    No regular expression: a hostile one would hold the interpreter for everybody. One step for each character of the
    text, whatever the pattern. A pattern of more than 4096 characters is like nothing.
    """
    compiled = _compiled(pattern.upper()) if len(pattern) <= _MAX_PATTERN else None
    if compiled is None:
        return False
    states = 1  # bit n: what came so far is like the first n characters of the pattern
    for character in text.upper():
        taken = compiled.takes.get(character, 0) | compiled.takes_any
        states = ((states & taken) << 1) | (states & compiled.repeats)
        if not states:
            return False
    return bool(states >> compiled.length & 1)


@dataclass(frozen=True, slots=True)
class _Pattern:
    """`takes[c]`, `takes_any`: the states from which a character leads on; `repeats`: those where any may follow."""

    length: int
    takes: dict[str, int]
    takes_any: int
    repeats: int


@lru_cache(maxsize=64)
def _compiled(pattern: str) -> _Pattern:
    takes: dict[str, int] = {}
    takes_any = repeats = length = 0
    characters = iter(pattern)
    for character in characters:
        if character == "%":
            repeats |= 1 << length
            continue
        if character == "_":
            takes_any |= 1 << length
        else:
            plain = next(characters, "\\") if character == "\\" else character
            takes[plain] = takes.get(plain, 0) | 1 << length
        length += 1
    return _Pattern(length, takes, takes_any, repeats)
