"""Snowflake's identifiers: unquoted ones fold to upper case, double-quoted ones keep their case.

Source: Snowflake SQL reference, "Identifier requirements"; design/reference collaboration-api.md §2.
"""

from __future__ import annotations

import re

_UNQUOTED = re.compile(r"[A-Za-z_][A-Za-z0-9_$]*\Z")
_PART = re.compile(r'"((?:[^"]|"")+)"|([A-Za-z_][A-Za-z0-9_$]*)')


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
